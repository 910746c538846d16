use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::{
    event::fixture::{NOW, batch, table},
    time::{Millis, Offset},
};

/// The row of one record, or why it has none.
fn row(json: &str) -> Result<Vec<Value<'static>>, Rejection> {
    let (table, raw) = (table(), batch(&[json]));
    let decoded = decode(&raw, &table, NOW);
    decoded.records[0].event_time.clone().map_err(|rejection| *rejection)?;
    Ok(decoded.row(0).iter().cloned().map(Value::into_owned).collect())
}

/// The value of one field of an otherwise fitting record.
fn field(name: &str, json: &str) -> Result<Value<'static>, String> {
    let index = table().columns.iter().position(|column| column.name == name).expect("a column");
    let row = row(&format!(r#"{{"product":"p","ts":1,"{name}":{json}}}"#));
    Ok(row.map_err(|rejection| rejection.reason)?.swap_remove(index))
}

fn reason(json: &str) -> String {
    row(json).expect_err("it does not fit").reason
}

#[test]
fn a_record_becomes_a_row_in_the_order_of_the_columns() {
    let json = r#" {"ts":1699999999811,"extra":{"a":[1]},"product":"p8","n":-5,"x":1e3,"ok":false,
        "id":"e\n0","at":"2023-11-14"} "#;
    let row = row(json).expect("it fits");
    assert_eq!(
        row,
        [
            Value::text("e\n0"),
            Value::text("p8"),
            Value::Int(-5),
            Value::Float(1000.0),
            Value::Bool(false),
            Value::Time(Timestamp(1_699_920_000_000)),
            Value::Json("{\"a\":[1]}".into()),
            Value::Time(Timestamp(1_699_999_999_811)),
        ]
    );
}

