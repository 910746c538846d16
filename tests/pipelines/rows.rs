//! Runs of the repository's SQL, and what they gave.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::{
    catalog::catalog,
    lines::{Ran, run_lines},
};

/// 2023-11-14T22:00:00Z, where an hour begins.
pub(crate) const T0: i64 = 1_699_999_200_000;
pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;

/// Batches of one, of a few, of many, and everything at once.
pub(crate) const BATCHES: [usize; 4] = [1, 3, 100, usize::MAX];

/// Runs files of `sql/` over one topic.
pub(crate) fn run(files: &[&str], topic: &str, lines: &str, batch: usize) -> Ran {
    run_topics(files, &[(topic, lines)], batch)
}

/// Runs files of `sql/` over several topics.
pub(crate) fn run_topics(files: &[&str], topics: &[(&str, &str)], batch: usize) -> Ran {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let read = |file: &&str| std::fs::read_to_string(folder.join(file)).unwrap();
    let sql: String = files.iter().map(read).collect();
    let inputs: Vec<_> = topics.iter().map(|(topic, lines)| (*topic, lines.as_bytes().to_vec())).collect();
    run_lines(catalog(&sql), &inputs, batch, 1)
}

/// The rows of a view as they are after their last revisions, in the order of window and key.
///
/// What makes an identity is the view's key beside the window; `view` and `revision` are left out.
pub(crate) fn last(ran: &Ran, view: &str, key: &str) -> Vec<Value> {
    let mut rows: BTreeMap<(i64, String), (i64, Value)> = BTreeMap::new();
    for row in ran.rows.iter().filter(|row| row["view"] == view) {
        let mut row = row.clone();
        row.remove("view");
        let revision = row.remove("revision").unwrap().as_i64().unwrap();
        let identity = identity(&row.clone().into(), key);
        let before = rows.insert(identity, (revision, row.into()));
        assert_eq!(before.map_or(0, |(before, _)| before + 1), revision, "revisions follow each other");
    }
    rows.into_values().map(|(_, row)| row).collect()
}

fn identity(row: &Value, key: &str) -> (i64, String) {
    (row["window_start"].as_i64().unwrap_or_default(), row[key].to_string())
}

/// The rows of a view are these, in whatever order they are given here.
pub(crate) fn assert_rows(ran: &Ran, view: &str, key: &str, mut expected: Vec<Value>) {
    expected.sort_by_key(|row| identity(row, key));
    let found = last(ran, view, key);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{view}");
    }
    assert_eq!(found.len(), expected.len(), "rows of {view}");
}

/// Lines of JSON.
pub(crate) fn lines(events: &[Value]) -> String {
    events.iter().fold(String::new(), |lines, event| lines + &event.to_string() + "\n")
}
