//! `sql/shop.sql`: users and products. Orders are in `orders`.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    naive::{Windows, share, times},
    rows::{BATCHES, MINUTE, SECOND, T0, assert_rows, lines, run},
    user_behaviour::windowed,
};

const FILES: [&str; 1] = ["shop.sql"];
const DELAY: i64 = 5 * SECOND;

/// A time as the server writes it.
fn iso(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

/// A user's event as the server sends it on: what is not known is null.
fn user_event(user: &str, kind: &str, page: Option<&str>, at: i64) -> Value {
    json!({
        "event_id": "8a5e0d5e-7a7c-4d1f-9d3b-0f4ce5a0c001", "timestamp": iso(at), "source": "api", "version": "1.0",
        "user_id": user, "event_type": kind, "page_url": page, "product_id": null, "amount": null,
        "metadata": {"device": "mobile", "session_id": "session_1"}
    })
}

fn analytics(product: &str, action: &str, user: &str, at: i64) -> Value {
    json!({
        "event_id": "8a5e0d5e-7a7c-4d1f-9d3b-0f4ce5a0c002", "timestamp": iso(at), "source": "api", "version": "1.0",
        "product_id": product, "action": action, "user_id": user, "session_id": "session_1",
        "properties": {"category": "electronics", "price": 199.99}
    })
}

/// Who did what, and on which page.
type UserAction = (String, &'static str, Option<String>);

/// A user's five minutes that end that many minutes after the start.
fn analysed(user: &str, span: (i64, i64), counts: (usize, usize), types: &[&str], end: i64) -> Value {
    let row = json!({
        "user_id": user, "session_start": span.0, "session_end": span.1, "total_events": counts.0,
        "unique_pages": counts.1, "total_time_spent": span.1 - span.0, "event_types": types
    });
    windowed(row, T0 + (end - 5) * MINUTE, 5 * MINUTE)
}

#[test]
fn a_users_five_minutes_are_told_every_minute() {
    let events = [
        user_event("ann", "page_view", Some("/home"), T0 + 10 * SECOND),
        user_event("ann", "purchase", None, T0 + 90 * SECOND),
        user_event("ann", "page_view", Some("/home"), T0 + 88 * SECOND),
        user_event("bob", "login", Some("/login"), T0 + 100 * SECOND),
        user_event("ann", "page_view", Some("/cart"), T0 + 7 * MINUTE),
        // Its last window ended before the watermark.
        user_event("ann", "logout", Some("/late"), T0 + 90 * SECOND),
    ];
    let at = |second: i64| T0 + second * SECOND;
    let mut expected = vec![
        analysed("ann", (at(10), at(10)), (1, 1), &["page_view"], 1),
        analysed("ann", (at(88), at(90)), (2, 1), &["page_view", "purchase"], 6),
    ];
    expected.extend(
        (2..=5).map(|end| analysed("ann", (at(10), at(90)), (3, 1), &["page_view", "purchase"], end)),
    );
    expected.extend((2..=6).map(|end| analysed("bob", (at(100), at(100)), (1, 1), &["login"], end)));
    expected.extend((8..=12).map(|end| analysed("ann", (at(420), at(420)), (1, 1), &["page_view"], end)));
    for batch in BATCHES {
        let ran = run(&FILES, "user_events", &lines(&events), batch);
        assert!(ran.dead.is_empty());
        assert_eq!(ran.late.len(), 1);
        assert_rows(&ran, "user_session_analytics", "user_id", expected.clone());
    }
}

fn popularity(
    product: &str,
    [views, carts, purchases]: [usize; 3],
    unique_users: usize,
    start: i64,
) -> Value {
    let row = json!({
        "product_id": product, "views": views, "carts": carts, "purchases": purchases, "unique_users": unique_users,
        "conversion_rate": share(purchases, views), "score": views + 3 * carts + 10 * purchases
    });
    windowed(row, start, 5 * MINUTE)
}

#[test]
fn a_purchase_weighs_ten_views() {
    let events = [
        analytics("lamp", "view", "ann", T0 + SECOND),
        analytics("lamp", "view", "bob", T0 + 2 * SECOND),
        analytics("lamp", "view", "ann", T0 + 299 * SECOND),
        analytics("lamp", "add_to_cart", "ann", T0 + 300 * SECOND),
        // Out of order, and in time.
        analytics("lamp", "add_to_cart", "bob", T0 + 298 * SECOND),
        analytics("sofa", "review", "cat", T0 + 303 * SECOND),
        analytics("lamp", "purchase", "bob", T0 + 299 * SECOND),
        analytics("sofa", "purchase", "ann", T0 + 310 * SECOND),
        // Late.
        analytics("lamp", "purchase", "dan", T0 + 299 * SECOND),
    ];
    let expected = vec![
        popularity("lamp", [3, 1, 1], 2, T0),
        popularity("lamp", [0, 1, 0], 1, T0 + 5 * MINUTE),
        popularity("sofa", [0, 0, 1], 2, T0 + 5 * MINUTE),
    ];
    assert_eq!(expected[0]["score"], 16);
    for batch in BATCHES {
        let ran = run(&FILES, "product_analytics", &lines(&events), batch);
        assert_eq!(ran.late.len(), 1);
        assert_rows(&ran, "product_popularity_metrics", "product_id", expected.clone());
    }
}

#[test]
fn generated_user_events_equal_a_naive_fold() {
    let mut random = StdRng::seed_from_u64(8);
    let times = times(&mut random, 1500, 2000, 60_000);
    let mut action = || {
        let kind = ["page_view", "click", "add_to_cart", "purchase"][random.random_range(0..4)];
        let page = random.random_bool(0.8).then(|| format!("/page{}", random.random_range(0..8)));
        (format!("user_{}", random.random_range(0..20)), kind, page)
    };
    let events: Vec<(i64, UserAction)> = times.into_iter().map(|at| (at, action())).collect();
    let windows = Windows { size: 5 * MINUTE, slide: MINUTE, delay: DELAY, lateness: 0 };
    let groups = windows.group(&events, |_, (user, ..)| Some(user.clone()));
    let expected: Vec<Value> = groups
        .iter()
        .map(|((start, user), group)| {
            let span =
                group.iter().fold((i64::MAX, i64::MIN), |(low, high), (at, _)| (low.min(*at), high.max(*at)));
            let pages: BTreeSet<_> = group.iter().filter_map(|(_, (_, _, page))| page.as_ref()).collect();
            let types: BTreeSet<_> = group.iter().map(|(_, (_, kind, _))| *kind).collect();
            let types: Vec<_> = types.into_iter().collect();
            analysed(user, span, (group.len(), pages.len()), &types, (start - T0) / MINUTE + 5)
        })
        .collect();
    let all: Vec<Value> =
        events.iter().map(|(at, (user, kind, page))| user_event(user, kind, page.as_deref(), *at)).collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, "user_events", &lines(&all), batch);
        assert!(ran.dead.is_empty());
        assert_rows(&ran, "user_session_analytics", "user_id", expected.clone());
    }
}

