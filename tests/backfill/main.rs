//! The promise: a view that is rebuilt from its topics has in the end what a run from the start gives,
//! whatever functions do meanwhile and whatever dies.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../support/catalog.rs"]
mod catalog;
#[path = "../faults/mod.rs"]
#[expect(dead_code, reason = "other tests let processes die at random")]
mod faults;
mod world;

use std::{ops::Range, sync::atomic::Ordering};

use faults::Fate;
use rand::{Rng, SeedableRng, rngs::StdRng};
use weir::{
    backfill::{BackfillError, Options, Start, Summary},
    state::{Backfill, Store},
    time::{Offset, Timestamp},
};
use world::{MemoryLog, Record, Seen, World, block_on, id, records};

/// Windows with late events, sessions, rows so far, views over views, rows of single events.
const VIEWS: [&str; 5] = [
    "CREATE VIEW v WITH (OPTIONS, allowed_lateness = '5 seconds') AS
     SELECT k, count(*) AS events, sum(n) AS total FROM events GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)",
    "CREATE VIEW v WITH (OPTIONS, allowed_lateness = '5 seconds') AS
     SELECT k, count(*) AS events, sum(n) AS total FROM events GROUP BY k, SESSION(ts, INTERVAL '15' SECOND)",
    "CREATE VIEW v WITH (OPTIONS) AS SELECT k, count(*) AS events, sum(n) AS total FROM events GROUP BY k",
    "CREATE VIEW v WITH (OPTIONS) AS
     SELECT k, sum(n) AS total FROM events GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
     CREATE VIEW wide WITH (OPTIONS) AS
     SELECT k, count(*) AS windows, max(total) AS most FROM v
     GROUP BY k, HOP(window_time, INTERVAL '20' SECOND, INTERVAL '40' SECOND)",
    "CREATE VIEW v WITH (OPTIONS, allowed_lateness = '5 seconds') AS
     SELECT k, n, count(*) OVER w AS events, sum(n) OVER w AS total FROM events
     WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW)",
];

const FROM_START: Options = Options { from: Start::Earliest, batch: 7, join: false };

fn batches(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |start| start..(start + size).min(len))
}

/// What functions that had the view from the first record on make of the topic.
async fn expected(sql: &str, logs: &[Vec<Record>]) -> Seen {
    let world = World::new(sql, logs);
    let engine = world.function(&Fate::lives(0));
    let longest = logs.iter().map(Vec::len).max().unwrap();
    for range in batches(longest, 6) {
        for (partition, log) in logs.iter().enumerate() {
            let range = range.start.min(log.len())..range.end.min(log.len());
            if !range.is_empty() {
                engine.absorb(&world.log.batch(partition, range)).await.unwrap();
            }
        }
    }
    world.seen().await
}

/// One partition with late events, or three without: what is late in several depends on how they meet.
fn inputs(seed: u64) -> Vec<Vec<Record>> {
    if seed.is_multiple_of(2) { records(seed, 1, 60, 15_000) } else { records(seed, 3, 40, 2000) }
}

#[test]
fn a_backfill_is_a_run_from_the_start() {
    for (view, seed) in VIEWS.iter().flat_map(|view| [(view, 2), (view, 3)]) {
        let logs = inputs(seed);
        let (world, expected) = (World::new(view, &logs), block_on(expected(view, &logs)));
        let summary = block_on(world.backfill(&Fate::lives(seed), FROM_START)).unwrap();
        let all = logs.iter().map(Vec::len).sum::<usize>() as u64;
        assert_eq!((summary.records, summary.total, summary.lost), (all, all, 0));
        assert_eq!((summary.partitions, summary.joined), (logs.len(), 0));
        assert!(summary.rows > 0 && world.published().is_empty(), "nothing is published");
        let seen = block_on(world.seen());
        assert!(seen.history.len() + seen.pages.len() > 2);
        assert_eq!(seen, expected, "{view}");
    }
}

