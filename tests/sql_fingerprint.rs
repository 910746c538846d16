//! A view's fingerprint changes with what decides its rows, and with nothing else.

use weir::sql::{Catalog, SqlFile};

const SQL: &str = "
CREATE TABLE clicks (
  product_id TEXT NOT NULL, kind TEXT, price DOUBLE, unused TEXT, ts TIMESTAMP NOT NULL
) WITH (topic = 'clicks', key = 'product_id', watermark_delay = '2 seconds', max_ahead = '1 hour');
CREATE TABLE carts (product_id TEXT, kind TEXT, price DOUBLE, ts TIMESTAMP) WITH (topic = 'carts');
CREATE VIEW v WITH (topic = 'results', allowed_lateness = '5 seconds', idle_timeout = '10 s', flush_after = '30 s', history = '7 days') AS
SELECT product_id AS product, count(*) FILTER (WHERE kind = 'click') AS clicks, sum(price) AS total, total / clicks AS mean
FROM (SELECT * FROM clicks UNION ALL SELECT * FROM carts) AS e
WHERE price > 1.5 GROUP BY product_id, TUMBLE(ts, INTERVAL '10' SECOND) HAVING clicks > 3;
";

fn fingerprint(text: &str) -> u64 {
    let file = SqlFile { name: format!("{}.sql", text.len()), text: text.to_owned() };
    let catalog = Catalog::parse(&[file]).unwrap_or_else(|errors| panic!("{}", errors.render()));
    catalog.views.first().expect("one view").fingerprint
}

fn changed(from: &str, to: &str) -> u64 {
    assert!(SQL.contains(from), "{from}");
    fingerprint(&SQL.replacen(from, to, 1))
}

#[test]
fn what_decides_no_row_keeps_it() {
    let original = fingerprint(SQL);
    for (from, to) in [
        ("\nCREATE", " -- a comment\nCREATE"),
        ("SELECT product_id", "\n\n select /* here */ PRODUCT_ID"),
        ("'10' SECOND", "'10 seconds'"),
        ("'5 seconds'", "INTERVAL 5 SECOND"),
        ("count(*) FILTER (WHERE kind = 'click')", "COUNT(*) FILTER (WHERE (e.kind = 'click'))"),
        ("clicks > 3", "3.0 - 0 > 1 AND clicks > 3"),
        ("AS e", "AS whatever"),
        ("CREATE VIEW v", "CREATE VIEW other"),
        ("topic = 'results'", "topic = 'elsewhere'"),
        ("idle_timeout = '10 s'", "idle_timeout = '20 s'"),
        ("flush_after = '30 s'", "flush_after = '20 s'"),
        ("history = '7 days'", "history = '1 day'"),
        ("key = 'product_id', ", ""),
        ("unused TEXT", "unused BIGINT, another TEXT"),
        ("max_ahead = '1 hour'", "max_ahead = '2 hours'"),
        ("max_ahead = '1 hour'", "format = 'json'"),
        ("kind TEXT, price DOUBLE, unused", "kind TEXT OPTIONS (field = 'kind'), price DOUBLE, unused"),
        ("topic = 'results'", "topic = 'results', text_topic = 'told', template = '{product}'"),
    ] {
        assert_eq!(changed(from, to), original, "{from} -> {to}");
    }
}

#[test]
fn what_decides_rows_changes_it() {
    let mut seen = vec![fingerprint(SQL)];
    for (from, to) in [
        ("topic = 'clicks'", "topic = 'clicks2'"),
        ("watermark_delay = '2 seconds'", "watermark_delay = '3 seconds'"),
        ("allowed_lateness = '5 seconds'", "allowed_lateness = '6 seconds'"),
        ("topic = 'results'", "topic = 'results', generation = '2'"),
        ("topic = 'results'", "topic = 'results', generation = '3'"),
        ("price DOUBLE, unused", "price BIGINT, unused"),
        ("kind TEXT, price DOUBLE, unused", "kind TEXT OPTIONS (field = 'type'), price DOUBLE, unused"),
        ("kind TEXT, price DOUBLE, unused", "kind TEXT OPTIONS (field = 'type, kind'), price DOUBLE, unused"),
        ("key = 'product_id', ", "format = 'text', pattern = '{product_id} {kind} {price} {unused} {ts}', "),
        (
            "key = 'product_id', ",
            "format = 'text', pattern = '{product_id} {kind} {price} {unused} at {ts}', ",
        ),
        ("product_id TEXT NOT NULL", "product_id TEXT"),
        ("'click'", "'clack'"),
        ("count(*)", "count(kind)"),
        ("sum(price)", "max(price)"),
        ("sum(price)", "sum(price) FILTER (WHERE kind = 'click')"),
        ("AS mean", "AS average"),
        ("AS product,", "AS item,"),
        ("total / clicks", "clicks / total"),
        ("total / clicks AS mean", "total / clicks AS mean, 1 AS one"),
        ("price > 1.5", "price >= 1.5"),
        ("WHERE price > 1.5", ""),
        ("GROUP BY product_id", "GROUP BY kind, product_id"),
        ("TUMBLE(ts, INTERVAL '10' SECOND)", "TUMBLE(ts, INTERVAL '20' SECOND)"),
        ("TUMBLE(ts, INTERVAL '10' SECOND)", "HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND)"),
        ("TUMBLE(ts, INTERVAL '10' SECOND)", "SESSION(ts, INTERVAL '10' SECOND)"),
        ("HAVING clicks > 3", "HAVING clicks > 4"),
        ("HAVING clicks > 3", ""),
        ("(SELECT * FROM clicks UNION ALL SELECT * FROM carts)", "clicks"),
    ] {
        let fingerprint = changed(from, to);
        assert!(!seen.contains(&fingerprint), "{from} -> {to}");
        seen.push(fingerprint);
    }
}

