//! Small files become one, with the rows in force.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value as Json, json};
use weir::sink::{CompactError, Compacted, Scope, Target, compact};

use super::{
    catalog::catalog,
    fixture::{SQL, Stand, all_rows, batch, files, limits, thing, url_of},
};

async fn try_compact(folder: &Path, scope: Scope) -> Result<Vec<Compacted>, CompactError> {
    let (target, mut done) = (Target::list(&url_of(folder)).unwrap().remove(0), Vec::new());
    compact(&target, &scope, limits(), |compacted| done.push(compacted)).await.map(|()| done)
}

async fn all(folder: &Path) -> Vec<Compacted> {
    try_compact(folder, Scope::default()).await.unwrap()
}

/// Name, minute and revision of the rows that are there.
fn told(folder: &Path) -> Vec<(String, i64, i64)> {
    let tell = |row: &Json| {
        (row["k"].as_str().unwrap().to_owned(), row["n"].as_i64().unwrap(), row["revision"].as_i64().unwrap())
    };
    let mut rows: Vec<_> = all_rows(folder).iter().map(tell).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test]
async fn one_file_is_left_with_the_highest_revision_of_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let rows = [thing("a", 0, 0), thing("b", 0, 0), thing("a", 1, 0), thing("a", 0, 2), thing("a", 0, 1)];
    for (offset, row) in (0..).zip(&rows) {
        stand.sink(&batch("things", offset, &[row])).await;
    }
    // Come again, cut otherwise.
    stand.sink(&batch("things", 0, &rows[..3])).await;
    stand.sink(&batch("things", 1, &rows[1..])).await;
    assert_eq!(files(folder.path()).len(), 7);
    let done = all(folder.path()).await;
    let expected =
        Compacted { folder: "view=things/date=2026-11-21/".to_owned(), files: (7, 1), rows: (12, 3) };
    assert_eq!(done, [expected]);
    let named = |(name, minute, revision): (&str, i64, i64)| (name.to_owned(), minute, revision);
    assert_eq!(told(folder.path()), [("a", 0, 2), ("a", 1, 0), ("b", 0, 0)].map(named));
    assert_eq!(all(folder.path()).await, [], "there is nothing left to do");

    stand.sink(&batch("things", 0, &rows[..3])).await;
    stand.sink(&batch("things", 9, &[thing("a", 1, 1)])).await;
    assert_eq!(all(folder.path()).await[0].rows, (7, 3));
    assert_eq!(told(folder.path()), [("a", 0, 2), ("a", 1, 1), ("b", 0, 0)].map(named));
}

#[tokio::test]
async fn a_row_is_whole_and_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let mut odd = thing("漢", 0, 0);
    (odd["n"], odd["x"], odd["b"], odd["t"]) = (json!(i64::MIN), json!(1e-300), Json::Null, Json::Null);
    stand.sink(&batch("things", 0, &[odd])).await;
    stand.sink(&batch("things", 1, &[thing("b", 0, 0)])).await;
    let key = |row: &Json| row["k"].to_string();
    let mut before = all_rows(folder.path());
    before.sort_by_key(key);
    all(folder.path()).await;
    let mut after = all_rows(folder.path());
    after.sort_by_key(key);
    assert_eq!(after, before);
}

#[tokio::test]
async fn whoever_stops_anywhere_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    for offset in 0..4 {
        stand
            .sink(&batch(
                "things",
                offset,
                &[thing("a", offset, 0), thing("b", 0, u32::try_from(offset).unwrap())],
            ))
            .await;
    }
    let date = folder.path().join("view=things/date=2026-11-21");
    let small: Vec<_> = fs::read_dir(&date).unwrap().map(|entry| entry.unwrap().path()).collect();
    let small: Vec<_> = small.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    all(folder.path()).await;
    let expected = told(folder.path());
    // The new file was written, and of the old ones so many were not deleted yet.
    for left in 0..=small.len() {
        small.iter().take(left).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        let there: BTreeSet<_> = told(folder.path()).into_iter().collect();
        assert!(expected.iter().all(|row| there.contains(row)), "{left}");
        all(folder.path()).await;
        assert_eq!(told(folder.path()), expected, "{left}");
        assert_eq!(files(folder.path()).len(), 1);
    }
    // Something that was never finished is none of its business.
    fs::write(date.join(".unfinished-1-x.parquet"), "PAR1").unwrap();
    assert_eq!(all(folder.path()).await, []);
}

