//! The promise: a view with OVER gives a row for every event that qualifies, over the events before it, as
//! the event comes; in the end the rows are those of a naive model, whatever the order of the events, the cut
//! of the batches, and what came twice.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(clippy::cast_precision_loss, reason = "far below 2^52")]

mod support {
    pub(crate) mod catalog;
    #[expect(dead_code, reason = "other tests need more of it")]
    pub(crate) mod world;
}

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::world::{World, block_on};
use weir::engine::Reader;

const ORDERS: &str = "
  CREATE TABLE order_events (
    order_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, total_amount BIGINT NOT NULL, ts TIMESTAMP NOT NULL
  ) WITH (key = 'user_id', watermark_delay = '2 seconds');
  CREATE VIEW frequent_orders WITH (topic = 'frequent') AS
  SELECT user_id, order_id, total_amount, ts AS detected_at,
         count(*) OVER (PARTITION BY user_id ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS orders,
         CASE WHEN orders >= 5 THEN 'HIGH' ELSE 'MEDIUM' END AS severity
  FROM order_events WHERE status = 'paid'
  QUALIFY orders >= 3;
  CREATE VIEW high_value WITH (topic = 'high') AS
  SELECT order_id, total_amount FROM order_events WHERE status = 'paid' AND total_amount >= 1000000;";

const MINUTE: i64 = 60_000;

fn order(id: &str, user: &str, status: &str, amount: i64, ts: i64) -> String {
    json!({"order_id": id, "user_id": user, "status": status, "total_amount": amount, "ts": ts}).to_string()
}

fn orders(partitions: i32) -> World {
    let world = World::new(ORDERS);
    (0..partitions).for_each(|partition| world.broker.set("order_events", partition, 0, 1_000_000));
    world
}

fn absorb(world: &World, partition: i32, from: i64, events: &[String]) -> weir::engine::Absorbed {
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    world.absorb("order_events", partition, from, &events)
}

/// Order, number of orders, severity and revision of each row.
fn frequent(world: &World) -> Vec<(String, i64, String, i64)> {
    let row = |row: &Json| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (
            text("order_id"),
            row["orders"].as_i64().unwrap(),
            text("severity"),
            row["revision"].as_i64().unwrap(),
        )
    };
    world.rows("frequent").iter().map(row).collect()
}

fn row(id: &str, orders: i64, severity: &str, revision: i64) -> (String, i64, String, i64) {
    (id.into(), orders, severity.into(), revision)
}

#[test]
fn the_third_paid_order_within_ten_minutes_raises_a_row_when_it_comes() {
    let world = orders(1);
    let paid = |id: &str, ts: i64| order(id, "ann", "paid", 5, ts);
    absorb(&world, 0, 0, &[paid("a", 0), order("x", "ann", "created", 5, 1), paid("b", MINUTE)]);
    assert_eq!(frequent(&world), vec![]);
    // Exactly ten minutes after the first, which still counts; the order that is only created does not.
    absorb(&world, 0, 3, &[paid("c", 10 * MINUTE)]);
    assert_eq!(frequent(&world), vec![row("c", 3, "MEDIUM", 0)]);
    // A millisecond more, and the first counts no longer; of another user nothing counts.
    absorb(&world, 0, 4, &[paid("d", 10 * MINUTE + 1), order("y", "bob", "paid", 5, 10 * MINUTE + 1)]);
    assert_eq!(frequent(&world), vec![row("d", 3, "MEDIUM", 0)]);
    absorb(&world, 0, 6, &[paid("e", 10 * MINUTE + 2), paid("f", 10 * MINUTE + 3)]);
    assert_eq!(frequent(&world), vec![row("e", 4, "MEDIUM", 0), row("f", 5, "HIGH", 0)]);
}

#[test]
fn a_row_names_its_event_and_the_bounds_of_its_frame() {
    let world = orders(1);
    let paid = |id: &str, ts: i64| order(id, "ann", "paid", 7, ts);
    absorb(&world, 0, 40, &[paid("a", 1000), paid("b", 2000), paid("c", 3000)]);
    let expected = json!({
        "view": "frequent_orders", "user_id": "ann", "order_id": "c", "total_amount": 7, "detected_at": 3000, "orders": 3,
        "severity": "MEDIUM", "window_start": 3000 - 10 * MINUTE, "window_end": 3001, "revision": 0,
        "source_record": "order_events-0@42",
    });
    assert_eq!(world.rows("frequent"), vec![expected]);
}

