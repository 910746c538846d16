//! What the simulated shoppers do.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, Cursor, Write},
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex},
};

use futures::StreamExt as _;

use super::*;
use crate::{
    run::{Cut, Input, Outputs, run},
    sql::Catalog,
    time::ManualClock,
};

fn simulate(settings: Settings) -> Vec<SimulatedEvent> {
    Simulator::new(settings, &ManualClock::at(Timestamp(1_700_000_000_000))).collect()
}

fn minutes(minutes: i64) -> Settings {
    Settings { duration: Some(Millis::minutes(minutes)), ..Settings::default() }
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_seed_others() {
    let first = simulate(minutes(1));
    assert_eq!(first, simulate(minutes(1)));
    assert_ne!(first, simulate(Settings { seed: 2, ..minutes(1) }));
}

#[test]
fn events_come_in_sending_order_at_the_rate() {
    let events = simulate(minutes(5));
    assert!(events.is_sorted_by_key(|event| event.send_at));
    let expected = 200.0 * 300.0;
    assert!((events.len() as f64 / expected - 1.0).abs() < 0.02, "{} events", events.len());
}

#[test]
fn a_rate_above_one_a_millisecond_is_kept() {
    let events =
        simulate(Settings { rate: 5000.0, duration: Some(Millis::seconds(10)), ..Settings::default() });
    assert!((events.len() as f64 / 50_000.0 - 1.0).abs() < 0.02, "{} events", events.len());
}

#[test]
fn whole_events_have_every_column_and_their_key() {
    let events = simulate(Settings { malformed: 0.0, ..minutes(1) });
    for event in events {
        let json: HashMap<String, serde_json::Value> = serde_json::from_slice(&event.payload).unwrap();
        assert_eq!(json["product_id"].as_str().unwrap().as_bytes(), event.key);
        assert_eq!(event.topic, format!("{}s", json["event_type"].as_str().unwrap()));
        let columns = ["event_id", "product_id", "user_id", "session_id", "event_type", "ts"];
        assert!(columns.iter().all(|column| json.contains_key(*column)));
    }
}

#[test]
fn the_shares_of_late_and_of_broken_events_are_kept() {
    let settings = Settings { late: 0.1, malformed: 0.05, ..minutes(5) };
    let events = simulate(settings);
    let total = events.len() as f64;
    let behind: Vec<Option<i64>> = events
        .iter()
        .map(|event| {
            let json: serde_json::Value = serde_json::from_slice(&event.payload).ok()?;
            json["product_id"].as_str()?;
            Some(1_700_000_000_000 + event.send_at.0 - json["ts"].as_i64()?)
        })
        .collect();
    let broken = behind.iter().filter(|delay| delay.is_none()).count() as f64;
    let late = behind.iter().flatten().filter(|delay| **delay >= 3000).count() as f64;
    assert!((broken / total - 0.05).abs() < 0.01, "{broken} of {total}");
    assert!((late / total - 0.1).abs() < 0.02, "{late} of {total}");
    assert!(behind.iter().flatten().all(|delay| (0..2000).contains(delay) || (3000..40_000).contains(delay)));
}

#[tokio::test(start_paused = true)]
async fn played_events_come_in_order_and_none_is_left_out() {
    let settings = Settings { rate: 5000.0, duration: Some(Millis::seconds(5)), ..Settings::default() };
    let clock = ManualClock::at(Timestamp(1_700_000_000_000));
    let batches: Vec<_> = play(Simulator::new(settings.clone(), &clock)).collect().await;
    assert!(batches.len() > 100, "{} batches", batches.len());
    assert_eq!(batches.concat(), simulate(settings));
}

#[test]
fn one_products_rate_collapses_at_the_end_of_each_period() {
    let settings = Settings {
        rate: 2000.0,
        malformed: 0.0,
        collapse: Collapse {
            rank: 0,
            first: Millis::minutes(9),
            period: Millis::minutes(2),
            length: Millis::minutes(1),
        },
        ..minutes(2)
    };
    let events = simulate(settings);
    let rate = |from: i64, to: i64| {
        let count = |topic| {
            let wanted = |event: &&SimulatedEvent| {
                event.topic == topic && event.key == b"product_1" && (from..to).contains(&event.send_at.0)
            };
            events.iter().filter(wanted).count() as f64
        };
        count(CLICKS) / count(IMPRESSIONS)
    };
    // Clicks come up to four seconds after their impressions.
    assert!(rate(65_000, 120_000) < rate(5000, 60_000) / 4.0);
}

/// Lines that are read again.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The alerts of `sql/` on the first minute, with how long after the start each was due.
async fn alerts_of_the_first_minute(seed: u64) -> Vec<(String, i64)> {
    let start = Timestamp(1_700_000_000_000);
    let settings = Settings { seed, ..minutes(1) };
    let mut topics: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for event in Shoppers::new(settings, &ManualClock::at(start)) {
        let lines = topics.entry(event.topic).or_default();
        lines.extend_from_slice(&event.payload);
        lines.push(b'\n');
    }
    let rows = Lines::default();
    let input = |(topic, lines): (&str, Vec<u8>)| Input {
        topic: topic.to_owned(),
        lines: Box::new(Cursor::new(lines)),
    };
    let outputs = Outputs {
        views: ["ctr_alerts", "high_value_orders", "frequent_orders"].map(str::to_owned).to_vec(),
        rows: Box::new(rows.clone()),
        late: Box::new(io::sink()),
        dead: Box::new(io::sink()),
    };
    let catalog = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")).unwrap();
    let cut = Cut { batch: 500, partitions: NonZeroU32::MIN };
    let clock = Arc::new(ManualClock::at(start + Millis::minutes(1)));
    run(catalog, topics.into_iter().map(input).collect(), cut, outputs, clock, |_| ()).await.unwrap();
    let lines = String::from_utf8(rows.0.lock().unwrap().clone()).unwrap();
    let alert = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        (row["rule"].as_str().unwrap().to_owned(), row["window_end"].as_i64().unwrap() - start.0)
    };
    lines.lines().map(alert).collect()
}

#[tokio::test]
async fn within_a_minute_a_rate_has_fallen_and_two_have_cheated() {
    for seed in 1..=3 {
        let alerts = alerts_of_the_first_minute(seed).await;
        // The watermark passes a window's end a few seconds later.
        let in_time = alerts.iter().filter(|(_, at)| *at <= 50_000);
        let rules: BTreeSet<&str> = in_time.map(|(rule, _)| rule.as_str()).collect();
        let expected = ["ctr_fell", "frequent_orders", "high_value_order"];
        assert!(expected.iter().all(|rule| rules.contains(rule)), "seed {seed}: {alerts:?}");
    }
}
