//! Every file of `events/` is what it says: payloads parse, raw events fit their tables.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufReader, sink},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
};

use weir::{
    event::{self, Trigger},
    run::{Cut, Input, Outputs, Summary},
    sql::Catalog,
    time::{ManualClock, Timestamp},
};

fn read(path: &str) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Topic, partition and number of records of each batch in a payload, and how many fit their tables.
fn batches(path: &str) -> Vec<(String, i32, usize, usize)> {
    let catalog = Catalog::load(Path::new("sql/ctr.sql")).unwrap();
    let batches = event::parse(&read(path)).unwrap();
    let describe = |raw: &event::RawBatch| {
        let table = catalog.table_of_topic(&raw.topic).unwrap();
        let batch = event::decode(raw, table, Timestamp(1_767_225_700_000));
        let good = batch.records.iter().filter(|record| record.event_time.is_ok()).count();
        (raw.topic.clone(), raw.partition, raw.records.len(), good)
    };
    let mut described: Vec<_> = batches.iter().map(describe).collect();
    described.sort();
    described
}

#[test]
fn the_batches_parse_record_by_record() {
    let of = |topic: &str, records, good| (topic.to_owned(), 0, records, good);
    let files = [
        ("events/window/msk-batch.json", vec![of("clicks", 3, 3), of("impressions", 16, 16)]),
        ("events/window/self-managed-batch.json", vec![of("clicks", 2, 2), of("impressions", 12, 12)]),
        ("events/window/poison-record.json", vec![of("impressions", 10, 4)]),
        ("events/window/late-records.json", vec![of("clicks", 1, 1), of("impressions", 4, 4)]),
        ("events/window/kinesis.json", vec![of("impressions", 10, 9)]),
    ];
    for (path, expected) in files {
        assert_eq!(batches(path), expected, "{path}");
    }
}

/// The alerts of a payload: of each partition the values that are JSON objects with an id.
fn alerts(path: &str) -> Vec<(i32, usize, usize)> {
    let batches = event::parse(&read(path)).unwrap();
    let describe = |raw: &event::RawBatch| {
        assert_eq!(raw.topic, "weir.alerts", "{path}");
        let value = |record: &event::RawRecord| {
            serde_json::from_slice::<serde_json::Value>(raw.bytes.get(record.value.clone())?).ok()
        };
        let alerts = raw.records.iter().filter_map(value).filter(|alert| alert["id"].is_string()).count();
        (raw.partition, raw.records.len(), alerts)
    };
    batches.iter().map(describe).collect()
}

#[test]
fn the_alerts_are_alerts_but_for_the_poison() {
    assert_eq!(alerts("events/notify/alerts.json"), [(0, 2, 2), (1, 1, 1)]);
    assert_eq!(alerts("events/notify/poison-alert.json"), [(0, 3, 1)]);
}

#[test]
fn the_schedule_is_a_schedule() {
    let trigger = event::trigger(&read("events/sweep/schedule.json")).unwrap();
    assert!(matches!(trigger, Trigger::Schedule));
}

#[test]
fn the_raw_events_fit_their_tables_but_for_the_broken_ones() {
    let catalog = Catalog::load(Path::new("sql/ctr.sql")).unwrap();
    for (table, lines, broken) in [("impressions", 459, vec![230, 338, 401, 427]), ("clicks", 22, vec![])] {
        let content = read(&format!("events/{table}.ndjson"));
        let table = catalog.table(table).unwrap();
        let rejected = |line: &[u8]| event::validate(table, line, Timestamp::MAX).is_err();
        let events: Vec<&[u8]> =
            content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let found: Vec<usize> =
            (1..).zip(&events).filter(|(_, line)| rejected(line)).map(|(at, _)| at).collect();
        assert_eq!((events.len(), found), (lines, broken));
    }
}

#[test]
fn the_requests_are_api_gateway_v2_requests() {
    for folder in ["events/serve", "events/ingest"] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let request: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if path.file_name().unwrap().to_string_lossy().starts_with("socket-") {
                continue;
            }
            assert_eq!(request["version"], "2.0", "{}", path.display());
            assert_eq!(request["rawPath"], request["requestContext"]["http"]["path"], "{}", path.display());
        }
    }
}

