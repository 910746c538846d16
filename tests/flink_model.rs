//! The promise of `flink_equality`, on as many random streams as time allows: the engine against a
//! naive model of Flink's window operator, with events far out of order.

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    catalog::catalog,
    lines::{Ran, Row, run_lines},
};

const DELAY: i64 = 2000;
const LATENESS: i64 = 5000;

#[derive(Clone, Debug)]
struct Event {
    ts: i64,
    key: u8,
    user: u8,
}

/// Where Flink's windows are.
#[derive(Clone, Copy)]
enum Windows {
    Grid { size: i64, slide: i64 },
    Session { gap: i64 },
}

/// (key, start, end) -> events, distinct users.
type Firing = (u8, i64, i64, usize, usize);

/// The window operator by definition: the contents of all windows are kept as lists of events.
struct Flink {
    live: BTreeMap<(u8, i64, i64), (Vec<u8>, bool)>,
    watermark: i64,
    firings: Vec<Firing>,
    late: Vec<usize>,
}

impl Flink {
    fn run(windows: Windows, events: &[Event]) -> Self {
        let mut flink = Self { live: BTreeMap::new(), watermark: i64::MIN, firings: vec![], late: vec![] };
        for (index, event) in events.iter().enumerate() {
            match windows {
                Windows::Grid { size, slide } => flink.add_to_grid(index, event, size, slide),
                Windows::Session { gap } => flink.add_to_session(index, event, gap),
            }
            flink.advance(flink.watermark.max(event.ts - DELAY - 1));
        }
        flink.advance(i64::MAX);
        flink
    }

    fn is_late(&self, end: i64) -> bool {
        end - 1 + LATENESS <= self.watermark
    }

    fn add_to_grid(&mut self, index: usize, event: &Event, size: i64, slide: i64) {
        let last = event.ts.div_euclid(slide) * slide;
        let starts = (0..).map(|k| last - k * slide).take_while(|start| event.ts < start + size);
        let ends: Vec<_> = starts.map(|start| start + size).filter(|end| !self.is_late(*end)).collect();
        if ends.is_empty() {
            self.late.push(index);
        }
        for end in ends {
            self.add((event.key, end - size, end), &[event.user]);
        }
    }

    fn add_to_session(&mut self, index: usize, event: &Event, gap: i64) {
        let touches = |(key, start, end): &(u8, i64, i64)| {
            *key == event.key && *start <= event.ts + gap && event.ts <= *end
        };
        let joined: Vec<_> = self.live.keys().copied().filter(touches).collect();
        let start = joined.iter().map(|w| w.1).fold(event.ts, i64::min);
        let end = joined.iter().map(|w| w.2).fold(event.ts + gap, i64::max);
        if self.is_late(end) {
            self.late.push(index);
            return;
        }
        let mut users: Vec<u8> = joined.iter().flat_map(|w| self.live.remove(w).unwrap().0).collect();
        users.push(event.user);
        self.add((event.key, start, end), &users);
    }

    fn add(&mut self, window: (u8, i64, i64), users: &[u8]) {
        let entry = self.live.entry(window).or_default();
        entry.0.extend(users);
        entry.1 = false;
        if window.2 - 1 <= self.watermark {
            self.fire(window);
        }
    }

    fn fire(&mut self, window: (u8, i64, i64)) {
        let (users, fired) = self.live.get_mut(&window).unwrap();
        *fired = true;
        let distinct = users.iter().collect::<BTreeSet<_>>().len();
        self.firings.push((window.0, window.1, window.2, users.len(), distinct));
    }

    fn advance(&mut self, to: i64) {
        self.watermark = to;
        let due = |((_, _, end), (_, fired)): (&(u8, i64, i64), &(Vec<u8>, bool))| end - 1 <= to && !fired;
        let due: Vec<_> = self.live.iter().filter(|(w, c)| due((w, c))).map(|(w, _)| *w).collect();
        due.into_iter().for_each(|window| self.fire(window));
        self.live.retain(|(_, _, end), _| end.saturating_add(LATENESS - 1) > to);
    }
}

