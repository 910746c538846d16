//! The promise: of a topic that is deleted and made again nothing is lost. What was absorbed of the old one stays, what the
//! new one has comes on top, and the rows are those of one topic that had it all; whoever notices it, cold or warm,
//! and although batches come twice.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    #[expect(dead_code, reason = "other tests need more of it")]
    pub(crate) mod world;
}

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::world::{World, block_on};
use weir::{event::RawBatch, time::Millis, time::Offset};

/// A view of each kind.
const SQL: &str = "
  CREATE TABLE clicks (k TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
    WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds');
  CREATE VIEW tumbling WITH (topic = 'tumbling') AS
  SELECT k, count(*) AS events, sum(n) AS total FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
  CREATE VIEW hopping WITH (topic = 'hopping') AS
  SELECT k, count(DISTINCT n % 5) AS events FROM clicks GROUP BY k, HOP(ts, INTERVAL '5' SECOND, INTERVAL '20' SECOND);
  CREATE VIEW sessions WITH (topic = 'sessions') AS
  SELECT k, count(*) AS events, last_value(n) AS last FROM clicks GROUP BY k, SESSION(ts, INTERVAL '4' SECOND);
  CREATE VIEW so_far WITH (topic = 'so_far') AS SELECT k, count(*) AS events, max(n) AS most FROM clicks GROUP BY k;
  CREATE VIEW busy WITH (topic = 'busy') AS
  SELECT k, n, count(*) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '15' SECOND PRECEDING AND CURRENT ROW) AS events
  FROM clicks QUALIFY events >= 2;
  CREATE VIEW pairs WITH (topic = 'pairs') AS
  SELECT * FROM clicks MATCH_RECOGNIZE (
    PARTITION BY k ORDER BY ts MEASURES a.n AS first, b.n AS second
    PATTERN (a b) WITHIN INTERVAL '20' SECOND DEFINE a AS kind = 'a', b AS kind = 'b');";

const VIEWS: [&str; 6] = ["tumbling", "hopping", "sessions", "so_far", "busy", "pairs"];

/// How the records of a partition are numbered.
#[derive(Clone, Copy, Debug)]
enum Numbers {
    Offsets,
    Sequences,
}

impl Numbers {
    fn at(self, number: usize) -> Offset {
        match self {
            Self::Offsets => Offset::at(i64::try_from(number).unwrap()),
            Self::Sequences => Offset::in_sequence(&format!("4967{number:050}"), None).unwrap(),
        }
    }
}

/// What happens to the topic.
#[derive(Clone, Debug)]
struct Story {
    events: Vec<String>,
    /// How many events the topics that were deleted had.
    cuts: Vec<usize>,
    numbers: Numbers,
    /// As many events are a batch.
    batch: usize,
    is_swept: bool,
    is_cold: bool,
    comes_twice: bool,
}

fn stories() -> impl Strategy<Value = Story> {
    // Out of order, but nothing is too late. No two are of one time, so that rows of single events can be told apart.
    let event = (0..3_u8, any::<bool>(), 0..60_i64, 0..18_i64);
    let events = prop::collection::vec(event, 4..50).prop_map(|events| {
        let mut now = 1_000_000;
        let event = |(n, (key, is_a, step, late)): (i64, (u8, bool, i64, i64))| {
            now += 50 * step;
            let kind = if is_a { "a" } else { "b" };
            json!({"k": format!("k{key}"), "kind": kind, "n": n, "ts": now - 50 * late + n}).to_string()
        };
        (0..).zip(events).map(event).collect::<Vec<_>>()
    });
    let numbers = prop_oneof![Just(Numbers::Offsets), Just(Numbers::Sequences)];
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 1..3);
    (events, cuts, numbers, 1..20_usize, any::<[bool; 3]>()).prop_map(
        |(events, cuts, numbers, batch, [is_swept, is_cold, comes_twice])| {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| 2 + cut.index(events.len() - 2)).collect();
            cuts.sort_unstable();
            cuts.dedup_by(|next, cut| *next - *cut < 2);
            // A batch tells it by beginning before what was absorbed, of a topic that ends before that, too.
            let batch = if is_swept { batch } else { 1 };
            Story { events, cuts, numbers, batch, is_swept, is_cold, comes_twice }
        },
    )
}

fn absorb(world: &World, numbers: Numbers, from: usize, events: &[String]) {
    let mut raw = RawBatch { topic: "clicks".into(), partition: 0, ..RawBatch::default() };
    for (number, event) in (from..).zip(events) {
        raw.push(numbers.at(number), None, event.as_bytes());
    }
    block_on(world.engine.absorb(&raw)).unwrap();
}

/// The topic has so many records.
fn holds(world: &World, numbers: Numbers, records: usize) {
    world.broker.hold("clicks", 0, numbers.at(0), numbers.at(records));
}

/// For each view its rows in force.
fn rows(world: &World) -> BTreeMap<(String, String), String> {
    let mut rows = BTreeMap::new();
    for view in VIEWS {
        for mut row in world.rows(view) {
            let mut take = |name: &str| row.as_object_mut().unwrap().remove(name).unwrap_or(Json::Null);
            // They tell where a record stood, and how often a row fired.
            let _ = ["source_record", "revision"].map(&mut take);
            let window = ["window_start", "window_end"].map(&mut take);
            let identity = ["k", "n", "first"].map(|name| &row[name]);
            rows.insert((view.to_owned(), format!("{identity:?} {window:?}")), row.to_string());
        }
    }
    rows
}

fn expected(story: &Story) -> BTreeMap<(String, String), String> {
    let world = World::new(SQL);
    holds(&world, story.numbers, story.events.len());
    absorb(&world, story.numbers, 0, &story.events);
    block_on(world.engine.finish()).unwrap();
    rows(&world)
}

fn told(story: &Story) -> BTreeMap<(String, String), String> {
    let mut world = World::new(SQL);
    let ends = story.cuts.iter().copied().chain([story.events.len()]);
    let mut first = 0;
    for (topic, end) in ends.enumerate() {
        let events = &story.events[first..end];
        if topic > 0 {
            holds(&world, story.numbers, 0);
            if story.is_cold {
                world.restart();
            }
            if story.is_swept {
                world.clock.advance(Millis::seconds(10));
                block_on(world.engine.sweep()).unwrap();
            }
        }
        for (batch, events) in events.chunks(story.batch).enumerate() {
            let from = batch * story.batch;
            holds(&world, story.numbers, from + events.len());
            for _ in 0..=usize::from(story.comes_twice) {
                absorb(&world, story.numbers, from, events);
            }
        }
        first = end;
    }
    block_on(world.engine.finish()).unwrap();
    rows(&world)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_rows_are_those_of_one_topic_that_had_it_all(story in stories()) {
        prop_assert_eq!(told(&story), expected(&story));
    }
}
