//! The routes for producers.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use insta::assert_snapshot;
use weir::{
    api::{Gateway, MAX_BODY, MAX_EVENT, ingest_router, router},
    publish::{MemoryPublisher, Message, PublishError, Publisher},
    sql::{Catalog, SqlFile},
    state::MemoryStore,
    time::{ManualClock, Timestamp},
};

use crate::fixture::{MemoryViews, Store, answer, catalog, request};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn gateway<P: Publisher>(catalog: Catalog, publisher: Arc<P>) -> Arc<Gateway<P, ManualClock, MemoryStore>> {
    let clock = Arc::new(ManualClock::at(NOW));
    Arc::new(Gateway::new(Arc::new(catalog), publisher, clock, Arc::default()))
}

fn ingest<P: Publisher + 'static>(publisher: Arc<P>) -> Router {
    ingest_router(gateway(catalog(), publisher))
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

/// What is answered, and what the topic has then.
async fn send(path: &str, body: impl Into<Body>) -> (String, Vec<Message>) {
    let publisher = Arc::new(MemoryPublisher::default());
    let text = answer(&ingest(publisher.clone()), post(path, body)).await;
    (text, publisher.take())
}

fn event(product: &str) -> String {
    format!(r#"{{"product_id":"{product}","ts":1700000000000}}"#)
}

fn payloads(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| std::str::from_utf8(&message.payload).unwrap()).collect()
}

