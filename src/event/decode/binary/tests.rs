use std::{collections::HashMap, sync::Arc};

use super::*;
use crate::{
    avro::Schema,
    event::{
        Batch, decode, decode_by,
        fixture::{self, NOW, batch},
    },
    sql::Column,
    value::Type,
};

/// As the registries' own serializers made them; see `tests/data/avro/make.py`.
fn frames(name: &str) -> Vec<Vec<u8>> {
    let all: HashMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../../../../tests/data/avro/frames.json")).unwrap();
    let bytes = |hex: &String| {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    all[name].iter().map(bytes).collect()
}

const ORDER: &str = include_str!("../../../../tests/data/avro/order.avsc");
const GLUE_ID: &str = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";

fn orders(writer: Writer<Schema>) -> Table {
    let column = |(name, kind)| Column::new(name, kind, true);
    let mut columns: Vec<_> = [
        ("order_id", Type::Text),
        ("user_id", Type::Text),
        ("ts", Type::Timestamp),
        ("status", Type::Text),
        ("amount", Type::Double),
        ("weight", Type::Double),
        ("quantity", Type::BigInt),
        ("gift", Type::Boolean),
        ("due", Type::Text),
        ("digest", Type::Text),
        ("items", Type::Json),
        ("labels", Type::Json),
    ]
    .map(column)
    .into();
    columns[5].not_null = false;
    Table { columns, format: Format::Avro(writer), key: None, event_time: 2, ..fixture::table() }
}

fn knowing(id: SchemaId) -> Writers {
    let mut writers = Writers::default();
    writers.insert(id, Ok(Written::Avro(Arc::new(Schema::parse(ORDER).unwrap()))));
    writers
}

fn assert_orders(decoded: &Batch<'_>) {
    for record in &decoded.records {
        assert!(record.event_time.is_ok(), "{:?}", record.event_time);
    }
    let labels = decoded.row(0)[11].clone().into_owned();
    let Value::Json(labels) = labels else { panic!("{labels:?}") };
    let labels: serde_json::Value = serde_json::from_str(&labels).unwrap();
    assert_eq!(labels, serde_json::json!({"a": "ä", "b": 7, "c": null}));
    let items = r#"[{"product_id":"p\"1\"","price":9.75,"again":null},{"product_id":"p2","price":-1.0,"again":{"product_id":"p3","price":0.0,"again":null}}]"#;
    let first = [
        Value::text("0b7ff6a1-0a5c-4a3f-9d0e-0a6d52f1c111"),
        Value::text("u1"),
        Value::Time(Timestamp(1_700_000_000_123)),
        Value::text("paid"),
        Value::Float(1_234_567.89),
        Value::Float(2.5),
        Value::Int(3),
        Value::Bool(true),
        Value::text("2023-12-24"),
        Value::text("AP8QgA=="),
        Value::Json(items.into()),
    ];
    assert_eq!(decoded.row(0)[..11], first);
    let second = [
        Value::text("7d444840-9dc0-41d1-b245-5ffdce74fad2"),
        Value::text("użytkownik"),
        Value::Time(Timestamp(-1)),
        Value::text("created"),
        Value::Float(-0.05),
        Value::Null,
        Value::Int(i64::from(i32::MIN)),
        Value::Bool(false),
        Value::text("1969-12-31"),
        Value::text("YWJjZA=="),
        Value::Json("[]".into()),
        Value::Json("{}".into()),
    ];
    assert_eq!(decoded.row(1), second);
}

#[test]
fn bare_avro_is_read_by_the_schema_of_the_sql() {
    let table = orders(Writer::Schema(Arc::new(Schema::parse(ORDER).unwrap())));
    assert_orders(&decode(&batch(&frames("bare")), &table, NOW));
}

#[test]
fn confluents_frames_are_read_by_the_schema_that_they_name() {
    let writers = knowing(SchemaId::Number(1));
    let table = orders(Writer::Confluent);
    let raw = batch(&frames("confluent"));
    assert_eq!(needed(&raw, &table), [SchemaId::Number(1)]);
    assert_orders(&decode_by(&raw, &table, &writers, NOW));
}

#[test]
fn glues_frames_are_read_compressed_or_not() {
    let id = SchemaId::Uuid(GLUE_ID.parse().unwrap());
    let writers = knowing(id);
    let table = orders(Writer::Glue);
    for name in ["glue", "glue_zlib"] {
        let raw = batch(&frames(name));
        assert_eq!(needed(&raw, &table), [id]);
        assert_orders(&decode_by(&raw, &table, &writers, NOW));
    }
}

#[test]
fn the_frame_before_json_is_passed_over_whatever_schema_it_names() {
    let columns = ["user_id", "product_id"].map(|name| Column::new(name, Type::Text, true));
    let columns = columns.into_iter().chain([Column::new("ts", Type::Timestamp, true)]).collect();
    let table = Table { columns, key: None, event_time: 2, ..fixture::table() };
    let json = br#"{"user_id":"u1","product_id":"p1","ts":1700000000123}"#;
    let uuid = [0xff; 16];
    let glue = [&[3, 0], &uuid[..], json].concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, json).unwrap();
    let zlib = [&[3, 5], &uuid[..], &zlib.finish().unwrap()].concat();
    let large_id = [&[0, 0xff, 0xfe, 0xfd, 0xfc], &json[..]].concat();
    let values = [json.to_vec(), frames("confluent_json").remove(0), large_id, glue, zlib];
    let raw = batch(&values);
    assert!(needed(&raw, &table).is_empty());
    let decoded = decode(&raw, &table, NOW);
    for (index, value) in values.iter().enumerate() {
        assert_eq!(decoded.records[index].event_time, Ok(Timestamp(1_700_000_000_123)), "{index}");
        assert_eq!(decoded.row(index)[..2], [Value::text("u1"), Value::text("p1")]);
        assert_eq!(decoded.records[index].raw, value);
    }
    let broken = batch(&[[&[0, 0, 0, 0, 1], &b"{"[..]].concat(), vec![0, 0]]);
    let decoded = decode(&broken, &table, NOW);
    let reasons = decoded.records.iter().map(|record| record.event_time.clone().unwrap_err().reason);
    let reasons: Vec<_> = reasons.collect();
    assert!(reasons[0].starts_with("not a JSON object: "), "{reasons:?}");
    assert!(reasons[1].starts_with("ends at byte 2 of the frame"), "{reasons:?}");
}

