//! `sql/user_behaviour.sql`: what is counted. What users did one after another is in `user_journeys`.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    naive::{Groups, Windows, share, times},
    rows::{BATCHES, MINUTE, SECOND, T0, assert_rows, lines, run},
};

pub(crate) const FILES: [&str; 1] = ["user_behaviour.sql"];
pub(crate) const TOPIC: &str = "raw_events";
pub(crate) const DELAY: i64 = 5 * SECOND;

/// An event as the emulator sends it.
pub(crate) fn event(user: &str, event: &str, page: &str, at: i64) -> Value {
    json!({"userId": user, "event": event, "page": page, "timestamp": at})
}

/// A row with its window.
pub(crate) fn windowed(mut row: Value, start: i64, size: i64) -> Value {
    row["window_start"] = start.into();
    row["window_end"] = (start + size).into();
    row
}

fn two_minutes() -> Vec<Value> {
    vec![
        event("ann", "view", "/home", T0 + 10 * SECOND),
        event("bob", "view", "/home", T0 + 20 * SECOND),
        event("ann", "click", "/product", T0 + 61 * SECOND),
        // Out of order, and in time: the watermark is behind the minute's end.
        event("ann", "view", "/home", T0 + 59 * SECOND),
        event("ann", "purchase", "/checkout", T0 + 70 * SECOND),
        event("ann", "view", "/home", T0 + 75 * SECOND),
        // The watermark is past the first minute: late for it, and in time for the five minutes.
        event("cat", "purchase", "/checkout", T0 + 30 * SECOND),
    ]
}

#[test]
fn a_minute_is_counted_in_each_way() {
    let minute = |row: Value, n: i64| windowed(row, T0 + n * MINUTE, MINUTE);
    let expected = [
        (
            "events_per_type",
            "event",
            vec![
                minute(json!({"event": "view", "events": 3}), 0),
                minute(json!({"event": "view", "events": 1}), 1),
                minute(json!({"event": "click", "events": 1}), 1),
                minute(json!({"event": "purchase", "events": 1}), 1),
            ],
        ),
        (
            "page_views",
            "page",
            vec![
                minute(json!({"page": "/home", "views": 3}), 0),
                minute(json!({"page": "/home", "views": 1}), 1),
            ],
        ),
        (
            "unique_users_per_page",
            "page",
            vec![
                minute(json!({"page": "/home", "users": 2}), 0),
                minute(json!({"page": "/home", "users": 1}), 1),
                minute(json!({"page": "/product", "users": 1}), 1),
                minute(json!({"page": "/checkout", "users": 1}), 1),
            ],
        ),
        (
            "activity_heatmap",
            "hour",
            vec![minute(json!({"hour": 22, "events": 3}), 0), minute(json!({"hour": 22, "events": 3}), 1)],
        ),
    ];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&two_minutes()), batch);
        assert!(ran.dead.is_empty());
        for (view, key, rows) in expected.clone() {
            assert_rows(&ran, view, key, rows);
        }
    }
}

#[test]
fn who_viewed_and_purchased_has_converted() {
    let row = |users: usize, converted: usize, minute: i64| {
        let row = json!({"users": users, "converted": converted, "conversion_rate": share(converted, users)});
        windowed(row, T0 + (minute - 5) * MINUTE, 5 * MINUTE)
    };
    // Ann alone does both; cat purchases, in time for all windows but the first.
    let expected = vec![row(2, 0, 1), row(3, 1, 2), row(3, 1, 3), row(3, 1, 4), row(3, 1, 5), row(1, 1, 6)];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&two_minutes()), batch);
        assert_rows(&ran, "conversion_rate", "", expected.clone());
    }
}

