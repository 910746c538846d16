//! Alerts of all views: filters, order, pages, ids.

use std::sync::Arc;

use axum::{Router, body::to_bytes, http::StatusCode, http::header};
use serde_json::Value as Json;
use tower::ServiceExt;
use weir::{api::serve_router, engine::Reader};

use crate::{
    fixture::{answer, request},
    world::World,
};

const SQL: &str = "
  CREATE TABLE orders (user_id TEXT NOT NULL, amount BIGINT, ts TIMESTAMP NOT NULL);
  CREATE VIEW large WITH (alert = true) AS
  SELECT user_id, sum(amount) AS amount, CASE WHEN amount > 50 THEN 'CRITICAL' ELSE 'HIGH' END AS severity
  FROM orders GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND) HAVING amount > 10;
  CREATE VIEW many WITH (alert = true) AS
  SELECT user_id, count(*) AS orders, 'MEDIUM' AS severity
  FROM orders GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND) HAVING orders > 1;
  CREATE VIEW totals AS SELECT sum(amount) AS amount FROM orders GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);";

const EVENTS: [&str; 7] = [
    r#"{"user_id":"a","amount":20,"ts":1000000}"#,
    r#"{"user_id":"b","amount":60,"ts":1001000}"#,
    r#"{"user_id":"b","amount":1,"ts":1002000}"#,
    r#"{"user_id":"c","amount":5,"ts":1011000}"#,
    // Hours later.
    r#"{"user_id":"a","amount":30,"ts":50000000}"#,
    r#"{"user_id":"c","amount":11,"ts":50001000}"#,
    r#"{"user_id":"d","amount":1,"ts":60000000}"#,
];

fn api() -> Router {
    let absorb = || {
        let world = World::new(SQL);
        world.clock.set(weir::time::Timestamp(70_000_000));
        world.broker.set("orders", 0, 0, 1_000_000);
        world.absorb("orders", 0, 0, &EVENTS);
        world
    };
    // The engine of the test's world has a runtime of its own.
    let world = std::thread::scope(|scope| scope.spawn(absorb).join().unwrap());
    serve_router(Arc::new(Reader::new(world.catalog.clone(), world.store.clone())))
}

async fn alerts(api: &Router, query: &str) -> (Vec<Json>, Option<String>) {
    let response = api.clone().oneshot(request("GET", &format!("/alerts?{query}"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{query}");
    let next = response.headers().get(header::LINK).map(|link| {
        let link = link.to_str().unwrap();
        link.strip_prefix("<?").unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
    });
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (serde_json::from_slice(&body).unwrap(), next)
}

/// View, user and end of each alert.
fn told(alerts: &[Json]) -> Vec<String> {
    let tell = |alert: &Json| {
        format!("{} {} {}", alert["view"], alert["user_id"], alert["window_end"]).replace('"', "")
    };
    alerts.iter().map(tell).collect()
}

const ALL: &str = "from=0&to=100000000";

#[tokio::test]
async fn the_newest_come_first_whatever_their_view() {
    let (mut all, next) = alerts(&api(), ALL).await;
    assert_eq!(next, None);
    let times: Vec<_> = all.iter().map(|alert| alert["window_end"].as_i64().unwrap()).collect();
    assert_eq!(times, [50_010_000, 50_010_000, 1_010_000, 1_010_000, 1_010_000]);
    all.sort_by_key(ToString::to_string);
    let mut told = told(&all);
    told.sort();
    let expected =
        ["large a 1010000", "large a 50010000", "large b 1010000", "large c 50010000", "many b 1010000"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn pages_hold_each_alert_once() {
    let api = api();
    let (all, _) = alerts(&api, ALL).await;
    let (mut paged, mut query) = (Vec::new(), Some(format!("{ALL}&limit=2")));
    while let Some(page) = query {
        let (alerts, next) = alerts(&api, &page).await;
        assert!((1..=2).contains(&alerts.len()));
        paged.extend(alerts);
        query = next;
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn filters_choose_by_view_severity_and_column() {
    let api = api();
    let told_of = async |query: &str| told(&alerts(&api, &format!("{ALL}&{query}")).await.0);
    assert_eq!(told_of("view=many").await, ["many b 1010000"]);
    assert_eq!(told_of("severity=CRITICAL").await, ["large b 1010000"]);
    let mut two = told_of("severity=CRITICAL,MEDIUM&user_id=b").await;
    two.sort();
    assert_eq!(two, ["large b 1010000", "many b 1010000"]);
    assert_eq!(told_of("orders=2").await, ["many b 1010000"]);
    assert_eq!(told(&alerts(&api, "from=1010001&to=100000000").await.0).len(), 2);
}

#[tokio::test]
async fn an_id_is_of_32_hex_digits_and_the_same_each_time() {
    let (first, again) = (alerts(&api(), ALL).await.0, alerts(&api(), ALL).await.0);
    assert_eq!(first, again);
    let mut ids: Vec<_> = first.iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn what_cannot_be_meant_is_named() {
    for (query, expected) in [
        ("view=totals", "view: no alert view is called \\\"totals\\\"; expected one of large, many"),
        (
            "colour=red",
            "unknown parameter \\\"colour\\\"; expected view, from, to, limit, cursor or a column: amount, orders, severity, user_id",
        ),
        ("from=9&to=3", "is later than to"),
        ("limit=0", "limit: found \\\"0\\\"; expected a whole number from 1 to 10000"),
        ("cursor=abc", "cursor: expected one from the Link header"),
    ] {
        let said = answer(&api(), request("GET", &format!("/alerts?{query}"))).await;
        assert!(said.starts_with("400") && said.contains(expected), "{query}: {said}");
    }
}
