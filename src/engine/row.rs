//! A closed row: one key's result of one window.

mod encoded;
mod json;

use std::fmt;

pub(super) use encoded::{EncodedRow, put_record};
pub use json::{RowMembers, Shown};

use serde_json::{Map, Value as Json};

use super::series::encoded;
use crate::{
    sql::{Template, View},
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
        RowMembers::given_out(view).object(self, &encoded(key))
    }

    /// The row as it is served.
    pub fn to_json(&self, view: &View) -> Map<String, Json> {
        RowMembers::of(view).object(self, &[])
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
