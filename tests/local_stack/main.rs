//! The promise: events that go into the stack come out as the rows of a run over files, through restarts,
//! and the last of them soon after the traffic has ended.
#![cfg(feature = "local")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod alerts;
mod faults;
mod rows;
mod stand;
#[path = "../support"]
mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::BTreeMap;

use serde_json::Value;
use weir::local::{
    broker::EmbeddedBroker,
    stack::{FolderError, Place, Stack, StackError},
};

use self::{
    stand::{
        Stored, eventually, expected, get, impatient, lines, options, publish, publisher, shoppers, start,
        stored,
    },
    support::{
        catalog::catalog,
        lines::{Row, parse},
    },
};

/// What a row is about.
fn identity(row: &Row) -> (String, i64) {
    (row["product_id"].as_str().unwrap().to_owned(), row["window_start"].as_i64().unwrap())
}

/// The newest row of each window and product. Whatever is there twice is the same.
fn newest(rows: impl IntoIterator<Item = Row>) -> BTreeMap<(String, i64), Row> {
    let mut newest: BTreeMap<(String, i64), Row> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(identity(&row)).or_insert_with(|| row.clone());
        if known["revision"].as_i64() < row["revision"].as_i64() {
            *known = row;
        } else if known["revision"] == row["revision"] {
            assert_eq!(*known, row);
        }
    }
    newest
}

async fn results(stack: &Stack) -> BTreeMap<(String, i64), Row> {
    let rows = stored(stack.bootstrap(), "ctr_results").await;
    newest(rows.iter().map(Stored::row))
}

