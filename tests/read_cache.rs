//! The promise: a reader that remembers asks the store seldom, answers nothing that is older than it may be, and
//! takes no row for final that may change.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    #[expect(dead_code, reason = "the other tests need more of it")]
    pub(crate) mod world;
}

use std::sync::Arc;

use support::world::{World, block_on};
use weir::{
    engine::{KeyRows, Reader},
    state::MemoryStore,
    time::{Millis, Timestamp},
    value::Value,
};

const SQL: &str = "
CREATE TABLE clicks (product TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (topic = 'clicks', watermark_delay = '0 seconds');
CREATE VIEW ctr WITH (allowed_lateness = '5 seconds') AS
SELECT product, count(*) AS n FROM clicks GROUP BY product, TUMBLE(ts, INTERVAL '10' SECOND);
";
const AGE: Millis = Millis(250);

type Known = Reader<Arc<MemoryStore>>;

/// A world whose first window is closed, with one event of product a.
fn world() -> (World, Known) {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 10);
    world.absorb("clicks", 0, 0, &[r#"{"product":"a","ts":1000}"#, r#"{"product":"b","ts":11000}"#]);
    let reader = Reader::new(world.catalog.clone(), world.store.clone());
    let reader = reader.remembering(AGE, world.clock.clone());
    (world, reader)
}

/// Product a's rows, and whether the latest is final, as the API tells it.
fn ask(world: &World, reader: &Known, product: &str) -> (Option<KeyRows>, bool) {
    let view = world.catalog.view("ctr").unwrap();
    let status = block_on(reader.status(view)).unwrap();
    let rows = block_on(reader.key(view, &[Value::text(product)])).unwrap();
    let is_final = rows.as_ref().is_some_and(|rows| Known::is_final(view, &status, rows.latest.window_end));
    (rows, is_final)
}

fn revision(world: &World, reader: &Known) -> (u32, bool) {
    let (rows, is_final) = ask(world, reader, "a");
    (rows.unwrap().latest.revision, is_final)
}

#[test]
fn what_is_asked_often_is_read_once() {
    let (world, reader) = world();
    let before = world.store.stats().reads;
    for _ in 0..100 {
        assert_eq!(revision(&world, &reader), (0, false));
    }
    assert_eq!(world.store.stats().reads - before, 2, "the head and one page");
}

#[test]
fn what_is_new_is_seen_when_what_is_remembered_is_too_old() {
    let (world, reader) = world();
    assert_eq!(revision(&world, &reader), (0, false));
    // A late event makes a revision; the next one moves the watermark past the lateness.
    world.absorb("clicks", 0, 2, &[r#"{"product":"a","ts":2000}"#]);
    world.absorb("clicks", 0, 3, &[r#"{"product":"b","ts":26000}"#]);
    assert_eq!(revision(&world, &reader), (0, false), "it is not final, for it was followed by another");
    assert!(ask(&world, &reader, "c").0.is_none());
    world.clock.advance(AGE);
    assert_eq!(revision(&world, &reader), (1, true));
}

#[test]
fn no_age_remembers_nothing() {
    let (world, _) = world();
    let reader = Reader::new(world.catalog.clone(), world.store.clone());
    let reader = reader.remembering(Millis(0), world.clock.clone());
    assert_eq!(revision(&world, &reader), (0, false));
    world.absorb("clicks", 0, 2, &[r#"{"product":"a","ts":2000}"#]);
    assert_eq!(revision(&world, &reader), (1, false));
}

#[test]
fn every_key_of_many_pages_is_found() {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 10_000);
    let events: Vec<_> = (0..5000).map(|n| format!(r#"{{"product":"p{n}","ts":{n}}}"#)).collect();
    world.absorb("clicks", 0, 0, &events.iter().map(String::as_str).collect::<Vec<_>>());
    world.absorb("clicks", 0, 5000, &[r#"{"product":"z","ts":11000}"#]);
    let reader = Reader::new(world.catalog.clone(), world.store.clone());
    let reader = reader.remembering(AGE, world.clock.clone());
    let before = world.store.stats().reads;
    for n in 0..5000 {
        let (rows, _) = ask(&world, &reader, &format!("p{n}"));
        assert_eq!(rows.unwrap().latest.window_end, Timestamp(10_000));
    }
    let reads = world.store.stats().reads - before;
    assert!((5..100).contains(&reads), "{reads} reads: a few more than there are pages");
}