#[test]
fn an_order_out_of_order_counts_for_those_behind_it() {
    let world = orders(1);
    let paid = |id: &str, ts: i64| order(id, "ann", "paid", 5, ts);
    absorb(&world, 0, 0, &[paid("a", 0), paid("b", 1000), paid("c", 3000), paid("d", 10 * MINUTE + 3500)]);
    assert_eq!(frequent(&world), vec![row("c", 3, "MEDIUM", 0)]);
    // It has a row of its own, changes that of the third, and is too far from the fourth.
    absorb(&world, 0, 4, &[paid("between", 2000)]);
    assert_eq!(frequent(&world), vec![row("between", 3, "MEDIUM", 0), row("c", 4, "MEDIUM", 1)]);
    // Orders of one time count for each other.
    absorb(&world, 0, 5, &[paid("twin", 2000)]);
    let expected = [row("between", 4, "MEDIUM", 1), row("twin", 4, "MEDIUM", 0), row("c", 5, "HIGH", 2)];
    assert_eq!(frequent(&world), expected);
}

#[test]
fn an_order_that_would_change_only_what_is_past_is_late() {
    let world = orders(1);
    let paid = |id: &str, ts: i64| order(id, "ann", "paid", 5, ts);
    absorb(&world, 0, 0, &[paid("a", 30 * MINUTE)]);
    let watermark = 30 * MINUTE - 2001;
    let absorbed = absorb(
        &world,
        0,
        1,
        &[paid("late", watermark - 10 * MINUTE), paid("ok", watermark - 10 * MINUTE + 1)],
    );
    assert_eq!((absorbed.late, absorbed.accepted), (1, 1));
    let late = world.published("weir.late_events");
    assert_eq!(late.len(), 1);
    assert!(String::from_utf8_lossy(&late[0].payload).contains("\"late\""));
}

#[test]
fn what_comes_again_gives_the_same_rows_and_no_other() {
    let mut world = orders(1);
    let all: Vec<_> = (0..6).map(|n| order(&n.to_string(), "ann", "paid", 5, n * 1000)).collect();
    absorb(&world, 0, 0, &all[..4]);
    assert_eq!(frequent(&world), vec![row("2", 3, "MEDIUM", 0), row("3", 4, "MEDIUM", 0)]);
    for _ in 0..2 {
        let absorbed = absorb(&world, 0, 2, &all[2..4]);
        assert_eq!((absorbed.skipped, absorbed.accepted), (2, 0));
        assert_eq!(frequent(&world), vec![row("2", 3, "MEDIUM", 0), row("3", 4, "MEDIUM", 0)]);
        world.restart();
    }
    // Cut anew, with two that are new.
    absorb(&world, 0, 3, &all[3..]);
    assert_eq!(
        frequent(&world),
        vec![row("3", 4, "MEDIUM", 0), row("4", 5, "HIGH", 0), row("5", 6, "HIGH", 0)]
    );
}

#[test]
fn two_partitions_have_their_own_users() {
    let world = orders(2);
    let paid = |user: &str, ts: i64| order(&format!("{user}{ts}"), user, "paid", 5, ts);
    absorb(&world, 0, 0, &[paid("ann", 1), paid("ann", 2)]);
    absorb(&world, 1, 0, &[paid("bob", 1), paid("bob", 2), paid("bob", 3)]);
    absorb(&world, 0, 2, &[paid("ann", 3)]);
    assert_eq!(frequent(&world), vec![row("bob3", 3, "MEDIUM", 0), row("ann3", 3, "MEDIUM", 0)]);
}

