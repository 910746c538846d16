//! Processes that die and batches that come again, whatever the source is: what is seen in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::{
    faults::{Fate, Process},
    support::catalog::catalog,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value as Json;
use weir::{
    engine::{Engine, Reader, Settings},
    event::RawBatch,
    publish::MemoryPublisher,
    sql::Catalog,
    state::MemoryStore,
    time::{ManualClock, Offset, Timestamp},
};

/// Windows, rows of single events, rows so far, views over views, rows that look back, matches of patterns.
pub(crate) const VIEWS: [&str; 10] = [
    "SELECT k, count(*) AS events, count(DISTINCT n) AS distinct_events, sum(n) AS total
     FROM events GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)",
    "SELECT k, count(*) AS events, count(DISTINCT n) AS distinct_events, sum(n) AS total
     FROM events GROUP BY k, HOP(ts, INTERVAL '10' SECOND, INTERVAL '30' SECOND)",
    "SELECT k, count(*) AS events, count(DISTINCT n) AS distinct_events, sum(n) AS total
     FROM events GROUP BY k, SESSION(ts, INTERVAL '15' SECOND)",
    "SELECT k, n, count(*) OVER w AS events, count(DISTINCT n) OVER w AS distinct_events, sum(n) OVER w AS total FROM events
     WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW) QUALIFY events > 1",
    "SELECT k, n FROM events WHERE n % 3 = 0",
    "SELECT k, count(*) AS events, count(DISTINCT n) AS distinct_events, sum(n) AS total FROM events GROUP BY k",
    "SELECT k, sum(n) AS total FROM events GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
     CREATE VIEW same WITH (topic = 'results') AS
     SELECT 0 AS k, count(*) AS keys, sum(total) AS total FROM v GROUP BY window_start, window_end;
     CREATE VIEW wide WITH (topic = 'results') AS
     SELECT k, count(*) AS windows, max(total) AS most FROM v
     GROUP BY k, HOP(window_time, INTERVAL '20' SECOND, INTERVAL '40' SECOND)",
    "SELECT k, sum(n) AS total, total - previous(total) AS delta,
            coalesce(total / 2 + previous(mean) / 2, CAST(total AS DOUBLE)) AS mean
     FROM events GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
     CREATE VIEW rises WITH (topic = 'results') AS
     SELECT k, delta, previous(delta) AS before FROM v WHERE delta > 0",
    "SELECT * FROM events MATCH_RECOGNIZE (
       PARTITION BY k ORDER BY ts
       MEASURES count(*) AS events, a.n AS first, count(b.*) AS middle, sum(n) AS total
       AFTER MATCH SKIP PAST LAST ROW
       PATTERN (a b+ c?) WITHIN INTERVAL '20' SECOND
       DEFINE a AS n % 3 = 0, b AS n % 3 > 0, c AS n % 3 = 0)",
    "SELECT * FROM events MATCH_RECOGNIZE (
       PARTITION BY k ORDER BY ts MEASURES count(*) AS events, FIRST(n) AS first, LAST(n) AS last
       AFTER MATCH SKIP TO NEXT ROW
       PATTERN (a up{2,}) WITHIN INTERVAL '12' SECOND DEFINE up AS n > LAST(n, 1))",
];

pub(crate) fn views(select: &str) -> Arc<Catalog> {
    let lateness = if ["TUMBLE", "HOP", "SESSION", "OVER"].iter().any(|window| select.contains(window)) {
        "allowed_lateness = '5 seconds', "
    } else {
        ""
    };
    let sql = format!(
        "CREATE TABLE events (n BIGINT NOT NULL, k BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
           WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds');
         CREATE VIEW v WITH ({lateness}topic = 'results') AS {select};"
    );
    Arc::new(catalog(&sql))
}

/// A partition's records: (n, key, event time), the offset being the index.
pub(crate) type Log = Vec<(i64, i64, i64)>;

/// Partitions whose events are out of order by at most `jitter`. Keys stay in their partition.
pub(crate) fn logs(seed: u64, partitions: i32, len: usize, jitter: i64) -> Vec<Log> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut log = |partition: i32| {
        let mut clock = 1_000_000;
        let mut record = |n: usize| {
            clock += random.random_range(0..2500);
            let key = i64::from(partition) * 10 + random.random_range(0..3);
            let n = i64::from(partition) * 1000 + i64::try_from(n).unwrap();
            (n, key, clock - random.random_range(0..=jitter))
        };
        (0..len).map(&mut record).collect()
    };
    (0..partitions).map(&mut log).collect()
}