/// Waits until as many rows are in the result topic as there shall be, and looks at them.
async fn assert_results(stack: &Stack, expected: &BTreeMap<(String, i64), Row>) {
    eventually("the last window", || async { results(stack).await.len() >= expected.len() }).await;
    assert_eq!(results(stack).await, *expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_equal_those_of_a_run_over_files() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(&dir.path().join("broker"), None).unwrap();
    let topics = [("impressions", 3), ("clicks", 3)];
    publisher(&broker.bootstrap()).ensure_topics(&topics).await.unwrap();
    let events = shoppers(65);
    publish(&broker.bootstrap(), &events).await;
    let expected = expected(&events).await;
    assert!(expected.late.is_empty() && expected.dead.is_empty());
    let rows = newest(expected.rows);

    let elsewhere = Place::At(broker.bootstrap());
    let stack = Stack::start(stand_options(dir.path(), elsewhere)).await.unwrap();
    assert_results(&stack, &rows).await;
    assert_eq!(stack.counts().records, events.len() as u64);
    assert_eq!((stack.counts().late, stack.counts().dead), (0, 0));
    // A batch and a sweep that come at the same time give the same rows both.
    assert!(stack.counts().rows >= rows.len() as u64);
    assert_api(&stack, &rows).await;
    stack.stop().await.unwrap();
}

fn stand_options(dir: &std::path::Path, kafka: Place) -> weir::local::stack::StackOptions {
    weir::local::stack::StackOptions { kafka, ..options(impatient(), dir) }
}

/// The API shows each product's last row, and the one before it.
async fn assert_api(stack: &Stack, rows: &BTreeMap<(String, i64), Row>) {
    let mut products: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for ((product, _), row) in rows {
        products.entry(product).or_default().push(row);
    }
    let shown = |row: &Row| {
        let mut row = row.clone();
        row.shift_remove("final").unwrap();
        row
    };
    let latest: Vec<Row> = get(stack, "/ctr/latest").await.unwrap();
    let latest: Vec<Row> = latest.iter().map(shown).collect();
    let last: Vec<Row> = products.values().map(|rows| rows[rows.len() - 1].clone()).collect();
    assert_eq!(newest(latest), newest(last));
    for (product, rows) in products {
        let pair: Row = get(stack, &format!("/ctr/{product}")).await.unwrap();
        assert_eq!(shown(pair["latest"].as_object().unwrap()), *rows[rows.len() - 1]);
        let previous = pair["previous"].as_object().map(shown);
        assert_eq!(previous.as_ref(), rows.len().checked_sub(2).map(|index| rows[index]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_may_come_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let stack = start(impatient(), dir.path()).await;
    let events = shoppers(12);
    let url = format!("{}/events/impressions", stack.url());
    let impressions = lines(&events, "impressions");
    let count = parse(&impressions).len();
    let answer = reqwest::Client::new().post(url).body(impressions).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["accepted"], count);
    let seen = || async {
        let rows = results(&stack).await;
        rows.values().map(|row| row["impressions"].as_u64().unwrap()).sum::<u64>() == count as u64
    };
    eventually("a row for every impression, without another event", seen).await;
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_goes_on_where_it_stopped_or_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let events = shoppers(65);
    let expected = newest(expected(&events).await.rows);

    let stack = start(impatient(), dir.path()).await;
    assert!(stack.is_new());
    publish(stack.bootstrap(), &events).await;
    eventually("some of the events", || async { stack.counts().records > 0 }).await;
    let first = stack.stop().await.unwrap();

    let stack = start(impatient(), dir.path()).await;
    assert!(!stack.is_new());
    eventually("more of the events", || async { stack.counts().records > 0 }).await;
    let second = stack.counts();
    drop(stack);

    let stack = start(impatient(), dir.path()).await;
    assert_results(&stack, &expected).await;
    let third = stack.stop().await.unwrap();
    let total = events.len() as u64;
    assert!(
        first.records < total && second.records < total,
        "{first:?} {second:?}: there was nothing left to do"
    );
    // What was handled before a stop does not come again; what was, when it was killed, may.
    assert!(first.records + third.records <= total, "{first:?} {third:?}");

    let stack = start(impatient(), dir.path()).await;
    assert_api(&stack, &expected).await;
    assert_eq!(results(&stack).await, expected);
    assert_eq!(stack.counts().records, 0);
    stack.stop().await.unwrap();

    let fresh = weir::local::stack::StackOptions { fresh: true, ..options(impatient(), dir.path()) };
    let stack = Stack::start(fresh).await.unwrap();
    assert!(stack.is_new());
    assert_eq!(get::<Vec<Row>>(&stack, "/ctr/latest").await.unwrap(), [] as [Row; 0]);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_lands_on_its_topic() {
    let sql = "CREATE TABLE visits (page TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (event_time = 'ts');
               CREATE VIEW pages WITH (topic = 'page_results', idle_timeout = '1 second',
                 flush_after = '1 second') AS
               SELECT page, count(*) AS visits FROM visits GROUP BY page, TUMBLE(ts, INTERVAL '10' SECOND)";
    let dir = tempfile::tempdir().unwrap();
    let alone = weir::local::stack::StackOptions { partitions: 1, ..options(catalog(sql), dir.path()) };
    let stack = Stack::start(alone).await.unwrap();
    let visit = |ts: i64| format!(r#"{{"page":"a","ts":{ts}}}"#);
    let values = [visit(1_000), visit(60_000), visit(2_000), "PING".to_owned(), visit(61_000)];
    let message = |payload: String| weir::publish::Message {
        topic: "visits".into(),
        key: Some(b"a".to_vec()),
        payload: payload.into_bytes(),
        headers: Vec::new(),
    };
    let messages = values.map(message).into_iter().collect();
    weir::publish::Publisher::publish(&publisher(stack.bootstrap()), messages).await.unwrap();
    let rows = || async { stored(stack.bootstrap(), "page_results").await };
    eventually("both windows", || async { rows().await.len() >= 2 }).await;
    let visits: Vec<_> = rows().await.iter().map(|row| row.row()["visits"].as_i64()).collect();
    assert_eq!(visits, [Some(1), Some(2)]);

    let late = stored(stack.bootstrap(), "weir.late_events").await;
    assert_eq!(late.len(), 1);
    assert_eq!((late[0].key.as_str(), late[0].payload.as_str()), ("a", r#"{"page":"a","ts":2000}"#));
    let about = ["weir.topic", "weir.partition", "weir.offset", "weir.view", "weir.watermark"];
    assert_eq!(about.map(|name| late[0].header(name)), ["visits", "0", "2", "pages", "59999"]);

    let dead = stored(stack.bootstrap(), "weir.dead_letters").await;
    assert_eq!((dead.len(), dead[0].payload.as_str()), (1, "PING"));
    let origin = ["weir.topic", "weir.partition", "weir.offset"].map(|name| dead[0].header(name));
    assert_eq!(origin, ["visits", "0", "3"]);
    assert!(dead[0].header("weir.reason").contains("JSON"), "{dead:?}");
    let counts = stack.stop().await.unwrap();
    assert_eq!((counts.late, counts.dead, counts.rows), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_port_that_is_taken_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let stack = start(impatient(), dir.path()).await;
    let second = Stack::start(options(impatient(), dir.path())).await.err().unwrap();
    assert!(matches!(second, StackError::Folder(FolderError::InUse { .. })), "{second}");

    let other = tempfile::tempdir().unwrap();
    let port = stack.url().rsplit(':').next().unwrap().parse().unwrap();
    let taken = weir::local::stack::StackOptions { http_port: port, ..options(impatient(), other.path()) };
    let error = Stack::start(taken).await.err().unwrap();
    assert_eq!(error.to_string(), format!("failed to listen on 127.0.0.1:{port} for the HTTP API"));
    stack.stop().await.unwrap();
}
