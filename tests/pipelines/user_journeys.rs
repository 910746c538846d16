//! `sql/user_behaviour.sql`: sessions, funnels, and who comes back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    naive::{Windows, share},
    rows::{BATCHES, MINUTE, SECOND, T0, assert_rows, last, lines, run},
    user_behaviour::{Action, DELAY, FILES, TOPIC, event, generated, sent, windowed},
};
use crate::lines::Ran;

const GAP: i64 = 30 * MINUTE;
const HOUR: i64 = 60 * MINUTE;

fn session(user: &str, first: i64, last: i64, events: usize) -> Value {
    let row = json!({
        "user_id": user, "session_start": first, "session_end": last, "duration_ms": last - first, "events": events
    });
    windowed(row, first, last + GAP - first)
}

#[test]
fn half_an_hour_of_silence_ends_a_session() {
    let view = |user: &str, at: i64| event(user, "view", "/home", at);
    let events = [
        view("ann", T0 + MINUTE),
        view("bob", T0 + 2 * MINUTE),
        view("ann", T0 + 31 * MINUTE),
        view("ann", T0 + 20 * MINUTE + 59_996),
        view("ann", T0 + 31 * MINUTE + 1),
        view("bob", T0 + 2 * MINUTE + GAP + 1),
        view("ann", T0 + 62 * MINUTE),
    ];
    // The fourth comes ten minutes out of order, into a session that is open still.
    let expected = vec![
        session("ann", T0 + MINUTE, T0 + 31 * MINUTE + 1, 4),
        session("ann", T0 + 62 * MINUTE, T0 + 62 * MINUTE, 1),
        session("bob", T0 + 2 * MINUTE, T0 + 2 * MINUTE, 1),
        session("bob", T0 + 32 * MINUTE + 1, T0 + 32 * MINUTE + 1, 1),
    ];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert_rows(&ran, "session_stats", "user_id", expected.clone());
    }
}

fn funnel(viewed: usize, clicked: usize, purchased: usize, start: i64) -> Value {
    let row = json!({
        "viewed": viewed, "clicked": clicked, "purchased": purchased,
        "view_to_click": share(clicked, viewed), "click_to_purchase": share(purchased, clicked),
        "completed": purchased, "view_to_purchase": share(purchased, viewed)
    });
    windowed(row, start, 5 * MINUTE)
}

#[test]
fn a_funnel_goes_in_its_order() {
    let steps = [
        // In order, but read otherwise.
        ("ann", "click", 2),
        ("ann", "view", 1),
        ("ann", "purchase", 3),
        // Purchased before a click.
        ("bob", "view", 4),
        ("bob", "purchase", 5),
        ("bob", "click", 6),
        // Never viewed.
        ("cat", "click", 7),
        ("cat", "purchase", 8),
        ("dan", "view", 9),
        // Begun in one window, ended in the next.
        ("eve", "view", 298),
        ("eve", "click", 299),
        ("eve", "purchase", 300),
    ];
    let events = steps.map(|(user, kind, second)| event(user, kind, "/home", T0 + second * SECOND));
    let expected = vec![funnel(4, 3, 1, T0), funnel(0, 0, 0, T0 + 5 * MINUTE)];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert_rows(&ran, "funnel_stats", "", expected.clone());
    }
}

fn hour(new: usize, returning: usize, start: i64) -> Value {
    let row = json!({
        "users": new + returning, "new_users": new, "returning_users": returning,
        "retention": share(returning, new + returning)
    });
    windowed(row, start, HOUR)
}

#[test]
fn who_was_seen_before_the_hour_is_returning() {
    let visits = [
        ("ann", 0),
        // Twice in one hour is not coming back.
        ("ann", 30),
        ("bob", 59),
        ("cat", 61),
        ("ann", 119),
        // Three days without anybody.
        ("bob", 3 * 24 * 60 + 5),
        ("cat", 3 * 24 * 60 + 6),
        ("dan", 3 * 24 * 60 + 7),
    ];
    let events = visits.map(|(user, minute)| event(user, "view", "/home", T0 + minute * MINUTE));
    let expected = vec![hour(2, 0, T0), hour(1, 1, T0 + HOUR), hour(1, 2, T0 + 72 * HOUR)];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert_rows(&ran, "retention", "", expected.clone());
    }
}

/// Each user's events, in the order of time.
fn by_user(events: &[(i64, Action)]) -> BTreeMap<&str, Vec<i64>> {
    let mut users: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    events.iter().for_each(|(at, (user, ..))| users.entry(user).or_default().push(*at));
    users.values_mut().for_each(|times| times.sort_unstable());
    users
}

#[test]
fn generated_sessions_equal_naive_ones() {
    // None is late: out of order by less than the watermark waits.
    let events = generated(5, 2000, 60, 60_000, DELAY);
    let mut expected = Vec::new();
    for (user, times) in by_user(&events) {
        let sessions = times.chunk_by(|before, at| at - before <= GAP);
        expected.extend(sessions.map(|times| session(user, times[0], times[times.len() - 1], times.len())));
    }
    assert!(expected.len() > 300);
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &sent(&events), batch);
        assert!(ran.dead.is_empty() && ran.late.is_empty());
        assert_rows(&ran, "session_stats", "user_id", expected.clone());
    }
}

