//! One event against its table, before it is sent to the topic.

use std::{borrow::Cow, fmt::Write as _};

use super::{
    Rejection,
    decode::{Decoder, utf8},
    key,
};
use crate::{
    sql::{Format, Table, Template},
    time::Timestamp,
    value::Value,
};

/// What ingest needs to know of an event that fits its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The record's key: the value of the table's `key` column as text. None where the table has no
    /// such column or its value is NULL.
    pub key: Option<Vec<u8>>,
    /// Its event time.
    pub event_time: Timestamp,
}

/// Checks a record by the very rules by which [`decode`](super::decode()) will read it again.
pub fn validate(table: &Table, record: &[u8], now: Timestamp) -> Result<Validated, Rejection> {
    read(table, utf8(record)?, now).map(|(_, valid)| valid)
}

/// The record that an event is to its table, checked: the event itself, but for a JSON object
/// that goes into plain text. That is put together by the table's pattern, TIMESTAMPs as seconds.
pub fn compose<'e>(
    table: &Table,
    event: &'e [u8],
    now: Timestamp,
) -> Result<(Cow<'e, [u8]>, Validated), Rejection> {
    let text = utf8(event)?;
    let valid = match read(table, text, now) {
        Ok((_, valid)) => valid,
        Err(rejection) => {
            let pattern = match &table.format {
                Format::Text(pattern) if text.trim_start().starts_with('{') => pattern,
                _ => return Err(rejection),
            };
            let (record, valid) = from_json(table, pattern, text, now)?;
            return Ok((record.into_bytes().into(), valid));
        }
    };
    Ok((event.into(), valid))
}

fn read<'a>(
    table: &'a Table,
    record: &'a str,
    now: Timestamp,
) -> Result<(Vec<Value<'a>>, Validated), Rejection> {
    let mut row = vec![Value::Null; table.columns.len()];
    let event_time = Decoder::new(table, now).row(record, None, &mut row)?;
    let value = table.key.and_then(|key| row.get(key)).map(Value::borrowed).unwrap_or_default();
    let key = key::render(value).map(Cow::into_owned);
    Ok((row, Validated { key, event_time }))
}

/// The text that a JSON object is by a pattern. It has to read as the object does.
fn from_json(
    table: &Table,
    pattern: &Template,
    json: &str,
    now: Timestamp,
) -> Result<(String, Validated), Rejection> {
    let mut row = vec![Value::Null; table.columns.len()];
    Decoder::of_json(table, now).row(json, None, &mut row)?;
    let record = pattern.render(|slot, text| write_hole(row.get(slot).unwrap_or(&Value::Null), text));
    match read(table, &record, now) {
        Ok((again, valid)) => match row.iter().zip(&again).position(|(value, read)| value != read) {
            None => Ok((record, valid)),
            Some(slot) => Err(ambiguous(table, slot, &record)),
        },
        Err(Rejection { reason, .. }) => {
            Err(Rejection::without_time(format!("as text, {record:?}, it fits no more: {reason}")))
        }
    }
}

fn ambiguous(table: &Table, slot: usize, record: &str) -> Rejection {
    let name = table.columns.get(slot).map_or("", |column| column.name.as_str());
    Rejection::without_time(format!(
        "as text, {record:?}, its column \"{name}\" would be read as another value"
    ))
}

fn write_hole(value: &Value<'_>, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Null => Ok(()),
        Value::Text(value) | Value::Json(value) => text.write_str(value),
        Value::Int(integer) => write!(text, "{integer}"),
        Value::Float(float) => write!(text, "{float:?}"),
        Value::Bool(boolean) => write!(text, "{boolean}"),
        Value::Time(Timestamp(millis)) => {
            let (sign, millis) = (if *millis < 0 { "-" } else { "" }, millis.unsigned_abs());
            write!(text, "{sign}{}.{:03}", millis / 1000, millis % 1000)
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::fixture::{NOW, table},
        sql::Hole,
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
        let json = br#"{"product":"p 1","ts":1699999999811,"id":"e","n":-7,"x":0.5,"ok":true,"at":-1,"extra":{"a": 1}}"#;
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
        let rejected =
            |json: &str| compose(&text_table(), json.as_bytes(), NOW).expect_err("it does not").reason;
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
    fn an_event_that_does_not_fit_says_why() {
        let rejected = |json: &[u8]| validate(&table(), json, NOW).expect_err("it does not fit").reason;
        assert_eq!(rejected(br#"{"ts":1}"#), "column \"product\": missing, expected TEXT NOT NULL");
        assert_eq!(rejected(b""), "empty value (tombstone)");
        assert_eq!(rejected(b"\xff"), "invalid UTF-8 at byte 0");
    }
}
