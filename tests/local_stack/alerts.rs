//! Alerts that the stack raises reach their target; what no target takes is kept.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;
use weir::{
    local::stack::{Stack, StackOptions},
    notify,
    publish::{Message, Publisher as _},
};

use crate::{
    stand::{eventually, options, publisher, stored},
    support::catalog::catalog,
};

type Received = Arc<Mutex<Vec<Value>>>;

/// A webhook that takes what is sent to `/take` and refuses all else.
async fn webhook() -> (String, Received) {
    async fn take(State(received): State<Received>, body: String) -> StatusCode {
        received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        StatusCode::OK
    }
    let received = Received::default();
    let routes = Router::new().route("/take", post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
    (url, received)
}

fn order(id: &str, amount: i64) -> Message {
    let payload = format!(
        r#"{{"order_id":"{id}","user_id":"u1","status":"paid","items":[],"total_amount":{amount},"timestamp":"2026-01-01T00:00:00Z"}}"#
    );
    Message {
        topic: "order_events".into(),
        key: Some(b"u1".to_vec()),
        payload: payload.into(),
        headers: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_reaches_its_target_and_a_refused_one_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (url, received) = webhook().await;
    let targets = format!("{url}/take {url}/gone");
    let notify = notify::Settings { targets: notify::Target::list(&targets).unwrap(), ..Default::default() };
    let catalog = catalog(include_str!("../../sql/shop.sql"));
    let options = StackOptions { notify: Some(notify), ..options(catalog, dir.path()) };
    let stack = Stack::start(options).await.unwrap();

    let orders = vec![order("o1", 5), order("o2", 3_000_000)];
    publisher(stack.bootstrap()).publish(orders).await.unwrap();
    eventually("the alert", || async { !received.lock().unwrap().is_empty() }).await;
    let alert = received.lock().unwrap()[0].clone();
    assert_eq!((&alert["order_id"], &alert["severity"]), (&"o2".into(), &"HIGH".into()));

    let letters = || stored(stack.bootstrap(), "weir.notify_dead_letters");
    eventually("the dead letter", || async { !letters().await.is_empty() }).await;
    let letters = letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].row()["order_id"], "o2");
    assert!(letters[0].header("weir.target").ends_with("/…"), "{:?}", letters[0]);
    stack.stop().await.unwrap();
    assert_eq!(received.lock().unwrap().len(), 1);
}
