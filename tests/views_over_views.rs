//! The promise: views may read views, rows may look back at the row before, and views without windows
//! are brought up to date with every batch; however the input is cut.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::BTreeMap;

use support::{
    catalog::catalog,
    lines::{Row, run_lines},
};

const TABLE: &str = "
CREATE TABLE events (user_id TEXT NOT NULL, kind TEXT NOT NULL, amount BIGINT, ts TIMESTAMP NOT NULL)
WITH (topic = 'events', key = 'user_id', event_time = 'ts', watermark_delay = '1 second');
";

fn event(user: &str, kind: &str, amount: i64, at: i64) -> String {
    format!("{{\"user_id\":\"{user}\",\"kind\":\"{kind}\",\"amount\":{amount},\"ts\":{at}}}\n")
}

/// The rows of a view after the last change, as texts, by key and window.
fn last(rows: &[Row], view: &str, shown: &[&str]) -> BTreeMap<String, String> {
    let of_view = rows.iter().filter(|row| row["view"] == view);
    let text = |row: &Row, names: &[&str]| {
        names
            .iter()
            .map(|name| row.get(*name).map_or("-".into(), ToString::to_string))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let identity = |row: &Row| text(row, &["user_id", "window_start", "window_end"]);
    of_view.map(|row| (identity(row), text(row, shown))).collect()
}

fn rows(sql: &str, lines: &str, batch: usize, partitions: u32) -> Vec<Row> {
    let ran = run_lines(catalog(&format!("{TABLE}{sql}")), &[("events", lines.into())], batch, partitions);
    assert!(ran.dead.is_empty() && ran.late.is_empty(), "{ran:?}");
    ran.rows
}

#[test]
fn a_funnel_is_summed_over_users() {
    let sql = "
    CREATE VIEW users AS
    SELECT user_id, count(*) FILTER (WHERE kind = 'view') AS views, count(*) FILTER (WHERE kind = 'buy') AS buys
    FROM events GROUP BY user_id, HOP(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND);
    CREATE VIEW conversion AS
    SELECT count(*) AS users, count(*) FILTER (WHERE views > 0 AND buys > 0) AS buyers, buyers / users AS rate
    FROM users GROUP BY window_start, window_end;";
    let lines = [
        event("a", "view", 1, 1000),
        event("b", "view", 1, 2000),
        event("a", "buy", 1, 3000),
        event("c", "buy", 1, 12_000),
        event("b", "buy", 1, 15_000),
        event("a", "view", 1, 31_000),
    ]
    .concat();
    for batch in [1, 2, 100] {
        let rows = rows(sql, &lines, batch, 1);
        let found = last(&rows, "conversion", &["users", "buyers", "rate"]);
        let expected = [
            ("- -10000 10000", "2 1 0.5"),
            ("- 0 20000", "3 2 0.6666666666666666"),
            ("- 10000 30000", "2 0 0.0"),
            ("- 20000 40000", "1 0 0.0"),
            ("- 30000 50000", "1 0 0.0"),
        ];
        let expected = expected.map(|(key, row)| (key.to_owned(), row.to_owned())).into();
        assert_eq!(found, expected, "batches of {batch}");
    }
}

#[test]
fn a_late_event_below_is_a_revision_above() {
    let sql = "
    CREATE VIEW users WITH (allowed_lateness = '30 seconds') AS
    SELECT user_id, count(*) AS events FROM events GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND);
    CREATE VIEW minutes AS
    SELECT count(*) AS users, sum(events) AS events, max(events) AS most FROM users
    GROUP BY TUMBLE(window_time, INTERVAL '20' SECOND);
    CREATE VIEW busy AS SELECT users, events FROM minutes WHERE events >= 3;";
    let lines = [
        event("a", "view", 1, 1000),
        event("b", "view", 1, 11_000),
        event("b", "view", 1, 25_000),
        event("a", "view", 1, 5000),
        event("a", "view", 1, 50_000),
    ]
    .concat();
    for batch in [1, 3, 100] {
        let rows = rows(sql, &lines, batch, 1);
        let expected: BTreeMap<String, String> =
            [("- 0 20000", "2 3 2"), ("- 20000 40000", "1 1 1"), ("- 40000 60000", "1 1 1")]
                .map(|(key, row)| (key.to_owned(), row.to_owned()))
                .into();
        assert_eq!(last(&rows, "minutes", &["users", "events", "most"]), expected, "batches of {batch}");
        let busy: BTreeMap<String, String> = [("- 0 20000".to_owned(), "2 3".to_owned())].into();
        assert_eq!(last(&rows, "busy", &["users", "events"]), busy, "batches of {batch}");
        if batch == 1 {
            let revisions: Vec<_> = rows
                .iter()
                .filter(|row| row["view"] == "minutes" && row["window_start"] == 0)
                .map(|row| (row["events"].as_i64().unwrap(), row["revision"].as_i64().unwrap()))
                .collect();
            assert_eq!(revisions, [(2, 0), (3, 1)]);
        }
    }
}

