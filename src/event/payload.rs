//! Lambda's Kafka and Kinesis events to the records of each partition.
//!
//! Both event sources of Kafka, MSK and self-managed, send
//!
//! ```json
//! {"eventSource": "aws:kafka", "records": {"topic-0": [
//!   {"topic": "topic", "partition": 0, "offset": 15, "timestamp": 1545084650987,
//!    "timestampType": "CREATE_TIME", "key": "aWQ=", "value": "e30=", "headers": [{"id": [49]}]}]}}
//! ```
//!
//! where key, value and headers may be missing or null and other fields may stand. One bad record must
//! not cost the batch, so each is read by itself: what is sent in practice by a scan for exactly the shape
//! above ([`plain`]), everything else field by field ([`tolerant`]). Both give the same. Those of
//! [`kinesis`] are all read field by field, since a shard has no more than a few thousand a second.
//!
//! A record whose base64 is broken becomes a record with [`RawRecord::damage`]. Only where a record's
//! offset or partition cannot be known the payload fails, since then nothing could be skipped safely.
//! UTF-8 is checked in what is used, not in what is skipped.

mod aggregated;
mod assemble;
mod foreign;
mod kinesis;
mod plain;
mod tolerant;

use std::borrow::Cow;

use super::{
    RawBatch,
    json::{Cursor, Kind, Raw, Syntax, unescape},
};
use crate::time::{Offset, Timestamp};
use assemble::Assembler;

/// What a function was started with.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Records, one batch a partition.
    Records(Vec<RawBatch>),
    /// A tick of an `EventBridge` rule or schedule.
    Schedule,
}

/// Why a payload cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is not JSON.
    #[error("failed to read the payload as JSON")]
    NotJson(#[from] Syntax),
    /// It is JSON, but of something else.
    #[error(
        "failed to find records in the payload: it looks like {found}; expected an event of an MSK or \
         self-managed Kafka event source (\"eventSource\" and \"records\" of partitions), or of a Kinesis one"
    )]
    Foreign {
        /// What it looks like.
        found: String,
    },
    /// A record's place cannot be known.
    #[error("failed to place record {index} of \"{partition}\": {reason}")]
    Record {
        /// The partition as the payload's map names it; "Records" of Kinesis.
        partition: String,
        /// The record's index in the partition's list.
        index: usize,
        /// What was found and what was expected.
        reason: String,
    },
}

/// The records of a payload: one batch a topic and partition, in that order, each in offset order.
/// Records that were sent twice stay twice.
pub fn parse(payload: &[u8]) -> Result<Vec<RawBatch>, PayloadError> {
    read(payload, plain::record)
}

/// What a function that takes both records and schedules was started with.
pub fn trigger(payload: &[u8]) -> Result<Trigger, PayloadError> {
    match parse(payload) {
        Err(PayloadError::Foreign { .. }) if foreign::is_schedule(payload) => Ok(Trigger::Schedule),
        parsed => parsed.map(Trigger::Records),
    }
}

/// One record, its base64 not undone yet.
#[derive(Clone, Debug)]
struct Envelope<'a> {
    topic: Cow<'a, str>,
    partition: i32,
    offset: Offset,
    timestamp: Option<Timestamp>,
    key: Sent<'a>,
    value: Sent<'a>,
    /// The JSON of a list with something in it.
    headers: Option<&'a [u8]>,
}

/// A key or a value as it was sent.
#[derive(Clone, Debug)]
enum Sent<'a> {
    /// Not at all, or null.
    Absent,
    /// Base64.
    Base64(Cow<'a, [u8]>),
    /// As something that is no text.
    Other(&'a [u8]),
}

/// How records are read first. Gives nothing and leaves the cursor where it likes where it cannot.
type Scan = for<'a> fn(&mut Cursor<'a>, &mut plain::Known<'a>, &mut Assembler) -> Option<()>;

/// What is gathered while the payload is read.
#[derive(Debug, Default)]
struct Found {
    source: Option<String>,
    batches: Option<Assembler>,
}

fn read(payload: &[u8], scan: Scan) -> Result<Vec<RawBatch>, PayloadError> {
    let mut cursor = Cursor::new(payload);
    cursor.skip_space();
    if cursor.peek() != Some(b'{') {
        return Err(foreign::error(payload));
    }
    let mut found = Found::default();
    cursor.object(|cursor, name| field(cursor, cursor.slice(name.span.clone()), &mut found, scan))?;
    cursor.end()?;
    match found {
        Found { source: Some(source), batches: Some(batches) } if is_known(&source) => Ok(batches.finish()),
        _ => Err(foreign::error(payload)),
    }
}

fn is_known(source: &str) -> bool {
    is_kafka(source) || source == kinesis::SOURCE
}

/// Whether an `eventSource` is Kafka: MSK's, or one of the two spellings for self-managed Kafka.
fn is_kafka(source: &str) -> bool {
    matches!(source, "aws:kafka" | "SelfManagedKafka" | "aws:SelfManagedKafka")
}

fn field(cursor: &mut Cursor<'_>, name: &[u8], found: &mut Found, scan: Scan) -> Result<(), PayloadError> {
    cursor.skip_space();
    match (name, cursor.peek()) {
        (b"eventSource", _) => {
            let raw = cursor.value()?;
            found.source = text(cursor, Some(&raw)).map(Cow::into_owned);
        }
        (b"Records", Some(b'[')) => {
            let room = cursor.rest().len() / 2;
            let batches = found.batches.get_or_insert_with(|| Assembler::new(room));
            found.source = kinesis::records(cursor, batches)?;
        }
        (b"records", Some(b'{')) => {
            let room = cursor.rest().len() / 2;
            let batches = found.batches.get_or_insert_with(|| Assembler::new(room));
            cursor.object(|cursor, name| {
                let partition = String::from_utf8_lossy(cursor.slice(name.span.clone()));
                records(cursor, &partition, batches, scan)
            })?;
        }
        (b"records", Some(b'n')) => {
            cursor.value()?;
            found.batches.get_or_insert_default();
        }
        _ => {
            cursor.value()?;
        }
    }
    Ok(())
}

/// The records that stand under one name of the map.
fn records(
    cursor: &mut Cursor<'_>,
    partition: &str,
    batches: &mut Assembler,
    scan: Scan,
) -> Result<(), PayloadError> {
    cursor.skip_space();
    if cursor.peek() == Some(b'n') {
        cursor.value()?;
        return Ok(());
    }
    if cursor.peek() != Some(b'[') {
        return Err(PayloadError::Foreign {
            found: format!("an event whose \"{partition}\" is no list of records"),
        });
    }
    let mut known = plain::Known::default();
    let mut index = 0;
    cursor.array(|cursor| {
        let start = cursor.clone();
        if scan(cursor, &mut known, batches).is_none() {
            *cursor = start;
            let envelope = tolerant::record(cursor, partition, index)?;
            batches.push(envelope);
        }
        index += 1;
        Ok(())
    })
}

/// A value if it is a text.
fn text<'a>(cursor: &Cursor<'a>, raw: Option<&Raw>) -> Option<Cow<'a, str>> {
    let Raw { kind: Kind::Text { escaped }, span } = raw? else { return None };
    let text = simdutf8::basic::from_utf8(cursor.slice(span.clone())).ok()?;
    unescape(text, *escaped)
}

#[cfg(test)]
mod tests;
