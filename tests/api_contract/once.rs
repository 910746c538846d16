//! The promise: requests with an `Idempotency-Key` may be repeated.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value as Json, json};
use weir::{
    api::{Access, Gateway, Settings, ingest_router},
    publish::{MemoryPublisher, Message, PublishError, Publisher},
    state::{Item, MemoryStore, Requests, StateError, Written},
    time::{Clock, ManualClock, Millis},
};

use crate::{
    catalog::catalog,
    gateway::{NOW, SQL, ask, payloads},
};

/// A broker that may be away, and may take what it is given all the same.
#[derive(Default)]
struct Moody {
    taken: MemoryPublisher,
    is_away: AtomicBool,
}

impl Publisher for Moody {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        if self.is_away.load(Ordering::Relaxed) {
            let topic = messages.first().unwrap().topic.clone();
            return Err(PublishError { action: "publish to", topic, source: "away".into() });
        }
        self.taken.publish(messages).await
    }
}

/// A store that forgets to note what became of a request: as where a process dies before it does.
#[derive(Default)]
struct Dying {
    store: MemoryStore,
    dies: AtomicBool,
}

impl Requests for Dying {
    async fn request(&self, id: &str) -> Result<Option<Item>, StateError> {
        self.store.request(id).await
    }

    async fn put_request(&self, id: &str, item: Item, expected: Option<i64>) -> Result<Written, StateError> {
        if self.dies.load(Ordering::Relaxed) && expected.is_some() {
            let source = "the process died".into();
            return Err(StateError::Call { action: "write", subject: id.to_owned(), source });
        }
        self.store.put_request(id, item, expected).await
    }
}

struct World {
    broker: Arc<Moody>,
    store: Arc<Dying>,
    clock: Arc<ManualClock>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        Self { broker: Arc::default(), store: Arc::default(), clock }
    }

    /// A process that starts anew.
    fn process(&self) -> Router {
        let catalog = Arc::new(catalog(SQL));
        let (broker, clock, store) = (self.broker.clone(), self.clock.clone(), self.store.clone());
        let access = Access::parse("first-0123456789abcdef,other-0123456789abcdef", false).unwrap();
        let settings = Settings { access, ..Settings::default() };
        ingest_router(Arc::new(Gateway::new(catalog, broker, clock, store).with_settings(settings)))
    }

    fn pass(&self, millis: i64) {
        self.clock.set(self.clock.now() + Millis(millis));
    }

    /// Status, whether it is a repetition, and the body.
    async fn send(&self, body: &str) -> (u16, bool, Json) {
        self.send_as("first-0123456789abcdef", "/events/users", body).await
    }

    async fn send_as(&self, caller: &str, path: &str, body: &str) -> (u16, bool, Json) {
        let request = Request::post(path).header("idempotency-key", "k-1").header("x-api-key", caller);
        let (head, told) = ask(&self.process(), request.body(Body::from(body.to_owned())).unwrap()).await;
        (head.status().as_u16(), head.headers().contains_key("idempotency-replayed"), told)
    }
}

const BODY: &str = r#"[{"user_id":"u"},{"user_id":7},{"user_id":"v"}]"#;