#[test]
fn a_row_looks_back_at_the_one_before() {
    let sql = "
    CREATE VIEW totals WITH (allowed_lateness = '30 seconds') AS
    SELECT user_id, sum(amount) AS amount, amount - previous(amount) AS delta,
           coalesce(amount / 2 + previous(mean) / 2, CAST(amount AS DOUBLE)) AS mean,
           previous(window_end) IS NULL AS is_first
    FROM events GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND);";
    let lines = [
        event("a", "x", 8, 1000),
        event("a", "x", 4, 12_000),
        event("b", "x", 1, 13_000),
        event("a", "x", 6, 34_000),
        // Late for its window, which the two behind it look back at.
        event("a", "x", 2, 2000),
        event("a", "x", 0, 70_000),
    ]
    .concat();
    let expected: BTreeMap<String, String> = [
        ("\"a\" 0 10000", "10 null 10.0 true"),
        ("\"a\" 10000 20000", "4 -6 7.0 false"),
        ("\"b\" 10000 20000", "1 null 1.0 true"),
        ("\"a\" 30000 40000", "6 2 6.5 false"),
        ("\"a\" 70000 80000", "0 -6 3.25 false"),
    ]
    .map(|(key, row)| (key.to_owned(), row.to_owned()))
    .into();
    for batch in [1, 2, 5, 100] {
        let rows = rows(sql, &lines, batch, 1);
        assert_eq!(
            last(&rows, "totals", &["amount", "delta", "mean", "is_first"]),
            expected,
            "batches of {batch}"
        );
    }
}

#[test]
fn an_alert_cools_down_for_its_key_alone() {
    let sql = "
    CREATE VIEW spikes WITH (alert = true, cooldown = '25 seconds') AS
    SELECT user_id, sum(amount) AS amount, 'HIGH' AS severity
    FROM events GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND) HAVING sum(amount) >= 5;";
    let lines = [
        event("a", "x", 5, 1000),
        event("b", "x", 5, 11_000),
        event("a", "x", 9, 12_000),
        event("a", "x", 9, 21_000),
        event("a", "x", 9, 31_000),
        event("a", "x", 1, 60_000),
    ]
    .concat();
    for batch in [1, 3, 100] {
        let rows = rows(sql, &lines, batch, 1);
        let raised: Vec<_> = rows
            .iter()
            .map(|row| (row["user_id"].as_str().unwrap(), row["window_end"].as_i64().unwrap()))
            .collect();
        assert_eq!(raised, [("a", 10_000), ("b", 20_000), ("a", 40_000)], "batches of {batch}");
        let mut ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}

#[test]
fn rows_so_far_follow_every_batch() {
    let sql = "
    CREATE VIEW clicks AS SELECT user_id, count(*) AS clicks, max(amount) AS most FROM events GROUP BY user_id;";
    let users: Vec<String> = (0..3000).map(|n| format!("user-{}", n % 700)).collect();
    let lines: String = users.iter().zip(0..).map(|(user, n)| event(user, "click", n, 1000 + n)).collect();
    for (batch, partitions) in [(1000, 1), (333, 3), (100_000, 2)] {
        let rows = rows(sql, &lines, batch, partitions);
        let found = last(&rows, "clicks", &["clicks", "most"]);
        assert_eq!(found.len(), 700);
        for (number, (_, row)) in
            (0..700).map(|n| (n, found.get_key_value(&format!("\"user-{n}\" - -")).unwrap()))
        {
            let clicks = if number < 3000 % 700 { 5 } else { 4 };
            let most = number + 700 * (clicks - 1);
            assert_eq!(*row, format!("{clicks} {most}"), "user {number}");
        }
    }
    let every =
        rows(sql, &[event("a", "x", 1, 5), event("b", "x", 1, 3), event("a", "x", 7, 4)].concat(), 1, 1);
    let every: Vec<_> = every
        .iter()
        .map(|row| (row["user_id"].as_str().unwrap(), row["clicks"].as_i64(), row["revision"].as_i64()))
        .collect();
    assert_eq!(every, [("a", Some(1), Some(0)), ("b", Some(1), Some(0)), ("a", Some(2), Some(1))]);
}
