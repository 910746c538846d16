//! Who may send what, how, and what is added to it.

use std::{io::Write, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value as Json, json};
use tower::ServiceExt;
use weir::{
    api::{
        Access, Gateway, Limits, MAX_EVENTS, MAX_UNPACKED, Origins, Settings, ingest_router,
        serve_router_with,
    },
    publish::{MemoryPublisher, Message, PublishError, Publisher},
    sql::Catalog,
    state::MemoryStore,
    time::{ManualClock, Timestamp},
};

use crate::{
    catalog::catalog,
    fixture::{MemoryViews, Store},
};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
const KEY: &str = "write-0123456789abcdef";
const READER: &str = "read-0123456789abcdef";

pub(crate) const SQL: &str = "
  CREATE TABLE users (event_id TEXT DEFAULT uuidv7(), user_id TEXT NOT NULL,
    ts TIMESTAMP NOT NULL DEFAULT now() OPTIONS (field = 'timestamp'),
    source TEXT DEFAULT 'api', version TEXT DEFAULT '1.0')
  WITH (key = 'user_id', route = '/events/user');
  CREATE TABLE raw_events (user_id TEXT NOT NULL OPTIONS (field = 'userId'), event TEXT NOT NULL,
    ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp'))
  WITH (topic = 'raw', key = 'user_id', websocket = true);";

pub(crate) type Memory = Gateway<MemoryPublisher, ManualClock, MemoryStore>;

pub(crate) fn gateway(sql: &str) -> (Memory, Arc<MemoryPublisher>) {
    let publisher = Arc::new(MemoryPublisher::default());
    let clock = Arc::new(ManualClock::at(NOW));
    let catalog: Catalog = catalog(sql);
    (Gateway::new(Arc::new(catalog), publisher.clone(), clock, Arc::default()), publisher)
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).body(body.into()).unwrap()
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> (Response<()>, Json) {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (Response::from_parts(head, ()), serde_json::from_slice(&body).unwrap_or_default())
}

pub(crate) fn payloads(publisher: &MemoryPublisher) -> Vec<(String, Json)> {
    let shown = |message: Message| (message.topic, serde_json::from_slice(&message.payload).unwrap());
    publisher.take().into_iter().map(shown).collect()
}

#[tokio::test]
async fn what_an_event_lacks_is_added_and_its_id_is_told() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    let body =
        r#"[{"user_id":"u"},{"user_id":"u","event_id":"mine","timestamp":1,"source":"shop","version":"2"}]"#;
    let (head, told) = ask(&router, post("/events/users/batch", body)).await;
    assert_eq!(head.status(), StatusCode::ACCEPTED);
    let id = told["ids"][0].as_str().unwrap().to_owned();
    assert_eq!(told, json!({ "accepted": 2, "ids": [id, "mine"] }));
    let sent = payloads(&publisher);
    let first = json!({ "user_id": "u", "event_id": id, "timestamp": "2023-11-14T22:13:20.000Z", "source": "api",
        "version": "1.0" });
    assert_eq!(sent[0], ("users".to_owned(), first));
    assert_eq!(sent[1].1["version"], "2");
}

#[tokio::test]
async fn events_of_several_tables_name_them() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    let raw = r#"{"table":"raw_events","event":{"userId":"u","event":"view","timestamp":1}}"#;
    let user = r#"{"event":{"user_id":"u"},"table":"users"}"#;
    let unknown = r#"{"table":"nope","event":{}}"#;
    let bare = r#"{"user_id":"u"}"#;
    for body in [format!("[{raw},{user},{unknown},{bare}]"), [raw, user, unknown, bare].join("\n")] {
        let (head, told) = ask(&router, post("/events", body)).await;
        assert_eq!(head.status(), StatusCode::MULTI_STATUS);
        assert_eq!((&told["accepted"], &told["ids"][0]), (&json!(2), &Json::Null));
        assert!(told["ids"][1].is_string());
        let reasons: Vec<&str> =
            told["rejected"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect();
        let expected = [
            "there is no table \"nope\"; expected one of users, raw_events",
            "the event names no table: expected {\"table\": \"...\", \"event\": {...}} and nothing else",
        ];
        assert_eq!(reasons, expected);
        assert_eq!(told["rejected"][0]["errors"][0]["path"], "/table");
        let topics: Vec<String> = payloads(&publisher).into_iter().map(|(topic, _)| topic).collect();
        assert_eq!(topics, ["raw", "users"]);
    }
}

