//! NDJSON to batches: files stand in for topics, their lines for records.
//!
//! Lines are spread over partitions as Kafka's default partitioner spreads records, by the table's key
//! column; a record's offset is the number of those before it in its partition. The bytes of a line go
//! straight into the batch, whatever they are: plain text where that is the table's format, and what does
//! not fit the table becomes a dead letter later.

use std::{
    io::{self, BufRead, ErrorKind},
    num::NonZeroU32,
};

use super::{RawBatch, RawRecord, key::KeyFinder, partitioner::partition_of};
use crate::{sql::Table, time::Offset};

/// The longest line, in bytes.
pub const MAX_LINE: usize = 16 << 20;

/// Reads lines as records of one topic.
#[derive(Debug)]
pub struct NdjsonReader<'t, R> {
    input: R,
    topic: &'t str,
    key: Option<KeyFinder<'t>>,
    /// The next offset of each partition.
    next: Vec<Offset>,
    /// How many lines were read.
    line: u64,
    /// How many records without a key there were.
    unkeyed: usize,
    /// A line whose partition is not known yet.
    scratch: Vec<u8>,
    /// How many bytes and records the last batch of a partition had.
    room: (usize, usize),
}

/// Some lines.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// One batch for each partition that has any of the lines.
    pub batches: Vec<RawBatch>,
    /// How many records they have together.
    pub records: usize,
}

impl<'t, R: BufRead> NdjsonReader<'t, R> {
    /// A reader of the records of a table's topic, spread over so many partitions.
    pub fn new(input: R, table: &'t Table, partitions: NonZeroU32) -> Self {
        let count = usize::try_from(partitions.get()).unwrap_or(usize::MAX);
        Self {
            input,
            topic: &table.topic,
            key: KeyFinder::new(table),
            next: vec![Offset::at(0); count],
            line: 0,
            unkeyed: 0,
            scratch: Vec::new(),
            room: (0, 0),
        }
    }

    /// The next lines, at most `max` (or one) that are not blank; none at the end of the input.
    ///
    /// Fails where the input does, and on a line that is longer than [`MAX_LINE`].
    pub fn next_batch(&mut self, max: usize) -> io::Result<Option<Lines>> {
        let batches = if let [next] = self.next.as_mut_slice() {
            let mut batch = empty(self.topic, 0, self.room);
            let start = *next;
            while batch.records.len() < max.max(1)
                && append_line(&mut self.input, &mut self.line, &mut batch.bytes)?
            {
                let value =
                    batch.records.last().map_or(0, |last: &RawRecord| last.value.end)..batch.bytes.len();
                batch.records.push(record(*next, value));
                *next = next.next();
            }
            debug_assert!(*next >= start, "offsets rise");
            vec![batch]
        } else {
            self.spread(max.max(1))?
        };
        Ok(self.lines(batches))
    }

    /// The next lines, each in its partition.
    fn spread(&mut self, max: usize) -> io::Result<Vec<RawBatch>> {
        let mut batches: Vec<_> =
            (0..).take(self.next.len()).map(|index| empty(self.topic, index, self.room)).collect();
        for _ in 0..max {
            self.scratch.clear();
            if !append_line(&mut self.input, &mut self.line, &mut self.scratch)? {
                break;
            }
            let partition = self.partition();
            let (Some(batch), Some(next)) = (batches.get_mut(partition), self.next.get_mut(partition)) else {
                break;
            };
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(&self.scratch);
            batch.records.push(record(*next, start..batch.bytes.len()));
            *next = next.next();
        }
        Ok(batches)
    }

    /// The partition of the line at hand: in turns where it has no key.
    fn partition(&mut self) -> usize {
        let partitions = self.next.len();
        if let Some(key) = self.key.as_ref().and_then(|key| key.find(&self.scratch)) {
            let count = u32::try_from(partitions).unwrap_or(u32::MAX);
            return partition_of(&key, count) as usize;
        }
        self.unkeyed += 1;
        (self.unkeyed - 1) % partitions
    }

    fn lines(&mut self, mut batches: Vec<RawBatch>) -> Option<Lines> {
        batches.retain(|batch| !batch.records.is_empty());
        let records = batches.iter().map(|batch| batch.records.len()).sum();
        let first = batches.first()?;
        self.room = (first.bytes.len(), first.records.len());
        Some(Lines { batches, records })
    }
}

fn empty(topic: &str, partition: i32, (bytes, records): (usize, usize)) -> RawBatch {
    let (bytes, records) = (Vec::with_capacity(bytes), Vec::with_capacity(records));
    RawBatch { topic: topic.to_owned(), partition, records, bytes }
}

const fn record(offset: Offset, value: std::ops::Range<usize>) -> RawRecord {
    RawRecord { offset, timestamp: None, key: None, value, headers: 0..0, damage: None }
}

/// Appends the next line that is not blank, without its end; false at the end of the input. `line`
/// counts all lines.
fn append_line(input: &mut impl BufRead, line: &mut u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let start = bytes.len();
    loop {
        let more = append_to_newline(input, *line + 1, bytes)?;
        *line += 1;
        if bytes.last() == Some(&b'\r') && bytes.len() > start {
            bytes.pop();
        }
        let blank = bytes.get(start..).unwrap_or_default().iter().all(u8::is_ascii_whitespace);
        if !blank {
            return Ok(true);
        }
        bytes.truncate(start);
        if !more {
            return Ok(false);
        }
    }
}

/// Appends what stands before the next newline; false at the end of the input.
fn append_to_newline(input: &mut impl BufRead, line: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let start = bytes.len();
    loop {
        let ahead = match input.fill_buf() {
            Ok(ahead) => ahead,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let newline = memchr::memchr(b'\n', ahead);
        let taken = ahead.get(..newline.unwrap_or(ahead.len())).unwrap_or_default();
        if bytes.len() - start + taken.len() > MAX_LINE {
            let message = format!("line {line} is longer than {} MB", MAX_LINE >> 20);
            return Err(io::Error::new(ErrorKind::InvalidData, message));
        }
        bytes.extend_from_slice(taken);
        let (count, end) = (taken.len() + usize::from(newline.is_some()), ahead.is_empty());
        input.consume(count);
        if newline.is_some() || end {
            return Ok(!end);
        }
    }
}

#[cfg(test)]
mod tests;
