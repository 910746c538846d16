//! The promise: what a process did can be read from its metrics, and the documentation names all of them.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use metrics::Recorder as _;
use serde_json::Value as Json;
use weir::{
    engine::EngineError,
    handlers::{self, WindowError},
    observe::{Detail, Emf, Observer, names},
    time::Timestamp,
};

mod support {
    pub(crate) mod catalog;
    #[expect(dead_code, reason = "the other tests need more of it")]
    pub(crate) mod world;
}
use support::world::{World, block_on};

const SQL: &str = "
CREATE TABLE clicks (product TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (topic = 'clicks', watermark_delay = '0 seconds');
CREATE VIEW per_product AS SELECT product, count(*) AS n FROM clicks GROUP BY product, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW in_all AS SELECT count(*) AS n FROM clicks GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
";

/// A payload as Lambda's, of JSON values from an offset on.
fn payload(from: u64, values: &[&str]) -> Vec<u8> {
    let encode = |value: &str| base64_simd::STANDARD.encode_to_string(value);
    let records: Vec<_> = (from..)
        .zip(values)
        .map(|(offset, value)| {
            serde_json::json!({ "topic": "clicks", "partition": 0, "offset": offset, "timestamp": 10_000_000,
                                "timestampType": "CREATE_TIME", "value": encode(value) })
        })
        .collect();
    serde_json::json!({ "eventSource": "aws:kafka", "records": { "clicks-0": records } })
        .to_string()
        .into_bytes()
}

fn line(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// What the specification demands of a line: every metric that is named has one number or at most a hundred, every
/// dimension a text, and nothing else is there.
fn assert_is_emf(line: &Json) {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
    assert_eq!(directive["Namespace"], "Weir");
    let metrics = directive["Metrics"].as_array().unwrap();
    assert!((1..=100).contains(&metrics.len()), "{line}");
    let mut members = BTreeSet::from(["_aws"]);
    for metric in metrics {
        let name = metric["Name"].as_str().unwrap();
        assert!(["Count", "Seconds", "Bytes"].contains(&metric["Unit"].as_str().unwrap()), "{metric}");
        let is_list = |list: &Vec<Json>| (1..=100).contains(&list.len()) && list.iter().all(Json::is_number);
        assert!(line[name].is_number() || line[name].as_array().is_some_and(is_list), "{name} in {line}");
        members.insert(name);
    }
    for dimension in directive["Dimensions"][0].as_array().unwrap() {
        assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} in {line}");
        members.insert(dimension.as_str().unwrap());
    }
    assert_eq!(line.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), members);
}

