//! The promise: the last window comes out when traffic stops, one idle partition stalls nothing, and a
//! partition that is merely behind makes nothing late.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod world;
}

use support::world::{World, block_on};
use weir::time::{Millis, Timestamp};

const SQL: &str = "
  CREATE TABLE clicks (k TEXT NOT NULL, ts TIMESTAMP NOT NULL)
    WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds');
  CREATE VIEW counts WITH (topic = 'results', allowed_lateness = '5 seconds',
                           idle_timeout = '10 seconds', flush_after = '30 seconds') AS
  SELECT k, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);";

fn event(key: &str, ts: i64) -> String {
    format!("{{\"k\":\"{key}\",\"ts\":{ts}}}")
}

fn absorb(world: &World, partition: i32, from: i64, events: &[(&str, i64)]) -> weir::engine::Absorbed {
    let events: Vec<_> = events.iter().map(|(key, ts)| event(key, *ts)).collect();
    world.absorb("clicks", partition, from, &events.iter().map(String::as_str).collect::<Vec<_>>())
}

fn ends(world: &World) -> Vec<i64> {
    let mut ends: Vec<_> =
        world.rows("results").iter().map(|row| row["window_end"].as_i64().unwrap()).collect();
    ends.sort_unstable();
    ends
}

/// Two partitions, with these many records each.
fn world(first: i64, second: i64) -> World {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, first);
    world.broker.set("clicks", 1, 0, second);
    world
}

/// Sweeps after some time.
fn sweep_after(world: &World, time: Millis) -> weir::engine::Swept {
    world.clock.advance(time);
    block_on(world.engine.sweep()).unwrap()
}

#[test]
fn the_last_window_is_out_after_flush_after() {
    let world = world(1, 1);
    absorb(&world, 0, 0, &[("a", 1_000_000)]);
    absorb(&world, 1, 0, &[("b", 1_003_000)]);
    sweep_after(&world, Millis::seconds(29));
    assert_eq!(ends(&world), [0; 0], "nothing is due yet");
    sweep_after(&world, Millis::seconds(1));
    assert_eq!(ends(&world), [1_010_000, 1_010_000]);
    assert_eq!(sweep_after(&world, Millis::minutes(10)).rows, 0, "it is out once");
}

#[test]
fn the_marks_of_transactions_are_nothing_to_wait_for() {
    // The last record of each partition has offset 0, and its transaction's mark is behind it.
    let world = world(2, 2);
    *world.broker.marks.lock().unwrap() = 1;
    absorb(&world, 0, 0, &[("a", 1_000_000)]);
    absorb(&world, 1, 0, &[("b", 1_003_000)]);
    assert_eq!(sweep_after(&world, Millis::seconds(30)).idle, 2);
    assert_eq!(ends(&world), [1_010_000, 1_010_000]);
}

#[test]
fn a_window_that_was_flushed_takes_events_within_the_lateness() {
    let world = world(1, 1);
    absorb(&world, 0, 0, &[("a", 1_000_000)]);
    absorb(&world, 1, 0, &[("b", 1_003_000)]);
    sweep_after(&world, Millis::seconds(40));
    assert_eq!(ends(&world).len(), 2);
    let absorbed = absorb(&world, 0, 1, &[("a", 1_002_000)]);
    assert_eq!((absorbed.accepted, absorbed.late), (1, 0));
    let rows = world.rows("results");
    assert_eq!((rows[0]["n"].as_i64(), rows[0]["revision"].as_i64()), (Some(2), Some(1)));
}

#[test]
fn a_partition_without_any_records_does_not_hold_windows_back_for_longer_than_the_timeout() {
    let world = world(3, 0);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_030_000)]);
    sweep_after(&world, Millis::seconds(9));
    assert_eq!(ends(&world), [0; 0], "partition 1 may still report");
    let swept = sweep_after(&world, Millis::seconds(1));
    assert_eq!(swept.idle, 1);
    assert_eq!(ends(&world), [1_010_000]);
    // From now on batches close, not only sweeps.
    absorb(&world, 0, 2, &[("a", 1_060_000)]);
    assert_eq!(ends(&world), [1_040_000]);
}

