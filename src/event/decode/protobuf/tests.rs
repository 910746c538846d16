#![cfg(feature = "protobuf")]

mod random;

use std::sync::Arc;

use prost_reflect::{DescriptorPool, DynamicMessage, prost::Message as _};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    event::{
        Writers, Written, decode, decode_by,
        fixture::{self, NOW, batch},
    },
    sql::{Column, Format, Writer},
    time::Timestamp,
    value::Type,
};

/// A field of every type, absent or not, once, many times and by keys.
const EVERYTHING: &str = r#"
    syntax = "proto3";
    package test;
    import "google/protobuf/any.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/empty.proto";
    import "google/protobuf/field_mask.proto";
    import "google/protobuf/struct.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";

    enum Color { NONE = 0; RED = 1; option allow_alias = true; ROT = 1; MINUS = -1; BLUE = 2; }
    message All {
      int64 ts = 1;
      double a_double = 2; float a_float = 3;
      int32 an_int32 = 4; int64 an_int64 = 5; uint32 a_uint32 = 6; uint64 a_uint64 = 7;
      sint32 a_sint32 = 8; sint64 a_sint64 = 9;
      fixed32 a_fixed32 = 10; fixed64 a_fixed64 = 11; sfixed32 a_sfixed32 = 12; sfixed64 a_sfixed64 = 13;
      bool a_bool = 14; string a_string = 15; bytes some_bytes = 16; Color a_color = 17;
      All itself = 18;
      optional int32 perhaps = 19; optional string perhaps_text = 20;
      repeated int32 numbers = 21; repeated int32 unpacked = 22 [packed = false];
      repeated string texts = 23; repeated All many = 24; repeated Color colors = 25; repeated double reals = 26;
      map<string, int64> by_text = 27; map<int32, All> by_number = 28; map<bool, Color> by_bool = 29;
      oneof either { string left = 30; int64 right = 31; All both = 32; }
      google.protobuf.Timestamp moment = 33; google.protobuf.Duration span = 34;
      google.protobuf.StringValue text_or_null = 35; google.protobuf.Int64Value long_or_null = 36;
      google.protobuf.BoolValue bool_or_null = 37; google.protobuf.BytesValue bytes_or_null = 38;
      google.protobuf.DoubleValue double_or_null = 39; google.protobuf.UInt64Value unsigned_or_null = 40;
      google.protobuf.Struct any_object = 41; google.protobuf.Value any_value = 42;
      google.protobuf.ListValue any_list = 43; google.protobuf.FieldMask mask = 44;
      google.protobuf.Empty nothing = 45; google.protobuf.Any any = 46;
      string camelCase = 47 [json_name = "other"];
    }
"#;
/// What proto3 has not.
const OLD: &str = r#"
    syntax = "proto2";
    message Old {
      required int64 ts = 1; optional int32 n = 2 [default = 7]; repeated int32 many = 3 [packed = true];
      optional group Inner = 4 { optional string name = 1; optional group Deeper = 2 { optional int32 n = 1; } }
    }
"#;

