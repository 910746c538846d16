//! The promise: aggregates are what `docs/sql.md` says, however the input is cut into batches and
//! spread over partitions.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::{
    catalog::catalog,
    lines::{Row, run_lines},
};

const TABLE: &str = "CREATE TABLE events (user_id TEXT NOT NULL, event TEXT, page TEXT, amount DOUBLE, ts TIMESTAMP NOT NULL) \
                     WITH (key = 'user_id', watermark_delay = '5 seconds');";

/// An event: milliseconds, user, kind, page, amount.
type Event = (i64, &'static str, &'static str, &'static str, Option<f64>);

fn lines(events: &[Event]) -> Vec<u8> {
    let line = |(ts, user, event, page, amount): &Event| {
        json!({ "ts": ts, "user_id": user, "event": event, "page": page, "amount": amount }).to_string()
            + "\n"
    };
    events.iter().map(line).collect::<String>().into_bytes()
}

/// The last row of each key and window, as its columns.
fn last_rows(rows: Vec<Row>, key: &[&str]) -> BTreeMap<String, Row> {
    let of = |mut row: Row| {
        let identity = key
            .iter()
            .chain(&["window_start", "window_end"])
            .map(|name| row.get(*name).map(Value::to_string).unwrap_or_default());
        let identity = identity.collect::<Vec<_>>().join(" ");
        ["view", "revision", "firing", "watermark"].iter().for_each(|name| {
            row.remove(*name);
        });
        row.values_mut().for_each(round);
        (identity, row)
    };
    rows.into_iter().map(of).collect()
}

/// The rows of a view, which are the same at every size of batches and on one partition or several.
fn rows(view: &str, key: &[&str], input: &[u8]) -> BTreeMap<String, Row> {
    let run = |batch, partitions| {
        let ran =
            run_lines(catalog(&format!("{TABLE}\n{view}")), &[("events", input.to_vec())], batch, partitions);
        assert!(ran.dead.is_empty() && ran.late.is_empty(), "{:?} {:?}", ran.dead, ran.late);
        last_rows(ran.rows.into_iter().filter(|row| row["view"] == "v").collect(), key)
    };
    let whole = run(usize::MAX, 1);
    for (batch, partitions) in [(1, 1), (7, 1), (100, 1), (7, 3), (100, 3)] {
        assert_eq!(run(batch, partitions), whole, "batches of {batch}, {partitions} partitions");
    }
    whole
}

fn only(rows: BTreeMap<String, Row>) -> Value {
    assert_eq!(rows.len(), 1, "{rows:?}");
    Value::Object(rows.into_values().next().unwrap())
}

const SHOPPERS: [Event; 9] = [
    (1000, "a", "view", "/home", None),
    (2000, "b", "view", "/p/1", None),
    (4000, "a", "click", "/p/2", None),
    (3000, "a", "view", "/p/1", None),
    (5000, "a", "purchase", "/pay", Some(20.0)),
    (7000, "b", "purchase", "/pay", Some(10.0)),
    (6500, "b", "click", "/p/1", Some(0.0)),
    (9000, "c", "click", "/p/2", None),
    (9500, "c", "view", "/p/2", Some(30.0)),
];

#[test]
fn sets_ends_and_figures_of_a_window() {
    let view = "CREATE VIEW v AS SELECT array_agg(DISTINCT event) AS events, string_agg(DISTINCT user_id, '+') AS users, \
                first(page) AS first, last(page) AS last, last(page) FILTER (WHERE event = 'click') AS last_click, \
                approx_count_distinct(page) AS pages, approx_percentile(amount, 0.5) AS median, \
                approx_percentile(amount, 1) AS most, stddev_pop(amount) AS deviation, var_samp(amount) AS variance, \
                bool_or(amount > 25) AS any_large, bool_and(amount > 0) AS all_paid, count_if(event = 'view') AS views, \
                sum_if(amount, event = 'purchase') AS paid, avg_if(amount, event = 'purchase') AS mean, \
                cardinality(events) AS kinds \
                FROM events GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);";
    let expected = json!({
        "events": ["click", "purchase", "view"], "users": "a+b+c", "first": "/home", "last": "/p/2", "last_click": "/p/2",
        "pages": 4, "median": 10.0, "most": 30.0, "deviation": 125_f64.sqrt(), "variance": 500.0 / 3.0,
        "any_large": true, "all_paid": false, "views": 4, "paid": 30.0, "mean": 15.0, "kinds": 3,
        "window_start": 0, "window_end": 10_000,
    });
    assert_eq!(only(rows(view, &[], &lines(&SHOPPERS))), rounded(expected));
}

#[test]
fn a_funnel_of_each_user_in_overlapping_windows() {
    let view = "CREATE VIEW v AS SELECT user_id, \
                window_funnel(INTERVAL '4' SECOND, event = 'view', event = 'click', event = 'purchase') AS steps \
                FROM events GROUP BY user_id, HOP(ts, INTERVAL '2' SECOND, INTERVAL '8' SECOND);";
    let found = rows(view, &["user_id"], &lines(&SHOPPERS));
    let steps = |user: &str, start: i64| {
        let row = found.get(&format!("{:?} {start} {}", user, start + 8000));
        row.map(|row| row["steps"].as_i64().unwrap())
    };
    // a: view 1000, view 3000, click 4000, purchase 5000.
    assert_eq!(
        [-6000, -4000, -2000, 0, 2000, 4000, 6000].map(|start| steps("a", start)),
        [Some(1), Some(1), Some(3), Some(3), Some(3), Some(0), None]
    );
    // b: view 2000, click 6500 (more than 4 s later), purchase 7000.
    assert_eq!(
        [-4000, -2000, 0, 2000, 4000, 6000].map(|start| steps("b", start)),
        [Some(1), Some(1), Some(1), Some(1), Some(0), Some(0)]
    );
    // c: click 9000, view 9500.
    assert_eq!([2000, 4000, 6000, 8000].map(|start| steps("c", start)), [Some(1); 4]);
}

#[test]
fn a_funnel_of_all_users() {
    let view = "CREATE VIEW u AS SELECT user_id, \
                window_funnel(INTERVAL '5' SECOND, event = 'view', event = 'click', event = 'purchase') AS steps \
                FROM events GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND); \
                CREATE VIEW v AS SELECT count_if(steps >= 1) AS viewed, count_if(steps >= 2) AS clicked, \
                count_if(steps = 3) AS purchased FROM u GROUP BY window_start, window_end;";
    // a and b take all steps, c clicks before the view.
    let expected =
        json!({ "viewed": 3, "clicked": 2, "purchased": 2, "window_start": 0, "window_end": 10_000 });
    assert_eq!(only(rows(view, &[], &lines(&SHOPPERS))), expected);
}

#[test]
fn the_ends_of_a_session() {
    let view = "CREATE VIEW v AS SELECT user_id, first(page) AS landed, last(event) AS left_with, \
                array_agg(DISTINCT page) AS pages \
                FROM events GROUP BY user_id, SESSION(ts, INTERVAL '2' SECOND);";
    let found: Vec<Value> =
        rows(view, &["user_id"], &lines(&SHOPPERS)).into_values().map(Value::Object).collect();
    let row = |user: &str, landed: &str, left: &str, pages: &[&str], start: i64, end: i64| {
        json!({ "user_id": user, "landed": landed, "left_with": left, "pages": pages,
                "window_start": start, "window_end": end })
    };
    assert_eq!(
        found,
        [
            row("a", "/home", "purchase", &["/home", "/p/1", "/p/2", "/pay"], 1000, 7000),
            row("b", "/p/1", "view", &["/p/1"], 2000, 4000),
            row("b", "/p/1", "purchase", &["/p/1", "/pay"], 6500, 9000),
            row("c", "/p/2", "view", &["/p/2"], 9000, 11_500),
        ]
    );
}

const HOUR: i64 = 3_600_000;

#[test]
fn keys_are_computed() {
    let view = "CREATE VIEW v AS SELECT EXTRACT(HOUR FROM ts) AS hour, split_part(page, '/', 2) AS part, \
                CASE WHEN amount >= 20 THEN 'large' WHEN amount >= 0 THEN 'small' ELSE 'none' END AS size, \
                date_trunc('day', ts) AS day, count(*) AS events, first(event) AS event \
                FROM events GROUP BY hour, part, size, day, TUMBLE(ts, INTERVAL '1' DAY);";
    let events: [Event; 5] = [
        (HOUR - 1, "a", "view", "/p/1", None),
        (HOUR, "a", "view", "/p/2", Some(20.0)),
        (HOUR + 7, "a", "click", "/p/3", Some(21.0)),
        (HOUR + 9, "a", "click", "/q", Some(1.0)),
        (24 * HOUR, "a", "view", "", Some(1.0)),
    ];
    let found = rows(view, &["hour", "part", "size"], &lines(&events)).into_values();
    let columns = ["hour", "part", "size", "day", "events", "event"];
    let found: Vec<Value> =
        found.map(|row| columns.iter().map(|name| row[*name].clone()).collect()).collect();
    assert_eq!(
        found,
        [
            json!([0, "", "small", 24 * HOUR, 1, "view"]),
            json!([0, "p", "none", 0, 1, "view"]),
            json!([1, "p", "large", 0, 2, "view"]),
            json!([1, "q", "small", 0, 1, "click"]),
        ]
    );
}

/// What the sketches estimate, beside the truth.
#[test]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn sketches_of_many_values() {
    let events: Vec<(i64, u64, f64)> = (0..6000_u64)
        .map(|n| {
            let scattered = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            (n.cast_signed() * 10, scattered % 3000, (scattered % 10_007) as f64 / 100.0)
        })
        .collect();
    let line = |(ts, user, amount): &(i64, u64, f64)| {
        json!({ "ts": ts, "user_id": format!("u{user}"), "amount": amount }).to_string() + "\n"
    };
    let input: String = events.iter().map(line).collect();
    let view = "CREATE VIEW v AS SELECT approx_count_distinct(user_id) AS users, approx_percentile(amount, 0.05) AS p5, \
                approx_percentile(amount, 0.5) AS p50, approx_percentile(amount, 0.99) AS p99 \
                FROM events GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);";
    let found = only(rows(view, &[], input.as_bytes()));
    let users = events.iter().map(|(_, user, _)| user).collect::<BTreeSet<_>>().len() as f64;
    assert!((found["users"].as_f64().unwrap() / users - 1.0).abs() < 3.0 * 0.0081, "{found}, not {users}");
    let mut amounts: Vec<f64> = events.iter().map(|(_, _, amount)| *amount).collect();
    amounts.sort_by(f64::total_cmp);
    for (name, rank) in [("p5", 300), ("p50", 3000), ("p99", 5940)] {
        let (found, exact) = (found[name].as_f64().unwrap(), amounts[rank - 1]);
        assert!((found / exact - 1.0).abs() < 0.0101, "{name} is {found}, not {exact}");
    }
}

fn rounded(mut value: Value) -> Value {
    round(&mut value);
    value
}

/// Sums of floats differ in their last digits by the order in which parts are merged.
fn round(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(round),
        Value::Number(number) if number.is_f64() => {
            *value = json!((number.as_f64().unwrap() * 1e6).round() / 1e6);
        }
        _ => {}
    }
}