/// Twelve seconds of events: one late by the second batch, one that is no event. The first window closes.
fn observed(detail: Detail) -> Vec<Json> {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 4);
    let emf = Emf::new("weir-window", detail);
    let _guard = metrics::set_default_local_recorder(&emf);
    let observer = Observer::new("window");
    let batches = [
        payload(
            0,
            &[
                r#"{"product":"a","ts":1000}"#,
                r#"{"product":"b","ts":2000}"#,
                r#"{"product":"a","ts":12000}"#,
            ],
        ),
        payload(3, &[r#"{"product":"a","ts":3000}"#, r#"{"product":7,"ts":"x"}"#]),
    ];
    for batch in batches {
        block_on(observer.invocation(handlers::window(&world.engine, &batch))).unwrap();
    }
    emf.take(Timestamp(1_700_000_000_000)).iter().map(|text| line(text)).collect()
}

#[test]
fn a_line_tells_what_a_function_did() {
    let lines = observed(Detail::Function);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_is_emf(line);
    assert_eq!(line["function"], "weir-window");
    let counts = [
        ("weir_records_total", 5),
        ("weir_dead_letters_total", 1),
        // Of each of the two views.
        ("weir_events_total", 6),
        ("weir_late_total", 2),
        ("weir_windows_closed_total", 2),
        // Both products and all.
        ("weir_rows_total", 3),
        ("weir_cold_starts_total", 1),
        ("weir_invocations_total_ok", 2),
    ];
    for (name, count) in counts {
        assert_eq!(line[name], count, "{name} in {line}");
    }
    // The clock stands at 10 000 s, the watermark at 11.999 s.
    assert_eq!(line["weir_watermark_lag_seconds"], 9988.001);
    assert_eq!(line["weir_invocation_seconds"].as_array().unwrap().len(), 2);
    assert_eq!(line["weir_close_seconds"].as_array().unwrap().len(), 2);
    assert!(line["weir_slab_bytes"].as_array().unwrap().iter().all(|bytes| bytes.as_f64().unwrap() > 8.0));
    assert!(line["weir_bytes_total"].as_u64().unwrap() > 100);
    assert!(line.get("weir_deferred_total").is_none(), "what is nothing is not told: {line}");
}

#[test]
fn lines_of_views_are_asked_for() {
    let lines = observed(Detail::View);
    lines.iter().for_each(assert_is_emf);
    let rows: BTreeMap<_, _> =
        lines.iter().map(|line| (line["view"].as_str(), line["weir_rows_total"].as_u64())).collect();
    assert_eq!(rows, [(None, Some(3)), (Some("in_all"), Some(1)), (Some("per_product"), Some(2))].into());
    assert!(lines[1].get("weir_records_total").is_none(), "it is of a topic: {}", lines[1]);
}

#[test]
fn what_was_taken_is_not_told_again() {
    let emf = Emf::new("f", Detail::Function);
    metrics::with_local_recorder(&emf, || metrics::counter!("weir_rows_total", "view" => "v").increment(3));
    assert_eq!(emf.take(Timestamp(0)).len(), 1);
    assert!(emf.take(Timestamp(0)).is_empty());
}

#[test]
fn more_values_than_a_line_takes_are_told_in_several() {
    let emf = Emf::new("f", Detail::Function);
    metrics::with_local_recorder(&emf, || {
        for value in 0..250 {
            metrics::histogram!("weir_slab_bytes", "view" => "v").record(f64::from(value));
        }
        metrics::counter!("weir_rows_total", "view" => "v").increment(1);
    });
    let lines: Vec<_> = emf.take(Timestamp(0)).iter().map(|text| line(text)).collect();
    lines.iter().for_each(assert_is_emf);
    let values: Vec<_> =
        lines.iter().flat_map(|line| line["weir_slab_bytes"].as_array().unwrap()).map(Json::as_f64).collect();
    assert_eq!((lines.len(), values.len(), values[249]), (3, 250, Some(249.0)));
    assert_eq!(lines.iter().filter(|line| line.get("weir_rows_total").is_some()).count(), 1);
}

#[test]
fn an_invocation_that_fails_or_is_broken_off_is_counted_so() {
    let emf = Emf::new("f", Detail::Function);
    let _guard = metrics::set_default_local_recorder(&emf);
    let observer = Observer::new("window");
    let failed = WindowError::Engine {
        topic: "clicks".to_owned(),
        partition: 0,
        source: EngineError::UnknownTopic { topic: "clicks".to_owned(), known: String::new() },
    };
    block_on(observer.invocation(async { Err::<(), _>(failed) })).unwrap_err();
    block_on(async {
        let endless = observer.invocation(std::future::pending::<Result<(), WindowError>>());
        drop(futures::poll!(std::pin::pin!(endless)));
    });
    let line = line(&emf.take(Timestamp(0))[0]);
    assert_eq!(
        (&line["weir_invocations_total_error"], &line["weir_cold_starts_total"]),
        (&2.into(), &1.into())
    );
}

/// The rows of the first table whose header begins so.
fn table(text: &str, header: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_documentation_has_every_metric() {
    let text = fs::read_to_string("docs/metrics.md").unwrap();
    let code = |name: &&str| format!("`{name}`");
    let known: Vec<Vec<String>> = names::ALL
        .iter()
        .map(|metric| {
            let labels = metric.labels.iter().map(code).collect::<Vec<_>>().join(", ");
            vec![
                code(&metric.name),
                metric.kind.name().to_owned(),
                metric.unit.as_str().to_owned(),
                labels,
                metric.help.to_owned(),
            ]
        })
        .collect();
    assert_eq!(table(&text, "| metric |"), known);
}

#[test]
fn names_say_their_units() {
    for metric in names::ALL {
        let ending = match (metric.kind.name(), metric.unit.as_str()) {
            ("counter", _) => "_total",
            (_, "seconds") => "_seconds",
            (_, unit) => unit,
        };
        assert!(metric.name.starts_with("weir_") && metric.name.ends_with(ending), "{}", metric.name);
        assert_eq!(metric.buckets.is_empty(), metric.kind.name() != "histogram", "{}", metric.name);
        assert!(metric.buckets.is_sorted(), "{}", metric.name);
    }
    let all: BTreeSet<_> = names::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(all.len(), names::ALL.len());
}

#[test]
fn a_gauge_tells_the_largest_of_all_views() {
    let emf = Emf::new("f", Detail::Function);
    let gauge = |view: &'static str| {
        let key =
            metrics::Key::from_parts("weir_watermark_lag_seconds", vec![metrics::Label::new("view", view)]);
        emf.register_gauge(&key, &metrics::Metadata::new("", metrics::Level::INFO, None))
    };
    gauge("a").set(3.5);
    gauge("b").set(9.0);
    gauge("b").set(2.0);
    assert_eq!(line(&emf.take(Timestamp(0))[0])["weir_watermark_lag_seconds"], 3.5);
}
