use std::{collections::HashMap, sync::Arc};

use apache_avro::{Decimal, types::Value as Avro};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    event::{
        Batch, decode,
        fixture::{self, NOW, batch},
    },
    sql::{Column, Format, Writer},
    time::Timestamp,
    value::Type,
};

fn avro_table(schema: &str, columns: &[(&str, Type)], event_time: usize) -> Table {
    let schema = Arc::new(Schema::parse(schema).unwrap());
    Table {
        columns: columns.iter().map(|(name, kind)| Column::new(*name, *kind, false)).collect(),
        format: Format::Avro(Writer::Schema(schema)),
        key: None,
        event_time,
        ..fixture::table()
    }
}

/// A record of one field besides its time, as Avro's own library writes it.
fn written(field: &str, value: Avro) -> (String, Vec<u8>) {
    let schema = format!(
        r#"{{"type":"record","name":"R","fields":[
            {{"name":"ts","type":{{"type":"long","logicalType":"timestamp-millis"}}}},{{"name":"v","type":{field}}}]}}"#
    );
    let parsed = apache_avro::Schema::parse_str(&schema).unwrap();
    let record = Avro::Record(vec![("ts".into(), Avro::TimestampMillis(5)), ("v".into(), value)]);
    (schema, apache_avro::to_avro_datum(&parsed, record).unwrap())
}

/// What a field's value is in a column, or why it is none.
fn taken(field: &str, value: Avro, kind: Type) -> Result<Value<'static>, String> {
    let (schema, bytes) = written(field, value);
    let table = avro_table(&schema, &[("v", kind), ("ts", Type::Timestamp)], 1);
    let raw = batch(&[bytes]);
    let decoded = decode(&raw, &table, NOW);
    let value = decoded.row(0)[0].clone().into_owned();
    decoded.records[0].event_time.clone().map(|_| value).map_err(|rejection| rejection.reason)
}

