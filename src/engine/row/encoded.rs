//! Closed rows as the store has them.
//!
//! A row's bytes are its window's start and end, as differences from a time that the reader knows, how many
//! events it covers, its revision, the record that it is of, and its values. What decides between rows stands
//! in front: most rows that are read are only compared or copied, so that their values stay bytes.

use std::{cmp::Ordering, ops::Range};

use super::{ClosedRow, SourceRecord};
use crate::{
    codec::{CodecError, Reader, put_bytes, put_offset, put_value, put_varint, put_zigzag},
    state::Partition,
    time::{Millis, Timestamp},
    value::Value,
};

/// A row in a buffer.
#[derive(Clone, Debug)]
pub(in crate::engine) struct EncodedRow {
    pub(in crate::engine) window_start: Timestamp,
    pub(in crate::engine) window_end: Timestamp,
    pub(in crate::engine) events: u64,
    pub(in crate::engine) revision: u32,
    /// Where in the buffer its record and its values lie.
    record: Range<usize>,
    values: Range<usize>,
}

impl EncodedRow {
    /// A row whose record and values are appended to the buffer.
    pub(in crate::engine) fn put(row: &ClosedRow, buffer: &mut Vec<u8>) -> Self {
        let start = buffer.len();
        put_record(buffer, row.record.as_ref());
        let record = start..buffer.len();
        put_varint(buffer, row.values.len() as u64);
        row.values.iter().for_each(|value| put_value(buffer, value));
        let ClosedRow { window_start, window_end, events, revision, .. } = *row;
        Self { window_start, window_end, events, revision, values: record.end..buffer.len(), record }
    }

    /// Reads a row, whose times are relative to `base`, from what lies before `end` in the buffer.
    pub(in crate::engine) fn read(
        base: Timestamp,
        from: &mut Reader<'_>,
        end: usize,
    ) -> Result<Self, CodecError> {
        let window_start = base + Millis(from.zigzag("a window's start")?);
        let window_end = base + Millis(from.zigzag("a window's end")?);
        let events = from.varint("a number of events")?;
        let revision = u32::try_from(from.varint("a revision")?).unwrap_or(u32::MAX);
        let at = |from: &Reader<'_>| end - from.len();
        let start = at(from);
        if from.byte("whether there is a record")? != 0 {
            from.bytes("a topic")?;
            from.zigzag("a partition")?;
            from.offset("an offset")?;
        }
        let record = start..at(from);
        for _ in 0..from.count("the number of values")? {
            from.skip_value()?;
        }
        Ok(Self { window_start, window_end, events, revision, values: record.end..at(from), record })
    }

    /// Appends the row to another buffer, its times relative to `base`.
    pub(in crate::engine) fn write(&self, base: Timestamp, buffer: &[u8], out: &mut Vec<u8>) {
        put_zigzag(out, (self.window_start - base).0);
        put_zigzag(out, (self.window_end - base).0);
        put_varint(out, self.events);
        put_varint(out, u64::from(self.revision));
        out.extend_from_slice(self.rest(buffer));
    }

    /// The row in another buffer.
    pub(in crate::engine) fn copy(&self, buffer: &[u8], to: &mut Vec<u8>) -> Self {
        let start = to.len();
        to.extend_from_slice(self.rest(buffer));
        let record = start..start + self.record.len();
        Self { values: record.end..to.len(), record, ..self.clone() }
    }

    fn rest<'b>(&self, buffer: &'b [u8]) -> &'b [u8] {
        buffer.get(self.record.start..self.values.end).unwrap_or_default()
    }

    /// How many bytes of the buffer are its own.
    pub(in crate::engine) fn len(&self) -> usize {
        self.values.end - self.record.start
    }

    /// The record that it is of.
    pub(in crate::engine) fn record(&self, buffer: &[u8]) -> Result<Option<SourceRecord>, CodecError> {
        let mut from = Reader::new(buffer.get(self.record.clone()).unwrap_or_default());
        if from.byte("whether there is a record")? == 0 {
            return Ok(None);
        }
        let topic = String::from_utf8_lossy(from.bytes("a topic")?).as_ref().into();
        let index = i32::try_from(from.zigzag("a partition")?).unwrap_or_default();
        let offset = from.offset("an offset")?;
        Ok(Some(SourceRecord { partition: Partition { topic, index }, offset }))
    }

    /// The bytes of the record that it is of: the same for the same record.
    pub(in crate::engine) fn record_bytes<'b>(&self, buffer: &'b [u8]) -> &'b [u8] {
        buffer.get(self.record.clone()).unwrap_or_default()
    }

    /// The values of the view's output columns.
    pub(in crate::engine) fn values<'b>(
        &self,
        buffer: &'b [u8],
    ) -> Result<impl Iterator<Item = Result<Value<'b>, CodecError>> + use<'b>, CodecError> {
        let mut from = Reader::new(buffer.get(self.values.clone()).unwrap_or_default());
        let count = from.count("the number of values")?;
        Ok((0..count).map(move |_| from.value()))
    }

    /// The whole row.
    pub(in crate::engine) fn row(&self, buffer: &[u8]) -> Result<ClosedRow, CodecError> {
        let Self { window_start, window_end, events, revision, .. } = *self;
        let values = self.values(buffer)?.map(|value| Ok(value?.into_owned()));
        let (record, values) = (self.record(buffer)?, values.collect::<Result<_, CodecError>>()?);
        Ok(ClosedRow { window_start, window_end, events, revision, record, values })
    }

    /// Which row is the later one. Of two events of one time the later record is the later.
    pub(in crate::engine) fn compare(
        &self,
        buffer: &[u8],
        other: &ClosedRow,
    ) -> Result<Ordering, CodecError> {
        Ok(match self.window_end.cmp(&other.window_end) {
            Ordering::Equal => self.record(buffer)?.cmp(&other.record),
            unequal => unequal,
        })
    }
}

/// Appends the record that a row is of, if it is of one.
pub(in crate::engine) fn put_record(out: &mut Vec<u8>, record: Option<&SourceRecord>) {
    out.push(u8::from(record.is_some()));
    if let Some(record) = record {
        put_bytes(out, record.partition.topic.as_bytes());
        put_zigzag(out, i64::from(record.partition.index));
        put_offset(out, record.offset);
    }
}
