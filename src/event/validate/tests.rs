//! Events that fit their tables, and others.

use super::*;
use crate::{
    avro::Schema,
    event::fixture::{NOW, table},
    sql::{Hole, Writer},
};

#[test]
fn an_event_that_fits_gives_its_key_and_time() {
    let json = br#"{"id":"e1","product":"p\u0031","ts":1699999999811}"#;
    let expected = Validated { key: Some(b"p1".to_vec()), event_time: Timestamp(1_699_999_999_811) };
    assert_eq!(validate(&table(), json, NOW), Ok(expected));
}

#[test]
fn keys_of_every_type_are_rendered() {
    let json = br#"{"product":"p","ts":1,"n":-7,"x":0.5,"ok":true,"at":"1970-01-01","extra":{"a": 1}}"#;
    let columns = [("n", "-7"), ("x", "0.5"), ("ok", "true"), ("at", "0"), ("extra", "{\"a\": 1}")];
    for (name, key) in columns {
        let mut table = table();
        table.key = table.columns.iter().position(|column| column.name == name);
        let validated = validate(&table, json, NOW).expect("it fits");
        assert_eq!(validated.key.as_deref(), Some(key.as_bytes()), "{name}");
    }
}

/// The fixture's table with defaults for what an event may lack.
fn generous() -> Table {
    let mut table = table();
    let constant = |json: &str| Some(Fallback::Constant(json.to_owned()));
    let fallbacks = [
        ("id", Some(Fallback::Uuid)),
        ("product", constant("\"p\\u0030\"")),
        ("n", constant("-7")),
        ("ok", constant("true")),
        ("at", Some(Fallback::Now)),
        ("ts", Some(Fallback::Now)),
    ];
    for (name, fallback) in fallbacks {
        table.columns.iter_mut().find(|column| column.name == name).expect("a column").fallback = fallback;
    }
    table
}

fn take(table: &Table, event: &str) -> Result<(String, Validated, Option<String>), Refusal> {
    let taken = Validator::new(table, NOW).take(event.as_bytes(), &mut Uuid::nil)?;
    Ok((String::from_utf8(taken.record.into_owned()).expect("UTF-8"), taken.valid, taken.id))
}