#[test]
fn each_type_goes_where_the_table_says() {
    let text = |text: &str| Value::Text(text.to_owned().into());
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":10,"scale":3}"#;
    let digits = |unscaled: &[u8]| Avro::Decimal(Decimal::from(unscaled));
    let enumeration = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    let date = r#"{"type":"int","logicalType":"date"}"#;
    let micros = r#"{"type":"long","logicalType":"timestamp-micros"}"#;
    let fixed = r#"{"type":"fixed","name":"F","size":2}"#;
    let time = |millis| Value::Time(Timestamp(millis));
    let cases = [
        ("\"string\"", Avro::String("ä\"".into()), Type::Text, text("ä\"")),
        (
            "\"string\"",
            Avro::String("2023-11-14T22:13:20.5Z".into()),
            Type::Timestamp,
            time(1_700_000_000_500),
        ),
        ("\"int\"", Avro::Int(-7), Type::BigInt, Value::Int(-7)),
        ("\"long\"", Avro::Long(i64::MIN), Type::BigInt, Value::Int(i64::MIN)),
        ("\"long\"", Avro::Long(i64::MAX), Type::BigInt, Value::Int(i64::MAX)),
        ("\"long\"", Avro::Long(3), Type::Double, Value::Float(3.0)),
        ("\"long\"", Avro::Long(1_700_000_000_123), Type::Timestamp, time(1_700_000_000_123)),
        ("\"double\"", Avro::Double(1_700_000_000.123_4), Type::Timestamp, time(1_700_000_000_123)),
        ("\"double\"", Avro::Double(2.5), Type::Double, Value::Float(2.5)),
        ("\"double\"", Avro::Double(4.0), Type::BigInt, Value::Int(4)),
        ("\"double\"", Avro::Double(f64::NAN), Type::Double, Value::Null),
        ("\"float\"", Avro::Float(0.5), Type::Double, Value::Float(0.5)),
        ("\"boolean\"", Avro::Boolean(true), Type::Boolean, Value::Bool(true)),
        ("\"bytes\"", Avro::Bytes(vec![0, 255]), Type::Text, text("AP8=")),
        (fixed, Avro::Fixed(2, vec![1, 2]), Type::Text, text("AQI=")),
        (enumeration, Avro::Enum(1, "B".into()), Type::Text, text("B")),
        (date, Avro::Date(-1), Type::Timestamp, time(-86_400_000)),
        (date, Avro::Date(19_675), Type::Text, text("2023-11-14")),
        (micros, Avro::TimestampMicros(-1), Type::Timestamp, time(-1)),
        (micros, Avro::TimestampMicros(1_999), Type::BigInt, Value::Int(1)),
        (decimal, digits(&[0x30, 0x39]), Type::Text, text("12.345")),
        (decimal, digits(&[0xff]), Type::Text, text("-0.001")),
        (decimal, digits(&[0x30, 0x39]), Type::Double, Value::Float(12.345)),
        (decimal, digits(&[0xff, 0xff, 0x85]), Type::Json, Value::Json("-0.123".into())),
        (r#"["null","string"]"#, Avro::Union(0, Box::new(Avro::Null)), Type::Text, Value::Null),
        (r#"["null","string"]"#, Avro::Union(1, Box::new(Avro::String("x".into()))), Type::Text, text("x")),
        (r#"["int","null"]"#, Avro::Union(0, Box::new(Avro::Int(1))), Type::BigInt, Value::Int(1)),
    ];
    for (field, value, kind, expected) in cases {
        assert_eq!(taken(field, value.clone(), kind), Ok(expected), "{field} {value:?} as {kind}");
    }
}

#[test]
fn what_does_not_fit_its_column_is_told_with_what_was_found() {
    let text = Avro::String("soon".into());
    let cases = [
        (
            "\"string\"",
            text.clone(),
            Type::BigInt,
            "column \"v\": found the string \"soon\", expected BIGINT",
        ),
        ("\"string\"", text, Type::Timestamp, "column \"v\": found the string \"soon\", expected TIMESTAMP"),
        (
            "\"double\"",
            Avro::Double(2.5),
            Type::BigInt,
            "column \"v\": found the double 2.5, expected BIGINT",
        ),
        ("\"long\"", Avro::Long(7), Type::Text, "column \"v\": found the long 7, expected TEXT"),
        (
            "\"bytes\"",
            Avro::Bytes(vec![1]),
            Type::Double,
            "column \"v\": found the bytes \"AQ==\", expected DOUBLE",
        ),
        (
            r#"{"type":"array","items":"int"}"#,
            Avro::Array(vec![Avro::Int(1)]),
            Type::Text,
            "column \"v\": found an array, expected TEXT",
        ),
    ];
    for (field, value, kind, expected) in cases {
        let reason = taken(field, value, kind).unwrap_err();
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn bytes_that_are_not_of_the_schema_are_rejected_and_take_nothing_with_them() {
    let (schema, good) =
        written(r#"["null","string"]"#, Avro::Union(1, Box::new(Avro::String("abc".into()))));
    let table = avro_table(&schema, &[("v", Type::Text), ("ts", Type::Timestamp)], 1);
    let mut long = good.clone();
    long.push(0);
    let wrong_branch = vec![10, 4];
    let no_text = vec![10, 2, 2, 0xff];
    let too_long = vec![10, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02];
    let values = [good[..4].to_vec(), long, wrong_branch, no_text, too_long, Vec::new(), good];
    let raw = batch(&values);
    let decoded = decode(&raw, &table, NOW);
    let reasons: Vec<_> = decoded.records.iter().map(|record| record.event_time.clone()).collect();
    let expected = [
        "not Avro of its schema: field \"v\", before byte 3: a length of 3, which the rest does not have",
        "not Avro of its schema: 1 bytes are left over",
        "not Avro of its schema: field \"v\", before byte 2: number 2 of a union or an enum, which the schema does not have",
        "not Avro of its schema: field \"v\", before byte 4: a text that is no UTF-8",
        "not Avro of its schema: field \"v\", before byte 12: a number that is too large for its type",
        "empty value (tombstone)",
    ];
    for (found, expected) in reasons.iter().zip(expected) {
        assert_eq!(found.as_ref().unwrap_err().reason, expected);
    }
    assert_eq!(reasons.last(), Some(&Ok(Timestamp(5))));
    assert_eq!(decoded.row(6)[0], Value::text("abc"));
}

#[test]
fn of_several_fields_the_first_that_is_not_null_feeds_a_column() {
    let schema = r#"{"type":"record","name":"R","fields":[
        {"name":"second","type":"long"},{"name":"first","type":["null","long"]},{"name":"ts","type":"long"}]}"#;
    let mut table = avro_table(schema, &[("n", Type::BigInt), ("ts", Type::Timestamp)], 1);
    table.columns[0].fields = vec!["first".to_owned(), "second".to_owned()];
    let raw = batch(&[vec![2, 2, 4, 6], vec![2, 0, 6]]);
    let decoded = decode(&raw, &table, NOW);
    assert!(decoded.records.iter().all(|record| record.event_time.is_ok()));
    assert_eq!([decoded.row(0)[0].clone(), decoded.row(1)[0].clone()], [Value::Int(2), Value::Int(1)]);
}

#[test]
fn items_without_bytes_have_an_end() {
    let schema = r#"{"type":"record","name":"R","fields":[
        {"name":"v","type":{"type":"array","items":"null"}},{"name":"ts","type":"long"}]}"#;
    // 2^40 nulls in seven bytes.
    let value = vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0, 2];
    for kind in [Type::Json, Type::Text] {
        let table = avro_table(schema, &[("v", kind), ("ts", Type::BigInt)], 1);
        let raw = batch(std::slice::from_ref(&value));
        let rejection = decode(&raw, &table, NOW).records.remove(0).event_time.unwrap_err();
        assert!(
            rejection.reason.ends_with("more values than so few bytes have any use for"),
            "{}",
            rejection.reason
        );
    }
    let endless = r#"{"type":"record","name":"R","fields":[{"name":"v","type":"R"}]}"#;
    let table = avro_table(endless, &[("v", Type::Json), ("ts", Type::BigInt)], 1);
    let raw = batch(&[vec![0; 8]]);
    let rejection = decode(&raw, &table, NOW).records.remove(0).event_time.unwrap_err();
    assert!(rejection.reason.contains("nested deeper than 64"), "{}", rejection.reason);
}

/// A schema, a value of it, and what JSON that is.
#[derive(Clone, Debug)]
struct Sample {
    schema: Json,
    value: Avro,
    json: Json,
}

fn sample(schema: Json, value: Avro, json: Json) -> Sample {
    Sample { schema, value, json }
}

fn scalars() -> BoxedStrategy<Sample> {
    prop_oneof![
        Just(sample(json!("null"), Avro::Null, Json::Null)),
        any::<bool>().prop_map(|b| sample(json!("boolean"), Avro::Boolean(b), json!(b))),
        any::<i32>().prop_map(|i| sample(json!("int"), Avro::Int(i), json!(i))),
        any::<i64>().prop_map(|i| sample(json!("long"), Avro::Long(i), json!(i))),
        any::<f32>().prop_map(|x| sample(json!("float"), Avro::Float(x), json!(f64::from(x)))),
        any::<f64>().prop_map(|x| sample(json!("double"), Avro::Double(x), json!(x))),
        ".{0,12}".prop_map(|s| sample(json!("string"), Avro::String(s.clone()), json!(s))),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| {
            let text = base64_simd::STANDARD.encode_to_string(&bytes);
            sample(json!("bytes"), Avro::Bytes(bytes), json!(text))
        }),
        any::<i64>().prop_map(|i| {
            let schema = json!({"type": "long", "logicalType": "timestamp-micros"});
            sample(schema, Avro::TimestampMicros(i), json!(i.div_euclid(1000)))
        }),
    ]
    .boxed()
}

