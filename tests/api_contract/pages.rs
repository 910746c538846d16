//! The pages, what they are made of, and what they ask to stay up to date.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use futures::StreamExt as _;
use insta::assert_snapshot;
use serde_json::Value as Json;
use tower::ServiceExt;
use weir::{
    api::{Gateway, Live, Tails, Views as _, local_router, serve_router},
    backfill::Tail,
    publish::{MemoryPublisher, PublishError},
    state::MemoryStore,
    time::SystemClock,
};

use crate::fixture::{MemoryViews, Store, answer, request};

fn router(store: Store) -> Router {
    serve_router(MemoryViews::new(store))
}

async fn get(path: &str) -> Response<Body> {
    router(Store::Answers).oneshot(request("GET", path)).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// The files that a page or a script names.
fn named(text: &str) -> Vec<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let files =
        quoted.filter(|name| name.starts_with("assets/") || (name.starts_with("./") && name.contains(".js")));
    files
        .map(|name| format!("/assets/{}", name.trim_start_matches("assets/").trim_start_matches("./")))
        .collect()
}

#[tokio::test]
async fn a_page_loads_nothing_that_is_not_there_and_nothing_from_elsewhere() {
    let mut left = vec!["/".to_owned(), "/sql".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = left.pop() {
        if seen.contains(&path) {
            continue;
        }
        let response = get(&path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let text = text(response).await;
        assert!(
            !text.contains("https://") && !text.contains("innerHTML") && !text.contains(" style=\""),
            "{path}"
        );
        left.extend(named(&text));
        seen.push(path);
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let first = get("/assets/charts.js").await;
    let tag = first.headers()[header::ETAG].clone();
    let again = Request::builder().uri("/assets/charts.js").header(header::IF_NONE_MATCH, tag);
    let again = router(Store::Answers).oneshot(again.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text(again).await, "");
}

async fn status(store: Store) -> Json {
    let response = router(store).oneshot(request("GET", "/status")).await.unwrap();
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn status_tells_how_far_each_view_is() {
    let mut said = status(Store::Answers).await;
    assert_eq!((&said["live"], &said["sample"]), (&Json::Bool(false), &Json::Bool(false)));
    assert_eq!(said["topics"], serde_json::json!({ "raw_impressions": 42 }));
    let view = said["views"][0].as_object_mut().unwrap();
    assert!(view.remove("lag_ms").unwrap().as_i64().unwrap() > 1_000_000);
    assert_snapshot!(said["views"][0], @r#"{"name":"ctr","state":"live","closed_through":20000,"watermark":20000,"version":"2.42","partitions":1,"idle":0}"#);
    let empty = status(Store::Empty).await;
    assert_eq!((&empty["views"][0]["state"], &empty["views"][0]["lag_ms"]), (&"empty".into(), &Json::Null));
}

#[tokio::test]
async fn status_says_when_the_store_is_away() {
    let said = answer(&router(Store::Away), request("GET", "/status")).await;
    assert!(said.starts_with("503") && said.contains("urn:weir:problem:store-unavailable"), "{said}");
}

struct Nothing;

impl Tails for Nothing {
    async fn newest(&self, _: &str, _: usize) -> Result<Vec<Tail>, PublishError> {
        Ok(Vec::new())
    }
}

fn local(live: &Live) -> Router {
    let (views, store) = (MemoryViews::new(Store::Answers), Arc::<MemoryStore>::default());
    let catalog = Arc::new(views.catalog().clone());
    let gateway = Gateway::new(catalog, Arc::new(MemoryPublisher::default()), Arc::new(SystemClock), store);
    local_router(views, Arc::new(gateway), Nothing, live)
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_at_once_and_again_and_when_it_is_over() {
    let live = Live::default();
    let response = local(&live).oneshot(request("GET", "/live")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    for _ in 0..2 {
        let event =
            tokio::time::timeout(Duration::from_secs(20), body.next()).await.unwrap().unwrap().unwrap();
        let event = String::from_utf8(event.to_vec()).unwrap();
        let data = event.strip_prefix("event: status\ndata: ").expect("a status").trim_end();
        let said: Json = serde_json::from_str(data).unwrap();
        assert_eq!((&said["live"], &said["views"][0]["name"]), (&Json::Bool(true), &"ctr".into()));
    }
    live.close();
    while let Some(rest) = body.next().await {
        drop(rest.unwrap());
    }
}

#[tokio::test]
async fn so_many_listen_and_no_more() {
    let live = Live::default();
    let router = local(&live);
    let mut listening = Vec::new();
    for _ in 0..100 {
        let response = router.clone().oneshot(request("GET", "/live")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        listening.push(response);
    }
    let refused = router.clone().oneshot(request("GET", "/live")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    listening.pop();
    let taken = router.oneshot(request("GET", "/live")).await.unwrap();
    assert_eq!(taken.status(), StatusCode::OK);
}
