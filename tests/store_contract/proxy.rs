//! Stands between the SDK and the embedded server, and does what that server never does: throttles,
//! loses answers, leaves keys unprocessed.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use weir::{
    local::dynamo::EmbeddedDynamo,
    state::dynamo::{ClientOptions, DynamoStore},
};

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is carried out, and the answer is lost.
    LoseAnswer,
    /// It is refused.
    Throttle,
    /// A batch read brings this many of its items; the others are left.
    LeaveAllBut(usize),
    /// A failed condition does not tell what it failed on.
    HideItem,
}

/// The faults to come, each for an operation, in order.
type Plan = Arc<Mutex<Vec<(&'static str, Fault)>>>;

#[derive(Clone)]
struct Context {
    plan: Plan,
    upstream: String,
    http: reqwest::Client,
}

/// A store behind a proxy.
pub(crate) struct Faulty {
    pub(crate) store: DynamoStore,
    plan: Plan,
    proxy: JoinHandle<()>,
    // Behind the proxy in the order of dropping.
    _server: EmbeddedDynamo,
}

impl Faulty {
    pub(crate) async fn start(attempts: u32) -> Self {
        let server = EmbeddedDynamo::start(None, None).unwrap();
        let plan = Plan::default();
        let http = reqwest::Client::new();
        let context = Context { plan: plan.clone(), upstream: server.endpoint(), http };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
        let router = Router::new().fallback(forward).with_state(context);
        let proxy = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let options = ClientOptions { endpoint, keyless: true, attempts, ..ClientOptions::default() };
        let store = DynamoStore::new(options.connect().await, "weir");
        store.create_table().await.unwrap();
        Self { store, plan, proxy, _server: server }
    }

    /// Lets the next `times` requests of an operation go wrong.
    pub(crate) fn next(&self, operation: &'static str, fault: Fault, times: usize) {
        self.plan.lock().unwrap().extend(std::iter::repeat_n((operation, fault), times));
    }

    /// Whether all that was planned has happened.
    pub(crate) fn is_over(&self) -> bool {
        self.plan.lock().unwrap().is_empty()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

async fn forward(State(context): State<Context>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap();
    let fault = {
        let mut plan = context.plan.lock().unwrap();
        let at = plan.iter().position(|(planned, _)| *planned == operation);
        at.map(|at| plan.remove(at).1)
    };
    match fault {
        None => context.send(&headers, body).await.into_response(),
        Some(Fault::Throttle) => error(StatusCode::BAD_REQUEST, "ThrottlingException").into_response(),
        Some(Fault::LoseAnswer) => {
            context.send(&headers, body).await;
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError").into_response()
        }
        Some(Fault::HideItem) => {
            let (status, answer) = context.send(&headers, body).await;
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            answer.as_object_mut().unwrap().remove("Item");
            (status, answer.to_string()).into_response()
        }
        Some(Fault::LeaveAllBut(taken)) => {
            context.leave_all_but(taken, &headers, &body).await.into_response()
        }
    }
}

fn error(status: StatusCode, name: &str) -> (StatusCode, Bytes) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "planned"});
    (status, body.to_string().into())
}

impl Context {
    async fn send(&self, headers: &HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
        let mut headers = headers.clone();
        for own in ["host", "content-length"] {
            headers.remove(own);
        }
        let answer = self.http.post(&self.upstream).headers(headers).body(body).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap())
    }

    async fn leave_all_but(&self, taken: usize, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Bytes) {
        let mut request: Value = serde_json::from_slice(body).unwrap();
        let asked = request["RequestItems"]["weir"].clone();
        let mut keys = asked["Keys"].as_array().unwrap().clone();
        let left = keys.split_off(taken.min(keys.len()));
        let (status, answer) = if keys.is_empty() {
            (StatusCode::OK, Bytes::from(r#"{"Responses": {}}"#))
        } else {
            request["RequestItems"]["weir"]["Keys"] = keys.into();
            self.send(headers, request.to_string().into()).await
        };
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let mut unprocessed = asked;
        unprocessed["Keys"] = left.into();
        answer["UnprocessedKeys"] = json!({"weir": unprocessed});
        (status, answer.to_string().into())
    }
}