fn samples() -> BoxedStrategy<Sample> {
    let optional = |inner: Sample| {
        let schema = json!(["null", inner.schema]);
        prop_oneof![
            Just(sample(schema.clone(), Avro::Union(0, Box::new(Avro::Null)), Json::Null)),
            Just(sample(schema, Avro::Union(1, Box::new(inner.value)), inner.json)),
        ]
    };
    let is_plain = |sample: &Sample| !sample.schema.is_array() && sample.schema != json!("null");
    scalars()
        .prop_recursive(4, 40, 4, move |inner| {
            prop_oneof![
                inner.clone().prop_filter("no union", is_plain).prop_flat_map(optional),
                (inner.clone(), 0..4_usize).prop_map(|(item, count)| sample(
                    json!({"type": "array", "items": item.schema}),
                    Avro::Array(vec![item.value; count]),
                    Json::Array(vec![item.json; count]),
                )),
                (inner.clone(), proptest::collection::btree_set("[a-z\"\\\\\n]{0,3}", 0..3)).prop_map(
                    |(item, keys)| {
                        let value: HashMap<_, _> =
                            keys.iter().map(|key| (key.clone(), item.value.clone())).collect();
                        let json = keys.iter().map(|key| (key.clone(), item.json.clone())).collect();
                        sample(
                            json!({"type": "map", "values": item.schema}),
                            Avro::Map(value),
                            Json::Object(json),
                        )
                    }
                ),
                (proptest::collection::vec(inner, 1..4), any::<u64>())
                    .prop_map(|(fields, id)| record(&fields, id)),
            ]
        })
        .boxed()
}