#[tokio::test]
async fn two_at_once_lose_nothing_either() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let stand = Stand::new(&url_of(folder.path())).await;
        for offset in 0..6 {
            stand.sink(&batch("things", offset, &[thing("a", offset, 0), thing("b", 0, 1)])).await;
        }
        let more = batch("things", 6, &[thing("a", 6, 0)]);
        let runs = futures::future::join3(
            try_compact(folder.path(), Scope::default()),
            try_compact(folder.path(), Scope::default()),
            stand.sink(&more),
        );
        let _ = Box::pin(runs).await;
        let told: BTreeSet<_> = told(folder.path()).into_iter().collect();
        let expected = (0..7).map(|minute| ("a".to_owned(), minute, 0)).chain([("b".to_owned(), 0, 1)]);
        assert_eq!(told, expected.collect(), "round {round}");
    }
}

#[tokio::test]
async fn a_scope_leaves_the_rest_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let so_far = |n: i64| json!({"view": "so_far", "k": "a", "n": n, "revision": n});
    for offset in 0..2 {
        stand.sink(&batch("rows", offset, &[thing("a", -1, 0), thing("a", 0, 0), so_far(offset)])).await;
    }
    let scope = |views: &[&str], before: Option<&str>| Scope {
        views: views.iter().map(ToString::to_string).collect(),
        before: before.map(str::to_owned),
    };
    let done = try_compact(folder.path(), scope(&["things"], Some("2026-11-21"))).await.unwrap();
    assert_eq!(
        done.iter().map(|it| it.folder.as_str()).collect::<Vec<_>>(),
        ["view=things/date=2026-11-20/"]
    );
    let done = try_compact(folder.path(), scope(&["so_far"], None)).await.unwrap();
    assert_eq!((done.len(), done[0].rows), (1, (2, 1)), "of a row so far the last one is in force");
    assert_eq!(all(folder.path()).await.len(), 1);
}

#[tokio::test]
async fn a_view_that_gains_and_loses_columns_keeps_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let changed = SQL.replace("bool_or(b) AS b,", "count(*) AS added,");
    let stand = Stand::new(&url_of(folder.path())).await;
    stand.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    let stand = Stand::of(&url_of(folder.path()), &catalog(&changed)).await;
    let mut row = thing("a", 1, 0);
    row["added"] = 7.into();
    stand.sink(&batch("things", 1, &[row])).await;
    all(folder.path()).await;
    let mut rows = all_rows(folder.path());
    rows.sort_by_key(|row| row["n"].as_i64());
    let pair = |row: &Json| (row["b"].clone(), row["added"].clone());
    assert_eq!(
        rows.iter().map(pair).collect::<Vec<_>>(),
        [(json!(true), Json::Null), (Json::Null, json!(7))]
    );
}

#[tokio::test]
async fn what_does_not_belong_together_is_left_as_it_is() {
    for (from, to, reason) in [
        ("bool_or(b) AS b", "count(*) AS b", "its column \"b\" is BIGINT, theirs BOOLEAN"),
        (
            "GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE);\nCREATE VIEW so",
            "GROUP BY k, country, TUMBLE(ts, INTERVAL '1' MINUTE);\nCREATE VIEW so",
            "its rows are told apart by (k, weir_key, window_start, window_end), theirs by (k, window_start, window_end)",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut row = thing("a", 0, 0);
        Stand::new(&url_of(folder.path())).await.sink(&batch("things", 0, &[&row])).await;
        if from.starts_with("bool") {
            row["b"] = 1.into();
        }
        let stand = Stand::of(&url_of(folder.path()), &catalog(&SQL.replace(from, to))).await;
        assert_eq!(stand.sink(&batch("things", 1, &[row])).await.dead, 0);
        let before = files(folder.path());
        let error = try_compact(folder.path(), Scope::default()).await.unwrap_err().to_string();
        assert!(
            error.starts_with("failed to put view=things/date=2026-11-21/things-0-000000000001-"),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
        assert_eq!(files(folder.path()), before);
    }
}

#[tokio::test]
async fn a_file_of_somebody_else_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    Stand::new(&url_of(folder.path())).await.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    let date = folder.path().join("view=things/date=2026-11-21");
    fs::write(date.join("other.parquet"), "no file of Parquet").unwrap();
    let error = try_compact(folder.path(), Scope::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to read view=things/date=2026-11-21/other.parquet");
    assert_eq!(fs::read_dir(date).unwrap().count(), 2);
    let target = Target::list("clickhouse://localhost").unwrap().remove(0);
    let error = compact(&target, &Scope::default(), limits(), |_| ()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to compact clickhouse://localhost:8123/default: expected s3://bucket/prefix or file:///folder"
    );
}
