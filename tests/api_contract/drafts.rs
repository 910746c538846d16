//! SQL that is not deployed: checked, and tried on the newest records.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use insta::assert_snapshot;
use serde_json::{Value as Json, json};
use tower::ServiceExt;
use weir::{
    api::{Gateway, Live, Tails, Views as _, local_router, serve_router},
    backfill::Tail,
    event::RawBatch,
    publish::{MemoryPublisher, PublishError},
    sql::{Catalog, SqlFile},
    state::MemoryStore,
    time::{ManualClock, Offset, Timestamp},
};

use crate::fixture::{MemoryViews, answer};

const SQL: &str = "CREATE TABLE shows (product TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'product');
CREATE TABLE clicks (product TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'product');
CREATE VIEW counts AS SELECT product, count(*) AS n FROM shows GROUP BY product, TUMBLE(ts, INTERVAL '10' SECOND);";

fn views() -> Arc<MemoryViews> {
    let files = [SqlFile { name: "base.sql".to_owned(), text: SQL.to_owned() }];
    MemoryViews::over(Catalog::parse(&files).unwrap())
}

/// Records of each topic: their times in seconds, and whether there were older ones.
#[derive(Clone, Default)]
struct Recorded {
    asked: Arc<Mutex<Vec<(String, usize)>>>,
    reading: Arc<AtomicUsize>,
    waits: bool,
}

impl Tails for Recorded {
    async fn newest(&self, topic: &str, most: usize) -> Result<Vec<Tail>, PublishError> {
        self.asked.lock().unwrap().push((topic.to_owned(), most));
        self.reading.fetch_add(1, Relaxed);
        if self.waits {
            std::future::pending::<()>().await;
        }
        let tail = |seconds: &[i64], is_cut| vec![Tail { batch: batch(topic, seconds), is_cut }];
        Ok(match topic {
            "shows" => tail(&[1, 2, 11, 12, 13, 25], false),
            // Begins in the middle, and with a record that is none.
            _ => tail(&[9, 14, 21], true),
        })
    }
}

fn batch(topic: &str, seconds: &[i64]) -> RawBatch {
    let mut batch = RawBatch { topic: topic.to_owned(), ..RawBatch::default() };
    for (offset, second) in (500..).zip(seconds) {
        let value = match second {
            9 => "no JSON".to_owned(),
            _ => json!({ "product": "p1", "ts": second * 1000 }).to_string(),
        };
        batch.push(Offset::at(offset), Some(Timestamp(second * 1000)), value.as_bytes());
    }
    batch
}

fn local(tails: Recorded) -> Router {
    let clock = Arc::new(ManualClock::at(Timestamp(60_000)));
    let (views, store) = (views(), Arc::<MemoryStore>::default());
    let catalog = Arc::new(views.catalog().clone());
    let gateway = Gateway::new(catalog, Arc::new(MemoryPublisher::default()), clock, store);
    local_router(views, Arc::new(gateway), tails, &Live::default())
}