#[test]
fn a_record_that_is_none_is_told_why() {
    let broken = [
        json!({"event": "view", "page": "/home", "timestamp": T0}),
        json!({"userId": 7, "event": "view", "page": "/home", "timestamp": T0}),
        json!({"userId": "ann", "event": "view", "page": "/home", "timestamp": "yesterday"}),
    ];
    let ran = run(&FILES, TOPIC, &lines(&broken), 1);
    let reasons: Vec<_> = ran.dead.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 3);
    for (reason, place) in reasons.iter().zip(["user_id", "user_id", "ts"]) {
        assert!(reason.starts_with(&format!("column {place:?}")), "{reason}");
    }
}

/// What a user did, and where.
pub(crate) type Action = (String, &'static str, &'static str);

/// Generated actions of users, with their times.
pub(crate) fn generated(seed: u64, count: usize, users: u32, step: i64, disorder: i64) -> Vec<(i64, Action)> {
    let mut random = StdRng::seed_from_u64(seed);
    let times = times(&mut random, count, step, disorder);
    let mut action = || {
        let event = ["view", "view", "view", "click", "click", "purchase"][random.random_range(0..6)];
        let page = ["/home", "/product", "/checkout"][random.random_range(0..3)];
        (format!("user_{}", random.random_range(0..users)), event, page)
    };
    times.into_iter().map(|at| (at, action())).collect()
}

pub(crate) fn sent(events: &[(i64, Action)]) -> String {
    let all: Vec<Value> =
        events.iter().map(|(at, (user, kind, page))| event(user, kind, page, *at)).collect();
    lines(&all)
}

fn minutes<K: Ord>(
    groups: &Groups<'_, K, Action>,
    row: impl Fn(&K, &[(i64, &Action)]) -> Value,
) -> Vec<Value> {
    groups.iter().map(|((start, key), group)| windowed(row(key, group), *start, MINUTE)).collect()
}

fn users(group: &[(i64, &Action)], which: impl Fn(&str) -> bool) -> BTreeSet<String> {
    group.iter().filter(|(_, (_, kind, _))| which(kind)).map(|(_, (user, ..))| user.clone()).collect()
}

/// What a naive count gives for each view: name, key, rows.
fn counted(events: &[(i64, Action)]) -> [(&'static str, &'static str, Vec<Value>); 5] {
    let minute = Windows::tumble(MINUTE, DELAY);
    let by_event = minute.group(events, |_, (_, event, _)| Some(*event));
    let by_view = minute.group(events, |_, (_, event, page)| (*event == "view").then_some(*page));
    let by_page = minute.group(events, |_, (_, _, page)| Some(*page));
    let by_hour = minute.group(events, |at, _| Some((at / (60 * MINUTE)) % 24));
    let sliding = Windows { size: 5 * MINUTE, ..minute };
    let conversion = sliding.group(events, |_, _| Some(())).into_iter().map(|((start, ()), group)| {
        let (viewed, bought) =
            (users(&group, |kind| kind == "view"), users(&group, |kind| kind == "purchase"));
        let (all, both) = (users(&group, |_| true).len(), viewed.intersection(&bought).count());
        let row = json!({"users": all, "converted": both, "conversion_rate": share(both, all)});
        windowed(row, start, 5 * MINUTE)
    });
    [
        (
            "events_per_type",
            "event",
            minutes(&by_event, |event, group| json!({"event": event, "events": group.len()})),
        ),
        ("page_views", "page", minutes(&by_view, |page, group| json!({"page": page, "views": group.len()}))),
        (
            "unique_users_per_page",
            "page",
            minutes(&by_page, |page, group| json!({"page": page, "users": users(group, |_| true).len()})),
        ),
        (
            "activity_heatmap",
            "hour",
            minutes(&by_hour, |hour, group| json!({"hour": hour, "events": group.len()})),
        ),
        ("conversion_rate", "", conversion.collect()),
    ]
}

#[test]
fn generated_events_equal_naive_counts() {
    // Over an hour's end, with some up to 90 s behind, which is too late for their minutes.
    let events = generated(4, 3000, 40, 3000, 90_000);
    let expected = counted(&events);
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &sent(&events), batch);
        for (view, key, rows) in expected.clone() {
            assert_rows(&ran, view, key, rows);
        }
    }
}
