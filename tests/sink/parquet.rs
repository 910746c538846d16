//! Rows as Parquet files in a folder.

use parquet::{
    basic::{Compression, ConvertedType, Type},
    file::reader::{FileReader as _, SerializedFileReader},
};
use serde_json::{Value as Json, json};

use super::fixture::{DAY, Stand, all_rows, bare, batch, files, thing, url_of};

/// A row as a file has it: without its view, with JSON as text.
fn kept(row: &Json) -> Json {
    let mut row = row.clone();
    let fields = row.as_object_mut().unwrap();
    fields.remove("view");
    for value in fields.values_mut().filter(|value| value.is_array()) {
        *value = value.to_string().into();
    }
    row
}

fn sorted(mut rows: Vec<Json>) -> Vec<String> {
    rows.sort_by_key(ToString::to_string);
    rows.iter().map(|row| serde_json::to_string(&sort(row)).unwrap()).collect()
}

/// With its fields in the order of their names.
fn sort(row: &Json) -> Json {
    let fields: std::collections::BTreeMap<_, _> = row.as_object().unwrap().iter().collect();
    serde_json::to_value(fields).unwrap()
}

#[tokio::test]
async fn every_type_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let odd = |change: &[(&str, Json)]| {
        let mut row = thing("plain", 1, 0);
        change.iter().for_each(|(name, value)| row[*name] = value.clone());
        row
    };
    let sent = [
        thing("plain", 1, 0),
        odd(&[("k", json!("漢字 \u{0} \"quoted\" \n 🦀"))]),
        odd(&[("k", json!(""))]),
        odd(&[("k", json!("large")), ("n", json!(i64::MAX)), ("x", json!(f64::MAX))]),
        odd(&[("k", json!("small")), ("n", json!(i64::MIN)), ("x", json!(-5e-324))]),
        odd(&[("k", json!("odd")), ("n", json!(9_007_199_254_740_993_i64)), ("x", json!(0.1 + 0.2))]),
        odd(&[("k", json!("nulls")), ("n", Json::Null), ("x", Json::Null), ("b", Json::Null)]),
        odd(&[("k", json!("null")), ("t", Json::Null), ("list", Json::Null), ("b", json!(false))]),
        odd(&[
            ("k", json!("old")),
            ("t", json!(-2_208_988_800_000_i64)),
            ("list", json!(["ä", 1e300, {"a": []}])),
        ]),
    ];
    let sunk = stand.sink(&batch("things", 40, &sent)).await;
    assert_eq!((sunk.rows, sunk.dead), (9, 0));
    let files = files(folder.path());
    let paths: Vec<&String> = files.keys().collect();
    assert_eq!(paths.len(), 1);
    assert!(
        paths[0].starts_with("view=things/date=2026-11-21/things-0-000000000040-000000000048-"),
        "{paths:?}"
    );
    let rows = &files[paths[0]];
    assert_eq!(sorted(rows.iter().cloned().map(bare).collect()), sorted(sent.iter().map(kept).collect()));
    let places: Vec<_> = rows.iter().map(|row| row["weir_offset"].as_i64().unwrap()).collect();
    assert_eq!(places, (40..49).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row["weir_partition"] == 0));
}

