//! An HTTP server that answers as it is told and remembers what it was asked, and notifiers for it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sns::config::Credentials;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use weir::{
    event::{self, RawBatch},
    notify::{Limits, Notified, Notifier, Settings, Target},
    publish::{MemoryPublisher, Message, PublishError, Publisher},
    time::{Clock as _, Millis, SystemClock},
};

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status and a text.
    Say(u16, &'static str),
    /// 429 with this `Retry-After`.
    Later(&'static str),
    /// 302 to another path.
    Elsewhere(&'static str),
    /// Nothing at all.
    Hang,
}

#[derive(Debug, Default)]
struct Book {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
}

/// A server. Answers 200 where nothing else is left to say.
pub(crate) struct Server {
    address: SocketAddr,
    book: Arc<Book>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Book { replies: Mutex::new(replies.into_iter().collect()), ..Book::default() });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, book }
    }

    /// Its URL, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.book.asked.lock().unwrap().clone()
    }

    /// The ids of the alerts that it was sent, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.header("idempotency-key").to_owned()).collect()
    }
}

async fn answer(State(book): State<Arc<Book>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    assert_eq!(head.method, "POST");
    let path = head.uri.path_and_query().unwrap().to_string();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    book.asked.lock().unwrap().push(Asked { path, headers: head.headers, body });
    let reply = book.replies.lock().unwrap().pop_front();
    let say =
        |status, text: &str| Response::builder().status(status).body(Body::from(text.to_owned())).unwrap();
    let with = |status, name, value| {
        Response::builder().status(status).header(name, value).body(Body::empty()).unwrap()
    };
    match reply.unwrap_or(Reply::Say(200, "ok")) {
        Reply::Say(status, text) => say(status, text),
        Reply::Later(seconds) => with(429, "retry-after", seconds),
        Reply::Elsewhere(path) => with(302, "location", path),
        Reply::Hang => std::future::pending().await,
    }
}

/// An alert, of some severity.
pub(crate) fn alert(id: &str, severity: &str) -> String {
    json!({"id": id, "view": "orders", "severity": severity, "rule": "high_value_order"}).to_string()
}

/// A payload with these values on partition 0 of the alert topic.
pub(crate) fn payload(values: &[impl AsRef<[u8]>]) -> String {
    let record = |(offset, value): (i64, &_)| {
        let value = base64_simd::STANDARD.encode_to_string(AsRef::<[u8]>::as_ref(value));
        json!({"topic": "weir.alerts", "partition": 0, "offset": offset, "timestamp": 1_700_000_000_000_i64,
               "timestampType": "CREATE_TIME", "key": "dTE=", "value": value, "headers": []})
    };
    let records: Vec<_> = (7..).zip(values).map(record).collect();
    json!({"eventSource": "aws:kafka", "records": {"weir.alerts-0": records}}).to_string()
}

pub(crate) fn batches(values: &[impl AsRef<[u8]>]) -> Vec<RawBatch> {
    event::parse(payload(values).as_bytes()).unwrap()
}

/// Patience that suits a test.
pub(crate) fn limits() -> Limits {
    Limits {
        attempts: 3.try_into().unwrap(),
        timeout: Duration::from_millis(500),
        first_pause: Duration::from_millis(10),
    }
}

pub(crate) fn settings(targets: &str) -> Settings {
    Settings { targets: Target::list(targets).unwrap(), limits: limits(), ..Settings::default() }
}

/// AWS, where it is that server.
async fn aws(server: &Server) -> SdkConfig {
    let keys = Credentials::new("key", "secret", None, None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(server.url());
    loader.region(Region::from_static("us-east-1")).credentials_provider(keys).load().await
}

/// A topic for dead letters that may refuse them.
#[derive(Clone, Default)]
pub(crate) struct Letters {
    kept: Arc<MemoryPublisher>,
    refusals: Arc<AtomicUsize>,
}

impl Letters {
    pub(crate) fn refuse(&self, times: usize) {
        self.refusals.store(times, Ordering::SeqCst);
    }
}

impl Publisher for Letters {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        let less = |left: usize| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            let (topic, source) = (messages[0].topic.clone(), "no broker".into());
            return Err(PublishError { action: "publish to", topic, source });
        }
        self.kept.publish(messages).await
    }
}

/// A notifier, and the dead letters that it published.
pub(crate) struct Stand {
    pub(crate) notifier: Notifier<Letters>,
    pub(crate) letters: Letters,
}

impl Stand {
    pub(crate) async fn new(settings: Settings) -> Self {
        let letters = Letters::default();
        let notifier = Notifier::connect(settings, letters.clone(), Arc::new(SystemClock)).await.unwrap();
        Self { notifier, letters }
    }

    /// One whose AWS is the server.
    pub(crate) async fn on_aws(targets: &str, server: &Server) -> Self {
        let (letters, aws) = (Letters::default(), aws(server).await);
        let clock = Arc::new(SystemClock);
        let notifier = Notifier::with_aws(settings(targets), letters.clone(), clock, &aws).unwrap();
        Self { notifier, letters }
    }

    /// Notifies with a minute's time.
    pub(crate) async fn notify(&self, values: &[impl AsRef<[u8]>]) -> Notified {
        self.try_notify(values, Millis::minutes(1)).await.unwrap()
    }

    pub(crate) async fn try_notify(
        &self,
        values: &[impl AsRef<[u8]>],
        time: Millis,
    ) -> Result<Notified, PublishError> {
        self.notifier.notify(&batches(values), SystemClock.now() + time).await
    }

    /// Takes out the dead letters.
    pub(crate) fn take_letters(&self) -> Vec<Message> {
        self.letters.kept.take()
    }

    /// Takes out the only dead letter.
    pub(crate) fn take_letter(&self) -> Message {
        let mut letters = self.take_letters();
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.remove(0)
    }
}

pub(crate) fn header<'m>(letter: &'m Message, name: &str) -> &'m str {
    letter.headers.iter().find(|(header, _)| *header == name).map_or("", |(_, value)| value)
}