struct One(&'static str);

impl FileResolver for One {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "x" { File::from_source(name, self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

fn pool(text: &'static str) -> DescriptorPool {
    let mut resolver = ChainFileResolver::new();
    resolver.add(One(text));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.open_file("x").unwrap();
    compiler.descriptor_pool()
}

fn message(text: &'static str, name: &str, json: &Json) -> DynamicMessage {
    let descriptor = pool(text).get_message_by_name(name).unwrap();
    DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A value as Protobuf's JSON has it, as the bytes that a serializer makes of it.
fn written(json: &Json) -> Vec<u8> {
    message(EVERYTHING, "test.All", json).encode_to_vec()
}

fn table(format: Format, columns: &[(&str, Type)]) -> Table {
    let ts = columns.iter().position(|(name, _)| *name == "ts").unwrap();
    let columns = columns.iter().map(|(name, kind)| Column::new(*name, *kind, false)).collect();
    Table { columns, format, key: None, event_time: ts, ..fixture::table() }
}

fn of_schema(text: &str, columns: &[(&str, Type)]) -> Table {
    let record = Record::parse(text, None).unwrap();
    table(Format::Protobuf(Writer::Schema(Arc::new(record))), columns)
}

/// What the field of a value is in a column, or why it is none.
fn taken_from(text: &str, bytes: Vec<u8>, field: &str, kind: Type) -> Result<Value<'static>, String> {
    let table = of_schema(text, &[(field, kind), ("ts", Type::BigInt)]);
    let raw = batch(&[bytes]);
    let decoded = decode(&raw, &table, NOW);
    let value = decoded.row(0)[0].clone().into_owned();
    decoded.records[0].event_time.clone().map(|_| value).map_err(|rejection| rejection.reason)
}

fn taken(json: &Json, field: &str, kind: Type) -> Result<Value<'static>, String> {
    taken_from(EVERYTHING, written(json), field, kind)
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

#[test]
fn each_type_goes_where_the_table_says() {
    let time = |millis| Value::Time(Timestamp(millis));
    let iso = "2023-11-14T22:13:20.123456Z";
    let cases = [
        ("a_double", json!(2.5), Type::Double, Value::Float(2.5)),
        ("a_double", json!(4.0), Type::BigInt, Value::Int(4)),
        ("a_double", json!("NaN"), Type::Double, Value::Null),
        ("a_double", json!(1_700_000_000.123_4), Type::Timestamp, time(1_700_000_000_123)),
        ("a_float", json!(0.5), Type::Double, Value::Float(0.5)),
        ("an_int32", json!(-7), Type::BigInt, Value::Int(-7)),
        ("an_int64", json!(i64::MIN), Type::BigInt, Value::Int(i64::MIN)),
        ("an_int64", json!(1_700_000_000_123_i64), Type::Timestamp, time(1_700_000_000_123)),
        ("an_int64", json!(3), Type::Double, Value::Float(3.0)),
        ("a_uint32", json!(u32::MAX), Type::BigInt, Value::Int(u32::MAX.into())),
        ("a_uint64", json!(i64::MAX), Type::BigInt, Value::Int(i64::MAX)),
        ("a_uint64", json!(u64::MAX), Type::Double, Value::Float(18_446_744_073_709_551_615.0)),
        ("a_sint32", json!(i32::MIN), Type::BigInt, Value::Int(i32::MIN.into())),
        ("a_sint64", json!(i64::MIN), Type::BigInt, Value::Int(i64::MIN)),
        ("a_fixed32", json!(u32::MAX), Type::BigInt, Value::Int(u32::MAX.into())),
        ("a_fixed64", json!(5), Type::BigInt, Value::Int(5)),
        ("a_sfixed32", json!(-5), Type::BigInt, Value::Int(-5)),
        ("a_sfixed64", json!(-5), Type::BigInt, Value::Int(-5)),
        ("a_bool", json!(true), Type::Boolean, Value::Bool(true)),
        ("a_string", json!("ä\""), Type::Text, text("ä\"")),
        ("a_string", json!(iso), Type::Timestamp, time(1_700_000_000_123)),
        ("some_bytes", json!("AP8="), Type::Text, text("AP8=")),
        ("a_color", json!("RED"), Type::Text, text("RED")),
        ("a_color", json!("ROT"), Type::Text, text("RED")),
        ("a_color", json!("MINUS"), Type::Text, text("MINUS")),
        ("a_color", json!(9), Type::Text, text("9")),
        ("moment", json!(iso), Type::Timestamp, time(1_700_000_000_123)),
        ("moment", json!("1969-12-31T23:59:59.9999Z"), Type::BigInt, Value::Int(-1)),
        ("text_or_null", json!("x"), Type::Text, text("x")),
        ("text_or_null", json!(""), Type::Text, text("")),
        ("long_or_null", json!(7), Type::BigInt, Value::Int(7)),
        ("bool_or_null", json!(false), Type::Boolean, Value::Bool(false)),
        ("bytes_or_null", json!("AQI="), Type::Text, text("AQI=")),
        ("double_or_null", json!(0.0), Type::Double, Value::Float(0.0)),
        ("perhaps", json!(0), Type::BigInt, Value::Int(0)),
        ("left", json!(""), Type::Text, text("")),
        ("camelCase", json!("c"), Type::Text, text("c")),
        ("other", json!("c"), Type::Text, text("c")),
        ("aString", json!("by its JSON name"), Type::Text, text("by its JSON name")),
    ];
    for (field, value, kind, expected) in cases {
        let name = match field {
            "other" => "camelCase",
            "aString" => "a_string",
            name => name,
        };
        assert_eq!(taken(&json!({ name: value }), field, kind), Ok(expected), "{field} {value} as {kind}");
    }
}

#[test]
fn what_is_absent_is_null_and_what_cannot_be_absent_is_zero() {
    let cases = [
        ("an_int64", Type::BigInt, Value::Int(0)),
        ("a_uint64", Type::BigInt, Value::Int(0)),
        ("a_double", Type::Double, Value::Float(0.0)),
        ("a_bool", Type::Boolean, Value::Bool(false)),
        ("a_string", Type::Text, text("")),
        ("some_bytes", Type::Text, text("")),
        ("a_color", Type::Text, text("NONE")),
        ("numbers", Type::Json, Value::Json("[]".into())),
        ("by_text", Type::Json, Value::Json("{}".into())),
        ("perhaps", Type::BigInt, Value::Null),
        ("perhaps_text", Type::Text, Value::Null),
        ("left", Type::Text, Value::Null),
        ("right", Type::Json, Value::Null),
        ("moment", Type::Timestamp, Value::Null),
        ("text_or_null", Type::Text, Value::Null),
        ("itself", Type::Json, Value::Null),
        ("any_value", Type::Json, Value::Null),
        ("no_such_field", Type::Text, Value::Null),
    ];
    for (field, kind, expected) in cases {
        assert_eq!(taken(&json!({ "ts": 5 }), field, kind), Ok(expected), "{field}");
    }
    assert_eq!(taken(&json!({ "any_value": null }), "any_value", Type::Json), Ok(Value::Null));
}

#[test]
fn what_does_not_fit_its_column_is_told_with_what_was_found() {
    let cases = [
        (
            json!({ "a_uint64": u64::MAX }),
            "a_uint64",
            Type::BigInt,
            "the uint64 18446744073709551615, expected BIGINT",
        ),
        (
            json!({ "unsigned_or_null": u64::MAX }),
            "unsigned_or_null",
            Type::BigInt,
            "the uint64 18446744073709551615",
        ),
        (json!({ "a_string": "soon" }), "a_string", Type::BigInt, "the string \"soon\", expected BIGINT"),
        (
            json!({ "a_string": "soon" }),
            "a_string",
            Type::Timestamp,
            "the string \"soon\", expected TIMESTAMP",
        ),
        (json!({ "a_double": 2.5 }), "a_double", Type::BigInt, "the double 2.5, expected BIGINT"),
        (json!({ "an_int64": 7 }), "an_int64", Type::Text, "the int64 7, expected TEXT"),
        (json!({ "some_bytes": "AQ==" }), "some_bytes", Type::Double, "the bytes \"AQ==\", expected DOUBLE"),
        (json!({ "a_color": "RED" }), "a_color", Type::BigInt, "the enum \"RED\", expected BIGINT"),
        (json!({ "numbers": [1] }), "numbers", Type::Text, "a list, expected TEXT"),
        (json!({ "ts": 5 }), "by_text", Type::Text, "a map, expected TEXT"),
        (json!({ "itself": {} }), "itself", Type::Text, "a message test.All, expected TEXT"),
    ];
    for (value, field, kind, expected) in cases {
        let reason = taken(&value, field, kind).unwrap_err();
        assert!(reason.starts_with(&format!("column \"{field}\": found {expected}")), "{reason}");
    }
}

#[test]
fn messages_lists_and_maps_are_the_json_that_protobuf_says() {
    let cases = [
        ("by_text", json!({ "b": 2, "a": "-9007199254740993" }), r#"{"a":"-9007199254740993","b":"2"}"#),
        ("by_bool", json!({ "true": "RED", "false": 5 }), r#"{"false":5,"true":"RED"}"#),
        ("numbers", json!([1, -2, 3]), "[1,-2,3]"),
        ("unpacked", json!([1, -2]), "[1,-2]"),
        ("reals", json!([0.1, "Infinity", "-Infinity", "NaN"]), r#"[0.1,"Infinity","-Infinity","NaN"]"#),
        ("colors", json!(["RED", "NONE"]), r#"["RED","NONE"]"#),
        ("a_float", json!(0.1), "0.1"),
        ("a_fixed64", json!(7), "\"7\""),
        ("span", json!("-1.500s"), "\"-1.500s\""),
        ("moment", json!("2023-11-14T22:13:20.000001Z"), "\"2023-11-14T22:13:20.000001Z\""),
        ("mask", json!("aB,c.dE"), "\"aB,c.dE\""),
        (
            "any_object",
            json!({ "b": [1, null, "x"], "a": { "c": true } }),
            r#"{"a":{"c":true},"b":[1.0,null,"x"]}"#,
        ),
        ("any_list", json!([{}, []]), "[{},[]]"),
        ("any_value", json!("v"), "\"v\""),
        ("nothing", json!({}), "{}"),
    ];
    for (field, value, expected) in cases {
        let found = taken(&json!({ field: value }), field, Type::Json);
        assert_eq!(found, Ok(Value::Json(expected.into())), "{field}");
    }
    let any = json!({ "@type": "type.googleapis.com/google.protobuf.Empty", "value": {} });
    let found = taken(&json!({ "any": any }), "any", Type::Json).unwrap();
    let expected = r#"{"typeUrl":"type.googleapis.com/google.protobuf.Empty","value":""}"#;
    assert_eq!(found, Value::Json(expected.into()));
}

#[test]
fn of_a_field_that_stands_twice_the_last_counts_and_messages_are_merged() {
    let join = |parts: &[Json]| parts.iter().flat_map(written).collect::<Vec<_>>();
    let of = |parts: &[Json], field, kind| taken_from(EVERYTHING, join(parts), field, kind);
    let two = [json!({ "an_int32": 1, "left": "l" }), json!({ "an_int32": 2, "right": 3 })];
    assert_eq!(of(&two, "an_int32", Type::BigInt), Ok(Value::Int(2)));
    assert_eq!(of(&two, "left", Type::Text), Ok(Value::Null));
    assert_eq!(of(&two, "right", Type::BigInt), Ok(Value::Int(3)));
    let wrapped = [json!({ "text_or_null": "a" }), json!({ "text_or_null": "b" })];
    assert_eq!(of(&wrapped, "text_or_null", Type::Text), Ok(text("b")));
    let moments =
        [json!({ "moment": "1970-01-01T00:00:01Z" }), json!({ "moment": "1970-01-01T00:00:00.5Z" })];
    assert_eq!(of(&moments, "moment", Type::BigInt), Ok(Value::Int(1500)));
    let lists = [json!({ "numbers": [1], "unpacked": [1] }), json!({ "numbers": [2, 3], "unpacked": [2] })];
    assert_eq!(of(&lists, "numbers", Type::Json), Ok(Value::Json("[1,2,3]".into())));
    assert_eq!(of(&lists, "unpacked", Type::Json), Ok(Value::Json("[1,2]".into())));
    let maps = [json!({ "by_text": { "k": 1 } }), json!({ "by_text": { "k": 2 } })];
    assert_eq!(of(&maps, "by_text", Type::Json), Ok(Value::Json(r#"{"k":"2"}"#.into())));
    // A member of a `oneof` that another one came before is whole by itself.
    let both = [
        json!({ "both": { "an_int32": 1 } }),
        json!({ "left": "l" }),
        json!({ "both": { "perhaps": 2 } }),
        json!({ "both": { "a_bool": true } }),
    ];
    let Ok(Value::Json(found)) = of(&both, "both", Type::Json) else { panic!() };
    let found: Json = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["anInt32"], &found["perhaps"], &found["aBool"]), (&json!(0), &json!(2), &json!(true)));
}

#[test]
fn proto2_is_read_too() {
    let value = json!({ "ts": "5", "many": [1, 2], "inner": { "name": "x", "deeper": { "n": 3 } } });
    let bytes = message(OLD, "Old", &value).encode_to_vec();
    let of = |field, kind| taken_from(OLD, bytes.clone(), field, kind);
    assert_eq!(of("n", Type::BigInt), Ok(Value::Null));
    assert_eq!(of("many", Type::Json), Ok(Value::Json("[1,2]".into())));
    assert_eq!(of("inner", Type::Json), Ok(Value::Json(r#"{"name":"x","deeper":{"n":3}}"#.into())));
}

#[test]
fn bytes_that_are_not_of_the_schema_are_rejected_and_take_nothing_with_them() {
    let good = written(&json!({ "ts": 5, "a_string": "abc" }));
    let group = |number: u8| (number << 3) | 3;
    let values = [
        good[..good.len() - 1].to_vec(),
        vec![0x08],
        vec![0x00],
        vec![0x0f, 1],
        vec![0x7a, 1, 0xff],
        vec![0x0a, 1, 1],
        vec![0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        vec![group(1)],
        vec![group(1); 100],
        vec![group(1), 0x14],
        Vec::new(),
        good,
    ];
    let expected = [
        "before byte 4: a length of 3, which the rest does not have",
        "before byte 1: ends in the middle of a value",
        "before byte 1: 0, which no field begins with",
        "before byte 1: 15, which no field begins with",
        "field \"a_string\": a text that is no UTF-8",
        "field \"ts\": written as bytes behind their length, which the schema does not say",
        "before byte 11: a number that is too large for its type",
        "before byte 1: ends in the middle of a value",
        "before byte 65: nested deeper than 64",
        "before byte 2: 20, which no field begins with",
        "empty value (tombstone)",
    ];
    let raw = batch(&values);
    let table = of_schema(EVERYTHING, &[("a_string", Type::Text), ("ts", Type::BigInt)]);
    let decoded = decode(&raw, &table, NOW);
    for (record, expected) in decoded.records.iter().zip(expected) {
        let reason = record.event_time.clone().unwrap_err().reason;
        let reason = reason.strip_prefix("not Protobuf of its schema: ").unwrap_or(&reason);
        assert_eq!(reason, expected);
    }
    assert_eq!(decoded.records[11].event_time, Ok(Timestamp(5)));
    assert_eq!(decoded.row(11)[0], text("abc"));
}

#[test]
fn times_that_are_none_are_told() {
    // 1000000000 nanoseconds; and a second after the year 9999.
    let nanos = [&[0x8a, 2, 6, 0x10][..], &[0x80, 0x94, 0xeb, 0xdc, 3]].concat();
    let late = [&[0x8a, 2, 7, 0x08][..], &[0x80, 0xfc, 0xea, 0xc1, 0xaf, 0x3a]].concat();
    for bytes in [nanos, late] {
        for kind in [Type::Timestamp, Type::BigInt, Type::Json] {
            let reason = taken_from(EVERYTHING, bytes.clone(), "moment", kind).unwrap_err();
            let expected =
                "not Protobuf of its schema: field \"moment\": a Timestamp or Duration out of range";
            assert_eq!(reason, expected, "{kind}");
        }
    }
}

#[test]
fn a_value_is_no_deeper_and_no_larger_than_is_good() {
    let mut deep = Vec::new();
    for _ in 0..100 {
        let mut outer = vec![0x92, 1];
        prost_reflect::prost::encoding::encode_varint(deep.len() as u64, &mut outer);
        outer.append(&mut deep);
        deep = outer;
    }
    let reason = taken_from(EVERYTHING, deep, "itself", Type::Json).unwrap_err();
    assert_eq!(reason, "not Protobuf of its schema: field \"itself\": nested deeper than 64");
    let many = [0x92, 1, 0].repeat(MAX_VALUES + 1);
    let reason = taken_from(EVERYTHING, many, "no_such_field", Type::Json).unwrap_err();
    assert!(reason.ends_with("more than 1048576 values"), "{reason}");
    // Each message of no bytes is one of some hundred characters.
    let empty = [0xc2, 1, 0].repeat(100_000);
    let reason = taken_from(EVERYTHING, empty, "many", Type::Json).unwrap_err();
    assert_eq!(reason, "not Protobuf of its schema: field \"many\": more than 16777216 bytes as JSON");
}

#[test]
fn the_frame_names_the_message() {
    let schema = Schema::parse_with(
        [],
        "syntax = \"proto3\"; message B { message A { int64 ts = 1; } } message C { int64 ts = 2; }",
    );
    let schema = Arc::new(schema.unwrap());
    let ids = [SchemaId::Number(1), SchemaId::Uuid(uuid::Uuid::from_bytes([7; 16]))];
    let mut writers = Writers::default();
    for id in ids {
        writers.insert(id, Ok(Written::Protobuf(Arc::clone(&schema))));
    }
    let read = |writer, frame: &[u8], message: &[u8]| {
        let raw = batch(&[[frame, message].concat()]);
        let table = table(Format::Protobuf(writer), &[("ts", Type::BigInt)]);
        let decoded = decode_by(&raw, &table, &writers, NOW);
        decoded.records[0].event_time.clone().map(|at| at.0).map_err(|rejection| rejection.reason)
    };
    let confluent = |indexes: &[u8]| {
        let frame = [&[0, 0, 0, 0, 1][..], indexes].concat();
        [read(Writer::Confluent, &frame, &[0x08, 5]), read(Writer::Confluent, &frame, &[0x10, 6])]
    };
    let nothing = || Ok(0);
    // The first message has no field: its record has no event time.
    assert!(confluent(&[0])[0].as_ref().unwrap_err().starts_with("column \"ts\": missing"));
    assert_eq!(confluent(&[4, 0, 0]), [Ok(5), nothing()]);
    assert_eq!(confluent(&[2, 2]), [nothing(), Ok(6)]);
    let nameless = "no message of its schema is named behind the frame: ";
    let reasons = [
        (&[2, 8][..], "the schema has none at [4] (schema 1)"),
        (&[6, 0, 0, 0], "the schema has none at [0, 0, 0] (schema 1)"),
        (&[1], "more places than messages are nested deep (schema 1)"),
        (&[0x80, 0x02], "more places than messages are nested deep (schema 1)"),
        (&[2, 1], "the schema has none at [18446744073709551615] (schema 1)"),
    ];
    for (indexes, expected) in reasons {
        assert_eq!(confluent(indexes)[0], Err(format!("{nameless}{expected}")));
    }
    let ends = read(Writer::Confluent, &[0, 0, 0, 0, 1], &[]);
    assert_eq!(ends, Err(format!("{nameless}ends in the middle of a value (schema 1)")));
    let glue =
        |index: u8, message: &[u8]| read(Writer::Glue, &[&[3, 0][..], &[7; 16], &[index]].concat(), message);
    // B, B.A, C.
    assert_eq!([glue(1, &[0x08, 5]), glue(2, &[0x10, 6])], [Ok(5), Ok(6)]);
    assert!(glue(3, &[]).unwrap_err().starts_with(&format!("{nameless}the schema has none at 3")));
}
