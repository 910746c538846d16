//! The promise: the results equal Flink's, row for row, however the input is cut into batches.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::{collections::BTreeMap, fs::File, io::Read};

use flate2::read::GzDecoder;
use serde_json::Value;
use support::{
    catalog::catalog,
    lines::{Ran, Row, parse, run_lines},
};

const EVERYTHING: usize = usize::MAX;

fn unzip(dataset: &str, file: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = File::open(format!("tests/data/flink/{dataset}/{file}.ndjson.gz")).unwrap();
    GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Runs a job over a dataset's file.
fn job(dataset: &str, view: &str, topic: &str, batch: usize) -> Ran {
    let mut catalog = catalog(&std::fs::read_to_string("tests/data/flink/jobs.sql").unwrap());
    catalog.keep(&[view.to_owned()]);
    run_lines(catalog, &[(topic, unzip(dataset, topic))], batch, 1)
}

/// What a row says: its columns and its window.
fn content(row: &Row) -> String {
    let kept =
        row.iter().filter(|(name, _)| !["view", "revision", "firing", "watermark"].contains(&name.as_str()));
    let sorted: BTreeMap<_, _> = kept.collect();
    serde_json::to_string(&sorted).unwrap()
}

/// A row's key and window.
fn identity(row: &Row, key: &str) -> String {
    format!("{} {} {}", row[key], row["window_start"], row["window_end"])
}

fn last_firings(rows: &[Row], key: &str) -> BTreeMap<String, String> {
    rows.iter().map(|row| (identity(row, key), content(row))).collect()
}

/// Every firing with its number. Firings of one watermark advance come in no order.
fn firings(rows: &[Row], number: impl Fn(&Row) -> Option<i64>) -> Vec<(String, Option<i64>)> {
    let mut firings: Vec<_> = rows.iter().map(|row| (content(row), number(row))).collect();
    firings.sort();
    firings
}

fn late_events(rows: &[Row]) -> Vec<String> {
    let whole = |row: &Row| {
        let sorted: BTreeMap<_, _> = row.iter().filter(|(name, _)| *name != "view").collect();
        serde_json::to_string(&sorted).unwrap()
    };
    rows.iter().map(whole).collect()
}

fn equals_flink(dataset: &str, view: &str, topic: &str, key: &str) {
    let expected = parse(&unzip(dataset, &format!("expected_{view}")));
    let expected_late = late_events(&parse(&unzip(dataset, &format!("expected_{view}_late"))));
    assert!(!expected.is_empty());
    for batch in [1, 7, 1000, EVERYTHING] {
        let Ran { rows, late, dead } = job(dataset, view, topic, batch);
        assert!(dead.is_empty(), "{dead:?}");
        assert_eq!(late_events(&late), expected_late, "late events of {view} at batches of {batch}");
        let (ours, flinks) = (last_firings(&rows, key), last_firings(&expected, key));
        for (identity, row) in &flinks {
            assert_eq!(ours.get(identity), Some(row), "{view} at batches of {batch}");
        }
        assert_eq!(ours.len(), flinks.len(), "windows of {view} at batches of {batch}");
        if batch == 1 {
            // Sessions have no numbers: their windows change as they merge.
            let numbered = |row: &Row| row.get("firing").and_then(Value::as_i64);
            let has_numbers = expected.iter().any(|row| numbered(row).is_some());
            let revision = |row: &Row| row["revision"].as_i64().filter(|_| has_numbers);
            let firing = |row: &Row| numbered(row).map(|firing| firing - 1);
            assert_eq!(firings(&rows, revision), firings(&expected, firing), "every firing of {view}");
        }
    }
}

macro_rules! jobs {
    ($($name:ident: $dataset:literal $view:literal over $topic:literal by $key:literal;)*) => {
        $(#[test]
        fn $name() {
            equals_flink($dataset, $view, $topic, $key);
        })*
    };
}

jobs! {
    tumbling_edges: "edges" "ctr" over "ctr_events" by "product_id";
    tumbling_easy: "easy" "ctr" over "ctr_events" by "product_id";
    hopping_edges: "edges" "pv" over "pv_events" by "page_url";
    hopping_easy: "easy" "pv" over "pv_events" by "page_url";
    distinct_edges: "edges" "pop" over "act_events" by "product_id";
    distinct_easy: "easy" "pop" over "act_events" by "product_id";
    sessions_edges: "edges" "sess" over "sess_events" by "user_id";
    sessions_easy: "easy" "sess" over "sess_events" by "user_id";
}
