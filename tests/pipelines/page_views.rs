//! `sql/page_views.sql`.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    naive::{Windows, times},
    rows::{BATCHES, MINUTE, SECOND, T0, assert_rows, last, lines, run},
};

const FILES: [&str; 1] = ["page_views.sql"];
const TOPIC: &str = "click-stream";

/// An event as the click stream's producer sends it.
fn event(page: &str, event_type: &str, at: i64) -> Value {
    json!({
        "user_id": "user_17", "page": page, "timestamp": at, "ip": "192.168.1.17", "session_id": "session_4711",
        "event_type": event_type, "product_id": "product_3", "user_agent": "Mozilla/5.0", "referrer": "google.com",
        "session_duration": 182
    })
}

fn row(page: &str, count: usize, views: usize, start: i64) -> Value {
    json!({ "page": page, "count": count, "views": views, "window_start": start, "window_end": start + 5 * MINUTE })
}

#[test]
fn a_page_is_counted_in_thirty_windows() {
    let events = [
        event("/home", "VIEW", T0 + 3 * SECOND),
        event("/home", "CLICK", T0 + 9 * SECOND),
        event("/cart", "ADD_TO_CART", T0 + 11 * SECOND),
        // Out of order, and in time.
        event("/home", "VIEW", T0 + 10 * SECOND),
    ];
    // By where the window ends, in seconds.
    let home = |start: i64| match (start + 5 * MINUTE - T0) / SECOND {
        10 => row("/home", 2, 1, start),
        20..=300 => row("/home", 3, 2, start),
        _ => row("/home", 1, 1, start),
    };
    let starts = |first: i64| (0..).map(move |n| T0 + (first + 10 * n - 300) * SECOND);
    let expected: Vec<Value> = starts(10)
        .take(31)
        .map(home)
        .chain(starts(20).take(30).map(|start| row("/cart", 1, 0, start)))
        .collect();
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert!(ran.late.is_empty() && ran.dead.is_empty());
        assert_rows(&ran, "page_view_counts", "page", expected.clone());
    }
}

#[test]
fn a_late_view_counts_in_the_windows_that_are_open() {
    let events = [
        event("/home", "VIEW", T0 + 8 * MINUTE),
        event("/home", "VIEW", T0 + 10 * MINUTE),
        // The watermark is a millisecond below 09:58: windows that end at 09:53 or before take no more.
        event("/home", "VIEW", T0 + 5 * MINUTE),
        event("/home", "VIEW", T0 + 5 * MINUTE - 1),
    ];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert_eq!(ran.late.len(), 1, "the last is in no window that is open");
        assert_eq!(ran.late[0]["timestamp"], T0 + 5 * MINUTE - 1);
        let rows = last(&ran, "page_view_counts", "page");
        let count =
            |end: i64| rows.iter().find(|row| row["window_end"] == end).map(|row| row["count"].clone());
        assert_eq!(count(T0 + 9 * MINUTE + 50 * SECOND), Some(1.into()), "closed before they came");
        assert_eq!(count(T0 + 10 * MINUTE), Some(2.into()), "took the one of five minutes past");
        assert_eq!(count(T0 + 10 * MINUTE + 10 * SECOND), Some(2.into()));
    }
}

#[test]
fn generated_views_equal_a_naive_count() {
    let mut random = StdRng::seed_from_u64(1);
    let kinds = ["VIEW", "VIEW", "CLICK", "ADD_TO_CART", "PURCHASE", "SEARCH"];
    // Up to 40 s out of order: some come too late for some of their windows, or for all.
    let times = times(&mut random, 1500, 800, 40_000);
    let events: Vec<(i64, (String, &str))> = times
        .into_iter()
        .map(|at| (at, (format!("/page{}", random.random_range(0..6)), kinds[random.random_range(0..6)])))
        .collect();
    let windows = Windows { size: 5 * MINUTE, slide: 10 * SECOND, delay: 2 * SECOND, lateness: 5 * SECOND };
    let groups = windows.group(&events, |_, (page, _)| Some(page.clone()));
    let expected: Vec<Value> = groups
        .iter()
        .map(|((start, page), group)| {
            let views = group.iter().filter(|(_, (_, kind))| *kind == "VIEW").count();
            row(page, group.len(), views, *start)
        })
        .collect();
    let all: Vec<Value> = events.iter().map(|(at, (page, kind))| event(page, kind, *at)).collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &lines(&all), batch);
        assert_rows(&ran, "page_view_counts", "page", expected.clone());
    }
}
