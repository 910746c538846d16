//! What is no row is a dead letter, and takes nothing else with it.

use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};
use weir::{error::causes, handlers, publish::Message, time::Timestamp};

use super::fixture::{Stand, all_rows, batch, thing, url_of};

fn reasons(letters: &[Message]) -> Vec<(&str, &str)> {
    let header = |letter: &'_ Message, name| -> String {
        letter.headers.iter().find(|(header, _)| *header == name).unwrap().1.clone()
    };
    letters
        .iter()
        .map(|letter| (&*header(letter, "weir.offset").leak(), &*header(letter, "weir.reason").leak()))
        .collect()
}

fn with(name: &str, value: impl Into<Json>) -> String {
    let mut row = thing("a", 0, 0);
    row[name] = value.into();
    row.to_string()
}

#[tokio::test]
async fn each_is_told_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let values = [
        "no json".to_owned(),
        thing("first", 0, 0).to_string(),
        String::new(),
        "[1]".to_owned(),
        json!({"k": "a"}).to_string(),
        with("view", "nobody"),
        with("n", "1"),
        with("n", 1.5),
        with("n", 9_223_372_036_854_775_808_u64),
        with("k", 1),
        with("k", Json::Null),
        with("b", "yes"),
        with("t", i64::MAX),
        with("window_start", Json::Null),
        with("view", "weir_alerts"),
        thing("last", 0, 0).to_string(),
    ];
    let sunk = stand.sink(&batch("things", 100, &values)).await;
    assert_eq!((sunk.rows, sunk.dead), (2, 14));
    let letters = stand.letters.kept.take();
    assert_eq!(
        reasons(&letters),
        [
            ("100", "it is not JSON: expected ident at line 1 column 2"),
            ("102", "it is empty, expected a row as JSON"),
            ("103", "it is [1], expected a row as JSON"),
            ("104", "\"view\" is missing, expected a view's name"),
            ("105", "it is of view \"nobody\", which the SQL does not have"),
            ("106", "\"n\" is \"1\", expected a BIGINT"),
            ("107", "\"n\" is 1.5, expected a BIGINT"),
            ("108", "\"n\" is 9223372036854775808, expected a BIGINT"),
            ("109", "\"k\" is 1, expected a TEXT"),
            ("110", "\"k\" is missing, expected a TEXT"),
            ("111", "\"b\" is \"yes\", expected a BOOLEAN"),
            ("112", "\"t\" is 9223372036854775807, expected milliseconds of the years 1900 to 2299"),
            ("113", "\"window_start\" is missing, expected a TIMESTAMP"),
            ("114", "it is of view \"weir_alerts\", which the SQL does not have"),
        ]
    );
    assert_eq!(
        (letters[0].topic.as_str(), letters[0].payload.as_slice()),
        ("weir.sink_dead_letters", &b"no json"[..])
    );
    assert_eq!(letters[0].key.as_deref(), Some(&b"k,1"[..]));
    assert_eq!(letters[0].headers[0], ("weir.topic", "things".to_owned()));
    let rows = all_rows(folder.path());
    let names: Vec<_> = rows.iter().map(|row| row["k"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "last"]);
}

#[tokio::test]
async fn fields_that_no_column_has_are_left_out_and_columns_without_a_field_are_null() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let mut row = thing("a", 0, 0);
    row["added_by_a_newer_definition"] = 1.into();
    row.as_object_mut().unwrap().remove("x");
    stand.sink(&batch("things", 0, &[row])).await;
    let rows = all_rows(folder.path());
    assert_eq!((rows[0]["x"].is_null(), rows[0].get("added_by_a_newer_definition")), (true, None));
}

#[tokio::test]
async fn a_batch_fails_where_its_dead_letters_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    stand.letters.refusals.store(1, Ordering::SeqCst);
    let values = batch("things", 0, &["{".to_owned(), thing("a", 0, 0).to_string()]);
    let error = stand.try_sink(&values).await.unwrap_err();
    assert_eq!(
        causes(&error),
        "failed to keep what is no row: failed to publish to topic weir.sink_dead_letters: no broker"
    );
    assert_eq!(stand.sink(&values).await.dead, 1);
    assert_eq!((stand.letters.kept.take().len(), all_rows(folder.path()).len()), (1, 1));
}

#[tokio::test]
async fn the_sample_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = weir::sql::Catalog::load("sql".as_ref()).unwrap();
    let stand = Stand::of(&url_of(folder.path()), &catalog).await;
    let payload = std::fs::read("events/sink/rows.json").unwrap();
    handlers::sink(&stand.sink, &payload, Timestamp::MAX).await.unwrap();
    assert_eq!(stand.letters.kept.take(), []);
    let views: std::collections::BTreeSet<_> = super::fixture::files(folder.path())
        .into_keys()
        .map(|path| path.split_once('/').unwrap().0.to_owned())
        .collect();
    assert_eq!(Vec::from_iter(views), ["view=ctr", "view=high_value_orders", "view=weir_alerts"]);
}

/// Whoever polls calls it from any thread.
#[tokio::test]
async fn a_sink_may_change_threads() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let sunk = tokio::spawn(async move {
        stand.sink.sink(&batch("things", 0, &[thing("a", 0, 0)]), Timestamp::MAX).await
    });
    assert_eq!(sunk.await.unwrap().unwrap().rows, 1);
}