#[test]
fn late_events_are_those_of_a_run_from_the_start() {
    let logs = records(4, 1, 60, 15_000);
    let world = World::new(VIEWS[0], &logs);
    let late = block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap().late;
    assert!(late > 0);
    let from_start = World::new(VIEWS[0], &logs);
    let absorbed = block_on(from_start.function(&Fate::lives(0)).absorb(&from_start.log.batch(0, 0..60)));
    assert_eq!(absorbed.unwrap().late, late);
}

#[test]
fn rows_are_published_where_that_is_wanted_and_nothing_else_is() {
    let mut world = World::new(VIEWS[0], &records(4, 1, 60, 15_000));
    world.publishes = true;
    let summary = block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap();
    let topics = world.published();
    assert!(summary.late > 0 && topics.iter().all(|topic| topic == "results"), "{topics:?}");
    assert_eq!(topics.len() as u64, summary.rows);
}

/// The functions run the old SQL first, and the new from some record on, while the backfill is on its
/// way: no record is missed and none is taken twice.
async fn beside_functions(view: &str, logs: &[Vec<Record>], seed: u64) -> Seen {
    let world = World::new(view, logs);
    world.log.hide_all_but(3);
    let mut random = StdRng::seed_from_u64(seed);
    // The partitions begin in the head before the new SQL is deployed.
    world.backfill(&Fate::lives(seed), FROM_START).await.unwrap();
    let deployed: Vec<usize> = logs.iter().map(|log| random.random_range(0..log.len())).collect();
    let function = async |partition: usize| {
        let mut random = StdRng::seed_from_u64(seed * 31 + partition as u64);
        let engine = world.function(&Fate::lives(seed + partition as u64));
        let (mut done, len) = (0, logs[partition].len());
        while done < len {
            let end = (done + random.random_range(1..10)).min(len);
            world.log.show(partition, end);
            if done >= deployed[partition] {
                engine.absorb(&world.log.batch(partition, done..end)).await.unwrap();
            }
            done = end;
            for _ in 0..random.random_range(0..60) {
                tokio::task::yield_now().await;
            }
        }
    };
    let functions = futures::future::join_all((0..logs.len()).map(function));
    let options = Options { join: true, ..FROM_START };
    let fate = Fate::lives(seed + 99);
    let (_, filled) = tokio::join!(functions, world.backfill(&fate, options));
    filled.unwrap();
    // The deployment is over: the last run of the command.
    assert_eq!(world.backfill(&Fate::lives(0), options).await.unwrap().lost, 0);
    world.seen().await
}

#[test]
fn functions_with_the_new_sql_join_at_any_moment() {
    for seed in 0..160 {
        let view = VIEWS[usize::try_from(seed / 2 % 5).unwrap()];
        let logs = inputs(seed);
        let expected = block_on(expected(view, &logs));
        assert_eq!(block_on(beside_functions(view, &logs, seed)), expected, "{view}, seed {seed}");
    }
}

/// Without the mark a function's batch would move the head over what the backfill has not read.
#[test]
fn a_batch_behind_a_gap_is_left_to_the_backfill() {
    let logs = records(5, 1, 30, 2000);
    let world = World::new(VIEWS[0], &logs);
    let function = world.function(&Fate::lives(0));
    world.log.hide_all_but(10);
    block_on(async {
        assert_eq!(world.backfill(&Fate::lives(0), FROM_START).await.unwrap().records, 10);
        world.log.show(0, 25);
        let absorbed = function.absorb(&world.log.batch(0, 20..25)).await.unwrap();
        assert_eq!((absorbed.deferred, absorbed.accepted, absorbed.skipped), (5, 0, 0));
        assert_eq!(world.progress(0).await.next, Offset::at(10));
        let summary = world.backfill(&Fate::lives(0), FROM_START).await.unwrap();
        assert_eq!((summary.records, summary.joined), (15, 0));
        world.log.show(0, 30);
        let absorbed = function.absorb(&world.log.batch(0, 25..30)).await.unwrap();
        assert_eq!((absorbed.deferred, absorbed.skipped), (0, 0));
        assert_eq!(world.progress(0).await.backfill, Backfill::Joined);
        let summary = world.backfill(&Fate::lives(0), FROM_START).await.unwrap();
        assert_eq!((summary.records, summary.joined), (0, 1));
        assert_eq!(world.seen().await, expected(VIEWS[0], &logs).await);
    });
}

