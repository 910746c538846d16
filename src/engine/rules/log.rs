//! The events of one slice, in the order in which they came.

use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Reader, put_offset, put_varint},
    time::{Millis, Offset, Timestamp},
};

/// Events in columns.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Log {
    keys: KeyTable,
    /// For each event its key's number.
    groups: Vec<u32>,
    /// From the slice's start.
    times: Vec<u32>,
    offsets: Offsets,
    /// Where in `kept` what is kept of each ends.
    ends: Vec<usize>,
    kept: Vec<u8>,
}

/// An event as a log has it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Logged<'l> {
    pub(in crate::engine) hash: u64,
    pub(in crate::engine) key: &'l [u8],
    pub(in crate::engine) at: Timestamp,
    pub(in crate::engine) offset: Offset,
    pub(in crate::engine) kept: &'l [u8],
}

impl Log {
    /// Appends an event of a slice.
    pub(in crate::engine) fn push(&mut self, slice: Timestamp, event: Logged<'_>) {
        let (group, _) = self.keys.find_or_add(event.hash, event.key);
        self.groups.push(u32::try_from(group).unwrap_or(u32::MAX));
        // A slice is shorter than a minute.
        self.times.push(u32::try_from((event.at - slice).0).unwrap_or_default());
        self.offsets.push(event.offset);
        self.kept.extend_from_slice(event.kept);
        self.ends.push(self.kept.len());
    }

    /// How many events there are.
    pub(in crate::engine) fn len(&self) -> usize {
        self.groups.len()
    }

    /// How many keys there are.
    pub(in crate::engine) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The events of a slice.
    pub(in crate::engine) fn iter(&self, slice: Timestamp) -> impl Iterator<Item = Logged<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let kept = starts.zip(&self.ends).map(|(start, end)| self.kept.get(start..*end).unwrap_or_default());
        let events = self.groups.iter().zip(&self.times).zip(self.offsets.iter()).zip(kept);
        events.map(move |(((group, time), offset), kept)| {
            let group = *group as usize;
            let (hash, key) = (self.keys.hash_at(group), self.keys.key(group));
            Logged { hash, key, at: slice + Millis(i64::from(*time)), offset, kept }
        })
    }

    /// The events whose keys' hashes fulfil a condition.
    pub(in crate::engine) fn filter(&self, slice: Timestamp, keep: impl Fn(u64) -> bool) -> Self {
        let mut filtered = Self::default();
        self.iter(slice).filter(|event| keep(event.hash)).for_each(|event| filtered.push(slice, event));
        filtered
    }

    /// Appends the body. The offsets may be numbers that rise.
    pub(in crate::engine) fn encode(&self, are_rising: bool, out: &mut Vec<u8>) {
        put_varint(out, self.keys.len() as u64);
        self.keys.iter().for_each(|key| put_varint(out, key.len() as u64));
        self.keys.iter().for_each(|key| out.extend_from_slice(key));
        put_varint(out, self.len() as u64);
        self.groups.iter().for_each(|group| put_varint(out, u64::from(*group)));
        self.times.iter().for_each(|time| put_varint(out, u64::from(*time)));
        if are_rising {
            let before = std::iter::once(Offset::FIRST).chain(self.offsets.iter());
            self.offsets.iter().zip(before).for_each(|(own, before)| put_varint(out, own.since(before)));
        } else {
            self.offsets.iter().for_each(|offset| put_offset(out, offset));
        }
        let mut start = 0;
        for end in &self.ends {
            put_varint(out, (end - start) as u64);
            start = *end;
        }
        out.extend_from_slice(&self.kept);
    }

    /// Reads what [`Log::encode`] wrote.
    pub(in crate::engine) fn decode(are_rising: bool, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut log = Self::default();
        let len = from.count("the number of keys")?;
        let lengths = (0..len).map(|_| from.count("a key's length")).collect::<Result<Vec<_>, _>>()?;
        for length in lengths {
            let key = from.take(length, "a key")?;
            log.keys.find_or_add(KeyTable::hash(key), key);
        }
        let len = from.count("the number of events")?;
        log.groups = (0..len).map(|_| small(from, "a key's number")).collect::<Result<_, _>>()?;
        if log.groups.iter().any(|group| *group as usize >= log.keys.len()) {
            let found = format!("a number beyond {} keys", log.keys.len());
            return Err(CodecError::Unexpected { found, expected: "the number of a key" });
        }
        log.times = (0..len).map(|_| small(from, "an event's time")).collect::<Result<_, _>>()?;
        let mut number = 0_i64;
        for _ in 0..len {
            log.offsets.push(if are_rising {
                number = number.saturating_add_unsigned(from.varint("an offset")?);
                Offset::at(number)
            } else {
                from.offset("an offset")?
            });
        }
        let mut end = 0;
        for _ in 0..len {
            end += from.count("the length of an event")?;
            log.ends.push(end);
        }
        log.kept = from.take(end, "the events")?.to_vec();
        Ok(log)
    }
}

