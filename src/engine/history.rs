//! The closed rows of the windows that end in one slice.

use super::{
    close::KeyedRow,
    leaf::Content,
    row::{ClosedRow, SourceRecord},
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Reader, put_bytes, put_offset, put_varint, put_zigzag},
    state::{Chunk, Partition},
    time::{Millis, Timestamp},
};

const VERSION: u8 = 1;

/// Closed rows: one a key and window, or one an event.
#[derive(Clone, Debug)]
pub(super) struct History {
    slice: Timestamp,
    /// Keys with their windows (and records) behind them, under the hash of the key alone.
    index: KeyTable,
    rows: Vec<(Vec<u8>, ClosedRow)>,
}

impl History {
    pub(super) fn new(slice: Timestamp) -> Self {
        Self { slice, index: KeyTable::default(), rows: Vec::new() }
    }

    /// Records a row, whose revision follows from what is recorded already. Answers whether that
    /// changed anything. A row that covers less than the recorded one is marked as outdated.
    pub(super) fn record(&mut self, new: &mut KeyedRow) -> bool {
        let identity = self.identity(&new.key, &new.row);
        let (number, is_new) = self.index.find_or_add(new.hash, &identity);
        if is_new {
            self.rows.push((new.key.clone(), new.row.clone()));
            return true;
        }
        let Some((_, known)) = self.rows.get_mut(number) else { return false };
        if new.row.events < known.events {
            new.outdate();
            return false;
        }
        let is_more = new.row.events > known.events;
        new.row.revision = known.revision + u32::from(is_more);
        if is_more {
            known.clone_from(&new.row);
        }
        is_more
    }

    /// All rows with their keys.
    pub(super) fn rows(&self) -> &[(Vec<u8>, ClosedRow)] {
        &self.rows
    }

    fn identity(&self, key: &[u8], row: &ClosedRow) -> Vec<u8> {
        let mut identity = Vec::with_capacity(key.len() + 12);
        identity.extend_from_slice(key);
        put_zigzag(&mut identity, (row.window_start - self.slice).0);
        put_zigzag(&mut identity, (row.window_end - self.slice).0);
        if let Some(record) = &row.record {
            record.encode(&mut identity);
        }
        identity
    }

    pub(super) fn decode(slice: Timestamp, body: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(body);
        let version = from.byte("a history's version")?;
        if version != VERSION {
            let found = format!("history version {version}");
            return Err(CodecError::Unexpected { found, expected: "history version 1" });
        }
        let mut history = Self::new(slice);
        for _ in 0..from.count("the number of rows")? {
            let key = from.bytes("a key")?.to_vec();
            let row = ClosedRow::decode(slice, &mut from)?;
            let identity = history.identity(&key, &row);
            history.index.find_or_add(KeyTable::hash(&key), &identity);
            history.rows.push((key, row));
        }
        Ok(history)
    }
}

impl Content for History {
    type Shape = ();

    fn restrict(&self, (): &(), chunk: Chunk) -> Self {
        let mut part = Self::new(self.slice);
        for (number, (key, row)) in self.rows.iter().enumerate() {
            let hash = self.index.hash_at(number);
            if chunk.covers(hash) {
                part.index.find_or_add(hash, self.index.key(number));
                part.rows.push((key.clone(), row.clone()));
            }
        }
        part
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.rows.len() as u64);
        for (key, row) in &self.rows {
            put_bytes(out, key);
            row.encode(self.slice, out);
        }
    }
}

impl SourceRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.partition.topic.as_bytes());
        put_zigzag(out, i64::from(self.partition.index));
        put_offset(out, self.offset);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let topic = String::from_utf8_lossy(from.bytes("a topic")?).as_ref().into();
        let index = i32::try_from(from.zigzag("a partition")?).unwrap_or_default();
        let offset = from.offset("an offset")?;
        Ok(Self { partition: Partition { topic, index }, offset })
    }
}

impl ClosedRow {
    /// Appends the row, its times relative to `base`.
    pub(super) fn encode(&self, base: Timestamp, out: &mut Vec<u8>) {
        put_zigzag(out, (self.window_start - base).0);
        put_zigzag(out, (self.window_end - base).0);
        put_varint(out, self.events);
        put_varint(out, u64::from(self.revision));
        out.push(u8::from(self.record.is_some()));
        if let Some(record) = &self.record {
            record.encode(out);
        }
        put_varint(out, self.values.len() as u64);
        self.values.iter().for_each(|value| crate::codec::put_value(out, value));
    }

    /// Reads what [`ClosedRow::encode`] wrote.
    pub(super) fn decode(base: Timestamp, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let window_start = base + Millis(from.zigzag("a window's start")?);
        let window_end = base + Millis(from.zigzag("a window's end")?);
        let events = from.varint("a number of events")?;
        let revision = u32::try_from(from.varint("a revision")?).unwrap_or(u32::MAX);
        let has_record = from.byte("whether there is a record")? != 0;
        let record = has_record.then(|| SourceRecord::decode(from)).transpose()?;
        let len = from.count("the number of values")?;
        let values = (0..len).map(|_| from.value().map(crate::value::Value::into_owned));
        let values = values.collect::<Result<_, _>>()?;
        Ok(Self { window_start, window_end, events, revision, record, values })
    }
}