/// How records come from the source: some of a partition's log as a batch.
pub(crate) type Wire = fn(usize, &Log, Range<usize>) -> RawBatch;

/// The offset is the index.
pub(crate) fn kafka(partition: usize, log: &Log, range: Range<usize>) -> RawBatch {
    let partition = i32::try_from(partition).unwrap();
    let mut raw = RawBatch { topic: "events".into(), partition, ..RawBatch::default() };
    for index in range {
        let (n, k, ts) = log[index];
        let value = format!("{{\"n\":{n},\"k\":{k},\"ts\":{ts}}}");
        raw.push(Offset::at(i64::try_from(index).unwrap()), None, value.as_bytes());
    }
    raw
}

/// What all processes share.
pub(crate) struct World {
    pub(crate) wire: Wire,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) broker: Arc<MemoryPublisher>,
    pub(crate) partitions: i32,
}

/// What can be seen in the end.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// The last row published of each key and window, without its revision.
    pub(crate) published: BTreeMap<String, Json>,
    /// The API's latest and previous rows of each key.
    pub(crate) shown: BTreeSet<String>,
    /// Late events.
    pub(crate) late: BTreeSet<String>,
}

impl World {
    pub(crate) fn new(wire: Wire, view: &str, partitions: i32) -> Self {
        let (store, broker) = (Arc::new(MemoryStore::new()), Arc::new(MemoryPublisher::default()));
        Self { wire, catalog: views(view), store, broker, partitions }
    }

    /// A process that starts cold.
    pub(crate) fn process(&self, fate: &Arc<Fate>) -> Engine<Process, Process, Process> {
        let process = Process {
            store: self.store.clone(),
            broker: self.broker.clone(),
            fate: fate.clone(),
            partitions: self.partitions,
        };
        let clock = Arc::new(ManualClock::at(Timestamp(10_000_000)));
        let (publisher, topics) = (process.clone(), process.clone());
        Engine::new(self.catalog.clone(), process, publisher, topics, clock, Settings::default())
    }