#[test]
fn what_an_event_lacks_is_given_where_there_is_a_default() {
    let (record, valid, id) = take(&generous(), " { \"x\" : 0.5 ,\"n\":null } ").expect("it fits");
    let nil = Uuid::nil().to_string();
    let at = "\"2023-11-15T00:00:00.000Z\"";
    let expected =
        format!(r#"{{"x" : 0.5,"id":"{nil}","product":"p\u0030","n":-7,"ok":true,"at":{at},"ts":{at}}}"#);
    assert_eq!(record, expected);
    assert_eq!(valid, Validated { key: Some(b"p0".to_vec()), event_time: NOW });
    assert_eq!(id, Some(nil));
    assert_eq!(validate(&table(), record.as_bytes(), NOW), Ok(valid));
    let whole = r#"{"id":"e","product":"p","n":1,"ok":false,"at":1,"ts":2}"#;
    let (record, _, id) = take(&generous(), whole).expect("it fits");
    assert_eq!((record.as_str(), id.as_deref()), (whole, Some("e")));
    let (record, ..) = take(&generous(), "{}").expect("it fits");
    assert!(record.starts_with(r#"{"id":"#), "{record}");
}

#[test]
fn a_default_is_no_cure_for_a_wrong_value() {
    let refusal = take(&generous(), r#"{"n":"7","ts":"soon"}"#).expect_err("it does not");
    assert_eq!(refusal.reason, "column \"n\": found the text \"7\", expected BIGINT (an integer of 64 bits)");
    let faults: Vec<_> = refusal.faults.iter().map(|fault| (fault.path.as_str(), fault.kind)).collect();
    assert_eq!(faults, [("/n", "string"), ("/ts", "string")]);
}

#[test]
fn every_fault_of_an_event_is_named() {
    let refusal = take(&table(), r#"{"n":1.5,"ok":null,"x":[1],"extra":{}}"#).expect_err("it does not");
    let shown = |fault: &Fault| format!("{} {} {} / {}", fault.path, fault.kind, fault.found, fault.expected);
    let faults: Vec<_> = refusal.faults.iter().map(shown).collect();
    let expected = [
        "/n number the number 1.5 / BIGINT (an integer of 64 bits)",
        "/x array an array / DOUBLE",
        "/product missing nothing / TEXT NOT NULL",
        "/ts missing nothing / TIMESTAMP (epoch milliseconds, epoch seconds with a fraction, or ISO 8601) NOT \
         NULL, the event time",
    ];
    assert_eq!(faults, expected);
    let far = take(&table(), r#"{"product":"p","ts":1700010000001}"#).expect_err("it does not");
    assert_eq!(
        far.faults.first().map(|fault| (fault.path.as_str(), fault.found.as_str())),
        Some(("/ts", "2023-11-15T01:00:00.001Z"))
    );
    for (event, kind) in [("[]", "array"), ("7", "number"), ("PING", "text"), ("{", "text")] {
        let fault = take(&table(), event).expect_err("it does not").faults.remove(0);
        assert_eq!((fault.path.as_str(), fault.kind), ("", kind), "{event}");
    }
}

#[test]
fn no_key_is_no_key() {
    let mut table = table();
    table.key = Some(0);
    assert_eq!(validate(&table, br#"{"product":"p","ts":1}"#, NOW).expect("it fits").key, None);
    table.key = None;
    assert_eq!(validate(&table, br#"{"product":"p","ts":1}"#, NOW).expect("it fits").key, None);
}

/// The fixture's table as plain text: `product at ts: id (n, x, ok, at) extra`.
fn text_table() -> Table {
    let hole = |slot, then: &str| Hole { slot, then: then.to_owned() };
    let holes = vec![
        hole(1, " at "),
        hole(7, ": "),
        hole(0, " ("),
        hole(2, ", "),
        hole(3, ", "),
        hole(4, ", "),
        hole(5, ") "),
        hole(6, ""),
    ];
    Table { format: Format::Text(Template { lead: "> ".to_owned(), holes }), ..table() }
}

#[test]
fn json_becomes_the_text_of_its_table_and_text_stays() {
    let table = text_table();
    let json =
        br#"{"product":"p 1","ts":1699999999811,"id":"e","n":-7,"x":0.5,"ok":true,"at":-1,"extra":{"a": 1}}"#;
    let text = "> p 1 at 1699999999.811: e (-7, 0.5, true, -0.001) {\"a\": 1}";
    let (record, valid) = compose(&table, json, NOW).expect("it fits");
    assert_eq!(std::str::from_utf8(&record), Ok(text));
    let expected = Validated { key: Some(b"p 1".to_vec()), event_time: Timestamp(1_699_999_999_811) };
    assert_eq!(valid, expected);
    let (record, valid) = compose(&table, text.as_bytes(), NOW).expect("it fits");
    assert_eq!((record, valid), (Cow::Borrowed(text.as_bytes()), expected));
    let (record, _) = compose(&table, br#"{"product":"p","ts":1}"#, NOW).expect("it fits");
    assert_eq!(std::str::from_utf8(&record), Ok("> p at 0.001:  (, , , ) "));
}

#[test]
fn json_that_its_text_would_not_give_back_is_rejected() {
    let rejected = |json: &str| compose(&text_table(), json.as_bytes(), NOW).expect_err("it does not").reason;
    assert_eq!(
        rejected(r#"{"product":"p","ts":1,"id":"a (b"}"#),
        "as text, \"> p at 0.001: a (b (, , , ) \", it fits no more: \
         column \"n\": found \"b (\" at byte 17, expected BIGINT (an integer of 64 bits)"
    );
    // A text that is empty reads as NULL.
    assert_eq!(
        rejected(r#"{"product":"p","ts":1,"id":""}"#),
        "as text, \"> p at 0.001:  (, , , ) \", its column \"id\" would be read as another value"
    );
    assert_eq!(
        rejected(r#"{"product":"p"}"#),
        "column \"ts\": missing, expected TIMESTAMP NOT NULL, the event time"
    );
    assert_eq!(rejected("PING"), "does not fit the pattern: found \"PING\" at byte 0, expected \"> \"");
}

#[test]
fn json_goes_beside_avro_in_frames_and_not_beside_bare_avro() {
    let json = br#"{"product":"p","ts":1}"#;
    let framed = Table { format: Format::Avro(Writer::Confluent), ..table() };
    assert_eq!(validate(&framed, json, NOW), validate(&table(), json, NOW));
    let (record, _) = compose(&framed, json, NOW).expect("it fits");
    assert_eq!(record.as_ref(), json);
    let schema = r#"{"type":"record","name":"R","fields":[{"name":"ts","type":"long"}]}"#;
    let schema = Schema::parse(schema).expect("a schema").into();
    let bare = Table { format: Format::Avro(Writer::Schema(schema)), ..table() };
    let reasons =
        [validate(&bare, json, NOW).expect_err("JSON"), compose(&bare, json, NOW).expect_err("JSON")];
    for Rejection { reason, .. } in reasons {
        assert!(
            reason.starts_with(
                "table \"events\" takes no events here: the records of topic \"events\" are Avro"
            ),
            "{reason}"
        );
    }
}

#[test]
fn an_event_that_does_not_fit_says_why() {
    let rejected = |json: &[u8]| validate(&table(), json, NOW).expect_err("it does not fit").reason;
    assert_eq!(rejected(br#"{"ts":1}"#), "column \"product\": missing, expected TEXT NOT NULL");
    assert_eq!(rejected(b""), "empty value (tombstone)");
    assert_eq!(rejected(b"\xff"), "invalid UTF-8 at byte 0");
}
