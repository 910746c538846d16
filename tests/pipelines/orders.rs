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
fn a_paid_order_after_three_cancelled_ones_is_told() {
    let of =
        |n: usize, user: &str, status: &str, second: i64| order(n, user, status, 1000, T0 + second * SECOND);
    let events = [
        of(1, "ann", "cancelled", 0),
        of(2, "ann", "cancelled", 10),
        // Others are none of the two: they do not come between.
        of(3, "ann", "created", 15),
        of(4, "ann", "cancelled", 20),
        of(5, "bob", "cancelled", 20),
        of(6, "ann", "paid", 30),
        // Out of order: bob's fourth.
        of(7, "bob", "paid", 40),
        of(8, "bob", "cancelled", 38),
        of(9, "bob", "cancelled", 37),
        of(10, "bob", "cancelled", 36),
        // Ten minutes are over for the first of these, and three are left.
        of(11, "cat", "cancelled", 100),
        of(12, "cat", "cancelled", 101),
        of(13, "cat", "cancelled", 102),
        of(14, "cat", "cancelled", 103),
        of(15, "cat", "paid", 700),
        // What was told of is not told of again.
        of(16, "ann", "cancelled", 701),
        of(17, "ann", "cancelled", 702),
        of(18, "ann", "paid", 703),
        of(19, "bob", "created", 800),
    ];
    let told = [(15, 3.0, "MEDIUM"), (6, 3.0, "MEDIUM"), (7, 4.0, "MEDIUM")];
    for batch in BATCHES {
        let ran = run(&FILES, "order_events", &lines(&events), batch);
        assert_eq!(alerts(&ran, "tried_orders"), expected(&told), "batches of {batch}");
    }
}

/// The rule read literally: from the earliest cancelled order that has a paid one behind at least two others.
#[test]
fn generated_tries_equal_a_naive_search() {
    let mut random = StdRng::seed_from_u64(11);
    let times = times(&mut random, 900, 30 * SECOND, 4 * SECOND);
    let mut of = |n: usize, at: i64| {
        let status = ["created", "paid", "cancelled", "cancelled", "cancelled"][random.random_range(0..5)];
        (n, format!("user_{}", random.random_range(0..6)), status, at)
    };
    let orders: Vec<_> = (0..).zip(times).map(|(n, at)| of(n, at)).collect();
    let mut told = Vec::new();
    for user in 0..6 {
        let mut mine: Vec<_> = orders.iter().filter(|order| order.1 == format!("user_{user}")).collect();
        mine.retain(|order| order.2 != "created");
        mine.sort_by_key(|order| (order.3, order.0));
        let mut first = 0;
        while first < mine.len() {
            let tried = mine[first..].iter().take_while(|order| order.2 == "cancelled").count();
            let paid =
                mine.get(first + tried).filter(|paid| tried >= 3 && paid.3 - mine[first].3 < 10 * MINUTE);
            if let Some(paid) = paid {
                told.push((
                    paid.0,
                    f64::from(u32::try_from(tried).unwrap()),
                    if tried >= 5 { "HIGH" } else { "MEDIUM" },
                ));
            }
            first += if paid.is_some() { tried + 1 } else { 1 };
        }
    }
    let mut told = expected(&told);
    told.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(told.len() > 20 && told.iter().any(|(.., severity)| severity == "HIGH"), "{told:?}");
    let all: Vec<Value> =
        orders.iter().map(|(n, user, status, at)| order(*n, user, status, 1000, *at)).collect();
    for batch in [1, 7, 100, usize::MAX] {
        let ran = run(&FILES, "order_events", &lines(&all), batch);
        assert_eq!(alerts(&ran, "tried_orders"), told, "batches of {batch}");
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