/// Offsets as they came: numbers, and from the first sequence number on, which are four times as large, whatever comes.
#[derive(Clone, Debug, Default)]
struct Offsets {
    numbers: Vec<i64>,
    rest: Vec<Offset>,
}

impl Offsets {
    fn push(&mut self, offset: Offset) {
        match offset.number() {
            Some(number) if self.rest.is_empty() => self.numbers.push(number),
            _ => self.rest.push(offset),
        }
    }

    fn iter(&self) -> impl Iterator<Item = Offset> {
        self.numbers.iter().copied().map(Offset::at).chain(self.rest.iter().copied())
    }
}

fn small(from: &mut Reader<'_>, expected: &'static str) -> Result<u32, CodecError> {
    let n = from.varint(expected)?;
    u32::try_from(n).map_err(|_| CodecError::Unexpected { found: n.to_string(), expected })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Plain = (Vec<u8>, i64, Offset, Vec<u8>);

    fn plain(log: &Log) -> Vec<Plain> {
        let plain = |event: Logged<'_>| (event.key.to_vec(), event.at.0, event.offset, event.kept.to_vec());
        log.iter(Timestamp(1_000_000)).map(plain).collect()
    }

    proptest! {
        #[test]
        fn a_log_comes_back(events: Vec<(u8, u16, u8, Vec<u8>)>, sequenced: bool) {
            let slice = Timestamp(1_000_000);
            let (mut log, mut expected, mut number) = (Log::default(), Vec::new(), 0);
            for (key, time, step, kept) in events {
                number += i64::from(step) + 1;
                let sequence = format!("{number}{}", "0".repeat(50));
                // A topic may have been Kafka's before it was a stream.
                let is_number = !sequenced || number < 300;
                let at = Offset::at(number);
                let offset = if is_number { at } else { Offset::in_sequence(&sequence, None).unwrap() };
                let (key, at) = (vec![key % 8; usize::from(key % 3)], slice + Millis(i64::from(time)));
                let hash = KeyTable::hash(&key);
                log.push(slice, Logged { hash, key: &key, at, offset, kept: &kept });
                expected.push((key, at.0, offset, kept));
            }
            let mut body = Vec::new();
            log.encode(!sequenced, &mut body);
            let decoded = Log::decode(!sequenced, &mut Reader::new(&body)).unwrap();
            prop_assert_eq!(plain(&decoded), expected.clone());
            let even = decoded.filter(slice, |hash| hash.is_multiple_of(2));
            expected.retain(|(key, ..)| KeyTable::hash(key).is_multiple_of(2));
            prop_assert_eq!(plain(&even), expected);
        }

        #[test]
        fn random_bytes_are_an_error_or_a_log(bytes: Vec<u8>, are_rising: bool) {
            let _ = Log::decode(are_rising, &mut Reader::new(&bytes));
        }
    }
}
