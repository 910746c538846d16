use proptest::prelude::*;

use super::*;
use crate::{
    event::{
        decode,
        fixture::{NOW, batch, table},
    },
    sql::{Format, Hole},
    time::Timestamp,
};

/// The fixture's table with records of plain text: `pattern`'s holes are the names of its columns.
fn text_table(pattern: &str) -> Table {
    let table = table();
    let mut parts = pattern.split('{');
    let mut template = Template { lead: parts.next().unwrap().to_owned(), holes: Vec::new() };
    for part in parts {
        let (name, then) = part.split_once('}').unwrap();
        let slot = table.columns.iter().position(|column| column.name == name).unwrap();
        template.holes.push(Hole { slot, then: then.to_owned() });
    }
    Table { format: Format::Text(template), ..table }
}

/// The values of the named columns of one record, or why it does not fit.
fn read(pattern: &str, record: &str, columns: &[&str]) -> Result<Vec<Value<'static>>, Rejection> {
    let (table, raw) = (text_table(pattern), batch(&[record]));
    let decoded = decode(&raw, &table, NOW);
    decoded.records[0].event_time.clone().map_err(|rejection| *rejection)?;
    let value = |name: &&str| {
        let slot = table.columns.iter().position(|column| column.name == **name).unwrap();
        decoded.row(0)[slot].clone().into_owned()
    };
    Ok(columns.iter().map(value).collect())
}

const CLICKS: &str = "User {n} clicked on {product} at {ts}";

fn click(record: &str) -> Result<Vec<Value<'static>>, String> {
    read(CLICKS, record, &["n", "product", "ts"]).map_err(|rejection| rejection.reason)
}

fn time(millis: i64) -> Value<'static> {
    Value::Time(Timestamp(millis))
}

#[test]
fn a_record_becomes_a_row() {
    let row = |at| Ok(vec![Value::Int(17), Value::text("/page3"), time(at)]);
    assert_eq!(click("User 17 clicked on /page3 at 1700000000.123"), row(1_700_000_000_123));
    assert_eq!(click("User 17 clicked on /page3 at 1700000000123"), row(1_700_000_000_123));
    assert_eq!(click("User 17 clicked on /page3 at 2023-11-14T22:13:20Z"), row(1_700_000_000_000));
    for end in ["\n", "\r\n"] {
        assert_eq!(
            click(&format!("User 17 clicked on /page3 at 1700000000.123{end}")),
            row(1_700_000_000_123)
        );
    }
}