#[test]
fn offsets_that_are_no_records_are_no_gap() {
    let logs = records(5, 1, 30, 2000);
    let world = World::new(VIEWS[0], &logs);
    let function = world.function(&Fate::lives(0));
    world.log.hide_all_but(10);
    world.log.mark(10..20);
    block_on(async {
        assert_eq!(world.backfill(&Fate::lives(0), FROM_START).await.unwrap().records, 10);
        world.log.show(0, 25);
        let behind = function.absorb(&world.log.batch(0, 21..25)).await.unwrap();
        assert_eq!((behind.deferred, behind.accepted), (4, 0), "there is a record before");
        let next = function.absorb(&world.log.batch(0, 20..25)).await.unwrap();
        assert_eq!((next.deferred, next.accepted), (0, 5));
        assert_eq!(world.progress(0).await.backfill, Backfill::Joined);
    });
}

/// The function read the head before the backfill began the partition.
#[test]
fn a_batch_that_is_on_its_way_when_the_backfill_begins_leaves_nothing() {
    for (view, seed) in VIEWS.iter().flat_map(|view| (0..12).map(move |seed| (view, seed))) {
        let logs = records(seed, 1, 30, 2000);
        let world = World::new(view, &logs);
        block_on(async {
            let function = world.function(&Fate::lives(seed));
            let raw = world.log.batch(0, 20..30);
            let fate = Fate::lives(seed + 50);
            let (absorbed, begun) = tokio::join!(function.absorb(&raw), world.backfill(&fate, FROM_START));
            match begun {
                // The function came first, to the end.
                Err(BackfillError::Live { next, .. }) => assert_eq!(next, Offset::at(30)),
                Err(error) => panic!("{error}"),
                Ok(_) => {
                    absorbed.unwrap();
                    assert_eq!(world.seen().await, expected(view, &logs).await, "{view}, seed {seed}");
                }
            }
        });
    }
}

fn dies_everywhere(view: &str, logs: &[Vec<Record>]) {
    let world = World::new(view, logs);
    let fate = Fate::lives(0);
    block_on(world.backfill(&fate, FROM_START)).unwrap();
    let (calls, expected) = (fate.calls(), block_on(expected(view, logs)));
    assert!(calls > 20);
    for (call, after_effect) in (1..=calls).flat_map(|call| [(call, false), (call, true)]) {
        let world = World::new(view, logs);
        let fate = Fate::dies_at(call, after_effect);
        assert!(block_on(world.backfill(&fate, FROM_START)).is_err() && fate.is_dead());
        block_on(world.backfill(&Fate::lives(1), FROM_START)).unwrap();
        assert_eq!(
            block_on(world.seen()),
            expected,
            "{view}: died at call {call} (after its effect: {after_effect})"
        );
    }
}

#[test]
fn a_backfill_dies_at_every_call_and_is_run_again() {
    for view in VIEWS {
        dies_everywhere(view, &records(7, 1, 40, 12_000));
        dies_everywhere(view, &records(7, 3, 16, 2000));
    }
}

#[test]
fn a_state_that_functions_made_is_refused() {
    let logs = records(5, 2, 30, 2000);
    let world = World::new(VIEWS[0], &logs);
    let absorbed = block_on(world.function(&Fate::lives(0)).absorb(&world.log.batch(1, 10..20)));
    absorbed.unwrap();
    let before = block_on(world.store.head(&id(&world.catalog, "v"))).unwrap();
    let error = block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap_err().to_string();
    assert!(error.starts_with("view v is live: functions have absorbed events-1 up to offset 20"), "{error}");
    assert!(error.contains("WITH (generation = '2')"), "{error}");
    assert_eq!(block_on(world.store.head(&id(&world.catalog, "v"))).unwrap(), before);
    // Another generation is another state.
    let next = World {
        catalog: World::new(&VIEWS[0].replace("OPTIONS", "OPTIONS, generation = '2'"), &logs).catalog,
        ..world
    };
    block_on(next.backfill(&Fate::lives(0), FROM_START)).unwrap();
    assert_eq!(block_on(next.seen()), block_on(expected(VIEWS[0], &logs)));
}