#[test]
fn every_part_of_a_pattern_decides_rows() {
    const PATTERN: &str = "
      CREATE TABLE e (k TEXT NOT NULL, x BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
      CREATE VIEW v AS SELECT k, m FROM e MATCH_RECOGNIZE (
        PARTITION BY k ORDER BY ts MEASURES LAST(b.x) AS m AFTER MATCH SKIP PAST LAST ROW
        PATTERN (a b+) WITHIN INTERVAL '1' MINUTE DEFINE a AS x = 1, b AS x > a.x
      );";
    let mut seen = vec![fingerprint(PATTERN)];
    for (from, to) in [
        ("LAST(b.x)", "FIRST(b.x)"),
        ("LAST(b.x)", "LAST(b.x, 1)"),
        ("LAST(b.x)", "LAST(x)"),
        ("LAST(b.x)", "sum(b.x)"),
        ("LAST(b.x)", "sum(a.x)"),
        ("PAST LAST ROW", "TO NEXT ROW"),
        ("(a b+)", "(a b*)"),
        ("(a b+)", "(a b+?)"),
        ("(a b+)", "(a b{1,2})"),
        ("(a b+)", "(a | b)"),
        ("'1' MINUTE", "'2' MINUTE"),
        ("x = 1", "x = 2"),
        ("x > a.x", "x < a.x"),
        ("x > a.x", "x > FIRST(b.x)"),
    ] {
        assert!(PATTERN.contains(from), "{from}");
        let fingerprint = fingerprint(&PATTERN.replacen(from, to, 1));
        assert!(!seen.contains(&fingerprint), "{from} -> {to}");
        seen.push(fingerprint);
    }
}

#[test]
fn the_parameters_of_aggregates_decide_rows() {
    let of = |aggregate: &str| changed("sum(price)", aggregate);
    let mut seen = Vec::new();
    for aggregate in [
        "approx_percentile(price, 0.5)",
        "approx_percentile(price, 0.95)",
        "window_funnel(INTERVAL '1' MINUTE, kind = 'view', kind = 'click') * 1.0",
        "window_funnel(INTERVAL '2' MINUTE, kind = 'view', kind = 'click') * 1.0",
        "window_funnel(INTERVAL '1' MINUTE, kind = 'click', kind = 'view') * 1.0",
        "window_funnel(INTERVAL '1' MINUTE, kind = 'view', kind = 'click', kind = 'view') * 1.0",
        "stddev_samp(price)",
        "stddev_pop(price)",
        "first(price)",
        "last(price)",
    ] {
        let fingerprint = of(aggregate);
        assert!(!seen.contains(&fingerprint), "{aggregate}");
        seen.push(fingerprint);
    }
    assert_eq!(of("stddev(price)"), of("stddev_samp(price)"));
    assert_eq!(of("approx_quantile(price, 1 / 2)"), of("approx_percentile(price, 0.5)"));
    assert_eq!(of("funnel('60 s', kind = 'view')"), of("window_funnel(INTERVAL '1' MINUTE, kind = 'view')"));
    assert_eq!(of("sum_if(price, kind = 'a')"), of("sum(price) FILTER (WHERE kind = 'a')"));
}

#[test]
fn it_is_the_same_for_ever() {
    // A change here makes every deployed view start anew.
    assert_eq!(format!("{:016x}", fingerprint(SQL)), "e4992926b09305d2");
}