#[tokio::test]
async fn a_table_has_the_route_that_its_sql_says() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    for path in ["/events/user", "/events/user/batch", "/events/users"] {
        let (head, _) = ask(&router, post(path, r#"{"user_id":"u"}"#)).await;
        assert_eq!(head.status(), StatusCode::ACCEPTED, "{path}");
        assert_eq!(payloads(&publisher)[0].0, "users");
    }
    let (head, _) = ask(&router, post("/events/user/other", "{}")).await;
    assert_eq!(head.status(), StatusCode::NOT_FOUND);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

async fn packed(router: &Router, encoding: &str, body: Vec<u8>) -> (StatusCode, Json) {
    let request = Request::post("/events/users").header(header::CONTENT_ENCODING, encoding);
    let (head, told) = ask(router, request.body(body.into()).unwrap()).await;
    (head.status(), told)
}

#[tokio::test]
async fn bodies_may_be_gzipped_within_bounds() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    let event = br#"{"user_id":"u"}"#;
    assert_eq!(packed(&router, "gzip", gzip(event)).await.0, StatusCode::ACCEPTED);
    assert_eq!(payloads(&publisher).len(), 1);
    let bomb = gzip(&vec![b' '; MAX_UNPACKED + 1]);
    assert!(bomb.len() < 1_000_000);
    let (status, told) = packed(&router, "gzip", bomb).await;
    assert_eq!(
        (status, &told["type"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("urn:weir:problem:too-large"))
    );
    let half = gzip(event);
    for broken in [event.to_vec(), Vec::new(), half[..half.len() - 9].to_vec()] {
        let (status, told) = packed(&router, "gzip", broken).await;
        assert_eq!((status, &told["title"]), (StatusCode::BAD_REQUEST, &json!("Malformed body")), "{told}");
    }
    for encoding in ["br", "gzip, gzip", "identity, gzip"] {
        let (status, told) = packed(&router, encoding, gzip(event)).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{told}");
    }
    assert!(publisher.take().is_empty());
}

#[tokio::test]
async fn a_request_has_a_bounded_number_of_events() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    let events = |count| vec![r#"{"user_id":"u"}"#; count].join("\n");
    let (head, _) = ask(&router, post("/events/users", events(MAX_EVENTS))).await;
    assert_eq!((head.status(), publisher.take().len()), (StatusCode::ACCEPTED, MAX_EVENTS));
    let (head, _) = ask(&router, post("/events/users", events(MAX_EVENTS + 1))).await;
    assert_eq!((head.status(), publisher.take().len()), (StatusCode::PAYLOAD_TOO_LARGE, 0));
}

#[tokio::test]
async fn every_fault_has_its_path_and_type_and_what_was_expected() {
    let (gateway, _) = gateway(SQL);
    let (head, told) =
        ask(&ingest_router(Arc::new(gateway)), post("/events/raw_events", r#"{"userId":7}"#)).await;
    assert_eq!(head.status(), StatusCode::BAD_REQUEST);
    let moment =
        "TIMESTAMP (epoch milliseconds, epoch seconds with a fraction, or ISO 8601) NOT NULL, the event time";
    let errors = json!([
        { "path": "/userId", "type": "number", "found": "the number 7", "expected": "TEXT NOT NULL" },
        { "path": "/event", "type": "missing", "found": "nothing", "expected": "TEXT NOT NULL" },
        { "path": "/timestamp", "type": "missing", "found": "nothing", "expected": moment },
    ]);
    assert_eq!(told["rejected"][0]["errors"], errors);
}

fn settings(protects_reads: bool) -> Settings {
    let access = Access::parse(&format!("write:{KEY},read:{READER}"), protects_reads).unwrap();
    Settings { access, origins: Origins::parse("https://shop.example").unwrap() }
}

async fn with(router: &Router, path: &str, name: &str, value: &str) -> (Response<()>, Json) {
    let method = if path.starts_with("/events") { "POST" } else { "GET" };
    let request = Request::builder().method(method).uri(path).header(name, value);
    ask(router, request.body(r#"{"user_id":"u"}"#.into()).unwrap()).await
}

#[tokio::test]
async fn keys_let_in_those_who_have_one() {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway.with_settings(settings(false))));
    let bearer = format!("Bearer {KEY}");
    let shout = format!("bEARER {KEY}");
    for (name, value) in
        [("authorization", &bearer), ("authorization", &shout), ("x-api-key", &KEY.to_owned())]
    {
        let (head, _) = with(&router, "/events/users", name, value).await;
        assert_eq!((head.status(), publisher.take().len()), (StatusCode::ACCEPTED, 1), "{name}");
    }
    let refusals = [
        ("x-other", KEY, 401, "unauthorized", "Bearer realm=\"weir\""),
        (
            "x-api-key",
            "write-0123456789abcdeg",
            401,
            "unauthorized",
            "Bearer realm=\"weir\", error=\"invalid_token\"",
        ),
        ("x-api-key", READER, 403, "forbidden", "Bearer realm=\"weir\", error=\"insufficient_scope\""),
    ];
    for (name, value, status, kind, challenge) in refusals {
        let (head, told) = with(&router, "/events/users", name, value).await;
        assert_eq!(head.status().as_u16(), status, "{name} {value}");
        assert_eq!(head.headers()[header::WWW_AUTHENTICATE], challenge);
        assert_eq!(head.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(told["type"], format!("urn:weir:problem:{kind}"));
        assert!(!told.to_string().contains(value));
    }
    assert!(publisher.take().is_empty());
}

#[tokio::test]
async fn reading_needs_a_key_only_where_it_is_said() {
    for (protects, none, write) in [(false, 200, 200), (true, 401, 403)] {
        let router = serve_router_with(MemoryViews::new(Store::Answers), &settings(protects));
        for path in ["/ctr/latest", "/views", "/alerts", "/ctr/p1"] {
            assert_eq!(with(&router, path, "x-other", "").await.0.status().as_u16(), none, "{path}");
            assert_eq!(with(&router, path, "x-api-key", KEY).await.0.status().as_u16(), write, "{path}");
            assert_eq!(with(&router, path, "x-api-key", READER).await.0.status().as_u16(), 200, "{path}");
        }
        for open in ["/health", "/", "/openapi.json"] {
            assert_eq!(with(&router, open, "x-other", "").await.0.status().as_u16(), 200, "{open}");
        }
    }
}

#[tokio::test]
async fn pages_of_listed_origins_may_use_the_api() {
    let (gateway, _) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway.with_settings(settings(false))));
    let preflight = |origin: &str| {
        let request = Request::options("/events/users").header(header::ORIGIN, origin);
        let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "x-api-key").body(Body::empty()).unwrap()
    };
    let (head, _) = ask(&router, preflight("https://shop.example")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
    let allowed = head.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(allowed.contains("x-api-key") && allowed.contains("idempotency-key"), "{allowed}");
    let (head, _) = ask(&router, preflight("https://evil.example")).await;
    assert!(!head.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    // A refusal is told to the page too.
    let (head, _) = with(&router, "/events/users", "origin", "https://shop.example").await;
    assert_eq!(head.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(head.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
}

/// A broker that never answers.
struct Silent;

impl Publisher for Silent {
    async fn publish(&self, _: Vec<Message>) -> Result<(), PublishError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_waited_for_within_bounds() {
    let limits = Limits { on_their_way: 2, turn: Duration::from_secs(1), answer: Duration::from_secs(10) };
    let (clock, catalog) = (Arc::new(ManualClock::at(NOW)), Arc::new(catalog(SQL)));
    let gateway = Gateway::new(catalog, Arc::new(Silent), clock, Arc::<MemoryStore>::default());
    let router = ingest_router(Arc::new(gateway.with_limits(limits)));
    let began = tokio::time::Instant::now();
    let body = "{\"user_id\":\"u\"}\n{\"user_id\":\"u\"}\n{\"user_id\":\"u\"}";
    let first = ask(&router, post("/events/users", body));
    let second = ask(&router, post("/events/users", body));
    let second = async {
        let answered = second.await;
        (answered, began.elapsed())
    };
    let ((away, told_away), ((full, told_full), after)) = futures::join!(first, second);
    assert_eq!(
        (away.status(), &told_away["title"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("Broker unavailable"))
    );
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert_eq!((full.status(), after), (StatusCode::TOO_MANY_REQUESTS, Duration::from_secs(1)));
    assert_eq!(told_full["detail"], "2 events are on their way to the broker; send these again later");
    for head in [away, full] {
        assert_eq!(head.headers()[header::RETRY_AFTER], "1");
    }
}
