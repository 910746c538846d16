#![cfg(feature = "protobuf")]

use super::*;
use crate::value::Type;

const ORDER: &str = r#"
    syntax = "proto3";
    package shop;
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";
    import "confluent/meta.proto";
    import "shop/item.proto";

    message Zebra {}
    message Order {
      option (confluent.message_meta) = { doc: "{ an order }" };
      map<string, int64> labels = 7;
      enum Status { CREATED = 0; PAID = 1; }
      message Line { message Deep {} shop.Item item = 1; }
      string user_id = 1;
      Status status = 2;
      google.protobuf.Timestamp at = 3;
      google.protobuf.StringValue note = 4;
      repeated Line lines = 5;
      optional int32 weight = 6;
      oneof paid { string card = 8; double cash = 9; }
    }
"#;
const ITEM: &str = r#"syntax = "proto2"; package shop; message Item { required bytes id = 1; optional group Size = 2 { optional fixed64 width = 1; } }"#;

fn order() -> Schema {
    Schema::parse_with([("shop/item.proto", ITEM)], ORDER).unwrap()
}

fn field<'s>(schema: &'s Schema, message: &str, name: &str) -> &'s Field {
    let message = schema.messages.iter().find(|each| each.name == message).unwrap();
    message.fields.iter().find(|field| field.names().contains(&name)).unwrap()
}

fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

fn reason(text: &str) -> String {
    Schema::parse_with([], text).unwrap_err().to_string()
}

#[test]
fn a_file_and_what_it_imports_become_messages() {
    let schema = order();
    let name = |name| schema.name(field(&schema, "shop.Order", name));
    assert_eq!(name("userId"), "string");
    assert_eq!(name("labels"), "map<string, int64>");
    assert_eq!(name("lines"), "repeated shop.Order.Line");
    assert_eq!(name("at"), "google.protobuf.Timestamp");
    assert_eq!(name("status"), "enum");
    let is_optional = |name| field(&schema, "shop.Order", name).is_optional;
    assert!(!is_optional("user_id") && !is_optional("lines") && !is_optional("labels"));
    assert!(is_optional("weight") && is_optional("at") && is_optional("card"));
    let oneof = |name| field(&schema, "shop.Order", name).oneof;
    assert_eq!((oneof("card"), oneof("weight")), (Some(0), None));
    assert_eq!(oneof("cash"), oneof("card"));
    assert!(field(&schema, "shop.Item", "id").is_optional);
    assert!(matches!(field(&schema, "shop.Item", "size").kind, Kind::Group(_)));
}

#[test]
fn a_message_is_found_where_serializers_say_that_it_is() {
    let schema = order();
    let at_path = |path: &[usize]| schema.at_path(path).map(|id| schema.message(id).name.clone());
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(at_path(&[0]), named("shop.Zebra"));
    assert_eq!(at_path(&[1]), named("shop.Order"));
    // The map's entries are declared before it, and do not count.
    assert_eq!(at_path(&[1, 0]), named("shop.Order.Line"));
    assert_eq!(at_path(&[1, 0, 0]), named("shop.Order.Line.Deep"));
    for path in [&[][..], &[2], &[1, 1], &[1, 0, 1], &[usize::MAX]] {
        assert_eq!(at_path(path), None, "{path:?}");
    }
    let by_index: Vec<_> = (0..).map_while(|index| schema.at_index(index)).collect();
    let by_index: Vec<_> = by_index.iter().map(|id| schema.message(*id).name.as_str()).collect();
    // Glue counts the map's entries too.
    let expected =
        ["shop.Order", "shop.Order.LabelsEntry", "shop.Order.Line", "shop.Order.Line.Deep", "shop.Zebra"];
    assert_eq!(by_index, expected);
}

#[test]
fn a_field_feeds_columns_of_its_types() {
    let schema = order();
    let types = [Type::Text, Type::BigInt, Type::Double, Type::Boolean, Type::Timestamp];
    let fits = |name: &str| {
        let field = field(&schema, "shop.Order", name);
        assert!(schema.fits(field, Type::Json));
        types.into_iter().filter(|kind| schema.fits(field, *kind)).collect::<Vec<_>>()
    };
    assert_eq!(fits("user_id"), [Type::Text, Type::Timestamp]);
    assert_eq!(fits("note"), [Type::Text, Type::Timestamp]);
    assert_eq!(fits("status"), [Type::Text]);
    assert_eq!(fits("at"), [Type::BigInt, Type::Timestamp]);
    assert_eq!(fits("weight"), [Type::BigInt, Type::Double, Type::Timestamp]);
    assert_eq!(fits("cash"), fits("weight"));
    assert!(fits("lines").is_empty() && fits("labels").is_empty());
}

#[test]
fn what_is_no_schema_is_told_with_its_place() {
    let unknown = reason("syntax = \"proto3\";\nmessage A {\n  flot b = 1;\n}");
    assert!(unknown.starts_with("schema:3:3: "), "{unknown}");
    assert!(unknown.contains("'flot' is not defined"), "{unknown}");
    assert!(reason("message {").starts_with("schema:1:9: expected"), "{}", reason("message {"));
    let missing = reason("syntax = \"proto3\";\nimport \"shop/item.proto\";");
    assert_eq!(missing, "schema:2:1: import 'shop/item.proto' not found");
    let circle = Schema::parse_with([("a", "import \"b\";"), ("b", "import \"a\";")], "import \"a\";");
    assert!(circle.unwrap_err().to_string().contains("import cycle detected"));
}

#[test]
fn the_message_is_named_where_there_are_several() {
    let of =
        |message| Record::parse("message A { message B { optional int32 n = 1; } } message C {}", message);
    assert_eq!(of(Some("B")).unwrap().fields()[0].name, "n");
    assert_eq!(of(Some("A.B")).unwrap(), of(Some("B")).unwrap());
    let several = of(None).unwrap_err().to_string();
    assert_eq!(several, "it has several messages; expected message = '...' with one of A, A.B, C");
    let unknown = of(Some("D")).unwrap_err().to_string();
    assert_eq!(unknown, "it has no message D; expected one of A, A.B, C");
    assert_eq!(Record::parse("", None).unwrap_err().to_string(), "it has no message");
    assert!(Record::parse("message A { message B {} }", None).is_ok());
}

#[test]
fn a_file_is_no_deeper_and_no_larger_than_is_good() {
    let deep = format!("message A {{ option (x) = {}{}; }}", "{ y ".repeat(100), "}".repeat(100));
    assert_eq!(reason(&deep), "schema: nested deeper than 64");
    let nested = format!("{}{}", "message A { ".repeat(40), "}".repeat(40));
    assert!(reason(&nested).contains("recursion limit"), "{}", reason(&nested));
    let fields = each(18_999, |number| format!("optional int32 f{number} = {};", number + 1));
    assert!(Schema::parse_with([], &format!("message A {{ {fields} }}")).is_ok());
    let symbols = each(20_000, |number| format!("S{number} = {number};"));
    assert!(reason(&format!("enum E {{ {symbols} }}")).starts_with("more than 20000 messages, fields"));
    let long = reason(&" ".repeat((1 << 20) + 1));
    assert_eq!(long, "schema: 1048577 bytes; expected at most 1048576");
}
