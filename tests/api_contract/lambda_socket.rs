//! Connections that an API Gateway keeps: what it tells, and what is answered to it.

use axum::{
    body::to_bytes,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::{Value as Json, json};
use weir::api::{Access, Origins, Settings, SocketEvent};

use crate::gateway::{Memory, SQL, gateway, payloads};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

async fn told(response: Response) -> (StatusCode, Json) {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn connect(gateway: &Memory, pairs: &[(&'static str, &str)], query: Option<&str>) -> Response {
    gateway.socket_event(SocketEvent::Connect, &headers(pairs), query, b"").await
}

async fn say(gateway: &Memory, message: &str) -> Json {
    let answer =
        gateway.socket_event(SocketEvent::Message, &HeaderMap::new(), None, message.as_bytes()).await;
    let (status, told) = told(answer).await;
    assert_eq!(status, StatusCode::OK);
    told
}

#[tokio::test]
async fn each_message_is_answered_with_what_became_of_it() {
    let (gateway, publisher) = gateway(SQL);
    assert_eq!(connect(&gateway, &[], None).await.status(), StatusCode::OK);
    let event = r#"{"userId":"u","event":"click","page":"/home","timestamp":1700000000000}"#;
    assert_eq!(say(&gateway, event).await, json!({ "status": 202, "accepted": 1 }));
    assert_eq!(payloads(&publisher)[0].0, "raw");
    let answer = say(&gateway, r#"{"table":"users","event":{"user_id":"u"}}"#).await;
    assert_eq!(answer["ids"][0], payloads(&publisher)[0].1["event_id"]);
    let answer = say(&gateway, &format!("[{event},{{\"userId\":1}}]")).await;
    assert_eq!((&answer["status"], &answer["accepted"]), (&json!(207), &json!(1)));
    assert_eq!(answer["rejected"][0]["errors"][0]["path"], "/userId");
    let answer = say(&gateway, "PING").await;
    assert_eq!(
        (&answer["status"], &answer["rejected"][0]["errors"][0]["type"]),
        (&json!(400), &json!("text"))
    );
    let answer = say(&gateway, "").await;
    assert_eq!((&answer["status"], &answer["detail"]), (&json!(400), &json!("the body is empty")));
    let gone = gateway.socket_event(SocketEvent::Disconnect, &HeaderMap::new(), None, b"").await;
    assert_eq!(gone.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_a_default_each_event_names_its_table() {
    let (gateway, _) = gateway("CREATE TABLE t (a TEXT, ts TIMESTAMP);");
    let answer = say(&gateway, r#"{"a":"b","ts":1}"#).await;
    assert!(answer["rejected"][0]["reason"].as_str().unwrap().starts_with("the event names no table"));
    assert_eq!(say(&gateway, r#"{"table":"t","event":{"ts":1}}"#).await["status"], 202);
}

#[tokio::test]
async fn a_key_may_come_in_a_header_a_subprotocol_or_the_query() {
    let (gateway, _) = gateway(SQL);
    let access = Access::parse("write:write-0123456789abcdef,read:read-0123456789abcdef", false).unwrap();
    let gateway = gateway.with_settings(Settings { access, ..Settings::default() });
    let offer = ("sec-websocket-protocol", "weir, weir.bearer.write-0123456789abcdef");
    for (pairs, query) in [
        (vec![("authorization", "Bearer write-0123456789abcdef")], None),
        (vec![("x-api-key", "write-0123456789abcdef")], None),
        (vec![offer], None),
        (vec![], Some("access_token=write-0123456789abcdef")),
    ] {
        let response = connect(&gateway, &pairs, query).await;
        assert_eq!(response.status(), StatusCode::OK, "{pairs:?} {query:?}");
        let protocol = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(protocol, pairs.contains(&offer).then_some("weir"));
    }
    for (pairs, query, status) in [
        (vec![], None, 401),
        (vec![("sec-websocket-protocol", "weir")], None, 401),
        (vec![], Some("access_token=nope"), 401),
        (vec![], Some("access_token=read-0123456789abcdef"), 403),
    ] {
        let response = connect(&gateway, &pairs, query).await;
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        let (found, told) = told(response).await;
        assert_eq!((found.as_u16(), &told["status"]), (status, &json!(status)), "{pairs:?} {query:?}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out() {
    let (gateway, _) = gateway(SQL);
    let origins = Origins::parse("https://shop.example").unwrap();
    let gateway = gateway.with_settings(Settings { origins, ..Settings::default() });
    for (origin, status) in [
        ("https://shop.example", 200),
        ("https://weir.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let response = connect(&gateway, &[("origin", origin), ("host", "weir.example")], None).await;
        assert_eq!(response.status().as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn a_table_for_a_connection_is_refused_where_it_would_be_forgotten() {
    let (gateway, _) = gateway(SQL);
    for (query, status) in
        [("table=raw_events", 200), ("table=users", 400), ("table=nope", 404), ("tabel=users", 400)]
    {
        assert_eq!(connect(&gateway, &[], Some(query)).await.status().as_u16(), status, "{query}");
    }
}
