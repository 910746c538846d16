//! Rebuilds a view from its topics: what `weir backfill` does.
//!
//! A view whose definition changed has another fingerprint, and so a state of its own that nobody reads
//! before the new SQL is deployed. A backfill fills that state by the same engine, from the broker's
//! own records; deploying is what puts it in the place of the old one.
//!
//! It begins every partition of the view's topics in the head as [`Filling`](crate::state::Backfill::Filling). From
//! then on a function that runs the new SQL and is given a batch beyond the partition's next offset
//! leaves it out: there is a gap before it, which only the backfill can fill. Once a batch begins where
//! the backfill stands, or before, the function absorbs it and the partition is
//! [`Joined`](crate::state::Backfill::Joined).
//!
//! **Nothing is lost**, because a batch that a function leaves out is in the topic by then, and lies
//! beyond the head's next offset. A backfill is through with a partition only when the end of the topic,
//! *read after the head had moved that far*, is no further than the head; so it is read after the batch
//! was left out, and the batch is before it. From there on batches come in order, so the next one that
//! a function is given begins where the head stands. And a batch that was being absorbed while the
//! backfill began the partition is of epoch 0: the head does not take it, and what it wrote is not read.

#[cfg(feature = "kafka")]
pub mod kafka;
mod log;
mod newest;
mod run;

use std::{collections::BTreeSet, sync::Arc};

pub use log::{Log, Rows};
pub use newest::{Tail, newest};
use run::Run;

use crate::{
    engine::{Absorbed, Engine, EngineError, Settings},
    publish::{PublishError, Publisher},
    schemas::Schemas,
    sql::{Catalog, View},
    state::{Partition, StateError, Store, ViewId},
    time::{Clock, Offset, Timestamp},
};

/// How many records a batch may have. A run that goes on where another stopped gives the engine so many
/// once more, since the other may have died before it closed what its last batch touched.
pub const MOST_BATCH: usize = 10_000;

/// Where partitions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At their oldest record.
    Earliest,
    /// At this offset, or as near as there are records.
    Offset(Offset),
    /// At the first record whose timestamp in the broker is not before this.
    Time(Timestamp),
}

/// How a view is rebuilt.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where partitions begin that were not begun before.
    pub from: Start,
    /// How many records a batch has, at most: 1 to [`MOST_BATCH`].
    pub batch: usize,
    /// Whether to go on until functions have joined each partition, or it has nothing left.
    pub join: bool,
}

/// What a backfill works on.
pub struct Parts<S, P, L> {
    /// The store.
    pub store: S,
    /// Where rows go; nowhere without one.
    pub publisher: Option<P>,
    /// The topics.
    pub log: L,
    /// The schemas of the records.
    pub schemas: Schemas,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The engine's settings, which should be the functions'.
    pub settings: Settings,
}

/// What a backfill did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many offsets there were to read when it started.
    pub total: u64,
    /// How many records were read.
    pub records: u64,
    /// How many rows the views gave.
    pub rows: u64,
    /// How many events were too late, a view each.
    pub late: u64,
    /// How many records did not fit their table.
    pub dead: u64,
    /// How many offsets the broker had dropped before they could be read.
    pub lost: u64,
    /// How many partitions the view has.
    pub partitions: usize,
    /// How many of them functions have joined.
    pub joined: usize,
}

/// Why a view was not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// There is no such view.
    #[error("there is no view {0:?}")]
    NoView(String),
    /// A topic of the view is not there.
    #[error("topic {0} does not exist")]
    NoTopic(String),
    /// Functions have been absorbing into this state without a backfill.
    #[error(
        "view {view} is live: functions have absorbed {partition} up to offset {next} into its state \
         {id}. To rebuild it beside that state, give it another one: WITH (generation = '2'), or any text \
         that it did not have before"
    )]
    Live {
        /// The view.
        view: String,
        /// Its state.
        id: ViewId,
        /// The partition.
        partition: Partition,
        /// Its next offset.
        next: Offset,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] PublishError),
}

/// Rebuilds a view, with the view under it and all views over that: they share the records that they
/// are made of. Tells `progress` of every batch. One that was interrupted goes on where it stopped.
pub async fn run<S: Store + Clone, P: Publisher, L: Log + Clone>(
    mut catalog: Catalog,
    view: &str,
    parts: Parts<S, P, L>,
    options: Options,
    progress: impl FnMut(&Summary),
) -> Result<Summary, BackfillError> {
    let view = catalog.view(view).ok_or_else(|| BackfillError::NoView(view.to_owned()))?;
    let root = root(&catalog, view).clone();
    let is_kin = |other: &&View| self::root(&catalog, other).name == root.name;
    let family: Vec<String> = catalog.views.iter().filter(is_kin).map(|view| view.name.clone()).collect();
    let topics = root.sources.iter().filter_map(|source| source.table(&catalog));
    let topics: BTreeSet<String> = topics.map(|table| table.topic.clone()).collect();
    catalog.keep(&family);
    let Parts { store, publisher, log, schemas, clock, settings } = parts;
    let rows = Rows::new(publisher, &settings);
    let engine = Engine::new(catalog.into(), store.clone(), rows, log.clone(), Arc::clone(&clock), settings);
    let run = Run {
        id: ViewId::new(&root.name, root.fingerprint),
        name: root.name,
        idle_timeout: root.options.idle_timeout,
        topics,
        engine: engine.with_schemas(schemas).for_backfill(),
        store,
        log,
        clock,
        options,
    };
    run.run(progress).await
}

/// The view under a view that reads tables; itself if it does.
fn root<'c>(catalog: &'c Catalog, mut view: &'c View) -> &'c View {
    while let Some(below) = view.upstream(catalog) {
        view = below;
    }
    view
}

impl Summary {
    fn add(&mut self, absorbed: &Absorbed) {
        self.records += absorbed.records;
        self.rows += absorbed.rows;
        self.late += absorbed.late;
        self.dead += absorbed.dead;
    }
}