#[test]
fn a_view_over_a_live_view_is_refused_with_that_views_name() {
    let world = World { view: "wide", ..World::new(VIEWS[3], &records(5, 1, 30, 2000)) };
    block_on(world.function(&Fate::lives(0)).absorb(&world.log.batch(0, 0..20))).unwrap();
    let error = block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap_err().to_string();
    assert!(error.starts_with("view v is live"), "{error}");
}

#[test]
fn a_view_or_a_topic_that_is_not_there_is_named() {
    let mut world = World { view: "w", ..World::new(VIEWS[0], &records(5, 1, 30, 2000)) };
    let error =
        |world: &World| block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap_err().to_string();
    assert_eq!(error(&world), "there is no view \"w\"");
    world.view = "v";
    world.log = MemoryLog::default();
    assert_eq!(error(&world), "topic events does not exist");
}

fn from(world: &World, from: Start) -> Summary {
    block_on(world.backfill(&Fate::lives(0), Options { from, ..FROM_START })).unwrap()
}

#[test]
fn it_begins_where_it_is_told() {
    let logs = records(5, 1, 30, 0);
    let fresh = || World::new(VIEWS[2], &logs);
    let middle = Timestamp(logs[0][12].2);
    for (begins, records) in [
        (Start::Offset(Offset::at(0)), 30),
        (Start::Offset(Offset::at(10)), 20),
        (Start::Offset(Offset::at(99)), 0),
        (Start::Time(middle), 18),
        (Start::Time(Timestamp(0)), 30),
        (Start::Time(Timestamp(i64::MAX)), 0),
    ] {
        assert_eq!(from(&fresh(), begins).records, records, "{begins:?}");
    }
}

#[test]
fn what_is_begun_goes_on_where_it_stands() {
    for view in VIEWS {
        let logs = records(5, 1, 30, 2000);
        let (whole, parts) = (World::new(view, &logs), World::new(view, &logs));
        assert_eq!(from(&whole, Start::Offset(Offset::at(10))).records, 20);
        parts.log.hide_all_but(20);
        assert_eq!(from(&parts, Start::Offset(Offset::at(10))).records, 10);
        parts.log.show(0, 30);
        assert_eq!(from(&parts, Start::Earliest).records, 10);
        assert_eq!(block_on(parts.seen()), block_on(whole.seen()), "{view}");
    }
}

#[test]
fn what_the_broker_dropped_is_counted() {
    let world = World::new(VIEWS[2], &records(5, 1, 30, 0));
    world.log.starts.store(5, Ordering::SeqCst);
    world.log.hide_all_but(10);
    let summary = from(&world, Start::Earliest);
    assert_eq!((summary.total, summary.records, summary.lost), (5, 5, 0));
    world.log.starts.store(18, Ordering::SeqCst);
    world.log.show(0, 30);
    let summary = from(&world, Start::Earliest);
    assert_eq!((summary.lost, summary.records), (8, 12));
}

#[test]
fn a_partition_that_ended_long_ago_holds_no_window_open() {
    let mut logs = records(5, 2, 40, 0);
    logs[1].truncate(2);
    let view = VIEWS[0].replace("OPTIONS", "topic = 'results', idle_timeout = '5 seconds'");
    let world = World::new(&view, &logs);
    let summary = block_on(world.backfill(&Fate::lives(0), FROM_START)).unwrap();
    let at = block_on(world.progress(1));
    assert_eq!(at.idle_at, Some(Offset::at(2)));
    assert!(summary.rows > 5, "{summary:?}");
    assert_eq!(summary.late, 0);
}
