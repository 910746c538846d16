//! The promise: a view with `MATCH_RECOGNIZE` gives a row for each match of its pattern as soon as the watermark says
//! that it is one; and the rows are those of a naive model that has all events before it, whatever the order of the
//! events, the cut of the batches, what came twice, and which process went on.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "support/catalog.rs"]
mod catalog;
#[path = "matches/naive.rs"]
mod naive;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;

use naive::{Event, RULES, Rule};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use world::{World, block_on};

const VISITS: &str = "
  CREATE TABLE visits (user_id TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
    WITH (key = 'user_id', watermark_delay = '2 seconds');
  CREATE VIEW bought WITH (topic = 'bought', alert = true) AS
  SELECT *, 'HIGH' AS severity FROM visits MATCH_RECOGNIZE (
    PARTITION BY user_id ORDER BY ts
    MEASURES v.n AS viewed, count(c.*) AS clicks, FIRST(c.n) AS first, LAST(c.n, 1) AS but_last, sum(c.n) AS total,
             MATCH_ROWTIME() AS at, n AS last
    PATTERN (v c+ p) WITHIN INTERVAL '1' MINUTE
    DEFINE v AS kind = 'view', c AS kind = 'click', p AS kind = 'purchase');";

fn visits(sql: &str) -> World {
    let world = World::new(sql);
    (0..2).for_each(|partition| world.broker.set("visits", partition, 0, 1_000_000));
    world.broker.set("clicks", 0, 0, 1_000_000);
    world
}

fn visit(user: &str, kind: &str, n: i64, ts: i64) -> String {
    json!({"user_id": user, "kind": kind, "n": n, "ts": ts}).to_string()
}

fn absorb(world: &World, partition: i32, from: i64, events: &[String]) -> weir::engine::Absorbed {
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    world.absorb("visits", partition, from, &events)
}

#[test]
fn a_match_is_given_once_the_watermark_has_passed_it() {
    let world = visits(VISITS);
    // The other partition is far ahead, and has nothing to say.
    absorb(&world, 1, 0, &[visit("bob", "view", 1, 900_000)]);
    let events = [
        visit("ann", "view", 1, 100_000),
        visit("ann", "click", 2, 101_000),
        visit("ann", "purchase", 5, 103_000),
        // Out of order, and not late.
        visit("ann", "click", 4, 102_000),
        visit("ann", "click", 3, 101_500),
        visit("cat", "click", 9, 104_999),
    ];
    absorb(&world, 0, 0, &events);
    assert_eq!(world.rows("bought"), Vec::<Json>::new(), "the watermark is at 102998");
    absorb(&world, 0, 6, &[visit("cat", "click", 9, 105_001)]);
    let rows = world.rows("bought");
    let expected = json!({
        "view": "bought", "user_id": "ann", "viewed": 1, "clicks": 3, "first": 2, "but_last": 3, "total": 9, "at": 103_000,
        "last": 5, "severity": "HIGH", "window_start": 100_000, "window_end": 103_001, "revision": 0,
        "source_record": "visits-0@0", "id": rows[0]["id"]
    });
    assert_eq!(rows, [expected]);
    // What is not behind the watermark is late, and changes nothing.
    let absorbed =
        absorb(&world, 0, 7, &[visit("ann", "click", 4, 103_000), visit("ann", "click", 4, 103_001)]);
    assert_eq!((absorbed.late, absorbed.accepted), (1, 1));
    assert_eq!(world.rows("bought"), Vec::<Json>::new());
}

#[test]
fn a_match_is_shorter_than_within_and_other_events_break_it() {
    let world = visits(VISITS);
    let run = |user: &str, times: [i64; 3]| {
        let kinds = ["view", "click", "purchase"];
        kinds.into_iter().zip(times).map(|(kind, at)| visit(user, kind, 0, at)).collect::<Vec<_>>()
    };
    let mut events = run("ann", [0, 1, 59_999]);
    events.extend(run("bob", [0, 1, 60_000]));
    events.extend(run("cat", [0, 1, 3]));
    events.push(visit("cat", "search", 0, 2));
    absorb(&world, 0, 0, &events);
    block_on(world.engine.finish()).unwrap();
    let rows = world.rows("bought");
    let users: Vec<_> = rows.iter().map(|row| row["user_id"].as_str().unwrap()).collect();
    assert_eq!(users, ["ann"]);
}

#[test]
fn events_of_two_topics_are_put_in_order() {
    let sql = "
      CREATE TABLE visits (user_id TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
        WITH (key = 'user_id');
      CREATE TABLE clicks (user_id TEXT NOT NULL, n BIGINT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'user_id');
      CREATE VIEW seen WITH (topic = 'seen') AS
      SELECT user_id, clicks FROM (
        SELECT user_id, kind, ts FROM visits WHERE kind = 'view' UNION ALL SELECT user_id, 'click', ts FROM clicks
      ) MATCH_RECOGNIZE (
        PARTITION BY user_id ORDER BY ts MEASURES count(c.*) AS clicks
        PATTERN (v c{2,}) WITHIN INTERVAL '10' SECOND DEFINE v AS kind = 'view', c AS kind = 'click');";
    let mut world = visits(sql);
    world.broker.set("clicks", 1, 0, 1_000_000);
    let click = |user: &str, ts: i64| json!({"user_id": user, "n": 1, "ts": ts}).to_string();
    let (ann, late) = ([click("ann", 1000), click("ann", 3000), click("ann", 20_000)], click("ann", 20_000));
    world.absorb("clicks", 0, 0, &[&ann[0], &ann[1], &ann[2]]);
    for partition in 0..2 {
        let view = visit("ann", "view", 0, if partition == 0 { 500 } else { 15_000 });
        absorb(&world, partition, 0, &[view, visit("bob", "search", 0, 30_000)]);
        world.restart();
    }
    // W is that of the slowest: partition 1 of the clicks.
    assert_eq!(world.rows("seen"), Vec::<Json>::new());
    world.absorb("clicks", 1, 0, &[&late]);
    absorb(&world, 0, 2, &[visit("bob", "search", 0, 30_001)]);
    let rows = world.rows("seen");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["clicks"], &rows[0]["window_end"]), (&json!(2), &json!(3001)));
    assert_eq!(rows[0]["source_record"], "visits-0@0");
}

