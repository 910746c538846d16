//! A record of a result topic as a row: JSON to values, each of its column's type.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::shape::{Column, Origin, Shape};
use crate::{
    event::{RawBatch, RawRecord},
    time::Timestamp,
    value::{Type, Value},
};

/// The years that every target can say: ClickHouse's `DateTime64` from 1900 to 2299.
const TIMES: std::ops::RangeInclusive<i64> = -2_208_988_800_000..=10_413_791_999_999;

/// The most characters of what was found that a reason tells.
const MOST_FOUND: usize = 80;

/// A row of a table: a value for each column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The values.
    pub(super) values: Vec<Value<'static>>,
    /// When its message was written.
    pub(super) stamp: Option<Timestamp>,
}

/// A record's fields as they stand in it.
pub(super) struct Fields<'a> {
    raw: &'a RawValue,
    fields: HashMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// The fields of a JSON object, or what is wrong with it.
    pub(super) fn read(record: &'a [u8]) -> Result<Self, String> {
        let raw: &RawValue = match serde_json::from_slice(record) {
            Ok(raw) => raw,
            Err(_) if record.is_empty() => return Err("it is empty, expected a row as JSON".to_owned()),
            Err(error) => return Err(format!("it is not JSON: {error}")),
        };
        let fields = serde_json::from_str(raw.get());
        let fields = fields.map_err(|_| format!("it is {}, expected a row as JSON", found(raw)))?;
        Ok(Self { raw, fields })
    }

    /// The view that the row is of.
    pub(super) fn view(&self) -> Result<String, String> {
        let Some(view) = self.get("view") else {
            return Err("\"view\" is missing, expected a view's name".to_owned());
        };
        serde_json::from_str(view.get())
            .map_err(|_| format!("\"view\" is {}, expected a view's name", found(view)))
    }

    /// The field of that name, unless it is null.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.get(name).copied().filter(|value| value.get() != "null")
    }

    /// The row of a table that the record is.
    pub(super) fn row(&self, shape: &Shape, batch: &RawBatch, record: &RawRecord) -> Result<Row, String> {
        let value = |column: &Column| self.value(column, batch, record);
        let values = shape.columns.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Row { values, stamp: record.timestamp })
    }

    fn value(&self, column: &Column, batch: &RawBatch, record: &RawRecord) -> Result<Value<'static>, String> {
        match column.origin {
            Origin::Field => match self.get(&column.name) {
                Some(raw) => value(raw, column),
                None if column.not_null => {
                    Err(format!("\"{}\" is missing, expected a {}", column.name, column.kind))
                }
                None => Ok(Value::Null),
            },
            Origin::Row => Ok(Value::Json(self.raw.get().to_owned().into())),
            Origin::Key => match record.key.clone().and_then(|key| batch.bytes.get(key)) {
                Some(key) => Ok(Value::Text(String::from_utf8_lossy(key).into_owned().into())),
                None if column.not_null => {
                    Err("it has no key, which its view does not show and which tells it apart".to_owned())
                }
                None => Ok(Value::text("")),
            },
            Origin::Partition => Ok(Value::Int(batch.partition.into())),
            Origin::Offset => Ok(Value::Int(rank(record))),
        }
    }
}

/// What orders records of a partition: the offset or, since no column is wide enough for a sequence number,
/// the time of arrival.
fn rank(record: &RawRecord) -> i64 {
    let arrived = || record.timestamp.map_or(0, |arrived| arrived.0);
    record.offset.number().unwrap_or_else(arrived)
}

fn value(raw: &RawValue, column: &Column) -> Result<Value<'static>, String> {
    let text = raw.get();
    let value = match column.kind {
        Type::Text => serde_json::from_str(text).ok().map(|text: String| Value::Text(text.into())),
        Type::BigInt => text.parse().ok().map(Value::Int),
        Type::Double => serde_json::from_str(text).ok().map(Value::Float),
        Type::Boolean => serde_json::from_str(text).ok().map(Value::Bool),
        Type::Timestamp => {
            text.parse().ok().filter(|at| TIMES.contains(at)).map(|at| Value::Time(Timestamp(at)))
        }
        Type::Json => Some(Value::Json(text.to_owned().into())),
    };
    let expected = || match column.kind {
        Type::Timestamp => "milliseconds of the years 1900 to 2299".to_owned(),
        kind => format!("a {kind}"),
    };
    value.ok_or_else(|| format!("\"{}\" is {}, expected {}", column.name, found(raw), expected()))
}

fn found(raw: &RawValue) -> String {
    let text = raw.get();
    match text.char_indices().nth(MOST_FOUND) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