#[test]
fn the_socket_events_are_those_of_an_api_gateway() {
    for (name, route, event) in [
        ("connect", "$connect", "CONNECT"),
        ("message", "$default", "MESSAGE"),
        ("bad-message", "$default", "MESSAGE"),
        ("disconnect", "$disconnect", "DISCONNECT"),
    ] {
        let payload = read(&format!("events/ingest/socket-{name}.json"));
        let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let context = &payload["requestContext"];
        assert_eq!((&context["routeKey"], &context["eventType"]), (&route.into(), &event.into()), "{name}");
        assert!(context["connectionId"].is_string(), "{name}");
    }
}

/// Runs views over raw events, by topic and file, and returns the rows, a line each.
async fn results(sql: &str, files: &[(&str, &str)], batch: usize) -> (String, Summary) {
    let catalog = Catalog::load(Path::new(sql)).unwrap();
    let input = |(topic, file): &(&str, &str)| Input {
        topic: (*topic).to_owned(),
        lines: Box::new(BufReader::new(File::open(format!("events/{file}")).unwrap())),
    };
    let rows = tempfile::NamedTempFile::new().unwrap();
    let outputs = Outputs {
        views: Vec::new(),
        rows: Box::new(rows.reopen().unwrap()),
        late: Box::new(sink()),
        dead: Box::new(sink()),
    };
    let cut = Cut { batch, partitions: NonZeroU32::MIN };
    let clock = Arc::new(ManualClock::at(Timestamp(1_767_225_700_000)));
    let inputs = files.iter().map(input).collect();
    let summary = weir::run::run(catalog, inputs, cut, outputs, clock, |_| ()).await.unwrap();
    (fs::read_to_string(rows.path()).unwrap(), summary)
}

#[tokio::test]
async fn the_raw_events_give_the_results_beside_them() {
    let files = [("impressions", "impressions.ndjson"), ("clicks", "clicks.ndjson")];
    let (rows, _) = results("sql/ctr.sql", &files, 1).await;
    assert_eq!(rows, fs::read_to_string("events/ctr_results.ndjson").unwrap());
}

/// Topic, file, lines, those that do not fit, and the views that have rows of the others.
const FILES: [(&str, &str, u64, u64, &[&str]); 6] = [
    ("click-stream", "click-stream.ndjson", 100, 0, &["page_view_counts"]),
    ("user_clickstream", "user_clickstream.txt", 100, 0, &["user_click_aggregation"]),
    (
        "raw_events",
        "raw_events.ndjson",
        152,
        2,
        &[
            "events_per_type",
            "page_views",
            "unique_users_per_page",
            "activity_heatmap",
            "user_activity",
            "conversion_rate",
            "session_stats",
            "user_funnels",
            "funnel_stats",
            "user_hours",
            "retention",
        ],
    ),
    ("user_events", "user_events.ndjson", 100, 0, &["user_session_analytics"]),
    ("product_analytics", "product_analytics.ndjson", 150, 0, &["product_popularity_metrics"]),
    ("order_events", "order_events.ndjson", 39, 0, &["high_value_orders", "frequent_orders"]),
];

#[tokio::test]
async fn the_raw_events_of_every_pipeline_fit_and_make_rows() {
    for (topic, file, records, dead, views) in FILES {
        let (rows, summary) = results("sql", &[(topic, file)], 1).await;
        assert_eq!((summary.records, summary.dead, summary.late), (records, dead, 0), "{file}");
        let view = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["view"].to_string();
        let found: BTreeSet<String> = rows.lines().map(view).collect();
        assert_eq!(found, views.iter().map(|view| format!("{view:?}")).collect(), "{file}");
    }
}

#[tokio::test]
async fn the_page_of_the_pipelines_shows_what_they_give() {
    let page = fs::read_to_string("docs/pipelines.md").unwrap();
    let shown = page.split("```console\n$ weir run ").skip(1).map(|block| block.split_once('\n').unwrap());
    let mut count = 0;
    for (arguments, rest) in shown {
        let inputs = arguments.split(' ').filter_map(|argument| argument.split_once("=events/"));
        let inputs: Vec<_> = inputs.collect();
        let (rows, _) = results("sql", &inputs, 10_000).await;
        let row = rest.lines().next().unwrap();
        assert!(rows.lines().any(|line| line == row), "weir run {arguments} does not give {row}");
        count += 1;
    }
    assert_eq!(count, page.matches("$ weir run").count());
}