// The naive model.

/// A partition: what it has taken in, with offsets, and how far it has come.
#[derive(Clone, Debug, Default)]
struct Model {
    taken: Vec<(i64, Event)>,
    largest: Option<i64>,
    next: i64,
    late: usize,
}

const DELAY: i64 = 1000;

impl Model {
    fn watermark(&self) -> Option<i64> {
        self.largest.map(|largest| largest - DELAY - 1)
    }

    fn absorb(&mut self, from: i64, events: &[Event]) {
        let next = self.next;
        for (offset, event) in (from..).zip(events).filter(|(offset, _)| *offset >= next) {
            let is_late = self.watermark().is_some_and(|watermark| event.ts <= watermark);
            if event.x != 6 {
                self.late += usize::from(is_late);
                if !is_late {
                    self.taken.push((offset, event.clone()));
                }
            }
            self.largest = self.largest.max(Some(event.ts));
            self.next = offset + 1;
        }
    }

    /// The rows of a rule's matches by their first records, of the events up to a time.
    fn rows(&self, rule: &Rule, partition: usize, up_to: i64) -> BTreeMap<String, Json> {
        let mut by_key: BTreeMap<i64, Vec<(i64, i64, &Event)>> = BTreeMap::new();
        for (offset, event) in self.taken.iter().filter(|(_, event)| event.ts <= up_to) {
            by_key.entry(event.k).or_default().push((event.ts, *offset, event));
        }
        let mut rows = BTreeMap::new();
        for events in by_key.values_mut() {
            events.sort_by_key(|(ts, offset, _)| (*ts, *offset));
            let plain: Vec<Event> = events.iter().map(|(.., event)| (*event).clone()).collect();
            for (first, mut row) in naive::rows(rule, &plain) {
                let record = format!("events-{partition}@{}", events[first].1);
                row["source_record"] = record.as_str().into();
                rows.insert(record, row);
            }
        }
        rows
    }
}

/// What happens next: a batch of so many records, perhaps from so far back, to a process that is cold or not.
type Step = (usize, usize, usize, bool);