#[test]
fn a_hole_ends_at_the_first_occurrence_of_what_follows_it_and_the_last_takes_the_rest() {
    let text = |pattern, record| {
        let read = read(pattern, record, &["id", "product"]);
        let values = read.unwrap().into_iter().map(|value| value.to_text().into_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(text("{ts} {id} {product}", "1 a b c"), ["a", "b c"]);
    assert_eq!(text("{ts} {id}, {product}.", "1 a, b, c. d."), ["a", "b, c. d"]);
    assert_eq!(text("{ts}aa{id}aa{product}", "1aaaaaaa"), ["", "aaa"]);
    assert_eq!(text("<{ts}> {id}é{product}", "<1> üéß"), ["ü", "ß"]);
}

#[test]
fn each_type_takes_what_it_says() {
    let value = |name: &str, text: &str| {
        let pattern = format!("{{product}} {{ts}} {{{name}}}");
        read(&pattern, &format!("p 1 {text}"), &[name]).map(|mut row| row.remove(0)).map_err(|r| r.reason)
    };
    let cases = [
        ("n", "-5", Value::Int(-5)),
        ("n", "+007", Value::Int(7)),
        ("n", "5.0", Value::Int(5)),
        ("n", "9223372036854775807", Value::Int(i64::MAX)),
        ("x", "1e3", Value::Float(1000.0)),
        ("ok", "false", Value::Bool(false)),
        ("at", "2023-11-14", time(1_699_920_000_000)),
        ("extra", r#"{"a": [1]}"#, Value::Json(r#"{"a": [1]}"#.into())),
        ("id", " spaced  ", Value::text(" spaced  ")),
        ("id", "", Value::Null),
        ("n", "", Value::Null),
    ];
    for (name, text, expected) in cases {
        assert_eq!(value(name, text), Ok(expected), "{name} {text:?}");
    }
    for (name, text) in
        [("n", "5.5"), ("n", " 5"), ("x", "inf"), ("x", "NaN"), ("ok", "yes"), ("at", "noon"), ("extra", "{")]
    {
        let reason = value(name, text).expect_err(text);
        assert!(
            reason.starts_with(&format!("column \"{name}\": found {text:?} at byte 4, expected ")),
            "{reason}"
        );
    }
}

#[test]
fn what_does_not_fit_says_what_was_expected_at_which_byte() {
    let cases = [
        ("Usr 17", r#"does not fit the pattern: found "Usr 17" at byte 0, expected "User ""#),
        ("User", r#"does not fit the pattern: found "User" at byte 0, expected "User ""#),
        (
            "User 17 looked at /page3",
            r#"does not fit the pattern: found "17 looked at /page3" at byte 5, expected {n} and then " clicked on ""#,
        ),
        (
            "User 17 clicked on \n",
            r#"does not fit the pattern: ends at byte 19, expected {product} and then " at ""#,
        ),
        (
            "User 17 clicked on /page3 at noon",
            r#"column "ts": found "noon" at byte 29, expected TIMESTAMP (epoch milliseconds, epoch seconds with a fraction, or ISO 8601)"#,
        ),
        ("User 17 clicked on  at 1", r#"column "product": missing, expected TEXT NOT NULL"#),
        (
            "User 17 clicked on /page3 at ",
            r#"column "ts": missing, expected TIMESTAMP NOT NULL, the event time"#,
        ),
        ("", "empty value (tombstone)"),
    ];
    for (record, reason) in cases {
        assert_eq!(click(record).expect_err(record), reason);
    }
    let end = read("{product} {ts}.", "p 1!", &[]).expect_err("no end").reason;
    assert_eq!(
        end,
        r#"does not fit the pattern: found "1!" at byte 2, expected {ts} and then "." at the end"#
    );
}

#[test]
fn a_record_with_a_bad_column_still_moves_the_watermark() {
    let rejection = read(CLICKS, "User x clicked on /a at 1.5", &[]).expect_err("x is no integer");
    assert_eq!(rejection.event_time, Some(Timestamp(1500)));
    assert_eq!(read(CLICKS, "what", &[]).expect_err("no match").event_time, None);
}

#[test]
fn the_texts_of_a_row_are_borrowed() {
    use std::borrow::Cow;
    let (table, raw) = (text_table(CLICKS), batch(&["User 1 clicked on é at 1"]));
    let decoded = decode(&raw, &table, NOW);
    assert!(matches!(decoded.row(0)[1], Value::Text(Cow::Borrowed("é"))));
}

proptest! {
    /// Whatever a record is, it is a row or a reason; and what a row was made of can be read out again.
    #[test]
    fn any_text_is_answered(record in "(User |)[a-z ]{0,5}( clicked on |)[a /]{0,5}( at |)[0-9.]{0,6}\n?") {
        match click(&record) {
            Ok(row) => prop_assert_eq!(row.len(), 3),
            Err(reason) => prop_assert!(reason.contains("expected") || reason.contains("tombstone"), "{}", reason),
        }
    }

    #[test]
    fn what_has_no_piece_of_the_pattern_in_it_is_read_back(n: i64, page in "[b-z/é]{1,9}", at in 0..NOW.0) {
        let record = format!("User {n} clicked on {page} at {at}");
        prop_assert_eq!(click(&record), Ok(vec![Value::Int(n), Value::Text(page.into()), time(at)]));
    }
}