/// A stream whose clock goes on by up to `step`, with some events delayed: a few a little, some up to
/// `delay`.
fn stream(seed: u64, step: i64, delay: i64) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut clock, keys) = (random.random_range(-50_000..1_700_000_000_000), random.random_range(1..6));
    let disorder = random.random_range(0.0..0.6);
    let mut event = || {
        clock += random.random_range(0..=step);
        let most = if random.random_bool(0.5) { 3 * DELAY } else { delay };
        let delay = if random.random_bool(disorder) { random.random_range(0..=most) } else { 0 };
        Event { ts: clock - delay, key: random.random_range(0..keys), user: random.random_range(0..5) }
    };
    (0..300).map(|_| event()).collect()
}

fn ours(window: &str, events: &[Event], batch: usize) -> Ran {
    let sql = format!(
        "CREATE TABLE events (n BIGINT NOT NULL, k BIGINT NOT NULL, u BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
           WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds');
         CREATE VIEW v WITH (allowed_lateness = '5 seconds') AS
         SELECT k, count(*) AS events, count(DISTINCT u) AS users FROM events GROUP BY k, {window};"
    );
    let line =
        |(n, e): (usize, &Event)| format!("{{\"n\":{n},\"k\":{},\"u\":{},\"ts\":{}}}\n", e.key, e.user, e.ts);
    let lines: String = events.iter().enumerate().map(line).collect();
    run_lines(catalog(&sql), &[("events", lines.into_bytes())], batch, 1)
}

fn firing(row: &Row) -> Firing {
    let number = |name: &str| row[name].as_i64().unwrap();
    let size = |name: &str| usize::try_from(number(name)).unwrap();
    let key = u8::try_from(number("k")).unwrap();
    (key, number("window_start"), number("window_end"), size("events"), size("users"))
}

fn last(firings: &[Firing]) -> BTreeMap<(u8, i64, i64), (usize, usize)> {
    firings.iter().map(|f| ((f.0, f.1, f.2), (f.3, f.4))).collect()
}

fn check(window: &str, windows: Windows, step: i64, delay: i64, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let events = stream(seed, step, delay);
        let flink = Flink::run(windows, &events);
        for batch in [1, 7, 40, usize::MAX] {
            let at = format!("{window}, seed {seed}, batches of {batch}");
            let Ran { rows, late, dead } = ours(window, &events, batch);
            assert!(dead.is_empty(), "dead letters of {at}");
            let late: Vec<_> = late.iter().map(|row| row["n"].as_u64().unwrap()).collect();
            assert_eq!(late, flink.late.iter().map(|n| *n as u64).collect::<Vec<_>>(), "late of {at}");
            let mut firings: Vec<_> = rows.iter().map(firing).collect();
            assert_eq!(last(&firings), last(&flink.firings), "last firings of {at}");
            if batch == 1 {
                let mut expected = flink.firings.clone();
                firings.sort_unstable();
                expected.sort_unstable();
                assert_eq!(firings, expected, "every firing of {at}");
            }
        }
    }
}

#[test]
fn tumbling() {
    let windows = Windows::Grid { size: 10_000, slide: 10_000 };
    check("TUMBLE(ts, INTERVAL '10' SECOND)", windows, 2000, 40_000, 0..40);
}

#[test]
fn hopping() {
    let windows = Windows::Grid { size: 60_000, slide: 10_000 };
    check("HOP(ts, INTERVAL '10' SECOND, INTERVAL '60' SECOND)", windows, 2000, 120_000, 100..140);
}

#[test]
fn hopping_off_the_grid() {
    let windows = Windows::Grid { size: 25_000, slide: 10_000 };
    check("HOP(ts, INTERVAL '10' SECOND, INTERVAL '25' SECOND)", windows, 2000, 60_000, 200..240);
}

#[test]
fn sessions() {
    let windows = Windows::Session { gap: 30_000 };
    check("SESSION(ts, INTERVAL '30' SECOND)", windows, 12_000, 60_000, 300..360);
}

#[test]
fn short_sessions_with_long_delays() {
    let windows = Windows::Session { gap: 7000 };
    check("SESSION(ts, INTERVAL '7' SECOND)", windows, 4000, 20_000, 400..460);
}
