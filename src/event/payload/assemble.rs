//! Records to batches: base64 undone, one buffer a partition.

use std::{borrow::Cow, ops::Range};

use base64_simd::STANDARD;

use super::{Envelope, Sent, aggregated};
use crate::{
    event::{RawBatch, RawRecord},
    time::{Offset, Timestamp},
};

/// A record of Kinesis, its base64 not undone yet.
#[derive(Clone, Debug)]
pub(super) struct Sequenced<'a> {
    pub(super) stream: String,
    pub(super) shard: i32,
    pub(super) sequence: Cow<'a, str>,
    pub(super) arrived: Option<Timestamp>,
    pub(super) key: Option<Cow<'a, str>>,
    pub(super) data: Sent<'a>,
}

/// What the key and value of a small record have together. Room that is not needed is memory that is not touched.
const SMALL_RECORD: usize = 64;

/// The batches of a payload while it is read.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    batches: Vec<RawBatch>,
    /// How many bytes the next batch is likely to need.
    room: usize,
}

impl Assembler {
    /// For a payload whose first partition is likely to need `room` bytes.
    pub(super) const fn new(room: usize) -> Self {
        Self { batches: Vec::new(), room }
    }

    /// The index of a partition's batch.
    pub(super) fn index(&mut self, topic: &str, partition: i32) -> usize {
        let same = |batch: &RawBatch| batch.partition == partition && batch.topic == topic;
        self.batches.iter().position(same).unwrap_or_else(|| {
            // A partition's share is like that of the one before it.
            let before = self.batches.last().map(|last| (last.bytes.len(), last.records.len()));
            let (bytes, records) = before.unwrap_or((self.room, self.room / SMALL_RECORD));
            let (bytes, records) = (Vec::with_capacity(bytes), Vec::with_capacity(records));
            self.batches.push(RawBatch { topic: topic.to_owned(), partition, records, bytes });
            self.batches.len() - 1
        })
    }

    /// Adds a record of canonical base64 to a batch; does nothing where it is anything else. Of headers there is
    /// at least one, or there are none.
    pub(super) fn push_plain(
        &mut self,
        batch: usize,
        (offset, timestamp): (i64, Option<Timestamp>),
        key: Option<&[u8]>,
        value: &[u8],
        headers: Option<&[u8]>,
    ) -> Option<()> {
        let RawBatch { records, bytes, .. } = self.batches.get_mut(batch)?;
        let start = bytes.len();
        let key = match key {
            Some(key) => {
                decode(key, bytes)?;
                Some(start..bytes.len())
            }
            None => None,
        };
        let middle = bytes.len();
        if decode(value, bytes).is_none() {
            bytes.truncate(start);
            return None;
        }
        let value = middle..bytes.len();
        let headers = headers.map_or(0..0, |json| copy(bytes, json));
        records.push(RawRecord { offset: Offset::at(offset), timestamp, key, value, headers, damage: None });
        Some(())
    }

    /// Adds a record whatever its key and value are.
    pub(super) fn push(&mut self, record: Envelope<'_>) {
        let index = self.index(&record.topic, record.partition);
        let Some(RawBatch { records, bytes, .. }) = self.batches.get_mut(index) else { return };
        let mut damage = None;
        let key = append(bytes, "key", record.key, &mut damage);
        let value = append(bytes, "value", record.value, &mut damage).unwrap_or_default();
        let headers = record.headers.map_or(0..0, |json| copy(bytes, json));
        let Envelope { offset, timestamp, .. } = record;
        records.push(RawRecord { offset, timestamp, key, value, headers, damage });
    }

    /// Adds the event or the events of a record of Kinesis; nothing where its sequence number is none.
    pub(super) fn push_sequenced(&mut self, record: Sequenced<'_>) -> Option<()> {
        let Sequenced { stream, shard, sequence, arrived: timestamp, key, data } = record;
        let index = self.index(&stream, shard);
        let RawBatch { records, bytes, .. } = self.batches.get_mut(index)?;
        let mut damage = None;
        let value = append(bytes, "data", data, &mut damage).unwrap_or_default();
        let Some(events) = bytes.get(value.clone()).and_then(aggregated::events) else {
            let start = bytes.len();
            let key = key.map(|key| bytes.extend_from_slice(key.as_bytes())).map(|()| start..bytes.len());
            let offset = Offset::in_sequence(&sequence, None)?;
            records.push(RawRecord { offset, timestamp, key, value, headers: 0..0, damage });
            return Some(());
        };
        let within = |range: Range<usize>| value.start + range.start..value.start + range.end;
        let last = events.len() - 1;
        for (place, event) in events.into_iter().enumerate() {
            let before_last = (place < last).then(|| u32::try_from(place).unwrap_or(u32::MAX));
            let offset = Offset::in_sequence(&sequence, before_last)?;
            let (key, value) = (Some(within(event.key)), within(event.data));
            records.push(RawRecord { offset, timestamp, key, value, headers: 0..0, damage: None });
        }
        Some(())
    }

    /// The batches in the order of topic and partition, each in offset order.
    pub(super) fn finish(self) -> Vec<RawBatch> {
        let mut batches = self.batches;
        // A record that turned out not to be plain may have gone elsewhere.
        batches.retain(|batch| !batch.records.is_empty());
        batches.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        for batch in &mut batches {
            if !batch.records.is_sorted_by_key(|record| record.offset) {
                batch.records.sort_by_key(|record| record.offset);
            }
        }
        batches
    }
}

/// Where bytes lie once they are appended.
fn copy(bytes: &mut Vec<u8>, part: &[u8]) -> Range<usize> {
    let start = bytes.len();
    bytes.extend_from_slice(part);
    start..bytes.len()
}

/// Where the bytes of a key or a value lie now: what base64 says or, if it is broken, what was sent.
/// Missing padding and loose trailing bits are let pass, as in most decoders.
fn append(
    bytes: &mut Vec<u8>,
    role: &str,
    sent: Sent<'_>,
    damage: &mut Option<String>,
) -> Option<Range<usize>> {
    let start = bytes.len();
    match sent {
        Sent::Absent => return None,
        Sent::Base64(text) if decode(&text, bytes).is_some() => {}
        Sent::Base64(text) => {
            let decoded = base64_simd::forgiving_decode_to_vec(&text);
            bytes.extend_from_slice(decoded.as_ref().map_or(&text, Vec::as_slice));
            if decoded.is_err() {
                damage.get_or_insert_with(|| format!("{role}: broken base64"));
            }
        }
        Sent::Other(json) => {
            bytes.extend_from_slice(json);
            damage.get_or_insert_with(|| format!("{role}: found JSON that is no text, expected base64"));
        }
    }
    Some(start..bytes.len())
}

/// Appends what canonical base64 says; nothing where it is anything else.
#[inline]
fn decode(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    // The decoder makes room for exactly what it is given, which would copy the buffer every time.
    bytes.reserve(text.len());
    STANDARD.decode_append(text, bytes).ok()
}