#[test]
fn a_view_without_over_gives_what_passes_and_takes_everything() {
    let world = orders(1);
    let paid = |id: &str, amount: i64, ts: i64| order(id, "ann", "paid", amount, ts);
    let events = [
        paid("a", 999_999, 5 * MINUTE),
        paid("b", 1_000_000, 60 * MINUTE),
        order("c", "ann", "created", 2_000_000, 60 * MINUTE),
    ];
    absorb(&world, 0, 0, &events);
    // However late: it is a matter of this event alone.
    absorb(&world, 0, 3, &[paid("d", 2_000_000, 0)]);
    let ids = |rows: Vec<Json>| {
        rows.iter().map(|row| row["order_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(world.rows("high")), ["b", "d"]);
    absorb(&world, 0, 1, &events[1..]);
    let again = world.rows("high");
    assert_eq!(
        (again[0]["order_id"].as_str(), again[0]["revision"].as_i64(), again.len()),
        (Some("b"), Some(0), 1)
    );
    // Rows are shown by the topic's key: the latest event, and the one before it.
    let reader = Reader::new(world.catalog.clone(), world.store.clone());
    let shown = block_on(reader.key(&world.catalog.views[1], &["ann".into()])).unwrap().unwrap();
    assert_eq!(shown.latest.values[0], "b".into());
    assert_eq!(shown.previous.unwrap().values[0], "d".into());
}

// The naive model.

const RANGE: i64 = 7000;
const LATENESS: i64 = 3000;
const DELAY: i64 = 1000;

const RULE: &str = "
  CREATE TABLE order_events (k BIGINT NOT NULL, x BIGINT, y DOUBLE, tag TEXT, ts TIMESTAMP NOT NULL)
    WITH (key = 'k', watermark_delay = '1 second');
  CREATE VIEW rule WITH (topic = 'rows', allowed_lateness = '3 seconds') AS
  SELECT k, tag, count(*) OVER w AS events, count(x) FILTER (WHERE tag <> 'b') OVER w AS some, sum(x) OVER w AS total,
         min(tag) OVER w AS least, count(DISTINCT tag) OVER w AS tags, avg(y) OVER w AS mean, upper(tag) || k AS id
  FROM order_events WHERE x IS DISTINCT FROM 13
  WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '7' SECOND PRECEDING AND CURRENT ROW)
  QUALIFY events >= 2 AND (total > 10 OR tag = 'a');";

#[derive(Clone, Debug)]
struct Event {
    k: i64,
    x: Option<i64>,
    tag: char,
    ts: i64,
}

impl Event {
    fn json(&self) -> String {
        // Halves add up without rounding, in whatever order.
        let y = self.x.map(|x| x as f64 / 2.0);
        json!({"k": self.k, "x": self.x, "y": y, "tag": self.tag.to_string(), "ts": self.ts}).to_string()
    }
}

/// A partition: what it has taken in, with offsets, and how far it has come.
#[derive(Clone, Debug, Default)]
struct Model {
    taken: Vec<(i64, Event)>,
    largest: Option<i64>,
    next: i64,
    late: usize,
}

impl Model {
    fn watermark(&self) -> Option<i64> {
        self.largest.map(|largest| largest - DELAY - 1)
    }

    fn absorb(&mut self, from: i64, events: &[Event], others: Option<i64>) {
        for (offset, event) in (from..).zip(events) {
            if offset < self.next {
                continue;
            }
            let watermark = self.watermark().zip(others).map(|(own, others)| own.min(others));
            let is_late = watermark.is_some_and(|watermark| event.ts + RANGE + LATENESS <= watermark);
            if event.x != Some(13) {
                if is_late {
                    self.late += 1;
                } else {
                    self.taken.push((offset, event.clone()));
                }
            }
            self.largest = self.largest.max(Some(event.ts));
            self.next = offset + 1;
        }
    }

    fn rows(&self, partition: usize) -> BTreeMap<String, Json> {
        let rows = self.taken.iter().filter_map(|(offset, event)| {
            let frame: Vec<&Event> = self
                .taken
                .iter()
                .map(|(_, other)| other)
                .filter(|other| other.k == event.k && other.ts <= event.ts && other.ts >= event.ts - RANGE)
                .collect();
            let xs: Vec<i64> = frame.iter().filter_map(|event| event.x).collect();
            let total = (!xs.is_empty()).then(|| xs.iter().sum::<i64>());
            let mut tags: Vec<char> = frame.iter().map(|event| event.tag).collect();
            tags.sort_unstable();
            tags.dedup();
            let qualifies = frame.len() >= 2 && (total.is_some_and(|total| total > 10) || event.tag == 'a');
            let record = format!("order_events-{partition}@{offset}");
            let row = json!({
                "view": "rule", "k": event.k, "tag": event.tag.to_string(), "events": frame.len(),
                "some": frame.iter().filter(|event| event.x.is_some() && event.tag != 'b').count(),
                "total": total, "least": tags[0].to_string(), "tags": tags.len(),
                "mean": total.map(|total| total as f64 / 2.0 / xs.len() as f64),
                "id": format!("{}{}", event.tag.to_uppercase(), event.k),
                "window_start": event.ts - RANGE, "window_end": event.ts + 1, "source_record": record,
            });
            qualifies.then_some((record, row))
        });
        rows.collect()
    }
}

/// The newest row of each record, without its revision. Two of one revision are equal.
fn newest(rows: Vec<Json>) -> BTreeMap<String, Json> {
    let mut newest: BTreeMap<String, (i64, Json)> = BTreeMap::new();
    for mut row in rows {
        let revision = row.as_object_mut().unwrap().remove("revision").unwrap().as_i64().unwrap();
        let record = row["source_record"].as_str().unwrap().to_owned();
        match newest.get(&record) {
            Some((known, same)) if *known == revision => assert_eq!(*same, row),
            Some((known, _)) if *known > revision => {}
            _ => drop(newest.insert(record, (revision, row))),
        }
    }
    newest.into_iter().map(|(record, (_, row))| (record, row)).collect()
}

/// What happens next: a batch of so many records, perhaps from so far back, to a process that is cold or not.
type Step = (usize, usize, usize, bool);

/// (partition, key, x, tag, time's step, how far out of order).
fn events() -> impl Strategy<Value = Vec<(usize, Event)>> {
    let event = (0..2usize, 0..3i64, prop::option::of(0..20i64), 0..3u8, 0..900i64, 0..14_000i64);
    prop::collection::vec(event, 1..120).prop_map(|steps| {
        let mut clock = 1_000_000;
        let event = |(partition, k, x, tag, step, late): (usize, i64, Option<i64>, u8, i64, i64)| {
            clock += step;
            // Most are nearly in order.
            let late = if late < 4000 { late * 4 } else { late / 20 };
            let k = k * 2 + i64::try_from(partition).unwrap();
            (partition, Event { k, x, tag: char::from(b'a' + tag), ts: clock - late })
        };
        steps.into_iter().map(event).collect()
    })
}

fn check(partitions: usize, events: Vec<(usize, Event)>, steps: &[Step]) {
    let mut world = World::new(RULE);
    let mut logs = vec![Vec::new(); partitions];
    events.into_iter().for_each(|(partition, event)| logs[partition % partitions].push(event));
    (0..partitions).for_each(|p| world.broker.set("order_events", i32::try_from(p).unwrap(), 0, 1_000_000));
    let mut models = vec![Model::default(); partitions];
    let mut rows = Vec::new();
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
        let others = models.iter().enumerate().filter(|(other, _)| *other != partition);
        let others = others.map(|(_, model)| model.watermark()).min().unwrap_or(Some(i64::MAX));
        let from = i64::try_from(start).unwrap();
        models[partition].absorb(from, &log[start..end], others);
        let lines: Vec<_> = log[start..end].iter().map(Event::json).collect();
        let absorbed = absorb(&world, i32::try_from(partition).unwrap(), from, &lines);
        late += usize::try_from(absorbed.late).unwrap();
        // What a batch gives is already so, not only what is there in the end.
        rows.extend(world.rows("rows"));
        let expected: BTreeMap<_, _> =
            models.iter().enumerate().flat_map(|(p, model)| model.rows(p)).collect();
        let found = newest(rows.clone());
        // A row that was given and does not qualify any more is not taken back.
        for (record, row) in &expected {
            assert_eq!(found.get(record), Some(row), "after batch {start}..{end} of {partition}");
        }
    }
    assert_eq!(late, models.iter().map(|model| model.late).sum::<usize>());
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
}