    pub(crate) async fn seen(&self) -> Seen {
        self.process(&Fate::lives(0)).finish().await.unwrap();
        let mut published: BTreeMap<String, (u64, Json)> = BTreeMap::new();
        let mut late = BTreeSet::new();
        for message in self.broker.take() {
            let text = String::from_utf8(message.payload).unwrap();
            if message.topic != "results" {
                late.insert(format!("{} {text}", message.topic));
                continue;
            }
            let mut row: Json = serde_json::from_str(&text).unwrap();
            let revision = row.as_object_mut().unwrap().remove("revision").unwrap().as_u64().unwrap();
            let names = ["view", "k", "window_start", "window_end", "source_record"];
            let identity = names.map(|name| row[name].to_string()).join(" ");
            let known = published.entry(identity).or_insert((0, Json::Null));
            if revision >= known.0 {
                *known = (revision, row);
            }
        }
        let reader = Reader::new(self.catalog.clone(), self.store.clone());
        let row = |row: &weir::engine::ClosedRow| (row.window_end, row.values.clone());
        let mut shown = BTreeSet::new();
        for view in &self.catalog.views {
            let rows = reader.all(view).await.unwrap();
            let text = |rows: &weir::engine::KeyRows| (row(&rows.latest), rows.previous.as_ref().map(row));
            shown.extend(rows.iter().map(|(_, rows)| format!("{} {:?}", view.name, text(rows))));
        }
        let published = published.into_iter().map(|(identity, (_, row))| (identity, row)).collect();
        Seen { published, shown, late }
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// All partitions' batches in turns, each `size` records.
pub(crate) fn batches(logs: &[Log], size: usize) -> Vec<(usize, Range<usize>)> {
    let longest = logs.iter().map(Vec::len).max().unwrap();
    let starts = (0..longest).step_by(size);
    let cut = |start: usize| {
        let range = move |log: &Log| start.min(log.len())..(start + size).min(log.len());
        logs.iter().enumerate().map(move |(p, log)| (p, range(log)))
    };
    starts.flat_map(cut).filter(|(_, range)| !range.is_empty()).collect()
}

pub(crate) async fn faultless(wire: Wire, view: &str, logs: &[Log], size: usize) -> (Seen, u64) {
    let world = World::new(wire, view, i32::try_from(logs.len()).unwrap());
    let fate = Fate::lives(0);
    let engine = world.process(&fate);
    for (partition, range) in batches(logs, size) {
        engine.absorb(&wire(partition, &logs[partition], range)).await.unwrap();
    }
    (world.seen().await, fate.calls())
}

/// How a batch comes again after its process died.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Redelivery {
    Same,
    /// In two halves.
    Recut,
    /// With everything before it once more.
    Rewound,
    /// To two processes at once.
    Twice,
}

pub(crate) async fn redeliver(
    world: &World,
    partition: usize,
    log: &Log,
    range: Range<usize>,
    how: Redelivery,
) {
    let (wire, engine) = (world.wire, world.process(&Fate::lives(1)));
    let middle = range.start.midpoint(range.end);
    match how {
        Redelivery::Same => drop(engine.absorb(&wire(partition, log, range)).await.unwrap()),
        Redelivery::Recut => {
            for half in [range.start..middle, middle..range.end] {
                engine.absorb(&wire(partition, log, half)).await.unwrap();
            }
        }
        Redelivery::Rewound => drop(engine.absorb(&wire(partition, log, 0..range.end)).await.unwrap()),
        Redelivery::Twice => {
            let (other, raw) = (world.process(&Fate::lives(2)), wire(partition, log, range));
            let (one, two) = tokio::join!(engine.absorb(&raw), other.absorb(&raw));
            assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        }
    }
}

/// Stops the process at its 1st, 2nd, 3rd ... call, before and after the call's effect; delivers the
/// batch again to a new one; compares what is seen in the end.
pub(crate) fn dies_everywhere(wire: Wire, view: &str, partitions: i32, jitter: i64, how: Redelivery) {
    let logs = logs(7, partitions, 48, jitter);
    let (expected, calls) = block_on(faultless(wire, view, &logs, 6));
    assert!(calls > 20 && !expected.published.is_empty());
    for (call, after_effect) in (1..=calls).flat_map(|call| [(call, false), (call, true)]) {
        let seen = block_on(async {
            let world = World::new(wire, view, partitions);
            let fate = Fate::dies_at(call, after_effect);
            let mut engine = world.process(&fate);
            for (partition, range) in batches(&logs, 6) {
                let absorbed = engine.absorb(&wire(partition, &logs[partition], range.clone())).await;
                if absorbed.is_err() {
                    redeliver(&world, partition, &logs[partition], range, how).await;
                    engine = world.process(&Fate::lives(3));
                }
            }
            assert!(fate.is_dead());
            world.seen().await
        });
        assert_eq!(seen, expected, "{view}: died at call {call} (after its effect: {after_effect}), {how:?}");
    }
}

/// Everything at once, as DynamoDB and Lambda may do it to us: partitions side by side, batches of any
/// cut, processes that die, and some that were taken for dead and go on.
pub(crate) async fn chaos(wire: Wire, seed: u64, view: &str, logs: &[Log], cut: Range<usize>) -> Seen {
    let world = World::new(wire, view, i32::try_from(logs.len()).unwrap());
    let partition = async |partition: usize| {
        let mut random = StdRng::seed_from_u64(seed * 31 + partition as u64);
        let (log, mut done, mut zombies) = (&logs[partition], 0, tokio::task::JoinSet::new());
        while done < log.len() {
            let end = (done + random.random_range(cut.clone())).min(log.len());
            let start = if random.random_bool(0.2) { random.random_range(0..=done) } else { done };
            let raw = wire(partition, log, start..end);
            let fate = Fate::may_die(random.random(), 0.03);
            let engine = world.process(&fate);
            if random.random_bool(0.2) {
                // It is taken for dead, and goes on some time while its batch comes again.
                zombies.spawn_local(async move { drop(engine.absorb(&raw).await) });
                for _ in 0..random.random_range(0..40) {
                    tokio::task::yield_now().await;
                }
            } else if engine.absorb(&raw).await.is_ok() {
                done = end;
            }
        }
        zombies.join_all().await;
    };
    let partitions = (0..logs.len()).map(partition);
    futures::future::join_all(partitions).await;
    world.seen().await
}

pub(crate) fn survives_chaos(wire: Wire, seeds: Range<u64>, partitions: i32, jitter: i64) {
    for seed in seeds {
        let view = VIEWS[usize::try_from(seed).unwrap() % VIEWS.len()];
        let logs = logs(seed, partitions, 40, jitter);
        let (expected, _) = block_on(faultless(wire, view, &logs, 5));
        let seen = block_on(tokio::task::LocalSet::new().run_until(chaos(wire, seed, view, &logs, 1..10)));
        assert_eq!(seen, expected, "{view}, seed {seed}");
    }
}
