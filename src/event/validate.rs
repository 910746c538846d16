//! One event against its table, before it is sent to the topic.

use std::{borrow::Cow, fmt::Write as _};

use uuid::Uuid;

use super::{
    Rejection,
    decode::{Decoder, Fault, utf8},
    json::{Cursor, Kind, Syntax},
    key,
};
use crate::{
    sql::{Column, Fallback, Format, Table, Template},
    time::Timestamp,
    value::{Type, Value},
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
    json_goes_there(table)?;
    read(table, utf8(record)?, now).map(|(_, valid)| valid)
}

/// The record that an event is to its table, checked, as [`Validator::take`] makes it.
pub fn compose<'e>(
    table: &'e Table,
    event: &'e [u8],
    now: Timestamp,
) -> Result<(Cow<'e, [u8]>, Validated), Rejection> {
    let taken = Validator::new(table, now).take(event, &mut Uuid::nil);
    let taken = taken.map_err(|refusal| Rejection::without_time(refusal.reason))?;
    Ok((taken.record, taken.valid))
}

/// An event that fits its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken<'e> {
    /// The record for the topic: the event itself unless it lacked something or becomes plain text.
    pub record: Cow<'e, [u8]>,
    /// Its key and time.
    pub valid: Validated,
    /// The value of the table's first column with `DEFAULT uuidv7()`, if it has one.
    pub id: Option<String>,
}

/// Why an event does not fit its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The first thing that is wrong, for a person.
    pub reason: String,
    /// All that is wrong with single fields.
    pub faults: Vec<Fault>,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { reason: rejection.reason, faults: Vec::new() }
    }
}

/// Takes events of one table, one after the other. It remembers the order of their fields, so one for
/// many events is quicker than one for each.
#[derive(Debug)]
pub struct Validator<'a> {
    table: &'a Table,
    now: Timestamp,
    decoder: Decoder<'a>,
    row: Vec<Value<'a>>,
    /// The column that is an event's id.
    id: Option<usize>,
    has_fallbacks: bool,
}

impl<'a> Validator<'a> {
    /// A validator of a table's events that are taken at some time.
    pub fn new(table: &'a Table, now: Timestamp) -> Self {
        let mut columns = table.columns.iter();
        let id = columns.position(|column| column.fallback == Some(Fallback::Uuid));
        let has_fallbacks = table.columns.iter().any(|column| column.fallback.is_some());
        Self { table, now, decoder: Decoder::new(table, now), row: Vec::new(), id, has_fallbacks }
    }

    /// The record that an event is to its table, checked: the event itself, but for columns that it lacks
    /// and that have a DEFAULT, and for a JSON object that goes into plain text. That is put together by the
    /// table's pattern, TIMESTAMPs as seconds. `fresh` makes a new id.
    pub fn take(&mut self, event: &'a [u8], fresh: &mut dyn FnMut() -> Uuid) -> Result<Taken<'a>, Refusal> {
        json_goes_there(self.table)?;
        let text = utf8(event)?;
        self.row.clear();
        self.row.resize(self.table.columns.len(), Value::Null);
        let filled = self.decoder.fill(text, &mut self.row);
        let more = if self.has_fallbacks && filled.is_ok() { self.complete(fresh) } else { Vec::new() };
        let checked = filled.map_err(|rejection| self.no_event(rejection, text)).and_then(|()| {
            let checked = self.decoder.check(None, &self.row);
            checked.map_err(|rejection| Refusal {
                faults: self.decoder.faults(&self.row),
                reason: rejection.reason,
            })
        });
        let event_time = match (checked, &self.table.format) {
            (Ok(event_time), _) => event_time,
            (Err(_), Format::Text(pattern)) if text.trim_start().starts_with('{') => {
                let (record, valid) = from_json(self.table, pattern, text, self.now)?;
                return Ok(Taken { record: record.into_bytes().into(), valid, id: None });
            }
            (Err(refusal), _) => return Err(refusal),
        };
        let record = if more.is_empty() { event.into() } else { completed(text, &more).into_bytes().into() };
        let key = self.value(self.table.key).and_then(key::render).map(Cow::into_owned);
        let id = match self.value(self.id) {
            Some(Value::Text(id)) => Some(id.into_owned()),
            _ => None,
        };
        Ok(Taken { record, valid: Validated { key, event_time }, id })
    }

    fn value(&self, slot: Option<usize>) -> Option<Value<'_>> {
        slot.and_then(|slot| self.row.get(slot)).map(Value::borrowed)
    }