/// How far a user came: from each view to the next click, and to the purchase behind it.
fn steps(group: &[(i64, &Action)]) -> usize {
    let next = |kind: &str, from: i64| {
        group.iter().filter(|(at, (_, event, _))| *event == kind && *at >= from).map(|(at, _)| *at).min()
    };
    match next("view", i64::MIN).map(|view| next("click", view).map(|click| next("purchase", click))) {
        None => 0,
        Some(None) => 1,
        Some(Some(None)) => 2,
        Some(Some(Some(_))) => 3,
    }
}

#[test]
fn generated_funnels_equal_naive_ones() {
    let events = generated(6, 3000, 25, 3000, 60_000);
    let groups = Windows::tumble(5 * MINUTE, DELAY).group(&events, |_, (user, ..)| Some(user.clone()));
    let mut windows: BTreeMap<i64, [usize; 4]> = BTreeMap::new();
    for ((start, _), group) in &groups {
        windows.entry(*start).or_default()[steps(group)] += 1;
    }
    let expected: Vec<Value> = windows
        .iter()
        .map(|(start, [_, one, two, three])| funnel(one + two + three, two + three, *three, *start))
        .collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &sent(&events), batch);
        assert_rows(&ran, "funnel_stats", "", expected.clone());
    }
}

#[test]
fn generated_returns_equal_naive_ones() {
    // Some five days, of which each user sees a part.
    let events = generated(7, 1500, 400, 10 * MINUTE, 20 * MINUTE);
    let groups = Windows::tumble(HOUR, DELAY).group(&events, |_, (user, ..)| Some(user.clone()));
    let mut seen = BTreeSet::new();
    let mut hours: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    // In the order of hours: whoever is new to the set has not been seen before.
    for (start, user) in groups.keys() {
        let (new, returning) = hours.entry(*start).or_default();
        if seen.insert(user) { *new += 1 } else { *returning += 1 }
    }
    let expected: Vec<Value> =
        hours.iter().map(|(start, (new, returning))| hour(*new, *returning, *start)).collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &sent(&events), batch);
        assert!(!ran.late.is_empty());
        assert_rows(&ran, "retention", "", expected.clone());
    }
}

fn path(user: &str, page: &str, clicks: usize, from: i64, to: i64) -> Value {
    let row = json!({
        "user_id": user, "entry_page": page, "clicks": clicks, "viewed_at": from, "purchased_at": to,
        "duration_ms": to - from
    });
    windowed(row, from, to + 1 - from)
}

/// The rows without the records that they are of, in the order of time.
fn paths(ran: &Ran) -> Vec<Value> {
    let mut rows = last(ran, "purchase_paths", "user_id");
    rows.iter_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("source_record")));
    rows
}

#[test]
fn a_purchase_path_is_a_view_clicks_and_a_purchase() {
    let steps = [
        ("ann", "view", "/home", 0),
        // Only the last view leads on.
        ("ann", "view", "/product", 1),
        ("ann", "click", "/product", 2),
        ("ann", "purchase", "/checkout", 9),
        // Out of order.
        ("ann", "click", "/checkout", 8),
        // Without a click, and without a view.
        ("bob", "view", "/home", 10),
        ("bob", "purchase", "/checkout", 11),
        ("bob", "click", "/home", 12),
        ("bob", "purchase", "/checkout", 13),
        // A millisecond less than five minutes would do.
        ("cat", "view", "/home", 20),
        ("cat", "click", "/home", 21),
        ("cat", "purchase", "/checkout", 320),
        ("ann", "view", "/home", 321),
        ("ann", "click", "/home", 322),
        ("ann", "purchase", "/checkout", 323),
    ];
    let events = steps.map(|(user, kind, page, second)| event(user, kind, page, T0 + second * SECOND));
    let expected = [
        path("ann", "/product", 2, T0 + SECOND, T0 + 9 * SECOND),
        path("ann", "/home", 1, T0 + 321 * SECOND, T0 + 323 * SECOND),
    ];
    for batch in BATCHES {
        let ran = run(&FILES, TOPIC, &lines(&events), batch);
        assert_eq!(paths(&ran), expected, "batches of {batch}");
    }
}

#[test]
fn generated_purchase_paths_equal_naive_ones() {
    let events = generated(8, 4000, 25, 3000, 15_000);
    let mut users: BTreeMap<&str, Vec<(i64, &Action)>> = BTreeMap::new();
    let mut largest = i64::MIN / 2;
    for (at, action) in &events {
        if *at > largest - DELAY - 1 {
            users.entry(action.0.as_str()).or_default().push((*at, action));
        }
        largest = largest.max(*at);
    }
    let mut expected = Vec::new();
    for (user, mut actions) in users {
        actions.sort_by_key(|(at, _)| *at);
        // Each purchase, and back over clicks to a view.
        for (index, (to, _)) in actions.iter().enumerate().filter(|(_, (_, action))| action.1 == "purchase") {
            let clicks = actions[..index].iter().rev().take_while(|(_, action)| action.1 == "click").count();
            let Some((from, (_, kind, page))) = (index - clicks).checked_sub(1).map(|view| actions[view])
            else {
                continue;
            };
            if clicks > 0 && *kind == "view" && to - from < 5 * MINUTE {
                expected.push(path(user, page, clicks, from, *to));
            }
        }
    }
    expected.sort_by_key(|row| (row["viewed_at"].as_i64(), row["user_id"].to_string()));
    assert!(expected.len() > 100, "{}", expected.len());
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &sent(&events), batch);
        assert!(!ran.late.is_empty());
        assert_eq!(paths(&ran), expected, "batches of {batch}");
    }
}