#[test]
fn generated_product_analytics_equal_a_naive_count() {
    let mut random = StdRng::seed_from_u64(9);
    let times = times(&mut random, 3000, 1500, 60_000);
    let mut action = || {
        let action = ["view", "view", "view", "add_to_cart", "purchase", "review"][random.random_range(0..6)];
        (
            format!("product_{}", random.random_range(0..12)),
            action,
            format!("user_{}", random.random_range(0..50)),
        )
    };
    let events: Vec<(i64, (String, &str, String))> = times.into_iter().map(|at| (at, action())).collect();
    let groups = Windows::tumble(5 * MINUTE, DELAY).group(&events, |_, (product, ..)| Some(product.clone()));
    let expected: Vec<Value> = groups
        .iter()
        .map(|((start, product), group)| {
            let count = |kind: &str| group.iter().filter(|(_, (_, action, _))| *action == kind).count();
            let users: BTreeSet<_> = group.iter().map(|(_, (_, _, user))| user).collect();
            popularity(product, ["view", "add_to_cart", "purchase"].map(count), users.len(), *start)
        })
        .collect();
    let all: Vec<Value> =
        events.iter().map(|(at, (product, action, user))| analytics(product, action, user, *at)).collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, "product_analytics", &lines(&all), batch);
        assert!(ran.dead.is_empty());
        assert_rows(&ran, "product_popularity_metrics", "product_id", expected.clone());
    }
}