#[test]
fn texts_are_borrowed_unless_they_are_escaped() {
    use std::borrow::Cow;
    let (table, raw) = (table(), batch(&[r#"{"id":"a\"b","product":"é","ts":1}"#]));
    let decoded = decode(&raw, &table, NOW);
    assert!(matches!(decoded.row(0)[0], Value::Text(Cow::Owned(_))));
    assert!(matches!(decoded.row(0)[1], Value::Text(Cow::Borrowed("é"))));
}

#[test]
fn each_type_takes_what_it_says() {
    let time = |millis| Ok(Value::Time(Timestamp(millis)));
    let cases = [
        ("n", "5.0", Ok(Value::Int(5))),
        ("n", "-5e0", Ok(Value::Int(-5))),
        ("n", "9223372036854775807", Ok(Value::Int(i64::MAX))),
        ("n", "9007199254740992.0", Ok(Value::Int(1 << 53))),
        ("n", "null", Ok(Value::Null)),
        ("x", "3", Ok(Value::Float(3.0))),
        ("x", "-0.25", Ok(Value::Float(-0.25))),
        ("ok", "true", Ok(Value::Bool(true))),
        ("at", "-1", time(-1)),
        ("at", "1.5", time(1500)),
        ("at", r#""2023-11-14T22:13:20.123Z""#, time(1_700_000_000_123)),
        ("at", r#""1700000000123""#, time(1_700_000_000_123)),
        ("at", r#""\u0031.5""#, time(1500)),
        ("extra", r#""a\n""#, Ok(Value::Json(r#""a\n""#.into()))),
        ("extra", "[ 1 ]", Ok(Value::Json("[ 1 ]".into()))),
        ("extra", "null", Ok(Value::Null)),
        ("id", r#""""#, Ok(Value::text(""))),
    ];
    for (name, json, value) in cases {
        assert_eq!(field(name, json), value, "{name} {json}");
    }
}

#[test]
fn what_a_type_does_not_take_is_named() {
    let bigint = "BIGINT (an integer of 64 bits)";
    let timestamp = "TIMESTAMP (epoch milliseconds, epoch seconds with a fraction, or ISO 8601)";
    let cases = [
        ("id", "5", "the number 5", "TEXT"),
        ("id", "true", "true", "TEXT"),
        ("id", r#""\ud800""#, r#"the text "\ud800""#, "TEXT"),
        ("product", "null", "null", "TEXT NOT NULL"),
        ("n", "5.5", "the number 5.5", bigint),
        ("n", "9223372036854775808", "the number 9223372036854775808", bigint),
        ("n", "1e300", "the number 1e300", bigint),
        ("n", r#""5""#, r#"the text "5""#, bigint),
        ("x", "1e400", "the number 1e400", "DOUBLE"),
        ("x", "[]", "an array", "DOUBLE"),
        ("ok", "1", "the number 1", "BOOLEAN"),
        ("at", r#""abc""#, r#"the text "abc""#, timestamp),
        ("at", "{}", "an object", timestamp),
        ("at", "1e400", "the number 1e400", timestamp),
    ];
    for (name, json, found, expected) in cases {
        let reason = format!("column \"{name}\": found {found}, expected {expected}");
        assert_eq!(field(name, json), Err(reason), "{name} {json}");
    }
}

#[test]
fn a_long_value_is_cut_in_the_reason() {
    let reason = field("n", &format!("\"{}\"", "x".repeat(1000))).expect_err("it is a text");
    assert!(reason.contains(&format!("\"{}...\"", "x".repeat(60))), "{reason}");
}

#[test]
fn missing_columns_are_null_or_a_rejection() {
    assert_eq!(row(r#"{"product":"p","ts":1}"#).expect("it fits")[0], Value::Null);
    assert_eq!(reason(r#"{"ts":1}"#), "column \"product\": missing, expected TEXT NOT NULL");
    assert_eq!(
        reason(r#"{"product":"p"}"#),
        "column \"ts\": missing, expected TIMESTAMP NOT NULL, the event time"
    );
    assert_eq!(reason("{}"), "column \"product\": missing, expected TEXT NOT NULL");
}

#[test]
fn what_is_no_json_object_says_where() {
    let cases = [
        ("", "empty value (tombstone)"),
        (" ", "not a JSON object: ends at byte 1, expected an object"),
        ("[]", "not a JSON object: found `[` at byte 0, expected an object"),
        ("null", "not a JSON object: found `n` at byte 0, expected an object"),
        (r#"{"product":"p","ts":1"#, "not a JSON object: ends at byte 21, expected `,` or `}`"),
        (r#"{"product":"p","ts":1}}"#, "not a JSON object: found `}` at byte 22, expected the end"),
        (r#"{"product":"p","ts":1,"new":[1,]}"#, "not a JSON object: found `]` at byte 31, expected a value"),
    ];
    for (json, expected) in cases {
        assert_eq!(row(json), Err(Rejection { reason: expected.to_owned(), event_time: None }), "{json}");
    }
}

#[test]
fn invalid_utf8_costs_only_its_own_record() {
    let table = table();
    let good = br#"{"product":"p","ts":1}"#;
    let raw = batch(&[&good[..], b"{\"product\":\"\xff\",\"ts\":1}", good]);
    let decoded = decode(&raw, &table, NOW);
    let times: Vec<_> = decoded.records.iter().map(|record| record.event_time.clone()).collect();
    let invalid = Rejection::without_time("invalid UTF-8 at byte 12".to_owned());
    assert_eq!(times, [Ok(Timestamp(1)), Err(Box::new(invalid)), Ok(Timestamp(1))]);
    assert_eq!(decoded.row(2)[1], Value::text("p"));
    assert!(decoded.row(3).is_empty());
}

/// Two halves of a character in two records make a valid buffer, but no valid record.
#[test]
fn a_character_cut_by_a_record_is_no_character() {
    let table = table();
    let (first, second) = "{\"id\":\"é\"}".as_bytes().split_at(8);
    let raw = batch(&[first, second]);
    assert!(std::str::from_utf8(&raw.bytes).is_ok());
    let decoded = decode(&raw, &table, NOW);
    let reasons: Vec<_> =
        decoded.records.iter().map(|record| record.event_time.clone().expect_err("half").reason).collect();
    assert_eq!(reasons, ["invalid UTF-8 at byte 7", "invalid UTF-8 at byte 0"]);
}

#[test]
fn of_a_field_that_stands_twice_the_last_counts() {
    let twice =
        |fields: &str| row(&format!(r#"{{"product":"p","ts":1,{fields}}}"#)).map(|row| row[2].clone());
    assert_eq!(twice(r#""n":1,"n":2"#), Ok(Value::Int(2)));
    assert_eq!(twice(r#""n":"x","n":2"#), Ok(Value::Int(2)));
    assert_eq!(twice(r#""n":1,"n":null"#), Ok(Value::Null));
    assert!(twice(r#""n":1,"n":"x""#).is_err());
    assert!(row(r#"{"product":null,"product":"p","ts":1}"#).is_ok());
}

#[test]
fn an_escaped_name_is_its_column() {
    assert_eq!(row(r#"{"pr\u006fduct":"p","ts":1}"#).expect("it fits")[1], Value::text("p"));
}

#[test]
fn the_fields_may_stand_in_another_order_in_every_record() {
    let table = table();
    let raw = batch(&[
        r#"{"product":"a","n":1,"ts":1}"#,
        r#"{"n":2,"ts":2,"product":"b"}"#,
        r#"{"ts" : 3 , "new":0, "product":"c","n":3}"#,
        r#"{"product":"d","nn":0,"ts":4,"n":4}"#,
    ]);
    let decoded = decode(&raw, &table, NOW);
    for (index, (product, n)) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)].into_iter().enumerate() {
        assert_eq!(decoded.records[index].event_time, Ok(Timestamp(n)));
        assert_eq!(decoded.row(index)[1..3], [Value::text(product), Value::Int(n)]);
    }
}

#[test]
fn records_keep_their_offsets_keys_and_bytes() {
    let table = table();
    let mut raw = batch(&[r#"{"product":"p","ts":1}"#]);
    raw.bytes.extend_from_slice(b"key");
    raw.records[0].key = Some(22..25);
    raw.records[0].offset = Offset::at(7);
    let decoded = decode(&raw, &table, NOW);
    let record = &decoded.records[0];
    assert_eq!((record.offset, record.key, record.raw), (Offset::at(7), Some(&b"key"[..]), &raw.bytes[..22]));
}

#[test]
fn a_damaged_record_is_rejected_with_its_damage() {
    let table = table();
    let mut raw = batch(&[r#"{"product":"p","ts":1}"#]);
    raw.records[0].damage = Some("value: broken base64".to_owned());
    let rejection = Rejection::without_time("value: broken base64".to_owned());
    assert_eq!(decode(&raw, &table, NOW).records[0].event_time, Err(Box::new(rejection)));
}

#[test]
fn a_rejected_record_keeps_its_event_time() {
    let rejection = row(r#"{"n":"x","product":"p","ts":5}"#).expect_err("n is a text");
    assert_eq!(rejection.event_time, Some(Timestamp(5)));
    let rejection = row(r#"{"product":"p","ts":"x"}"#).expect_err("ts is a text");
    assert_eq!(rejection.event_time, None);
}

#[test]
fn an_event_too_far_ahead_is_rejected_without_its_time() {
    let at = |ts: i64, sent: Option<i64>| {
        let (table, mut raw) = (table(), batch(&[format!(r#"{{"product":"p","ts":{ts}}}"#)]));
        raw.records[0].timestamp = sent.map(Timestamp);
        decode(&raw, &table, NOW).records[0].event_time.clone()
    };
    let hour = Millis::hours(1).0;
    assert!(at(NOW.0 + hour, None).is_ok());
    assert!(at(NOW.0 + hour, Some(NOW.0 + hour)).is_ok(), "the broker's clock does not raise the bound");
    assert!(at(NOW.0, Some(NOW.0 - hour)).is_ok());
    let rejection = at(NOW.0 + 1, Some(NOW.0 - hour)).expect_err("ahead of the broker");
    assert_eq!(rejection.event_time, None);
    assert_eq!(
        rejection.reason,
        "event time 2023-11-15T00:00:00.001Z is 60 minutes ahead of 2023-11-14T23:00:00.000Z, \
         when it was sent or read; at most 1 h (max_ahead)"
    );
    assert!(at(i64::MAX, None).is_err());
}

#[test]
fn an_event_before_the_year_1_is_rejected_without_its_time() {
    let at = |ts: i64| {
        let (table, raw) = (table(), batch(&[format!(r#"{{"product":"p","ts":{ts}}}"#)]));
        decode(&raw, &table, NOW).records[0].event_time.clone()
    };
    let year_1 = -62_135_596_800_000;
    assert_eq!(at(year_1), Ok(Timestamp(year_1)));
    let rejection = at(year_1 - 1).expect_err("before the year 1");
    assert_eq!(rejection.event_time, None);
    assert_eq!(rejection.reason, "event time -62135596800001 lies before 0001-01-01T00:00:00.000Z");
    assert!(at(i64::MIN).is_err());
}

#[test]
fn an_absurd_time_is_not_kept_by_another_rejection() {
    let rejection = row(r#"{"product":5,"ts":32472144000000}"#).expect_err("product is a number");
    assert!(rejection.reason.starts_with("column \"product\""), "{}", rejection.reason);
    assert_eq!(rejection.event_time, None);
}

#[test]
fn event_time_may_be_a_bigint_but_not_null() {
    let mut table = table();
    table.event_time = 2;
    let raw = batch(&[r#"{"product":"p","ts":1,"n":9}"#, r#"{"product":"p","ts":1}"#]);
    let decoded = decode(&raw, &table, NOW);
    assert_eq!(decoded.records[0].event_time, Ok(Timestamp(9)));
    let reason = "column \"n\": missing or null, expected BIGINT, the event time".to_owned();
    assert_eq!(decoded.records[1].event_time, Err(Box::new(Rejection::without_time(reason))));
}

#[test]
fn texts_of_a_megabyte_are_fine() {
    let long = "x".repeat(1 << 20);
    assert_eq!(field("id", &format!("\"{long}\"")), Ok(Value::Text(long.into())));
}

#[test]
fn no_truncation_of_a_record_is_a_record() {
    let json =
        r#"{"id":"é\n","product":"p","n":12,"x":1.5e3,"ok":true,"at":"2023-11-14","extra":[{}],"ts":123}"#;
    assert!(row(json).is_ok());
    let table = table();
    let raw = batch(&(0..json.len()).map(|length| &json.as_bytes()[..length]).collect::<Vec<_>>());
    assert!(decode(&raw, &table, NOW).records.iter().all(|record| record.event_time.is_err()));
}

/// The value that a column of a type should have, by `serde_json`'s reading.
fn oracle(kind: Type, json: &Json) -> Option<Value<'static>> {
    Some(match (kind, json) {
        (_, Json::Null) => Value::Null,
        (Type::Text, Json::String(text)) => Value::Text(text.clone().into()),
        (Type::BigInt, Json::Number(number)) if number.is_i64() => Value::Int(number.as_i64()?),
        (Type::BigInt, Json::Number(number)) => {
            let x = number.as_f64()?;
            let exact = x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0;
            Value::Int(if exact { format!("{x:.0}").parse().ok()? } else { return None })
        }
        (Type::Double, Json::Number(number)) => Value::Float(number.as_f64()?),
        (Type::Boolean, Json::Bool(boolean)) => Value::Bool(*boolean),
        (Type::Timestamp, Json::Number(number)) => match number.as_i64() {
            Some(millis) => Value::Time(Timestamp(millis)),
            None => Value::Time(moment::from_seconds(&number.to_string())?),
        },
        (Type::Timestamp, Json::String(text)) => Value::Time(moment::from_text(text)?),
        (Type::Json, any) => Value::Json(any.to_string().into()),
        _ => return None,
    })
}

/// The row of a record by `serde_json`'s reading.
fn expected(text: &str, table: &Table) -> Option<Vec<Value<'static>>> {
    let object: Map<String, Json> = serde_json::from_str(text).ok()?;
    let row: Option<Vec<_>> = table
        .columns
        .iter()
        .map(|column| {
            let value =
                object.get(&column.name).map_or(Some(Value::Null), |json| oracle(column.kind, json))?;
            (!(column.not_null && value.is_null())).then_some(value)
        })
        .collect();
    let row = row?;
    let Some(Value::Time(time)) = row.get(table.event_time) else { return None };
    (*time <= NOW + table.max_ahead).then_some(row)
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1000_i64..1000).prop_map(Json::from),
        (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 4.0)),
        any::<u64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        "[a-z\"\\\\\n\u{1}é😀]{0,20}".prop_map(Json::from),
        Just(json!("2023-11-14T22:13:20.5Z")),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((".{0,4}", inner), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields that mostly fit the table, in any order, some missing, some unknown.
fn record() -> impl Strategy<Value = String> {
    let fitting = |name: &'static str, json: BoxedStrategy<Json>| {
        prop::option::weighted(0.9, prop_oneof![9 => json, 1 => any_json()])
            .prop_map(move |json| (name.to_owned(), json))
    };
    let fields = (
        fitting("id", ".{0,8}".prop_map(Json::from).boxed()),
        prop_oneof![19 => Just(("product".to_owned(), Some(json!("p1")))), 1 => Just((String::new(), None))],
        fitting("n", any::<i64>().prop_map(Json::from).boxed()),
        fitting("x", (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 8.0)).boxed()),
        fitting("ok", any::<bool>().prop_map(Json::from).boxed()),
        fitting("extra", any_json().boxed()),
        prop_oneof![19 => (0..NOW.0).prop_map(|ts| ("ts".to_owned(), Some(json!(ts)))), 1 => Just((String::new(), None))],
        (".{0,4}", prop::option::of(any_json())),
    );
    let fields = fields.prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h]).prop_shuffle();
    (fields, any::<bool>()).prop_map(|(fields, pretty)| {
        let object: Map<String, Json> =
            fields.into_iter().filter_map(|(name, json)| Some((name, json?))).collect();
        if pretty { format!("{:#}", Json::Object(object)) } else { Json::Object(object).to_string() }
    })
}

/// JSON texts differ in white space; what they mean does not.
fn normal(row: &[Value<'_>]) -> Vec<Value<'static>> {
    let normal = |value: &Value<'_>| match value {
        Value::Json(text) => {
            let json: Json = serde_json::from_str(text).expect("a JSON column holds JSON");
            Value::Json(json.to_string().into())
        }
        other => other.clone().into_owned(),
    };
    row.iter().map(normal).collect()
}

proptest! {
    #[test]
    fn rows_are_what_serde_json_reads(records in prop::collection::vec(record(), 1..8)) {
        let (table, raw) = (table(), batch(&records));
        let decoded = decode(&raw, &table, NOW);
        for (index, (text, record)) in records.iter().zip(&decoded.records).enumerate() {
            let row = record.event_time.as_ref().ok().map(|_| normal(decoded.row(index)));
            prop_assert_eq!(row, expected(text, &table), "{} {:?}", text, record.event_time);
        }
    }

    #[test]
    fn damaged_records_never_panic_and_take_nothing_with_them(
        mut text in record().prop_map(String::into_bytes), at: prop::sample::Index, byte: u8,
    ) {
        let index = at.index(text.len());
        text[index] = byte;
        // A number beyond all floats is JSON, but serde_json has no value for it.
        let read: Result<Json, _> = serde_json::from_slice(&text);
        prop_assume!(!read.is_err_and(|error| error.to_string().starts_with("number out of range")));
        let table = table();
        let good = br#"{"product":"p","ts":1}"#;
        let raw = batch(&[&good[..], &text, good]);
        let decoded = decode(&raw, &table, NOW);
        prop_assert_eq!(&decoded.records[2].event_time, &Ok(Timestamp(1)));
        prop_assert_eq!(decoded.row(2), decoded.row(0));
        let read = std::str::from_utf8(&text).ok().and_then(|text| expected(text, &table));
        prop_assert_eq!(decoded.records[1].event_time.is_ok(), read.is_some());
    }

    #[test]
    fn random_bytes_never_panic(values: Vec<Vec<u8>>) {
        let (table, raw) = (table(), batch(&values));
        let decoded = decode(&raw, &table, NOW);
        prop_assert!(decoded.records.iter().all(|record| record.event_time.is_err()));
    }
}

/// The fixture's table; `id` is fed by `eventId`, else `id`, and `ts` by `timestamp`.
fn renamed() -> Table {
    let mut table = table();
    table.columns[0].fields = vec!["eventId".into(), "id".into()];
    table.columns[7].fields = vec!["timestamp".into()];
    table
}

/// The id of the record behind another of the usual order, which the decoder expects then.
fn renamed_id(json: &str) -> Result<Value<'static>, String> {
    let table = renamed();
    let raw = batch(&[r#"{"eventId":"first","id":"other","product":"p","timestamp":1}"#, json]);
    let decoded = decode(&raw, &table, NOW);
    assert_eq!(decoded.row(0)[0], Value::text("first"));
    decoded.records[1].event_time.clone().map_err(|rejection| rejection.reason)?;
    Ok(decoded.row(1)[0].clone().into_owned())
}

#[test]
fn of_several_fields_the_first_that_is_there_feeds_the_column() {
    let cases = [
        (r#"{"eventId":"a","id":"b","product":"p","timestamp":1}"#, Value::text("a")),
        (r#"{"id":"b","eventId":"a","product":"p","timestamp":1}"#, Value::text("a")),
        (r#"{"id":"b","product":"p","timestamp":1}"#, Value::text("b")),
        (r#"{"eventId":null,"id":"b","product":"p","timestamp":1}"#, Value::text("b")),
        (r#"{"id":"b","eventId":null,"product":"p","timestamp":1}"#, Value::text("b")),
        (r#"{"eventId":null,"product":"p","timestamp":1}"#, Value::Null),
        (r#"{"eventId":"a","product":"p","timestamp":1,"eventId":"c"}"#, Value::text("c")),
        (r#"{"id":7,"eventId":"a","product":"p","timestamp":1}"#, Value::text("a")),
        (r#"{"eventId":"a","id":7,"product":"p","timestamp":1}"#, Value::text("a")),
        (r#"{"eventId":7,"product":"p","timestamp":1,"eventId":"a"}"#, Value::text("a")),
    ];
    for (json, id) in cases {
        assert_eq!(renamed_id(json), Ok(id), "{json}");
    }
    assert_eq!(
        renamed_id(r#"{"eventId":7,"id":"b","product":"p","timestamp":1}"#),
        Err("column \"id\": found the number 7, expected TEXT".into())
    );
    // The column's own name is none of its fields.
    assert_eq!(
        renamed_id(r#"{"id":"b","product":"p","ts":1}"#),
        Err("column \"ts\" (field timestamp): missing, expected TIMESTAMP NOT NULL, the event time".into())
    );
}