/// (partition, key, x, time's step, how far out of order).
fn events() -> impl Strategy<Value = Vec<(usize, Event)>> {
    let event = (0..2usize, 0..2i64, 0..7i64, 0..1500i64, 0..14_000i64);
    prop::collection::vec(event, 1..120).prop_map(|steps| {
        let mut clock = 1_000_000;
        let event = |(partition, k, x, step, late): (usize, i64, i64, i64, i64)| {
            // Some are of one time, many of one second.
            clock += if step < 300 { 0 } else { step };
            let late = if late < 1000 { late * 6 } else { late / 20 };
            let k = k * 2 + i64::try_from(partition).unwrap();
            (partition, Event { k, x, ts: clock - late })
        };
        steps.into_iter().map(event).collect()
    })
}

/// Takes in the rows that were given. Two of one match are equal.
fn take(world: &World, given: &mut [BTreeMap<String, Json>]) {
    for (number, given) in given.iter_mut().enumerate() {
        for row in world.rows(&format!("rows{number}")) {
            let record = row["source_record"].as_str().unwrap().to_owned();
            if let Some(known) = given.insert(record, row.clone()) {
                assert_eq!(known, row);
            }
        }
    }
}

fn check(partitions: usize, events: Vec<(usize, Event)>, steps: &[Step]) {
    let mut world = World::new(&naive::sql());
    let mut logs = vec![Vec::new(); partitions];
    events.into_iter().for_each(|(partition, event)| logs[partition % partitions].push(event));
    (0..partitions).for_each(|p| world.broker.set("events", i32::try_from(p).unwrap(), 0, 1_000_000));
    let mut models = vec![Model::default(); partitions];
    let mut given = vec![BTreeMap::new(); RULES.len()];
    let mut late = 0;
    for (partition, size, back, is_cold) in steps.iter().cycle().take(10_000) {
        let partition = if partitions == 1 { 0 } else { *partition };
        let (log, done) = (&logs[partition], usize::try_from(models[partition].next).unwrap());
        if models.iter().zip(&logs).all(|(model, log)| usize::try_from(model.next).unwrap() == log.len()) {
            break;
        }
        let (start, end) = (done.saturating_sub(*back), (done + size).min(log.len()));
        if start == end {
            continue;
        }
        if *is_cold {
            world.restart();
        }
        let from = i64::try_from(start).unwrap();
        models[partition].absorb(from, &log[start..end]);
        let lines: Vec<_> = log[start..end].iter().map(Event::json).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let absorbed = world.absorb("events", i32::try_from(partition).unwrap(), from, &lines);
        late += usize::try_from(absorbed.late).unwrap();
        take(&world, &mut given);
        // Another partition's batch may have closed less than its own watermark allows.
        let Some(watermark) = models.iter().map(Model::watermark).min().unwrap() else { continue };
        let model = &models[partition];
        for (rule, given) in RULES.iter().zip(&given) {
            for (record, row) in model.rows(rule, partition, watermark) {
                let is_certain = row["window_start"].as_i64().unwrap() + rule.within - 1 <= watermark;
                if is_certain {
                    assert_eq!(given.get(&record), Some(&row), "{} after {start}..{end}", rule.sql);
                }
            }
        }
    }
    block_on(world.engine.finish()).unwrap();
    take(&world, &mut given);
    for (rule, given) in RULES.iter().zip(given) {
        let rows: BTreeMap<_, _> =
            models.iter().enumerate().flat_map(|(p, model)| model.rows(rule, p, i64::MAX)).collect();
        assert_eq!(given, rows, "{}", rule.sql);
    }
    let expected: usize = models.iter().map(|model| model.late).sum();
    assert_eq!(late, expected * RULES.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_rows_are_those_of_a_naive_model(
        events in events(),
        steps in prop::collection::vec((0..2usize, 1..12usize, 0..20usize, prop::bool::weighted(0.3)), 2..30),
        partitions in 1..3usize,
    ) {
        // Both partitions take their turns.
        let steps: Vec<Step> = steps.into_iter().chain([(0, 3, 1, true), (1, 3, 0, false)]).collect();
        check(partitions, events, &steps);
    }

    /// Without redeliveries, which look at everything again: a process goes on with what it has in memory.
    #[test]
    fn a_warm_process_finds_what_a_cold_one_does(events in events(), sizes in prop::collection::vec(1..9usize, 1..20)) {
        let steps: Vec<Step> = sizes.into_iter().map(|size| (0, size, 0, false)).collect();
        check(1, events, &steps);
    }
}
