//! Events that the Kinesis Producer Library put together to one record.
//!
//! `F3 89 9A C2`, a message of Protocol Buffers, the message's MD5:
//!
//! ```text
//! message AggregatedRecord {
//!   repeated string partition_key_table     = 1;
//!   repeated string explicit_hash_key_table = 2;
//!   repeated Record records                 = 3;
//! }
//! message Record {
//!   required uint64 partition_key_index     = 1;
//!   optional uint64 explicit_hash_key_index = 2;
//!   required bytes  data                    = 3;
//!   repeated Tag    tags                    = 4;
//! }
//! ```
//!
//! What is anything else, in any detail, is a record of one event that only begins alike. Events are found
//! where they lie: nothing is copied, and each takes six bytes at least.

use std::ops::Range;

use md5::{Digest as _, Md5};

use crate::codec::Reader;

const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];
const DIGEST: usize = 16;

/// Where an event's partition key and its data lie in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) key: Range<usize>,
    pub(super) data: Range<usize>,
}

/// The events of a record, one or more; nothing where it is no aggregate.
pub(super) fn events(record: &[u8]) -> Option<Vec<Event>> {
    let behind = record.strip_prefix(MAGIC)?;
    let (message, digest) = behind.split_at_checked(behind.len().checked_sub(DIGEST)?)?;
    if Md5::digest(message).as_slice() != digest {
        return None;
    }
    let message = MAGIC.len()..MAGIC.len() + message.len();
    let (mut keys, mut records) = (Vec::new(), Vec::new());
    fields(record, message, |field| match field {
        (1, Content::Bytes(key)) => keys.push(key),
        (3, Content::Bytes(event)) => records.push(event),
        _ => {}
    })?;
    let events = records.into_iter().map(|range| event(record, range, &keys)).collect::<Option<Vec<_>>>()?;
    (!events.is_empty()).then_some(events)
}

fn event(record: &[u8], range: Range<usize>, keys: &[Range<usize>]) -> Option<Event> {
    let (mut key, mut data) = (None, None);
    fields(record, range, |field| match field {
        (1, Content::Number(index)) => key = Some(index),
        (3, Content::Bytes(bytes)) => data = Some(bytes),
        _ => {}
    })?;
    let key = keys.get(usize::try_from(key?).ok()?)?;
    Some(Event { key: key.clone(), data: data? })
}

/// What a field holds.
enum Content {
    Number(u64),
    /// Where the bytes lie.
    Bytes(Range<usize>),
    Other,
}

/// Goes through the fields of a message that lies in a record.
fn fields(record: &[u8], message: Range<usize>, mut each: impl FnMut((u64, Content))) -> Option<()> {
    let end = message.end;
    let mut reader = Reader::new(record.get(message)?);
    while !reader.is_empty() {
        let tag = reader.varint("a tag").ok()?;
        let content = match tag & 7 {
            0 => Content::Number(reader.varint("a number").ok()?),
            1 => reader.take(8, "a number").map(|_| Content::Other).ok()?,
            2 => {
                let len = reader.bytes("bytes").ok()?.len();
                let behind = end - reader.len();
                Content::Bytes(behind - len..behind)
            }
            5 => reader.take(4, "a number").map(|_| Content::Other).ok()?,
            _ => return None,
        };
        each((tag >> 3, content));
    }
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::{put_bytes, put_varint};

    /// What the library makes of events: for each the index of its key, and its data.
    pub(in crate::event::payload) fn aggregate(keys: &[&str], events: &[(u64, &[u8])]) -> Vec<u8> {
        let mut message = Vec::new();
        for key in keys {
            message.push(1 << 3 | 2);
            put_bytes(&mut message, key.as_bytes());
        }
        for (key, data) in events {
            let mut event = vec![1 << 3];
            put_varint(&mut event, *key);
            event.extend([2 << 3, 0, 3 << 3 | 2]);
            put_bytes(&mut event, data);
            message.push(3 << 3 | 2);
            put_bytes(&mut message, &event);
        }
        [MAGIC, &message, Md5::digest(&message).as_slice()].concat()
    }

    fn read(record: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
        Some(events(record)?.into_iter().map(|event| (&record[event.key], &record[event.data])).collect())
    }

    #[test]
    fn events_are_found_where_they_lie() {
        let record = aggregate(&["a", "bb"], &[(1, b"{}"), (0, b""), (1, b"{\"x\":1}")]);
        let expected: [(&[u8], &[u8]); 3] = [(b"bb", b"{}"), (b"a", b""), (b"bb", b"{\"x\":1}")];
        assert_eq!(read(&record), Some(expected.to_vec()));
    }

    #[test]
    fn what_the_library_wrote_is_read() {
        // From the description of the format, with a key table of two and fields in the order of their numbers.
        let bytes = b"\x0a\x01a\x0a\x01b\x1a\x07\x08\x00\x1a\x03one\x1a\x07\x08\x01\x1a\x03two";
        let record = [MAGIC, bytes, Md5::digest(bytes).as_slice()].concat();
        let expected: [(&[u8], &[u8]); 2] = [(b"a", b"one"), (b"b", b"two")];
        assert_eq!(read(&record), Some(expected.to_vec()));
    }

    #[test]
    fn what_only_begins_alike_is_none() {
        let good = aggregate(&["a"], &[(0, b"{}")]);
        let mut damaged = good.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let no_key = aggregate(&["a"], &[(0, b"{}"), (1, b"{}")]);
        let empty = aggregate(&["a"], &[]);
        for record in [&damaged[..], &no_key, &empty, &good[1..], &good[..good.len() - 1], MAGIC, b""] {
            assert_eq!(events(record), None, "{record:x?}");
        }
    }

    proptest! {
        #[test]
        fn no_message_is_read_beyond_itself(message: Vec<u8>) {
            let record = [MAGIC, &message[..], Md5::digest(&message).as_slice()].concat();
            for event in events(&record).unwrap_or_default() {
                prop_assert!(event.key.end <= MAGIC.len() + message.len());
                prop_assert!(event.data.end <= MAGIC.len() + message.len());
            }
        }
    }
}
