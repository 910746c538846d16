//! What the simulated shoppers do.

use std::collections::HashMap;

use futures::StreamExt as _;

use super::*;
use crate::time::ManualClock;

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
        collapse: Collapse { rank: 0, period: Millis::minutes(2), length: Millis::minutes(1) },
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