#[test]
fn json_goes_beside_avro_in_frames() {
    let table = orders(Writer::Confluent);
    let json = br#"{"order_id":"o","user_id":"u","ts":7,"status":"paid","amount":1,"quantity":1,"gift":true,"due":"x","digest":"x","items":[],"labels":{}}"#;
    let values = [frames("confluent").remove(0), json.to_vec(), frames("confluent").remove(1)];
    let raw = batch(&values);
    let writers = knowing(SchemaId::Number(1));
    let decoded = decode_by(&raw, &table, &writers, NOW);
    let times: Vec<_> = decoded.records.iter().map(|record| record.event_time.clone().unwrap()).collect();
    assert_eq!(times, [Timestamp(1_700_000_000_123), Timestamp(7), Timestamp(-1)]);
}

#[test]
fn what_cannot_be_read_names_its_schema() {
    let table = orders(Writer::Confluent);
    let mut frames = frames("confluent");
    let mut cut = frames.remove(0);
    cut.truncate(40);
    let other = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"user_id\",\"type\":\"int\"},{\"name\":\"ts\",\"type\":\"long\"}]}";
    let mut writers = knowing(SchemaId::Number(1));
    writers.insert(SchemaId::Number(2), Ok(Written::Avro(Arc::new(Schema::parse(other).unwrap()))));
    writers.insert(
        SchemaId::Number(3),
        Err("unknown schema 3: the schema registry does not have it".to_owned()),
    );
    let framed = |id: u8, bytes: &[u8]| [&[0, 0, 0, 0, id], bytes].concat();
    let glue = [&[3, 0], &[7; 16][..], b"x"].concat();
    let values = [cut, framed(2, &[14, 10]), framed(3, b"x"), framed(4, b"x"), glue, b"Obj".to_vec()];
    let raw = batch(&values);
    let decoded = decode_by(&raw, &table, &writers, NOW);
    let found: Vec<_> =
        decoded.records.iter().map(|record| *record.event_time.clone().unwrap_err()).collect();
    let expected = [
        "not Avro of its schema: field \"order_id\", before byte 1: a length of 36, which the rest does not have (schema 1)",
        "column \"user_id\": found the int 7, expected TEXT (schema 2)",
        "unknown schema 3: the schema registry does not have it",
        "schema 4 was not looked up: there is no schema registry here",
        "in the frame of another registry (schema 07070707-0707-0707-0707-070707070707)",
        "not a JSON object: found `O` at byte 0, expected an object",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.reason, expected);
    }
    // It could be read at least: it moves the watermark.
    assert_eq!(found[1].event_time, Some(Timestamp(5)));
}
