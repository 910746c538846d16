//! The engine's two halves: *absorb* folds a batch into slabs, *close* turns slabs into rows.
//!
//! # The protocol
//!
//! To absorb a batch of a source partition, a writer reads the head, folds the records into the
//! slabs of their slices, puts each slab that changed on the condition that nobody else has put it
//! since, and moves the partition on in the head. The call that does so returns how far all
//! partitions have come, and thereby the watermark W; the windows that W has passed are closed.
//!
//! A writer may die between any two steps, and be run again by the redelivery of its batch, cut
//! anew, or even at once with the one that seemed dead. What holds all the same:
//!
//! - **A-1, once:** a slab knows the first offset that it has not taken, and takes none before it.
//! - **A-2, fenced:** a slab is put only over the version that it was built on.
//! - **A-3, not overtaken:** W never exceeds the watermark that a partition has in the head, and
//!   that moves only after its slabs are put. So when W passes the end of a window, every event that
//!   is on time for it is in a slab.
//! - **A-4, touched:** a record that is skipped because its slab has it already still closes its
//!   windows again: its writer may have died before it did.
//! - **C-1, pure:** closing a window is a function of its slabs. It may run late, twice, or at once
//!   with another.
//! - **C-2, coverage:** of two rows of one key and window, the one that covers more events is kept,
//!   wherever they meet. The number of events of a key in a window only grows, because slabs only do.
//! - **C-3, monotone:** watermarks and `closed` only rise.

mod absorb;
mod close;
mod error;
mod fold;
mod groups;
mod history;
mod inspect;
mod leaf;
mod page;
mod pattern;
mod read;
mod recent;
mod row;
mod rules;
mod series;
mod sessions;
mod slab;
mod stored;
mod sweep;
mod view;
mod writer;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
};

pub use error::EngineError;
pub use inspect::Inspector;
pub use read::{PartitionStatus, Reader, ViewStatus};
pub use row::{ClosedRow, Key, KeyRows, RowMembers, Shown, SourceRecord};
pub use series::{HistoryPage, HistoryPlace, HistoryQuery};
pub use sweep::Swept;

use crate::{
    observe::WatermarkSeen,
    publish::{Publisher, Topics},
    schemas::Schemas,
    sql::Catalog,
    state::{Head, Partition, Scope, Store},
    time::{Clock, Millis, Timestamp},
};
use close::{LastWritten, Turn};
use view::ViewRuntime;
use writer::Writer;

/// Where events that cannot be used go, and how long the store keeps what it may forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The topic of records that do not fit their table.
    pub dead_letter_topic: String,
    /// The topic of events that came too late.
    pub late_topic: String,
    /// How long slabs are kept after they were written last: at least as long as the topics keep
    /// their records.
    pub retention: Millis,
    /// Whether pages are kept, which the API reads.
    pub pages: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dead_letter_topic: "weir.dead_letters".into(),
            late_topic: "weir.late_events".into(),
            retention: Millis::days(8),
            pages: true,
        }
    }
}

/// The writers of this process, by view and source partition.
type Writers = HashMap<(usize, Partition), Arc<tokio::sync::Mutex<Writer>>>;

/// Absorbs batches and closes windows, for all views of a catalog.
pub struct Engine<S, P, T> {
    catalog: Arc<Catalog>,
    views: Vec<ViewRuntime>,
    store: S,
    publisher: P,
    topics: T,
    schemas: Schemas,
    clock: Arc<dyn Clock>,
    settings: Settings,
    writers: std::sync::Mutex<Writers>,
    partitions: tokio::sync::Mutex<HashMap<String, Vec<i32>>>,
    /// Whether its batches are those of a backfill.
    fills: bool,
    /// For each view how far this process has brought its scopes.
    turns: Vec<tokio::sync::Mutex<BTreeMap<Scope, Turn>>>,
    last_written: LastWritten,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// How many records it had.
    pub records: u64,
    /// How many of them were dead letters.
    pub dead: u64,
    /// How many events views took in, a view each.
    pub accepted: u64,
    /// How many events were too late, a view each.
    pub late: u64,
    /// How many records had been absorbed before, a view each.
    pub skipped: u64,
    /// How many records were left to a backfill, a view each.
    pub deferred: u64,
    /// How many rows were given out.
    pub rows: u64,
    /// How many windows were closed.
    pub windows: u64,
    /// The largest event time in it.
    pub largest: Option<Timestamp>,
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// An engine.
    pub fn new(
        catalog: Arc<Catalog>,
        store: S,
        publisher: P,
        topics: T,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let views = catalog.views.iter().map(|view| ViewRuntime::new(&catalog, view)).collect();
        let turns = catalog.views.iter().map(|_| tokio::sync::Mutex::default()).collect();
        Self {
            fills: false,
            turns,
            last_written: LastWritten::default(),
            catalog,
            views,
            store,
            publisher,
            topics,
            schemas: Schemas::default(),
            clock,
            settings,
            writers: std::sync::Mutex::default(),
            partitions: tokio::sync::Mutex::default(),
        }
    }

    /// The engine of a backfill: it takes batches wherever they begin, and leaves the partitions to be
    /// filled until functions join it. (See [`crate::state::Backfill`].)
    #[must_use]
    pub fn for_backfill(mut self) -> Self {
        self.fills = true;
        self
    }

    /// The engine that asks for the schemas of its records here. Without, there is no registry.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = schemas;
        self
    }

    /// What it runs.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Where its state is.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Where what it gives out goes.
    pub fn publisher(&self) -> &P {
        &self.publisher
    }

    /// The writer of a partition of a view, as this process knows it.
    fn writer(&self, view: usize, partition: &Partition) -> Arc<tokio::sync::Mutex<Writer>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writers.entry((view, partition.clone())).or_default())
    }

    /// The partitions of a topic: asked once, and again where it lacks one that was heard `of`, until
    /// [`Engine::forget_topics`].
    async fn partitions(&self, topic: &str, of: Option<i32>) -> Result<Vec<i32>, EngineError> {
        let mut known = self.partitions.lock().await;
        if let Some(numbers) = known.get(topic).filter(|known| of.is_none_or(|of| known.contains(&of))) {
            return Ok(numbers.clone());
        }
        let Some(numbers) = self.topics.partitions(topic).await? else { return Ok(Vec::new()) };
        known.insert(topic.to_owned(), numbers.clone());
        Ok(numbers)
    }

    /// Tells how far a view's watermark is behind the clock, once all of its partitions have one.
    fn tell_watermark(&self, view: &ViewRuntime, head: &Head, sources: &[Partition]) {
        let watermark = view.lowest(head, sources.iter());
        if watermark == Timestamp::MIN {
            return;
        }
        let behind = (watermark < Timestamp::MAX).then(|| self.clock.now() - watermark);
        WatermarkSeen { view: &view.plan.name, behind }.emit();
    }

    /// Asks the broker again: a topic may have gained partitions.
    async fn forget_topics(&self) {
        self.partitions.lock().await.clear();
    }
}
