//! Rows of the stack reach the files of its sink, each of them once.

use std::{collections::BTreeMap, path::Path, time::Duration};

use parquet::{file::reader::SerializedFileReader, record::Field};
use weir::{
    local::stack::{Stack, StackOptions},
    sink,
};

use crate::{
    identity, newest, results,
    stand::{eventually, expected, impatient, options, publish, shoppers},
    support::lines::Row,
};

/// The rows of the files of `ctr`, of each window and product the newest.
fn written(folder: &Path) -> BTreeMap<(String, i64), i64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join("view=ctr")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet")
                && !path.to_string_lossy().contains(".unfinished-")
            {
                rows(&path, &mut found);
            }
        }
    }
    found
}

fn rows(file: &Path, found: &mut BTreeMap<(String, i64), i64>) {
    let reader = SerializedFileReader::try_from(file).unwrap();
    for row in reader {
        let fields: BTreeMap<_, _> = row.unwrap().into_columns().into_iter().collect();
        let Field::Str(product) = &fields["product_id"] else { panic!("{fields:?}") };
        let Field::TimestampMillis(start) = fields["window_start"] else { panic!("{fields:?}") };
        let Field::Long(revision) = fields["revision"] else { panic!("{fields:?}") };
        let known = found.entry((product.clone(), start)).or_insert(revision);
        *known = revision.max(*known);
    }
}

fn revision(row: &Row) -> i64 {
    row["revision"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_to_files() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("rows");
    let targets = sink::Target::list(&format!("file://{}", folder.display())).unwrap();
    let options = StackOptions {
        sink: Some(sink::Settings { targets, ..sink::Settings::default() }),
        sink_window: Duration::from_millis(200),
        ..options(impatient(), dir.path())
    };
    let stack = Stack::start(options).await.unwrap();
    assert_eq!(stack.lake().unwrap().to_string(), format!("file://{}", folder.display()));
    let events = shoppers(30);
    publish(stack.bootstrap(), &events).await;
    let wanted: Vec<_> = newest(expected(&events).await.rows).keys().cloned().collect();
    eventually("the last row", || async { written(&folder).len() >= wanted.len() }).await;
    let published: BTreeMap<_, _> =
        results(&stack).await.values().map(|row| (identity(row), revision(row))).collect();
    stack.stop().await.unwrap();
    let written = written(&folder);
    assert_eq!(written.keys().cloned().collect::<Vec<_>>(), wanted);
    assert_eq!(written, published);
}
