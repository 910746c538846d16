//! `sql/shop.sql`: orders that somebody should look at.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    naive::times,
    rows::{BATCHES, MINUTE, SECOND, T0, lines, run},
};
use crate::lines::Ran;

const FILES: [&str; 1] = ["shop.sql"];

fn order(number: usize, user: &str, status: &str, amount: i64, at: i64) -> Value {
    json!({
        "event_id": format!("event_{number}"), "timestamp": jiff::Timestamp::from_millisecond(at).unwrap().to_string(),
        "source": "api", "version": "1.0", "order_id": format!("order_{number}"), "user_id": user, "status": status,
        "items": [{"product_id": "product_1", "quantity": 1}], "total_amount": amount, "shipping_address": {"city": "Seoul"}
    })
}

/// The alerts of a rule as they are after their last revisions: order, metric, severity.
fn alerts(ran: &Ran, view: &str) -> Vec<(String, f64, String)> {
    let of_view = ran.rows.iter().filter(|row| row["view"] == view);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = of_view.map(|row| {
        assert!(row["id"].as_str().is_some_and(|id| id.len() == 32), "{row:?}");
        (text(&row["order_id"]), (row["metric_value"].as_f64().unwrap(), text(&row["severity"])))
    });
    let last: std::collections::BTreeMap<_, _> = told.collect();
    last.into_iter().map(|(order, (value, severity))| (order, value, severity)).collect()
}

fn expected(rows: &[(usize, f64, &str)]) -> Vec<(String, f64, String)> {
    rows.iter()
        .map(|(order, value, severity)| (format!("order_{order}"), *value, (*severity).to_owned()))
        .collect()
}

#[test]
fn a_large_order_is_told_once_it_is_paid() {
    let amounts = [999_999, 1_000_000, 2_000_000, 2_000_001, 5_000_000, 5_000_001];
    let paid = (1..).zip(amounts).map(|(n, amount)| order(n, &format!("user_{n}"), "paid", amount, T0));
    let events: Vec<Value> = paid.chain([order(7, "user_7", "created", 9_000_000, T0)]).collect();
    let severities = [
        (2, 1e6, "MEDIUM"),
        (3, 2e6, "MEDIUM"),
        (4, 2_000_001.0, "HIGH"),
        (5, 5e6, "HIGH"),
        (6, 5_000_001.0, "CRITICAL"),
    ];
    for batch in BATCHES {
        let ran = run(&FILES, "order_events", &lines(&events), batch);
        assert_eq!(alerts(&ran, "high_value_orders"), expected(&severities), "batches of {batch}");
        assert_eq!(alerts(&ran, "frequent_orders"), []);
    }
    let ran = run(&FILES, "order_events", &lines(&events), 1);
    let first = ran.rows.iter().find(|row| row["view"] == "high_value_orders").unwrap();
    assert_eq!(first["rule"], "high_value_order");
    assert_eq!((&first["threshold"], &first["detected_at"]), (&json!(1e6), &json!(T0)));
    assert_eq!(first["details"], "order order_2 of user user_2 amounts to 1000000.0");
}

#[test]
fn the_third_order_within_ten_minutes_is_told() {
    let paid = |n: usize, second: i64| order(n, "ann", "paid", 1000, T0 + second * SECOND);
    let events = [
        paid(1, 0),
        order(2, "ann", "created", 1000, T0 + 10 * SECOND),
        paid(3, 60),
        order(4, "bob", "paid", 1000, T0 + 70 * SECOND),
        // Exactly ten minutes after the first.
        paid(5, 600),
        paid(6, 601),
        paid(7, 602),
        // Out of order.
        paid(8, 599),
        paid(9, 2000),
    ];
    let told = [(5, 4.0, "MEDIUM"), (6, 4.0, "MEDIUM"), (7, 5.0, "HIGH"), (8, 3.0, "MEDIUM")];
    for batch in BATCHES {
        let ran = run(&FILES, "order_events", &lines(&events), batch);
        assert_eq!(alerts(&ran, "frequent_orders"), expected(&told), "batches of {batch}");
    }
}

#[test]
fn generated_orders_equal_a_naive_count() {
    let mut random = StdRng::seed_from_u64(10);
    let times = times(&mut random, 600, 20 * SECOND, 4 * SECOND);
    let mut payment = || {
        let status = ["created", "paid", "paid", "cancelled"][random.random_range(0..4)];
        (format!("user_{}", random.random_range(0..12)), status, random.random_range(0..7_000_000))
    };
    let orders: Vec<(i64, (String, &str, i64))> = times.into_iter().map(|at| (at, payment())).collect();
    let paid: Vec<_> = (0..).zip(&orders).filter(|(_, (_, (_, status, _)))| *status == "paid").collect();
    let within = |user: &str, at: i64| {
        let near = |(_, (then, (other, ..))): &&(usize, &(i64, (String, &str, i64)))| {
            other == user && (at - 10 * MINUTE..=at).contains(then)
        };
        u32::try_from(paid.iter().filter(near).count()).unwrap()
    };
    let count = |(n, (at, (user, ..))): &(usize, &(i64, (String, &str, i64)))| (*n, within(user, *at));
    let mut frequent: Vec<_> = paid
        .iter()
        .map(count)
        .filter(|(_, count)| *count >= 3)
        .map(|(n, count)| {
            (format!("order_{n}"), f64::from(count), if count >= 5 { "HIGH" } else { "MEDIUM" }.to_owned())
        })
        .collect();
    frequent.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(frequent.len() > 50, "{}", frequent.len());
    let large = paid.iter().filter(|(_, (_, (_, _, amount)))| *amount >= 1_000_000).count();
    let all: Vec<Value> = (0..)
        .zip(&orders)
        .map(|(n, (at, (user, status, amount)))| order(n, user, status, *amount, *at))
        .collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, "order_events", &lines(&all), batch);
        assert_eq!(alerts(&ran, "frequent_orders"), frequent, "batches of {batch}");
        assert_eq!(alerts(&ran, "high_value_orders").len(), large);
    }
}
