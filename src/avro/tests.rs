use super::*;
use crate::value::Type;

fn reason(text: &str) -> String {
    Schema::parse(text).unwrap_err().to_string()
}

fn record(field: &str) -> Result<Schema, SchemaError> {
    Schema::parse(&format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":"long"}},{{"name":"f","type":{field}}}]}}"#
    ))
}

fn node(field: &str) -> Node {
    let schema = record(field).unwrap();
    schema.node(schema.fields()[1].node).clone()
}

#[test]
fn logical_types_are_what_they_say_where_they_fit() {
    let cases = [
        (r#"{"type":"long","logicalType":"timestamp-millis"}"#, Node::Timestamp(Unit::Millis)),
        (r#"{"type":"long","logicalType":"local-timestamp-micros"}"#, Node::Timestamp(Unit::Micros)),
        (r#"{"type":"long","logicalType":"timestamp-nanos"}"#, Node::Timestamp(Unit::Nanos)),
        (r#"{"type":"int","logicalType":"date"}"#, Node::Date),
        (r#"{"type":"int","logicalType":"time-millis"}"#, Node::Int),
        (r#"{"type":"string","logicalType":"uuid"}"#, Node::String),
        (r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#, Node::Uuid),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
            Node::Decimal { scale: 2, size: None },
        ),
        (
            r#"{"type":"fixed","name":"D","size":5,"logicalType":"decimal","precision":4}"#,
            Node::Decimal { scale: 0, size: Some(5) },
        ),
        // To be ignored, says the specification.
        (r#"{"type":"string","logicalType":"date"}"#, Node::String),
        (r#"{"type":"bytes","logicalType":"decimal","precision":1,"scale":2}"#, Node::Bytes),
        (r#"{"type":"bytes","logicalType":"decimal"}"#, Node::Bytes),
        (r#"{"type":{"type":"double"}}"#, Node::Double),
    ];
    for (field, expected) in cases {
        assert_eq!(node(field), expected, "{field}");
    }
}

#[test]
fn a_type_is_named_by_its_namespace_or_in_full() {
    let schema = Schema::parse(
        r#"{"type":"record","name":"a.b.Outer","fields":[
            {"name":"in","type":{"type":"record","name":"Inner","namespace":"c","fields":[
                {"name":"own","type":["null","Inner"]},{"name":"outer","type":["null","a.b.Outer"]}]}},
            {"name":"again","type":"c.Inner"},
            {"name":"self","type":["null","Outer"]}]}"#,
    )
    .unwrap();
    let fields = schema.fields();
    assert_eq!(fields[0].node, fields[1].node);
    assert_eq!(schema.name(fields[2].node), "union of null and record");
    assert!(schema.is_nullable(fields[2].node) && !schema.is_nullable(fields[0].node));
    let unknown =
        r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"array","items":"Inner"}}]}"#;
    assert!(
        reason(unknown).starts_with("at f: unknown type \"Inner\"; expected null, boolean"),
        "{}",
        reason(unknown)
    );
}

#[test]
fn types_of_other_schemas_are_known_by_their_names() {
    let item = r#"{"type":"record","name":"shop.Item","fields":[{"name":"id","type":"shop.Id"}]}"#;
    let id = r#"{"type":"fixed","name":"shop.Id","size":4}"#;
    let order = r#"{"type":"record","name":"shop.Order","fields":[{"name":"item","type":"Item"}]}"#;
    let schema = Schema::parse_with([id, item], order).unwrap();
    assert_eq!(schema.name(schema.fields()[0].node), "record");
    assert!(Schema::parse_with([item], order).is_err());
}

#[test]
fn what_is_no_schema_is_told_with_its_place() {
    assert!(reason("{").starts_with("not JSON: "));
    assert_eq!(reason("\"string\""), "found a string; expected a record");
    assert_eq!(reason(r#"{"type":"enum","name":"E","symbols":["A"]}"#), "found an enum; expected a record");
    let told = |field: &str| record(field).unwrap_err().to_string();
    assert!(told("\"flot\"").starts_with("at f: unknown type \"flot\"; expected null, boolean, int"));
    assert!(told("7").starts_with("at f: found 7; expected null"));
    assert_eq!(told("[]"), "at f: a union has branches, none of which is a union");
    assert_eq!(told(r#"["null",["int"]]"#), "at f: a union has branches, none of which is a union");
    assert_eq!(told(r#"{"type":"fixed","name":"F"}"#), "at f: a fixed without a \"size\" from 0 to 1048576");
    assert_eq!(told(r#"{"type":"array"}"#), "at f: no \"items\"; expected a schema there");
    assert_eq!(told(r#"{"type":"enum","name":"E"}"#), "at f: an enum without \"symbols\"");
    assert_eq!(told(r#"{"name":"E"}"#), "at f: an object without \"type\"");
    let twice =
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#;
    assert_eq!(reason(twice), "field \"a\" stands twice");
    let inner = r#"{"type":"record","name":"S","fields":[{"name":"deep","type":"R2"}]}"#;
    assert!(told(inner).starts_with("at f.deep: unknown type \"R2\""));
}

#[test]
fn a_schema_is_no_deeper_and_no_larger_than_is_good() {
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100), "}".repeat(100));
    assert!(record(&deep).unwrap_err().reason.starts_with("nested deeper than 64"));
    let wide = vec!["\"int\""; 25_000].join(",");
    assert!(record(&format!("[{wide}]")).unwrap_err().reason.starts_with("more than 20000 types"));
    let long = format!("\"{}\"", " ".repeat(1 << 20));
    assert!(record(&long).unwrap_err().reason.ends_with("expected at most 1048576"));
}

#[test]
fn a_union_fits_where_a_branch_but_null_does() {
    let schema = record(r#"["null","string",{"type":"array","items":"int"}]"#).unwrap();
    let field = schema.fields()[1].node;
    assert!(schema.fits(field, Type::Text) && schema.fits(field, Type::Json));
    assert!(!schema.fits(field, Type::BigInt));
    let nothing = record(r#"["null"]"#).unwrap();
    assert!(!nothing.fits(nothing.fields()[1].node, Type::Text));
}
