use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::{event, sql::Catalog, time::ManualClock};

const START: Timestamp = Timestamp(1_700_000_000_000);

fn visits(settings: Settings) -> Vec<SimulatedEvent> {
    Visits::new(settings, &ManualClock::at(START)).collect()
}

fn hour() -> Settings {
    Settings { duration: Some(Millis::hours(1)), malformed: 0.0, ..Settings::default() }
}

#[test]
fn visits_can_be_repeated_and_come_in_sending_order() {
    let settings = Settings { duration: Some(Millis::minutes(10)), ..Settings::default() };
    let events = visits(settings.clone());
    assert!(events.len() > 10_000 && events.is_sorted_by_key(|event| event.send_at));
    assert_eq!(events, visits(settings));
}

/// Every event fits the table of its topic in `sql/`, and a half of one does not.
#[test]
fn events_fit_their_tables() {
    let catalog = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")).unwrap();
    let mut topics: BTreeMap<&str, usize> = BTreeMap::new();
    for SimulatedEvent { topic, payload, .. } in visits(hour()) {
        let table = catalog.table_of_topic(topic).unwrap();
        let checked = |payload: &[u8]| event::compose(table, payload, Timestamp::MAX).map(|_| ());
        assert_eq!(checked(&payload), Ok(()), "{topic}");
        assert!(checked(&payload[..payload.len() / 2]).is_err(), "{topic}");
        *topics.entry(topic).or_default() += 1;
    }
    assert_eq!(topics.len(), records::VISITS.len());
    for (topic, table) in records::VISITS {
        assert!(topics[topic] > 1000, "{topics:?}");
        assert_eq!(catalog.table_of_topic(topic).unwrap().name, table);
    }
}

#[test]
fn now_and_then_an_order_is_large_and_three_are_one_users() {
    let of_orders = visits(hour()).into_iter().filter(|event| event.topic == "order_events");
    let orders = of_orders.map(|event| serde_json::from_slice::<serde_json::Value>(&event.payload).unwrap());
    let paid: Vec<(String, i64, u64)> = orders
        .filter(|order| order["status"] == "paid")
        .map(|order| {
            let at: jiff::Timestamp = order["timestamp"].as_str().unwrap().parse().unwrap();
            let amount = order["total_amount"].as_u64().unwrap();
            (order["user_id"].to_string(), at.as_millisecond(), amount)
        })
        .collect();
    let large = paid.iter().filter(|(_, _, amount)| *amount >= 1_000_000).count();
    assert!((8..40).contains(&large), "{large} of {}", paid.len());
    let is_burst = |(user, at, _): &&(String, i64, u64)| {
        let near = |(other, then, _): &&(String, i64, u64)| other == user && (at - then).abs() < 60_000;
        paid.iter().filter(near).count() >= 3
    };
    let bursts = paid.iter().filter(is_burst).count();
    assert!((20..120).contains(&bursts), "{bursts} of {}", paid.len());
}
