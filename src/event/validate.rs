//! One event against its table, before it is sent to the topic.

use super::{
    Rejection,
    decode::{Decoder, utf8},
    key,
};
use crate::{sql::Table, time::Timestamp, value::Value};

/// What ingest needs to know of an event that fits its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The record's key: the value of the table's `key` column as text. None where the table has no
    /// such column or its value is NULL.
    pub key: Option<Vec<u8>>,
    /// Its event time.
    pub event_time: Timestamp,
}

/// Checks an event by the very rules by which [`decode`](super::decode()) will read it again.
pub fn validate(table: &Table, json: &[u8], now: Timestamp) -> Result<Validated, Rejection> {
    let mut row = vec![Value::Null; table.columns.len()];
    let event_time = Decoder::new(table, now).row(utf8(json)?, None, &mut row)?;
    let value = table.key.and_then(|key| row.get_mut(key)).map(std::mem::take).unwrap_or_default();
    Ok(Validated { key: key::render(value).map(std::borrow::Cow::into_owned), event_time })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::fixture::{NOW, table};

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

    #[test]
    fn an_event_that_does_not_fit_says_why() {
        let rejected = |json: &[u8]| validate(&table(), json, NOW).expect_err("it does not fit").reason;
        assert_eq!(rejected(br#"{"ts":1}"#), "column \"product\": missing, expected TEXT NOT NULL");
        assert_eq!(rejected(b""), "empty value (tombstone)");
        assert_eq!(rejected(b"\xff"), "invalid UTF-8 at byte 0");
    }
}
