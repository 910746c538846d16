//! Topics in memory, functions and backfills on one store, and what they make of it.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use weir::{
    backfill::{self, BackfillError, Log, Options, Parts, Summary},
    engine::{ClosedRow, Engine, KeyRows, Reader, Settings},
    event::RawBatch,
    publish::{MemoryPublisher, PublishError, Standing, Topics},
    schemas::Schemas,
    sql::Catalog,
    state::{MemoryStore, Partition, Progress, Span, Store, ViewId},
    time::{ManualClock, Offset, Timestamp},
};

use crate::{
    catalog::catalog,
    faults::{Fate, Process},
};

/// (n, key, event time); its offset is its index.
pub(crate) type Record = (i64, i64, i64);

/// Partitions whose events are out of order by at most `jitter`. Keys stay in their partition.
pub(crate) fn records(seed: u64, partitions: i64, len: usize, jitter: i64) -> Vec<Vec<Record>> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut log = |partition: i64| {
        let mut clock = 1_000_000;
        let mut record = |n: usize| {
            clock += random.random_range(0..2500);
            let key = partition * 10 + random.random_range(0..3);
            (partition * 1000 + i64::try_from(n).unwrap(), key, clock - random.random_range(0..=jitter))
        };
        (0..len).map(&mut record).collect()
    };
    (0..partitions).map(&mut log).collect()
}

/// The topic `events`. How much of each partition is there yet can be set.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog {
    logs: Arc<Vec<Vec<Record>>>,
    ends: Arc<Mutex<Vec<usize>>>,
    /// What lies before it was dropped.
    pub(crate) starts: Arc<AtomicUsize>,
    /// Offsets that are no records': transactions' marks, and what was aborted.
    marks: Arc<Mutex<Range<i64>>>,
}

impl MemoryLog {
    fn new(logs: &[Vec<Record>]) -> Self {
        let ends = logs.iter().map(Vec::len).collect();
        let ends = Arc::new(Mutex::new(ends));
        Self { logs: Arc::new(logs.to_vec()), ends, starts: Arc::default(), marks: Arc::default() }
    }

    /// These offsets are no records'.
    pub(crate) fn mark(&self, offsets: Range<i64>) {
        *self.marks.lock().unwrap() = offsets;
    }

    /// Only so many records of each partition are there.
    pub(crate) fn hide_all_but(&self, count: usize) {
        self.ends.lock().unwrap().iter_mut().for_each(|end| *end = count);
    }

    /// A partition has its records up to this one.
    pub(crate) fn show(&self, partition: usize, end: usize) {
        let end_of = &mut self.ends.lock().unwrap()[partition];
        *end_of = end.max(*end_of);
    }

    fn end(&self, partition: usize) -> usize {
        self.ends.lock().unwrap()[partition]
    }

    pub(crate) fn batch(&self, partition: usize, range: Range<usize>) -> RawBatch {
        let index = i32::try_from(partition).unwrap();
        let mut raw = RawBatch { topic: "events".into(), partition: index, ..RawBatch::default() };
        for index in range {
            let (n, k, ts) = self.logs[partition][index];
            let value = format!("{{\"n\":{n},\"k\":{k},\"ts\":{ts}}}");
            raw.push(Offset::at(i64::try_from(index).unwrap()), None, value.as_bytes());
        }
        raw
    }
}

impl MemoryLog {
    /// The first offset that is no mark's.
    fn behind_marks(&self, offset: Offset) -> Offset {
        let marks = self.marks.lock().unwrap().clone();
        if marks.contains(&offset.number().unwrap()) { Offset::at(marks.end) } else { offset }
    }
}

impl Topics for MemoryLog {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        assert_eq!(topic, "events");
        let count = i32::try_from(self.logs.len()).unwrap();
        Ok((count > 0).then(|| (0..count).collect()))
    }
    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        let start = self.start_offset(topic, partition).await?;
        Ok(Standing::of(start, self.end_offset(topic, partition).await?, self.behind_marks(next)))
    }
    async fn has_records(&self, topic: &str, _: i32, between: Range<Offset>) -> Result<bool, PublishError> {
        let first = between.start.max(self.start_offset(topic, 0).await?);
        Ok(self.behind_marks(first) < between.end)
    }
}

impl Log for MemoryLog {
    async fn start_offset(&self, _: &str, _: i32) -> Result<Offset, PublishError> {
        Ok(Offset::at(i64::try_from(self.starts.load(Ordering::SeqCst)).unwrap()))
    }
    async fn end_offset(&self, _: &str, partition: i32) -> Result<Offset, PublishError> {
        tokio::task::yield_now().await;
        Ok(Offset::at(i64::try_from(self.end(usize::try_from(partition).unwrap())).unwrap()))
    }

    async fn offset_at(&self, partition: &Partition, at: Timestamp) -> Result<Offset, PublishError> {
        let log = &self.logs[usize::try_from(partition.index).unwrap()];
        let before = log.iter().take_while(|(_, _, ts)| *ts < at.0).count();
        Ok(Offset::at(i64::try_from(before).unwrap()))
    }

