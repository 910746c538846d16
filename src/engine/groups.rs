//! Partial aggregates by key.

use crate::{
    aggregate::{Accumulators, KeyTable},
    codec::{CodecError, Reader, put_varint, put_zigzag},
    sql::Aggregate,
    time::{Millis, Timestamp},
};

/// What the groups of a view look like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The aggregates.
    pub(super) aggregates: Vec<Aggregate>,
    /// Whether groups know their first and last event: those of sessions do.
    pub(super) timed: bool,
}

/// For each key, how many events it has and the accumulators.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    keys: KeyTable,
    events: Vec<u64>,
    /// First and last event, where the shape is timed.
    spans: Vec<(Timestamp, Timestamp)>,
    accumulators: Accumulators,
}

impl Groups {
    pub(super) fn new(shape: &Shape) -> Self {
        Self {
            keys: KeyTable::default(),
            events: Vec::new(),
            spans: Vec::new(),
            accumulators: Accumulators::new(&shape.aggregates),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn keys(&self) -> &KeyTable {
        &self.keys
    }

    /// How many events a group has.
    pub(super) fn events(&self, group: usize) -> u64 {
        self.events.get(group).copied().unwrap_or(0)
    }

    /// A group's first and last event.
    pub(super) fn span(&self, group: usize) -> Option<(Timestamp, Timestamp)> {
        self.spans.get(group).copied()
    }

    pub(super) fn accumulators(&self) -> &Accumulators {
        &self.accumulators
    }

    /// The group of a key, which is made if there is none.
    fn group(&mut self, hash: u64, key: &[u8]) -> usize {
        let (group, is_new) = self.keys.find_or_add(hash, key);
        if is_new {
            self.push();
        }
        group
    }

    /// Counts events into a key's group, and hands out its accumulators.
    pub(super) fn count(&mut self, hash: u64, key: &[u8], count: u64) -> (usize, &mut Accumulators) {
        let group = self.group(hash, key);
        if let Some(events) = self.events.get_mut(group) {
            *events += count;
        }
        (group, &mut self.accumulators)
    }

    /// Widens a group's span to hold an event.
    pub(super) fn widen(&mut self, group: usize, first: Timestamp, last: Timestamp) {
        if self.spans.len() <= group {
            self.spans.resize(group + 1, (Timestamp::MAX, Timestamp::MIN));
        }
        if let Some(span) = self.spans.get_mut(group) {
            *span = (span.0.min(first), span.1.max(last));
        }
    }

    /// Makes a group, even where the key has one already; returns its number.
    pub(super) fn add(&mut self, hash: u64, key: &[u8]) -> usize {
        self.push();
        self.keys.add(hash, key)
    }

    fn push(&mut self) {
        self.events.push(0);
        self.accumulators.push();
    }

    /// Merges some groups of `other` into the groups of the same keys.
    pub(super) fn merge(&mut self, other: &Self, wanted: impl Iterator<Item = usize>) {
        let pair = |from| (self.group(other.keys.hash_at(from), other.keys.key(from)), from);
        let pairs: Vec<_> = wanted.map(pair).collect();
        self.merge_pairs(other, &pairs);
    }

    /// Merges groups of `other` into groups of these: for each pair, the second into the first.
    pub(super) fn merge_pairs(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        for (to, from) in pairs {
            if let Some(events) = self.events.get_mut(*to) {
                *events += other.events(*from);
            }
            if let Some((first, last)) = other.span(*from) {
                self.widen(*to, first, last);
            }
        }
        self.accumulators.merge(&other.accumulators, pairs);
    }

    /// The groups whose keys' hashes fulfil a condition, as groups of their own.
    pub(super) fn filter(&self, shape: &Shape, keep: impl Fn(u64) -> bool) -> Self {
        let mut kept = Self::new(shape);
        kept.merge(self, (0..self.len()).filter(|group| keep(self.keys.hash_at(*group))));
        kept
    }

    pub(super) fn encode(&self, slice: Timestamp, out: &mut Vec<u8>) {
        self.keys.encode(out);
        self.events.iter().for_each(|events| put_varint(out, *events));
        for (first, last) in &self.spans {
            put_zigzag(out, (*first - slice).0);
            put_zigzag(out, (*last - *first).0);
        }
        self.accumulators.encode(out);
    }

    pub(super) fn decode(shape: &Shape, slice: Timestamp, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let keys = KeyTable::decode(from)?;
        let len = keys.len();
        let events = (0..len).map(|_| from.varint("a number of events")).collect::<Result<_, _>>()?;
        let mut spans = Vec::new();
        for _ in 0..if shape.timed { len } else { 0 } {
            let first = slice + Millis(from.zigzag("a first event")?);
            spans.push((first, first + Millis(from.zigzag("a last event")?)));
        }
        let accumulators = Accumulators::decode(&shape.aggregates, len, from)?;
        Ok(Self { keys, events, spans, accumulators })
    }
}
