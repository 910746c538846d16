//! From bytes to rows: Lambda payloads and NDJSON files to the records of one partition, and those
//! to rows of the table that describes their topic.
//!
//! A batch goes through two steps. [`RawBatch`] is what the event source sent, base64 undone, all
//! values in one buffer. [`Batch`] is that decoded against a table: every text borrows from the
//! buffer, and a record that does not fit the table is a [`Rejection`] that takes nothing else with it.

mod body;
mod decode;
#[cfg(test)]
mod fixture;
mod frame;
mod json;
mod key;
mod ndjson;
mod partitioner;
mod payload;
mod validate;

use std::ops::Range;

pub use body::{Addressed, elements, is_json, lines};
pub(crate) use decode::needed;
pub use decode::{Fault, Writers, Written, decode, decode_by};
pub use frame::SchemaId;
pub use json::{MAX_DEPTH, Syntax};
pub use ndjson::{Lines, MAX_LINE, NdjsonReader};
pub use partitioner::{murmur2, partition_of};
pub use payload::{PayloadError, Trigger, parse, trigger};
pub use validate::{Refusal, Taken, Validated, Validator, compose, validate};

use crate::{
    time::{Offset, Timestamp},
    value::Value,
};

/// The records of one partition as the event source sent them, in offset order.
#[derive(Clone, Debug, Default)]
pub struct RawBatch {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The records.
    pub records: Vec<RawRecord>,
    /// The bytes of all keys, values and headers, one after the other.
    pub bytes: Vec<u8>,
}

impl RawBatch {
    /// Adds a record that is a value without key and headers.
    pub fn push(&mut self, offset: Offset, timestamp: Option<Timestamp>, value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        let value = start..self.bytes.len();
        self.records.push(RawRecord { offset, timestamp, key: None, value, headers: 0..0, damage: None });
    }

    /// The headers of one of its records, as JSON; none where it has none.
    pub fn headers(&self, of: &RawRecord) -> Option<&[u8]> {
        self.bytes.get(of.headers.clone()).filter(|json| !json.is_empty())
    }
}

/// One record of a [`RawBatch`].
#[derive(Clone, Debug)]
pub struct RawRecord {
    /// Its offset.
    pub offset: Offset,
    /// The broker's (or producer's) timestamp, where it has one.
    pub timestamp: Option<Timestamp>,
    /// Where its key lies in [`RawBatch::bytes`].
    pub key: Option<Range<usize>>,
    /// Where its value lies in [`RawBatch::bytes`]; empty for a tombstone.
    pub value: Range<usize>,
    /// Where its headers lie in [`RawBatch::bytes`], as the JSON that they were sent as: `[{"name":[1,-1]}]`. Nothing
    /// but dead letters and late events looks at them. Empty where it has none.
    pub headers: Range<usize>,
    /// Why it could not even be read (its base64 is broken, say). What could not be read of key and
    /// value stands there as it was sent.
    pub damage: Option<String>,
}

/// The records of one partition, decoded against a table.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// The records, in offset order.
    pub records: Vec<Record<'a>>,
    /// What it was decoded from, its records at the same places.
    pub(crate) source: Option<&'a RawBatch>,
    width: usize,
    values: Vec<Value<'a>>,
}

/// One record of a [`Batch`].
#[derive(Debug)]
pub struct Record<'a> {
    /// Its offset.
    pub offset: Offset,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value as it was sent.
    pub raw: &'a [u8],
    /// Its event time, or why it is a dead letter.
    pub event_time: Result<Timestamp, Box<Rejection>>,
}

/// Why a record does not fit its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What was found and what was expected, for a person.
    pub reason: String,
    /// Its event time where that at least could be read and is not absurd: it moves the watermark.
    pub event_time: Option<Timestamp>,
}

impl<'a> Batch<'a> {
    /// An empty batch for rows of `width` columns.
    pub fn new(topic: &'a str, partition: i32, width: usize, capacity: usize) -> Self {
        Self {
            topic,
            partition,
            records: Vec::with_capacity(capacity),
            source: None,
            width,
            values: Vec::with_capacity(capacity * width),
        }
    }

    /// The values of the `index`th record, one a column of the table; those of a rejected record mean
    /// nothing. Empty past the end.
    pub fn row(&self, index: usize) -> &[Value<'a>] {
        self.values.get(index * self.width..(index + 1) * self.width).unwrap_or_default()
    }
}

impl Rejection {
    /// A rejection of a record whose event time is not known or not to be believed.
    pub(crate) const fn without_time(reason: String) -> Self {
        Self { reason, event_time: None }
    }
}
