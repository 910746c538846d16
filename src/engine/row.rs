//! A closed row: one key's result of one window.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::{close::alert_id, series::encoded};
use crate::{
    sql::{SOURCE_RECORD, Template, View, Window},
    state::Partition,
    time::{Offset, Timestamp},
    value::Value,
};

/// A group key: a value for each of a view's key columns.
pub type Key = Vec<Value<'static>>;

/// The record whose event a row is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceRecord {
    /// The partition that it is in.
    pub partition: Partition,
    /// Where in it.
    pub offset: Offset,
}

impl fmt::Display for SourceRecord {
    /// `orders-0@17`: topic, partition, offset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.partition, self.offset)
    }
}

/// One key's result of one window, or of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedRow {
    /// The window's start.
    pub window_start: Timestamp,
    /// The window's end, which is not in it.
    pub window_end: Timestamp,
    /// How many events it covers. Of two rows of one key and window the one that covers more is
    /// the newer.
    pub events: u64,
    /// How often the row was given out with other content before: 0 for the first firing.
    pub revision: u32,
    /// Which event it is of, where every event makes a row.
    pub record: Option<SourceRecord>,
    /// The values of the view's output columns.
    pub values: Vec<Value<'static>>,
}

/// What the API knows of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRows {
    /// The row of the latest window.
    pub latest: ClosedRow,
    /// The row of the window before that one, where there was one.
    pub previous: Option<ClosedRow>,
}

impl ClosedRow {
    /// The row of an alert view, with its id.
    pub fn to_alert(&self, view: &View, key: &[Value<'_>]) -> Map<String, Json> {
        let mut object = self.to_json(view);
        object.insert("id".into(), alert_id(view, &encoded(key), self).into());
        object
    }

    /// The row as it is published, served and written by `weir run`: the view's name, its columns,
    /// the window (epoch milliseconds), if the view has windows, the revision, and the record that it is
    /// of, if it is of one.
    pub fn to_json(&self, view: &View) -> Map<String, Json> {
        let mut object = Map::new();
        object.insert("view".into(), view.name.as_str().into());
        for (output, value) in view.outputs.iter().zip(&self.values) {
            object.insert(output.field.name.clone(), value.to_json());
        }
        if view.window != Window::Running {
            object.insert("window_start".into(), self.window_start.0.into());
            object.insert("window_end".into(), self.window_end.0.into());
        }
        object.insert("revision".into(), self.revision.into());
        if let Some(record) = &self.record {
            object.insert(SOURCE_RECORD.into(), record.to_string().into());
        }
        object
    }

    /// The row as a text, by a template over [`Sentence`](crate::sql::Sentence)'s slots. Values are written
    /// as a cast to TEXT writes them, NULL as nothing.
    pub fn to_text(&self, view: &View, template: &Template) -> String {
        template.render(|slot, text| {
            let beyond = [
                Value::Time(self.window_start),
                Value::Time(self.window_end),
                Value::Int(self.revision.into()),
                Value::text(&view.name),
            ];
            let value = self.values.get(slot).or_else(|| beyond.get(slot.checked_sub(self.values.len())?));
            if let Some(value) = value {
                text.push_str(&value.to_text());
            }
        })
    }
}
