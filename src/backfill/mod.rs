//! Rebuilds a view from its topics: what `weir backfill` does.
//!
//! A view whose definition changed has another fingerprint, and so a state of its own that nobody reads
//! before the new SQL is deployed. A backfill fills that state by the same engine, from the broker's
//! own records; deploying is what puts it in the place of the old one.
//!
//! It begins every partition of the view's topics in the head as [`Filling`](Backfill::Filling). From
//! then on a function that runs the new SQL and is given a batch beyond the partition's next offset
//! leaves it out: there is a gap before it, which only the backfill can fill. Once a batch begins where
//! the backfill stands, or before, the function absorbs it and the partition is
//! [`Joined`](Backfill::Joined).
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

use std::{collections::BTreeSet, sync::Arc, time::Duration};

pub use log::{Log, Rows};

use crate::{
    engine::{Absorbed, Engine, EngineError, Settings},
    publish::{PublishError, Publisher},
    sql::{Catalog, View},
    state::{Advance, Backfill, Head, Partition, Progress, StateError, Store, ViewId},
    time::{Clock, Millis, Offset, Timestamp},
};

/// How long to wait for functions to join, before looking again.
const PAUSE: Duration = Duration::from_millis(100);

/// How many records a batch may have. A run that goes on where another stopped gives the engine so many
/// once more, since the other may have died before it closed what its last batch touched.
pub const MOST_BATCH: usize = 10_000;

/// Where partitions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
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
    pub from: From,
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
    let Parts { store, publisher, log, clock, settings } = parts;
    let rows = Rows::new(publisher, &settings);
    let engine = Engine::new(catalog.into(), store.clone(), rows, log.clone(), Arc::clone(&clock), settings);
    let run = Run {
        id: ViewId::new(&root.name, root.fingerprint),
        name: root.name,
        idle_timeout: root.options.idle_timeout,
        topics,
        engine: engine.for_backfill(),
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

/// A backfill on its way.
struct Run<S, P, L> {
    id: ViewId,
    name: String,
    idle_timeout: Millis,
    topics: BTreeSet<String>,
    engine: Engine<S, Rows<P>, L>,
    store: S,
    log: L,
    clock: Arc<dyn Clock>,
    options: Options,
}

/// How a partition stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is more.
    More,
    /// It had no whole batch any more.
    Short,
    /// It has nothing that the head has not.
    AtEnd,
}