#[tokio::test]
async fn a_repetition_is_answered_alike_and_publishes_nothing() {
    let world = World::new();
    let (status, is_replayed, first) = world.send(BODY).await;
    assert_eq!((status, is_replayed), (207, false));
    let sent = payloads(&world.broker.taken);
    assert_eq!(first["ids"], json!([sent[0].1["event_id"], sent[1].1["event_id"]]));
    world.pass(3_600_000);
    assert_eq!(world.send(BODY).await, (207, true, first.clone()));
    assert!(payloads(&world.broker.taken).is_empty());
    // Another caller's key is another key, and so is one that was forgotten.
    let (status, is_replayed, other) = world.send_as("other-0123456789abcdef", "/events/users", BODY).await;
    assert_eq!((status, is_replayed), (207, false));
    assert_ne!(other["ids"], first["ids"]);
    world.pass(24 * 3_600_000);
    assert!(!world.send(BODY).await.1);
    assert_eq!(payloads(&world.broker.taken).len(), 4);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let world = World::new();
    let refused = world.send(r#"{"user_id":7}"#).await;
    assert_eq!(refused.0, 400);
    assert_eq!(world.send(r#"{"user_id":7}"#).await, refused);
}

#[tokio::test]
async fn a_key_is_of_one_request() {
    let world = World::new();
    assert_eq!(world.send(BODY).await.0, 207);
    let (status, _, told) = world.send(r#"{"user_id":"u"}"#).await;
    assert_eq!((status, &told["type"]), (422, &json!("urn:weir:problem:idempotency-key-reused")));
    let (status, ..) = world.send_as("first-0123456789abcdef", "/events/user", BODY).await;
    assert_eq!(status, 422);
    assert_eq!(payloads(&world.broker.taken).len(), 2);
}

#[tokio::test]
async fn what_the_broker_did_not_take_is_published_by_the_next_attempt() {
    let world = World::new();
    world.broker.is_away.store(true, Ordering::Relaxed);
    assert_eq!(world.send(BODY).await.0, 503);
    world.broker.is_away.store(false, Ordering::Relaxed);
    world.pass(1000);
    let (status, is_replayed, _) = world.send(BODY).await;
    assert_eq!((status, is_replayed), (207, false));
    let sent = payloads(&world.broker.taken);
    assert_eq!((sent.len(), &sent[0].1["timestamp"]), (2, &json!("2023-11-14T22:13:20.000Z")));
}

#[tokio::test]
async fn after_a_death_the_same_records_are_published_again() {
    let world = World::new();
    world.store.dies.store(true, Ordering::Relaxed);
    let (status, _, first) = world.send(BODY).await;
    assert_eq!(status, 207, "the broker has them, whatever the store says");
    let before = world.broker.taken.take();
    world.store.dies.store(false, Ordering::Relaxed);
    let (status, _, told) = world.send(BODY).await;
    assert_eq!((status, &told["type"]), (409, &json!("urn:weir:problem:request-under-way")));
    world.pass(40_000);
    assert_eq!(world.send(BODY).await, (207, false, first.clone()));
    assert_eq!(world.broker.taken.take(), before, "byte for byte");
    assert_eq!(world.send(BODY).await, (207, true, first));
}

#[tokio::test]
async fn of_many_at_once_one_publishes() {
    let world = World::new();
    let answers = futures::future::join_all((0..20).map(|_| world.send(BODY))).await;
    assert_eq!(payloads(&world.broker.taken).len(), 2);
    let first = answers.iter().find(|(status, is_replayed, _)| *status == 207 && !is_replayed).unwrap();
    for (status, is_replayed, told) in &answers {
        let is_alike = *status == 207 && *told == first.2;
        assert!(is_alike || *status == 409, "{status} {is_replayed} {told}");
    }
}

#[tokio::test]
async fn without_a_store_nothing_is_promised() {
    struct Away;
    impl Requests for Away {
        async fn request(&self, id: &str) -> Result<Option<Item>, StateError> {
            self.put_request(id, Item { version: 0, body: Vec::new(), expires: None }, None)
                .await
                .map(|_| None)
        }
        async fn put_request(&self, id: &str, _: Item, _: Option<i64>) -> Result<Written, StateError> {
            Err(StateError::Call { action: "write", subject: id.to_owned(), source: "away".into() })
        }
    }
    let publisher = Arc::new(MemoryPublisher::default());
    let clock = Arc::new(ManualClock::at(NOW));
    let gateway = Gateway::new(Arc::new(catalog(SQL)), publisher.clone(), clock, Arc::new(Away));
    let router = ingest_router(Arc::new(gateway));
    let keyed = Request::post("/events/users").header("idempotency-key", "k");
    let (head, _) = ask(&router, keyed.body(BODY.into()).unwrap()).await;
    assert_eq!(
        (head.status(), &head.headers()[header::RETRY_AFTER]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    assert!(publisher.take().is_empty());
    let (head, _) = ask(&router, Request::post("/events/users").body(BODY.into()).unwrap()).await;
    assert_eq!((head.status(), publisher.take().len()), (StatusCode::MULTI_STATUS, 2));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let world = World::new();
    for keys in [&["", ""][..1], &["a b"], &["a", "b"]] {
        let mut request = Request::post("/events/users").header("x-api-key", "first-0123456789abcdef");
        for key in keys {
            request = request.header("idempotency-key", *key);
        }
        let (head, told) = ask(&world.process(), request.body(BODY.into()).unwrap()).await;
        assert_eq!(head.status(), StatusCode::BAD_REQUEST, "{keys:?}");
        assert_eq!(told["type"], "urn:weir:problem:malformed-idempotency-key");
    }
}