fn record(fields: &[Sample], id: u64) -> Sample {
    let name = |index: usize| format!("f{index}");
    let all = fields.iter().enumerate();
    let schemas: Vec<_> =
        all.clone().map(|(at, field)| json!({"name": name(at), "type": field.schema})).collect();
    let values = all.clone().map(|(at, field)| (name(at), field.value.clone())).collect();
    let json = all.map(|(at, field)| (name(at), field.json.clone())).collect();
    let schema = json!({"type": "record", "name": format!("R{id}"), "fields": schemas});
    sample(schema, Avro::Record(values), Json::Object(json))
}

fn json_of(decoded: &Batch<'_>) -> Json {
    match &decoded.row(0)[0] {
        Value::Json(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn whatever_avros_own_library_writes_is_read_as_the_json_that_it_is(inner in samples(), id in any::<u64>()) {
        let parsed = apache_avro::Schema::parse(&inner.schema);
        // Two records of one name.
        prop_assume!(parsed.is_ok());
        let (schema, bytes) = written(&inner.schema.to_string(), inner.value);
        let raw = batch(&[bytes]);
        let taken = avro_table(&schema, &[("v", Type::Json), ("ts", Type::Timestamp)], 1);
        let decoded = decode(&raw, &taken, NOW);
        prop_assert_eq!(decoded.records[0].event_time.clone(), Ok(Timestamp(5)), "{}", id);
        if inner.json == Json::Null {
            prop_assert!(decoded.row(0)[0].is_null());
        } else {
            prop_assert_eq!(json_of(&decoded), inner.json);
        }
        // Passed over it takes the same bytes.
        let skipped = avro_table(&schema, &[("other", Type::Json), ("ts", Type::Timestamp)], 1);
        prop_assert_eq!(decode(&raw, &skipped, NOW).records[0].event_time.clone(), Ok(Timestamp(5)));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_a_row_or_a_rejection(
        inner in samples(),
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        kind in prop_oneof![Just(Type::Json), Just(Type::Text), Just(Type::BigInt), Just(Type::Timestamp)],
    ) {
        let schema = json!({"type": "record", "name": "Top", "fields": [
            {"name": "v", "type": inner.schema}, {"name": "ts", "type": "long"}]});
        let Ok(parsed) = Schema::parse(&schema.to_string()) else { return Ok(()) };
        let length = bytes.len();
        let table = Table {
            format: Format::Avro(Writer::Schema(Arc::new(parsed))),
            ..avro_table(ORDER, &[("v", kind), ("ts", Type::BigInt)], 1)
        };
        let raw = batch(&[bytes]);
        let decoded = decode(&raw, &table, NOW);
        if let Value::Json(text) = &decoded.row(0)[0] {
            // A null takes no byte and four characters.
            prop_assert!(text.len() <= 400 * (length + 1), "{} from {length}", text.len());
        }
    }

    #[test]
    fn an_order_cut_off_or_changed_anywhere_is_a_row_or_a_rejection(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = order_bytes();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let table = avro_table(ORDER, &[("items", Type::Json), ("user_id", Type::Text), ("ts", Type::Timestamp)], 2);
        let raw = batch(&[bytes]);
        let decoded = decode(&raw, &table, NOW);
        prop_assert!(!cut || decoded.records[0].event_time.is_err());
    }
}

const ORDER: &str = include_str!("../../../../tests/data/avro/order.avsc");

fn order_bytes() -> Vec<u8> {
    let frames: HashMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../../../../tests/data/avro/frames.json")).unwrap();
    let hex = &frames["bare"][0];
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