#[test]
fn a_partition_whose_records_were_all_deleted_is_idle_too() {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 9);
    world.broker.set("clicks", 1, 57, 57);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_030_000)]);
    assert_eq!(sweep_after(&world, Millis::seconds(10)).idle, 1);
    assert_eq!(ends(&world), [1_010_000]);
}

#[test]
fn a_partition_with_a_backlog_is_not_idle() {
    let world = world(2, 3);
    absorb(&world, 1, 0, &[("b", 1_000_000)]);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_100_000)]);
    // The consumer of partition 1 stalls for an hour, with two records to come.
    for _ in 0..60 {
        sweep_after(&world, Millis::minutes(1));
    }
    assert_eq!(ends(&world), [0; 0]);
    let absorbed = absorb(&world, 1, 1, &[("b", 1_001_000), ("b", 1_100_000)]);
    assert_eq!(absorbed.late, 0);
    let rows = world.rows("results");
    let of_b = rows.iter().find(|row| row["k"] == "b").unwrap();
    assert_eq!(of_b["n"], 2, "{rows:?}");
}

#[test]
fn a_partition_that_resumes_meets_the_watermark_that_went_on_without_it() {
    let world = world(3, 2);
    absorb(&world, 1, 0, &[("b", 1_000_000)]);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_100_000)]);
    world.broker.set("clicks", 1, 0, 1);
    sweep_after(&world, Millis::seconds(10));
    assert_eq!(ends(&world), [1_010_000, 1_010_000]);
    let absorbed = absorb(&world, 1, 1, &[("b", 1_001_000)]);
    assert_eq!((absorbed.accepted, absorbed.late), (0, 1), "as Flink has it");
    assert_eq!(world.status().closed, Some(Timestamp(1_097_999)));
}

#[test]
fn sessions_are_flushed_too() {
    let sql = SQL.replace("TUMBLE(ts, INTERVAL '10' SECOND)", "SESSION(ts, INTERVAL '20' SECOND)");
    let mut world = World::new(&sql);
    world.broker.set("clicks", 0, 0, 2);
    world.broker.set("clicks", 1, 0, 0);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_015_000)]);
    world.restart();
    sweep_after(&world, Millis::seconds(30));
    let rows = world.rows("results");
    assert_eq!((rows.len(), &rows[0]["window_end"], &rows[0]["n"]), (1, &1_035_000.into(), &2.into()));
}

#[test]
fn a_topic_that_was_made_anew_begins_again_and_is_reported() {
    let mut world = world(3, 1);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_001_000), ("a", 1_002_000)]);
    absorb(&world, 1, 0, &[("b", 1_000_000)]);
    world.broker.set("clicks", 0, 0, 2);
    let swept = sweep_after(&world, Millis::seconds(10));
    assert_eq!(swept.restarted, ["clicks-0 of view counts"]);
    for cold in [false, true] {
        if cold {
            world.restart();
        }
        let offset = i64::from(cold);
        let absorbed = absorb(&world, 0, offset, &[("a", 1_003_000)]);
        assert_eq!((absorbed.accepted, absorbed.skipped), (1, 0), "offset {offset} of the new topic");
    }
}

#[test]
fn a_topic_that_was_made_anew_is_noticed_by_its_first_batch() {
    let world = world(3, 1);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_001_000), ("a", 1_002_000)]);
    let again = absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_001_000), ("a", 1_002_000)]);
    assert_eq!((again.accepted, again.skipped), (0, 3), "a redelivery");
    world.broker.set("clicks", 0, 0, 1);
    let anew = absorb(&world, 0, 0, &[("a", 1_003_000)]);
    assert_eq!((anew.accepted, anew.skipped), (1, 0));
}

#[test]
fn a_topic_that_gains_a_partition_waits_for_it() {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 9);
    absorb(&world, 0, 0, &[("a", 1_000_000), ("a", 1_030_000)]);
    assert_eq!(ends(&world), [1_010_000]);
    world.broker.set("clicks", 1, 0, 1);
    sweep_after(&world, Millis::seconds(1));
    absorb(&world, 0, 2, &[("a", 1_060_000)]);
    assert_eq!(ends(&world), [0; 0], "partition 1 has a record to come");
    absorb(&world, 1, 0, &[("b", 1_060_000)]);
    assert_eq!(ends(&world), [1_040_000]);
}