#[tokio::test]
async fn an_event_goes_to_its_tables_topic_under_its_key() {
    let (text, messages) = send("/events/impressions", event("p1")).await;
    assert_snapshot!(text, @r#"
    202
    content-type: application/json
    cache-control: no-store
    {"accepted":1}
    "#);
    let expected = Message {
        topic: "raw_impressions".to_owned(),
        key: Some(b"p1".to_vec()),
        payload: event("p1").into_bytes(),
        headers: Vec::new(),
    };
    assert_eq!(messages, [expected]);
}

#[tokio::test]
async fn an_array_lines_and_an_object_over_several_lines_are_all_taken() {
    let (one, two) = (event("p1"), event("p2"));
    let bodies = [format!(" [{one},\n {two}]"), format!("{one}\n\n{two}\n"), format!("{one}\r\n{two}")];
    for body in bodies {
        for path in ["/events/impressions", "/events/impressions/batch"] {
            let (text, messages) = send(path, body.clone()).await;
            assert!(text.ends_with(r#"{"accepted":2}"#), "{text}");
            assert_eq!(payloads(&messages), [one.as_str(), two.as_str()]);
        }
    }
    let (text, messages) =
        send("/events/impressions", "{\n  \"product_id\": \"p1\",\n  \"ts\": 1\n}\n").await;
    assert!(text.ends_with(r#"{"accepted":1}"#), "{text}");
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn an_empty_batch_is_accepted() {
    let (text, messages) = send("/events/impressions/batch", "[]").await;
    assert_snapshot!(text, @r#"
    202
    content-type: application/json
    cache-control: no-store
    {"accepted":0}
    "#);
    assert!(messages.is_empty());
}

#[tokio::test]
async fn bad_events_are_named_and_take_no_good_one_with_them() {
    let good = event("p1");
    let body = format!(r#"[{good},{{"ts":1}},{{"product_id":7,"ts":1}},"text",{good}]"#);
    let (text, messages) = send("/events/impressions/batch", body).await;
    assert_snapshot!(text, @r#"
    207
    content-type: application/json
    cache-control: no-store
    {"accepted":2,"rejected":[{"index":1,"reason":"column \"product_id\": missing, expected TEXT NOT NULL","errors":[{"path":"/product_id","type":"missing","found":"nothing","expected":"TEXT NOT NULL"}]},{"index":2,"reason":"column \"product_id\": found the number 7, expected TEXT","errors":[{"path":"/product_id","type":"number","found":"the number 7","expected":"TEXT NOT NULL"}]},{"index":3,"reason":"not a JSON object: found `\"` at byte 0, expected an object","errors":[{"path":"","type":"string","found":"\"text\"","expected":"a JSON object"}]}]}
    "#);
    assert_eq!(payloads(&messages), [good.as_str(), good.as_str()]);
}

#[tokio::test]
async fn lines_that_are_no_json_are_named() {
    let (text, messages) =
        send("/events/impressions", format!("{}\nPING\n{{\"product_id\"", event("p1"))).await;
    assert_snapshot!(text, @r#"
    207
    content-type: application/json
    cache-control: no-store
    {"accepted":1,"rejected":[{"index":1,"reason":"not a JSON object: found `P` at byte 0, expected an object","errors":[{"path":"","type":"text","found":"PING","expected":"a JSON object"}]},{"index":2,"reason":"not a JSON object: ends at byte 13, expected `:`","errors":[{"path":"","type":"text","found":"{\"product_id\"","expected":"a JSON object"}]}]}
    "#);
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn nothing_good_is_a_bad_request() {
    let (text, messages) = send("/events/impressions", r#"{"product_id":null,"ts":1}"#).await;
    assert_snapshot!(text, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:rejected-events","title":"Events rejected","status":400,"detail":"no event fits its table","instance":"/events/impressions","accepted":0,"rejected":[{"index":0,"reason":"column \"product_id\": found null, expected TEXT NOT NULL","errors":[{"path":"/product_id","type":"null","found":"null","expected":"TEXT NOT NULL"}]}]}
    "#);
    assert!(messages.is_empty());
}

#[tokio::test]
async fn an_event_from_the_far_future_is_rejected() {
    let (text, _) = send("/events/impressions", r#"{"product_id":"p1","ts":1700003600001}"#).await;
    assert!(text.starts_with("400"), "{text}");
}

#[tokio::test]
async fn a_body_that_is_no_events_at_all_is_a_bad_request() {
    assert_snapshot!(send("/events/impressions", "").await.0, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:malformed-body","title":"Malformed body","status":400,"detail":"the body is empty","instance":"/events/impressions"}
    "#);
    assert_snapshot!(send("/events/impressions", "[{},").await.0, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:malformed-body","title":"Malformed body","status":400,"detail":"the body is no JSON array: ends at byte 4, expected a value","instance":"/events/impressions"}
    "#);
}

#[tokio::test]
async fn an_unknown_table_is_answered_with_the_known() {
    assert_snapshot!(send("/events/nope", event("p1")).await.0, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-table","title":"Unknown table","status":404,"detail":"there is no table \"nope\"","instance":"/events/nope","tables":["impressions"]}
    "#);
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    assert_snapshot!(send("/events/impressions", vec![b' '; MAX_BODY + 1]).await.0, @r#"
    413
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:too-large","title":"Body too large","status":413,"detail":"a body has at most 6291456 bytes; send the events in several","instance":"/events/impressions"}
    "#);
}

#[tokio::test]
async fn an_event_over_the_limit_is_rejected_alone() {
    let body = format!("{}\n{}", event("p1"), event(&"x".repeat(MAX_EVENT)));
    let (text, messages) = send("/events/impressions", body).await;
    assert_snapshot!(text, @r#"
    207
    content-type: application/json
    cache-control: no-store
    {"accepted":1,"rejected":[{"index":1,"reason":"an event has at most 1000000 bytes, this one has 1000036"}]}
    "#);
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn events_are_not_accepted_before_the_broker_has_them() {
    struct Away;
    impl Publisher for Away {
        async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
            let topic = messages[0].topic.clone();
            Err(PublishError { action: "publish to", topic, source: "secret-broker:9092 timed out".into() })
        }
    }
    assert_snapshot!(answer(&ingest(Arc::new(Away)), post("/events/impressions", event("p1"))).await, @r#"
    503
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 1
    {"type":"urn:weir:problem:broker-unavailable","title":"Broker unavailable","status":503,"detail":"topic raw_impressions does not take events now; none may count as accepted","instance":"/events/impressions"}
    "#);
}

/// Sends a body to a table of plain text.
async fn send_text(body: &str) -> (String, Vec<Message>) {
    let text = "CREATE TABLE logs (user_id BIGINT NOT NULL, url TEXT, ts TIMESTAMP NOT NULL) WITH (
        key = 'user_id', format = 'text', pattern = '[{ts}] {user_id}: {url}');";
    let catalog = Catalog::parse(&[SqlFile { name: "logs.sql".into(), text: text.into() }]).unwrap();
    let publisher = Arc::new(MemoryPublisher::default());
    let router = ingest_router(gateway(catalog, publisher.clone()));
    (answer(&router, post("/events/logs", body.to_owned())).await, publisher.take())
}

#[tokio::test]
async fn json_for_a_table_of_plain_text_goes_to_the_topic_as_text() {
    let json = r#"{"user_id":17,"url":"/page3","ts":1699999999123}"#;
    let line = "[1699999999.123] 17: /page3";
    let (text, messages) = send_text(json).await;
    assert!(text.starts_with("202"), "{text}");
    let expected = Message {
        topic: "logs".to_owned(),
        key: Some(b"17".to_vec()),
        payload: line.as_bytes().to_vec(),
        headers: Vec::new(),
    };
    assert_eq!(messages, std::slice::from_ref(&expected));
    // An array of JSON, lines of JSON, lines of text, and both.
    for body in [
        format!("[{json},{json}]"),
        format!("{json}\n{json}"),
        format!("{line}\n{line}\r\n"),
        format!("{line}\n{json}"),
    ] {
        let (text, messages) = send_text(&body).await;
        assert!(text.ends_with(r#"{"accepted":2}"#), "{body}: {text}");
        assert_eq!(messages, [expected.clone(), expected.clone()], "{body}");
    }
}

#[tokio::test]
async fn what_does_not_fit_a_table_of_plain_text_is_named() {
    let (text, messages) =
        send_text("[1] 17: /\nPING\n{\"user_id\":1,\"url\":\"\",\"ts\":1}\n{\"user_id\":1}").await;
    assert_snapshot!(text, @r#"
    207
    content-type: application/json
    cache-control: no-store
    {"accepted":1,"rejected":[{"index":1,"reason":"does not fit the pattern: found \"PING\" at byte 0, expected \"[\"","errors":[{"path":"","type":"text","found":"PING","expected":"a text that fits the table's pattern, or a JSON object"}]},{"index":2,"reason":"as text, \"[0.001] 1: \", its column \"url\" would be read as another value"},{"index":3,"reason":"column \"ts\": missing, expected TIMESTAMP NOT NULL, the event time"}]}
    "#);
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn ingest_is_written_to_only() {
    let router = ingest(Arc::new(MemoryPublisher::default()));
    assert_snapshot!(answer(&router, request("GET", "/events/impressions")).await, @r#"
    405
    content-type: application/problem+json
    cache-control: no-store
    allow: POST
    {"type":"urn:weir:problem:unknown-method","title":"Method not allowed","status":405,"detail":"/events/impressions does not take GET","instance":"/events/impressions"}
    "#);
    assert_snapshot!(answer(&router, request("GET", "/ctr/latest")).await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-path","title":"Unknown path","status":404,"detail":"nothing stands at /ctr/latest","instance":"/ctr/latest"}
    "#);
}

#[tokio::test]
async fn one_process_may_serve_both() {
    let publisher = Arc::new(MemoryPublisher::default());
    let both = router(MemoryViews::new(Store::Answers), gateway(catalog(), publisher));
    for (request, status) in [
        (request("GET", "/ctr/latest"), "200"),
        (post("/events/impressions", event("p1")), "202"),
        (request("GET", "/health"), "200"),
        (request("GET", "/nope/nope"), "404"),
    ] {
        let text = answer(&both, request).await;
        assert!(text.starts_with(status), "{text}");
    }
}
