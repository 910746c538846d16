//! Joins of views: rows as computed by hand, and the same as joining the rows of the views themselves.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use support::{catalog::catalog, lines::run_lines};

const SQL: &str = include_str!("sql/ok/joins.sql");

fn line(event: &Value) -> String {
    format!("{event}\n")
}

fn visit(user: &str, ts: i64) -> String {
    line(&json!({"user_id": user, "page": "/", "ts": ts}))
}

fn order(buyer: &str, status: &str, amount: f64, ts: i64) -> String {
    line(&json!({"buyer": buyer, "status": status, "amount": amount, "ts": ts}))
}

/// The last row of each key and window of a view, without what every row has.
fn rows(
    view: &str,
    inputs: &[(&'static str, Vec<u8>)],
    batch: usize,
    partitions: u32,
) -> BTreeMap<String, Value> {
    let ran = run_lines(catalog(SQL), inputs, batch, partitions);
    assert!(ran.late.is_empty() && ran.dead.is_empty());
    let mut rows = BTreeMap::new();
    for mut row in ran.rows.into_iter().filter(|row| row["view"] == view) {
        let name = ["user_id", "buyer"].iter().find_map(|key| row.get(*key)).unwrap().clone();
        let key = format!("{} {name}", row.get("window_end").unwrap());
        ["view", "revision", "window_start"].iter().for_each(|name| drop(row.shift_remove(*name)));
        rows.insert(key, Value::Object(row));
    }
    rows
}

#[test]
fn rows_are_joined_by_key_and_window() {
    let visits = [
        ("ann", 1000),
        ("ann", 2000),
        ("bob", 3000),
        ("cid", 4000),
        ("cid", 5000),
        ("ann", 61_000),
        ("ann", 62_000),
    ];
    let orders = [
        ("ann", "paid", 30.0, 10_000),
        ("bob", "paid", 50.0, 11_000),
        ("cid", "paid", 5.0, 12_000),
        ("cid", "cancelled", 7.0, 13_000),
        ("dan", "paid", 90.0, 14_000),
        ("ann", "cancelled", 1.0, 70_000),
    ];
    let inputs = [
        ("visits", visits.iter().map(|(user, ts)| visit(user, *ts)).collect::<String>().into_bytes()),
        (
            "orders",
            orders
                .iter()
                .map(|(buyer, status, amount, ts)| order(buyer, status, *amount, *ts))
                .collect::<String>()
                .into_bytes(),
        ),
    ];
    let of = |view: &str| rows(view, &inputs, 3, 2).into_values().collect::<Vec<_>>();
    assert_eq!(
        of("inner_join"),
        [json!({"user_id": "ann", "visits": 2, "paid": 30.0, "a_visit": 15.0, "window_end": 60_000})],
        "bob came once, cid's order is below what buyers has, dan did not come"
    );
    assert_eq!(
        of("left_join"),
        [
            json!({"user_id": "ann", "visits": 2, "paid": null, "window_end": 120_000}),
            json!({"user_id": "ann", "visits": 2, "paid": 30.0, "window_end": 60_000}),
            json!({"user_id": "bob", "visits": 1, "paid": 50.0, "window_end": 60_000}),
            json!({"user_id": "cid", "visits": 2, "paid": null, "window_end": 60_000}),
        ]
    );
    assert_eq!(
        of("one_table"),
        [
            json!({"buyer": "ann", "paid": null, "each": null, "cancelled": 1, "window_end": 120_000}),
            json!({"buyer": "ann", "paid": 30.0, "each": 30.0, "cancelled": null, "window_end": 60_000}),
            json!({"buyer": "bob", "paid": 50.0, "each": 50.0, "cancelled": null, "window_end": 60_000}),
            json!({"buyer": "cid", "paid": null, "each": null, "cancelled": 1, "window_end": 60_000}),
            json!({"buyer": "dan", "paid": 90.0, "each": 90.0, "cancelled": null, "window_end": 60_000}),
        ]
    );
    assert_eq!(
        of("three"),
        [
            json!({"user_id": "ann", "each": null, "cancelled": 1, "window_end": 120_000}),
            json!({"user_id": "ann", "each": 30.0, "cancelled": null, "window_end": 60_000}),
            json!({"user_id": "bob", "each": 50.0, "cancelled": null, "window_end": 60_000}),
            json!({"user_id": "cid", "each": null, "cancelled": 1, "window_end": 60_000}),
        ]
    );
}

/// Two minutes of events within two seconds of their order.
fn traffic(seed: u64) -> [(&'static str, Vec<u8>); 2] {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut visits, mut orders) = (String::new(), String::new());
    for n in 0..600 {
        let ts = 1_700_000_000_000 + n * 1000 - random.random_range(0..1500);
        let user = format!("u{}", random.random_range(0..25));
        if random.random_bool(0.6) {
            visits.push_str(&visit(&user, ts));
        } else {
            let status = if random.random_bool(0.6) { "paid" } else { "cancelled" };
            orders.push_str(&order(&user, status, f64::from(random.random_range(1..20)), ts));
        }
    }
    [("visits", visits.into_bytes()), ("orders", orders.into_bytes())]
}

#[test]
fn a_join_equals_the_joined_rows_of_its_views() {
    for (seed, batch, partitions) in [(1, 1, 1), (2, 7, 3), (3, 100, 2), (4, usize::MAX, 4)] {
        let inputs = traffic(seed);
        let [visitors, buyers, cancellers] =
            ["visitors", "buyers", "cancellers"].map(|view| rows(view, &inputs, batch, partitions));
        let of = |rows: &BTreeMap<String, Value>, key: &String, column: &str| {
            rows.get(key).map_or(Value::Null, |row| row[column].clone())
        };
        let [inner, left, full] =
            ["inner_join", "left_join", "one_table"].map(|view| rows(view, &inputs, batch, partitions));

        let expected = visitors.keys().filter(|key| buyers.contains_key(*key));
        let expected: Vec<_> = expected.filter(|key| visitors[*key]["visits"].as_i64() > Some(1)).collect();
        assert!(expected.len() > 10);
        assert_eq!(inner.keys().collect::<Vec<_>>(), expected);
        assert!(inner.iter().all(|(key, row)| row["paid"] == of(&buyers, key, "paid")));

        assert_eq!(left.keys().collect::<Vec<_>>(), visitors.keys().collect::<Vec<_>>());
        assert!(left.iter().all(|(key, row)| row["paid"] == of(&buyers, key, "paid")));
        assert!(left.values().any(|row| row["paid"].is_null()));

        let either = full.keys().all(|key| buyers.contains_key(key) || cancellers.contains_key(key));
        assert!(either && buyers.keys().chain(cancellers.keys()).all(|key| full.contains_key(key)));
        for (key, row) in &full {
            assert_eq!(row["paid"], of(&buyers, key, "paid"), "{key}");
            assert_eq!(row["cancelled"], of(&cancellers, key, "cancelled"), "{key}");
        }
    }
}