    /// Gives the columns that the row lacks what they have for that: a field and its JSON for each.
    fn complete(&mut self, fresh: &mut dyn FnMut() -> Uuid) -> Vec<(&'a Column, String)> {
        let mut more = Vec::new();
        for (slot, column) in self.table.columns.iter().enumerate() {
            let (Some(fallback), Some(Value::Null)) = (&column.fallback, self.row.get(slot)) else {
                continue;
            };
            if !self.decoder.forgive_null(slot) {
                continue;
            }
            let (value, json) = given(fallback, column.kind, self.now, fresh);
            if let Some(place) = self.row.get_mut(slot) {
                *place = value;
            }
            more.push((column, json));
        }
        more
    }

    /// What is no event at all is at fault as a whole.
    fn no_event(&self, rejection: Rejection, text: &str) -> Refusal {
        let kind = match text.trim_start().bytes().next() {
            Some(b'"') => "string",
            Some(b'-' | b'0'..=b'9') => "number",
            Some(b't' | b'f') => "boolean",
            Some(b'n') => "null",
            Some(b'[') => "array",
            _ => "text",
        };
        let kind = if super::is_json(text.as_bytes()) { kind } else { "text" };
        let expected = match &self.table.format {
            Format::Json | Format::Avro(_) | Format::Protobuf(_) => "a JSON object".to_owned(),
            Format::Text(_) => "a text that fits the table's pattern, or a JSON object".to_owned(),
        };
        let found: String = text.chars().take(60).collect();
        let fault = Fault { path: String::new(), kind, found, expected };
        Refusal { faults: vec![fault], ..rejection.into() }
    }
}

/// Whether a topic may have JSON: beside Avro and Protobuf in frames it may, since a frame is told from it.
fn json_goes_there(table: &Table) -> Result<(), Rejection> {
    let Some(records) = table.format.bare() else { return Ok(()) };
    let (name, topic) = (&table.name, &table.topic);
    Err(Rejection::without_time(format!(
        "table {name:?} takes no events here: the records of topic {topic:?} are {records} without a registry's frame, and JSON \
         among them could not be told from it; expected them to be produced to the topic, as {records}"
    )))
}

/// What a column gets that an event lacks, as a value and as JSON.
fn given(
    fallback: &Fallback,
    kind: Type,
    now: Timestamp,
    fresh: &mut dyn FnMut() -> Uuid,
) -> (Value<'static>, String) {
    match (fallback, kind) {
        (Fallback::Uuid, _) => {
            let id = fresh().to_string();
            let json = format!("\"{id}\"");
            (Value::Text(id.into()), json)
        }
        (Fallback::Now, Type::BigInt) => (Value::Int(now.0), now.0.to_string()),
        (Fallback::Now, _) => (Value::Time(now), format!("\"{now}\"")),
        (Fallback::Constant(json), kind) => (constant(json, kind), json.clone()),
    }
}

/// A constant, which the SQL was checked for.
fn constant(json: &str, kind: Type) -> Value<'static> {
    let value = match kind {
        Type::Text => serde_json::from_str::<String>(json).ok().map(|text| Value::Text(text.into())),
        Type::BigInt => json.parse().ok().map(Value::Int),
        Type::Double => json.parse().ok().map(Value::Float),
        Type::Boolean => json.parse().ok().map(Value::Bool),
        Type::Timestamp => None,
        Type::Json => Some(Value::Json(json.to_owned().into())),
    };
    value.unwrap_or_default()
}

/// An object with more members. Those of their names that it had were null, and are left out.
fn completed(object: &str, more: &[(&Column, String)]) -> String {
    let length: usize = more.iter().map(|(column, json)| column.name.len() + json.len() + 16).sum();
    let mut text = String::with_capacity(object.len() + length);
    let mut cursor = Cursor::new(object.as_bytes());
    // It was read once already.
    let _ = cursor.object::<Syntax>(|cursor, name| {
        let start = name.span.start - 1;
        let value = cursor.value()?;
        let name = object.get(name.span.clone()).unwrap_or_default();
        let is_given = || more.iter().any(|(column, _)| column.fields.iter().any(|field| field == name));
        if value.kind != Kind::Null || !is_given() {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(object.get(start..cursor.at()).unwrap_or_default());
        }
        Ok(())
    });
    for (column, json) in more {
        text.push(if text.is_empty() { '{' } else { ',' });
        // A name is a text, which is always JSON.
        text.push_str(
            &serde_json::to_string(column.fields.first().unwrap_or(&column.name)).unwrap_or_default(),
        );
        text.push(':');
        text.push_str(json);
    }
    text.push('}');
    text
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
mod tests;