#[tokio::test]
async fn a_file_says_what_its_columns_are() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    stand.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    let path = files(folder.path()).into_keys().next().unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(folder.path().join(path)).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema();
    let kind = |name: &str| {
        let field = schema.get_fields().iter().find(|field| field.name() == name).unwrap();
        (field.get_physical_type(), field.get_basic_info().converted_type())
    };
    for (name, physical, converted) in [
        ("k", Type::BYTE_ARRAY, ConvertedType::UTF8),
        ("n", Type::INT64, ConvertedType::NONE),
        ("x", Type::DOUBLE, ConvertedType::NONE),
        ("b", Type::BOOLEAN, ConvertedType::NONE),
        ("list", Type::BYTE_ARRAY, ConvertedType::UTF8),
        ("window_start", Type::INT64, ConvertedType::TIMESTAMP_MILLIS),
        ("revision", Type::INT64, ConvertedType::NONE),
    ] {
        assert_eq!(kind(name), (physical, converted), "{name}");
    }
    let packed = reader.metadata().row_group(0).column(0).compression();
    assert!(matches!(packed, Compression::ZSTD(_)), "{packed:?}");
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let identity = pairs.iter().find(|pair| pair.key == "weir.identity").unwrap().value.as_deref();
    assert_eq!(identity, Some(r#"["k","window_start","window_end"]"#));
}

#[tokio::test]
async fn views_and_dates_have_folders_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    let so_far = json!({"view": "so_far", "k": "a", "n": 3, "revision": 2});
    let alert = json!({"view": "many", "k": "a", "severity": "HIGH", "rule": "many", "n": 10, "id": "f00",
                       "window_start": DAY, "window_end": DAY + 60_000, "revision": 0});
    let large = json!({"view": "large", "k": "a", "date": 100, "window_start": DAY - 1, "window_end": DAY,
                       "revision": 0, "source_record": "events-0@7"});
    let hidden =
        json!({"view": "hidden", "n": 1, "window_start": DAY, "window_end": DAY + 60_000, "revision": 0});
    let values = [thing("a", -1, 0), thing("a", 0, 0), so_far, alert.clone(), large, hidden];
    assert_eq!(stand.sink(&batch("mixed", 0, &values)).await.rows, 6);
    let files = files(folder.path());
    let folders: Vec<&str> = files.keys().map(|path| path.rsplit_once('/').unwrap().0).collect();
    assert_eq!(
        folders,
        [
            "view=hidden/date=2026-11-21",
            "view=large/date=2026-11-20",
            "view=many/date=2026-11-21",
            "view=so_far/date=2026-11-21",
            "view=things/date=2026-11-20",
            "view=things/date=2026-11-21",
            "view=weir_alerts/date=2026-11-21",
        ]
    );
    let row = |folder: &str| files.iter().find(|(path, _)| path.starts_with(folder)).unwrap().1[0].clone();
    assert_eq!(row("view=hidden")["weir_key"], "k,1", "what the view does not show tells its rows apart");
    assert_eq!(
        (row("view=large")["date_"].clone(), row("view=large")["date"].clone()),
        (json!(100), Json::Null)
    );
    let kept = row("view=weir_alerts");
    assert_eq!((&kept["id"], &kept["view_"], &kept["rule"]), (&json!("f00"), &json!("many"), &json!("many")));
    assert_eq!(serde_json::from_str::<Json>(kept["alert"].as_str().unwrap()).unwrap(), alert);
}

#[tokio::test]
async fn a_batch_that_comes_again_overwrites_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<_> = (0..50).map(|n| thing(&format!("k{n}"), n, 0)).collect();
    Stand::new(&url_of(folder.path())).await.sink(&batch("things", 0, &values)).await;
    let bytes = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    let before = files(folder.path());
    let path = before.keys().next().unwrap().clone();
    let first = bytes(&path);
    Stand::new(&url_of(folder.path())).await.sink(&batch("things", 0, &values)).await;
    assert_eq!(files(folder.path()), before);
    assert_eq!(bytes(&path), first, "the same rows are the same bytes");
    assert_eq!(all_rows(folder.path()).len(), 50);
}

#[tokio::test]
async fn another_topic_of_that_name_and_those_offsets_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::new(&url_of(folder.path())).await;
    stand.sink(&batch("things", 0, &[thing("before", 0, 0)])).await;
    stand.sink(&batch("things", 0, &[thing("after", 0, 0)])).await;
    let rows = all_rows(folder.path());
    let mut names: Vec<_> = rows.iter().map(|row| row["k"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["after", "before"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_fails_the_batch_and_then_gets_it() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, other) = (parent.path().join("rows"), parent.path().join("other"));
    std::fs::write(&folder, "a file is in the way").unwrap();
    let stand = Stand::new(&format!("{} {}", url_of(&folder), url_of(&other))).await;
    let values = batch("things", 0, &[thing("a", 0, 0)]);
    let error = stand.try_sink(&values).await.unwrap_err().to_string();
    assert!(
        error.contains("rows of things from things-0 to file:///") && error.contains("failed to write"),
        "{error}"
    );
    assert_eq!(all_rows(&other).len(), 1, "one target's failure is not another's");
    std::fs::remove_file(&folder).unwrap();
    stand.sink(&values).await;
    assert_eq!((all_rows(&folder).len(), all_rows(&other).len()), (1, 1));
}