fn post(path: &str, body: &Json) -> Request<Body> {
    let request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

async fn tried(router: &Router, sql: &str) -> (StatusCode, Json) {
    let response = router.clone().oneshot(post("/sql/try", &json!({ "sql": sql }))).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn mistakes_have_their_places() {
    let sql = "CREATE VIEW mine AS\nSELECT produkt, n FROM counts";
    let said = answer(&serve_router(views()), post("/sql/check", &json!({ "sql": sql }))).await;
    assert_snapshot!(said, @r#"
    200
    content-type: application/json
    cache-control: no-store
    {"errors":[{"file":"draft.sql","line":2,"column":8,"width":7,"message":"unknown column \"produkt\"; expected one of product, n, window_start, window_end, window_time, window_start, window_end, did you mean \"product\"?"}],"views":[],"warnings":[]}
    "#);
}

#[tokio::test]
async fn what_is_right_is_described() {
    let sql = "CREATE VIEW mine AS SELECT product, n FROM counts WHERE n > 3";
    let said = answer(&serve_router(views()), post("/sql/check", &json!({ "sql": sql }))).await;
    assert_snapshot!(said, @r#"
    200
    content-type: application/json
    cache-control: no-store
    {"errors":[],"views":[{"name":"mine","columns":[{"name":"product","type":"TEXT"},{"name":"n","type":"BIGINT"}],"keys":[{"name":"product","type":"TEXT"}],"window":{"kind":"tumble","size_ms":10000},"allowed_lateness_ms":0,"sources":["counts"],"topic":null,"links":{"self":"mine","latest":"mine/latest","previous":"mine/previous","windows":"mine/windows","key":"mine/{product}"}}],"warnings":[]}
    "#);
}

#[tokio::test]
async fn the_catalog_has_tables_views_and_files() {
    let request = Request::builder().uri("/sql/catalog").body(Body::empty()).unwrap();
    let said: Json = {
        let response = serve_router(views()).oneshot(request).await.unwrap();
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    };
    assert_eq!(
        said["tables"][0],
        json!({
            "name": "shows", "topic": "shows", "format": "json", "key": "product", "event_time": "ts", "watermark_delay_ms": 0,
            "columns": [
                {"name": "product", "type": "TEXT", "not_null": true},
                {"name": "ts", "type": "TIMESTAMP", "not_null": true},
            ],
        })
    );
    assert_eq!(said["views"][0]["name"], "counts");
    assert_eq!(said["files"], json!([{ "name": "base.sql", "text": SQL }]));
}

#[tokio::test]
async fn a_draft_runs_over_the_newest_records() {
    let tails = Recorded::default();
    let sql = "CREATE VIEW mine AS SELECT product, max(n) AS most, count(*) AS windows FROM counts GROUP BY product, TUMBLE(window_time, INTERVAL '1' MINUTE);
               CREATE VIEW counts AS SELECT product, count(*) AS n FROM shows GROUP BY product, TUMBLE(ts, INTERVAL '10' SECOND);";
    let (status, said) = tried(&local(tails.clone()), sql).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(*tails.asked.lock().unwrap(), [("shows".to_owned(), 10_000)]);
    let names: Vec<&str> =
        said["views"].as_array().unwrap().iter().map(|view| view["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["mine", "counts"]);
    assert_eq!(said["views"][0]["rows"][0]["most"], 3, "{said}");
    assert_eq!(said["views"][0]["rows"][0]["windows"], 3);
    assert_eq!(said["views"][1]["total"], 3);
    assert_eq!(
        (&said["records"]["shows"], &said["from"], &said["to"]),
        (&json!(6), &Json::Null, &json!(25_000))
    );
}

#[tokio::test]
async fn topics_are_cut_to_the_time_that_all_samples_have() {
    let sql = "CREATE VIEW both AS SELECT product, count(*) AS n
               FROM (SELECT * FROM shows UNION ALL SELECT * FROM clicks) AS events GROUP BY product, TUMBLE(ts, INTERVAL '10' SECOND)";
    let (_, said) = tried(&local(Recorded::default()), sql).await;
    assert_eq!((&said["from"], &said["dead"]), (&json!(9000), &json!(1)), "{said}");
    assert_eq!(said["dead_letters"][0]["offset"], 500);
    let counts: Vec<_> = said["views"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["window_start"].as_i64().unwrap(), row["n"].as_i64().unwrap()))
        .collect();
    assert_eq!(counts, [(10_000, 4), (20_000, 2)]);
}

#[tokio::test]
async fn what_cannot_be_tried_says_why() {
    let router = local(Recorded::default());
    let wrong = tried(&router, "CREATE VIEW mine AS SELECT x FROM nothing").await;
    assert_eq!((wrong.0, &wrong.1["errors"][0]["line"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(1)));
    assert_eq!(tried(&router, "-- nothing").await.0, StatusCode::BAD_REQUEST);
    let elsewhere = tried(&serve_router(views()), "CREATE VIEW mine AS SELECT product FROM counts").await;
    assert_eq!(
        (elsewhere.0, &elsewhere.1["type"]),
        (StatusCode::NOT_IMPLEMENTED, &json!("urn:weir:problem:not-here"))
    );
    let plain = Request::builder().method("POST").uri("/sql/try").body(Body::from("{}")).unwrap();
    assert_eq!(router.clone().oneshot(plain).await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let many = post("/sql/try", &json!({ "sql": "", "records": 0 }));
    assert_eq!(router.clone().oneshot(many).await.unwrap().status(), StatusCode::BAD_REQUEST);
}

/// Two are tried at once; who goes away makes room.
#[tokio::test]
async fn only_a_few_are_tried_at_once() {
    let tails = Recorded { waits: true, ..Recorded::default() };
    let router = local(tails.clone());
    let sql = "CREATE VIEW mine AS SELECT product, n FROM counts";
    let request = || {
        let router = router.clone();
        tokio::spawn(async move { tried(&router, sql).await.0 })
    };
    let (first, _second) = (request(), request());
    while tails.reading.load(Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tried(&router, sql).await.0, StatusCode::TOO_MANY_REQUESTS);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let _third = request();
    while tails.reading.load(Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
}