impl<S: Store, P: Publisher, L: Log> Run<S, P, L> {
    async fn run(self, mut progress: impl FnMut(&Summary)) -> Result<Summary, BackfillError> {
        let head = self.begin().await?;
        let mut summary = Summary { total: self.left(&head).await?, ..Summary::default() };
        for (partition, at) in filling(&head).filter(|(_, at)| at.largest > Timestamp::MIN) {
            self.repeat(partition, at, &mut summary).await?;
        }
        loop {
            let is_through = self.lap(&mut summary, &mut progress).await?;
            if is_through || !self.options.join {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let head = self.store.head(&self.id).await?;
        summary.partitions = head.partitions.len();
        summary.joined = head.partitions.values().filter(|p| p.backfill == Backfill::Joined).count();
        Ok(summary)
    }

    /// Begins each partition that was not begun. A state that functions made is left alone.
    async fn begin(&self) -> Result<Head, BackfillError> {
        let head = self.of_backfill(self.store.head(&self.id).await?)?;
        for topic in &self.topics {
            let count = self.log.partitions(topic).await?;
            let count = count.ok_or_else(|| BackfillError::NoTopic(topic.clone()))?;
            for index in 0..count {
                let partition = Partition { topic: topic.as_str().into(), index };
                if !head.partitions.contains_key(&partition) {
                    let from = self.first(&partition).await?;
                    self.store.begin_backfill(&self.id, &partition, from, self.clock.now()).await?;
                }
            }
        }
        self.of_backfill(self.store.head(&self.id).await?)
    }

    /// A head, all of whose partitions were begun by a backfill.
    fn of_backfill(&self, head: Head) -> Result<Head, BackfillError> {
        let is_live = |(_, progress): &(&Partition, &Progress)| progress.backfill == Backfill::Never;
        let Some((partition, progress)) = head.partitions.iter().find(is_live) else { return Ok(head) };
        let (view, id) = (self.name.clone(), self.id.clone());
        Err(BackfillError::Live { view, id, partition: partition.clone(), next: progress.next })
    }

    /// Gives the engine the last records once more that it was given, as an event source would after
    /// a crash.
    async fn repeat(
        &self,
        partition: &Partition,
        at: &Progress,
        summary: &mut Summary,
    ) -> Result<(), BackfillError> {
        let start = self.log.start_offset(&partition.topic, partition.index).await?;
        let mut span = MOST_BATCH;
        while start < at.next {
            let from = Offset(at.next.0.saturating_sub(i64::try_from(span).unwrap_or(i64::MAX))).max(start);
            let batch = self.log.read(partition, from, at.next, span).await?;
            // Compaction may have left fewer records than there are offsets.
            if from > start && batch.records.len() < MOST_BATCH {
                span = span.saturating_mul(2);
                continue;
            }
            summary.rows += self.engine.absorb(&batch).await?.rows;
            break;
        }
        Ok(())
    }

    /// Where a partition begins.
    async fn first(&self, partition: &Partition) -> Result<Offset, BackfillError> {
        let Partition { topic, index } = partition;
        let start = self.log.start_offset(topic, *index).await?;
        Ok(match self.options.from {
            From::Earliest => start,
            From::Offset(wanted) => wanted.min(self.log.end_offset(topic, *index).await?).max(start),
            From::Time(at) => self.log.offset_at(partition, at).await?.max(start),
        })
    }

    /// How many offsets there are to be read.
    async fn left(&self, head: &Head) -> Result<u64, BackfillError> {
        let mut left = 0;
        for (Partition { topic, index }, progress) in filling(head) {
            let end = self.log.end_offset(topic, *index).await?;
            left += u64::try_from(end.0 - progress.next.0).unwrap_or(0);
        }
        Ok(left)
    }

    /// Reads all partitions until each had no whole batch any more. The one that is furthest behind in
    /// event time comes first: reading ahead in one makes nothing late in another. Answers whether
    /// nothing is left that no function has joined.
    async fn lap(
        &self,
        summary: &mut Summary,
        progress: &mut impl FnMut(&Summary),
    ) -> Result<bool, BackfillError> {
        let (mut read, mut is_through) = (BTreeSet::new(), true);
        loop {
            let head = self.store.head(&self.id).await?;
            let open = filling(&head).filter(|(partition, _)| !read.contains(*partition));
            let Some((partition, at)) = open.min_by_key(|(_, at)| at.largest) else { break };
            if self.mark_idle(&head, &read, at.largest).await? {
                continue;
            }
            let step = self.step(partition, at, summary).await?;
            progress(summary);
            if step != Step::More {
                is_through &= step == Step::AtEnd;
                read.insert(partition.clone());
            }
        }
        Ok(is_through)
    }

    async fn step(
        &self,
        partition: &Partition,
        at: &Progress,
        summary: &mut Summary,
    ) -> Result<Step, BackfillError> {
        let Partition { topic, index } = partition;
        let end = self.log.end_offset(topic, *index).await?;
        if end <= at.next {
            return Ok(Step::AtEnd);
        }
        let batch = self.log.read(partition, at.next, end, self.batch()).await?;
        let Some(first) = batch.records.first() else {
            // What is left are no records (marks of transactions, or what compaction took).
            self.pass(partition, at, end).await?;
            return Ok(Step::Short);
        };
        if first.offset > at.next {
            let start = self.log.start_offset(topic, *index).await?.min(first.offset);
            summary.lost += u64::try_from(start.0 - at.next.0).unwrap_or(0);
        }
        summary.add(&self.engine.absorb(&batch).await?);
        Ok(if batch.records.len() < self.batch() { Step::Short } else { Step::More })
    }

    fn batch(&self) -> usize {
        self.options.batch.clamp(1, MOST_BATCH)
    }

    /// Moves a partition over offsets that have no records.
    async fn pass(&self, partition: &Partition, at: &Progress, next: Offset) -> Result<(), BackfillError> {
        let step = Advance {
            partition: partition.clone(),
            epoch: at.epoch,
            next,
            largest: at.largest,
            seen_at: self.clock.now(),
            floor: at.floor,
            backfill: at.backfill,
        };
        self.store.advance(&self.id, step).await?;
        Ok(())
    }

    /// Marks partitions idle that have nothing left while the others are read beyond `idle_timeout`
    /// after their last event, so that they hold no window open: as `sweep` does by the wall clock.
    /// Answers whether it marked any.
    async fn mark_idle(
        &self,
        head: &Head,
        read: &BTreeSet<Partition>,
        now: Timestamp,
    ) -> Result<bool, BackfillError> {
        let mut is_changed = false;
        for (partition, at) in filling(head).filter(|(partition, _)| read.contains(*partition)) {
            let is_silent = at.largest + self.idle_timeout < now && at.idle_at != Some(at.next);
            if is_silent && self.log.end_offset(&partition.topic, partition.index).await? == at.next {
                self.store.mark_idle(&self.id, partition, at.next).await?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

/// The partitions that the backfill has to read.
fn filling(head: &Head) -> impl Iterator<Item = (&Partition, &Progress)> {
    head.partitions.iter().filter(|(_, progress)| progress.backfill == Backfill::Filling)
}

impl Summary {
    fn add(&mut self, absorbed: &Absorbed) {
        self.records += absorbed.records;
        self.rows += absorbed.rows;
        self.late += absorbed.late;
        self.dead += absorbed.dead;
    }
}