    async fn read(
        &self,
        partition: &Partition,
        from: Offset,
        end: Offset,
        most: usize,
    ) -> Result<RawBatch, PublishError> {
        tokio::task::yield_now().await;
        let index = usize::try_from(partition.index).unwrap();
        let from = usize::try_from(from.number().unwrap()).unwrap().max(self.starts.load(Ordering::SeqCst));
        let end = usize::try_from(end.number().unwrap()).unwrap();
        assert!(end <= self.end(index));
        Ok(self.batch(index, from..end.min(from + most)))
    }
}

/// What functions and backfills share.
pub(crate) struct World {
    pub(crate) catalog: Arc<Catalog>,
    /// The view that is rebuilt.
    pub(crate) view: &'static str,
    pub(crate) log: MemoryLog,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) broker: Arc<MemoryPublisher>,
    /// Whether the backfill publishes its rows.
    pub(crate) publishes: bool,
}

/// What is in the store in the end.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// The latest and previous rows of each key.
    pub(crate) pages: BTreeSet<String>,
    /// The rows of each window that was closed, at their last revision.
    pub(crate) history: BTreeSet<String>,
}

impl World {
    pub(crate) fn new(views: &str, logs: &[Vec<Record>]) -> Self {
        // A wall clock that stands still makes nothing idle; event times must not either.
        let views = views.replace("OPTIONS", "topic = 'results', idle_timeout = '1 hour'");
        let sql = format!(
            "CREATE TABLE events (n BIGINT NOT NULL, k BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
               WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds');
             {views};"
        );
        Self {
            catalog: Arc::new(catalog(&sql)),
            view: "v",
            log: MemoryLog::new(logs),
            store: Arc::default(),
            broker: Arc::default(),
            publishes: false,
        }
    }

    fn process(&self, fate: &Arc<Fate>) -> Process {
        let partitions = i32::try_from(self.log.logs.len()).unwrap();
        Process { store: self.store.clone(), broker: self.broker.clone(), fate: fate.clone(), partitions }
    }

    /// A function that starts cold.
    pub(crate) fn function(&self, fate: &Arc<Fate>) -> Engine<Process, Process, MemoryLog> {
        let (process, log) = (self.process(fate), self.log.clone());
        let clock = Arc::new(ManualClock::at(Timestamp(10_000_000)));
        Engine::new(self.catalog.clone(), process.clone(), process, log, clock, Settings::default())
    }

    /// Runs the command.
    pub(crate) async fn backfill(
        &self,
        fate: &Arc<Fate>,
        options: Options,
    ) -> Result<Summary, BackfillError> {
        let process = self.process(fate);
        let parts = Parts {
            schemas: Schemas::default(),
            store: process.clone(),
            publisher: self.publishes.then_some(process),
            log: self.log.clone(),
            clock: Arc::new(ManualClock::at(Timestamp(10_000_000))),
            settings: Settings::default(),
        };
        backfill::run(Catalog::clone(&self.catalog), self.view, parts, options, |_| ()).await
    }

    pub(crate) async fn progress(&self, partition: i32) -> Progress {
        let head = self.store.head(&id(&self.catalog, "v")).await.unwrap();
        head.partitions[&Partition { topic: "events".into(), index: partition }].clone()
    }

    /// The topics that something was published to, a message each.
    pub(crate) fn published(&self) -> Vec<String> {
        self.broker.take().into_iter().map(|message| message.topic).collect()
    }

    /// Closes everything, and looks at all pages and all of the history.
    pub(crate) async fn seen(&self) -> Seen {
        self.function(&Fate::lives(0)).finish().await.unwrap();
        let reader = Reader::new(self.catalog.clone(), self.store.clone());
        let row = |row: &ClosedRow| (row.window_start, row.window_end, row.events, row.values.clone());
        let mut seen = Seen { pages: BTreeSet::new(), history: BTreeSet::new() };
        for view in &self.catalog.views {
            let rows = reader.all(view).await.unwrap();
            let text = |rows: &KeyRows| (row(&rows.latest), rows.previous.as_ref().map(row));
            seen.pages.extend(rows.iter().map(|(_, rows)| format!("{} {:?}", view.name, text(rows))));
            seen.history.extend(self.history(&view.name).await);
        }
        seen
    }

    async fn history(&self, view: &str) -> Vec<String> {
        let plan = self.catalog.view(view).unwrap();
        let inspector = weir::engine::Inspector::new(&self.catalog, plan);
        let span = Span::History { view: id(&self.catalog, view), from: Timestamp::MIN, to: Timestamp::MAX };
        let mut shown = Vec::new();
        for (key, item) in self.store.scan(&span).await.unwrap() {
            let item = inspector.item(&*self.store, &key, item).await.unwrap();
            for row in item["rows"].as_array().unwrap() {
                let mut row = row.clone();
                row.as_object_mut().unwrap().remove("revision");
                shown.push(format!("{view} {row}"));
            }
        }
        shown
    }
}

pub(crate) fn id(catalog: &Catalog, view: &str) -> ViewId {
    ViewId::new(view, catalog.view(view).unwrap().fingerprint)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
