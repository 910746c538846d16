//! The recent events of a partition's keys: an index over its slabs, made of nothing but them.

use std::hint::black_box;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::{Reach, log::Logged};
use crate::{
    codec::{CodecError, Reader, put_offset},
    engine::{leaf::Leaves, slab::Slab},
    time::{Millis, Offset, Timestamp},
};

/// An event of a key.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Event {
    pub(in crate::engine) at: Timestamp,
    /// Where what is kept of it begins, its offset first: few events are asked for theirs.
    kept: usize,
}

/// A key with its events, in the order of their times; those of one time in that of their offsets, in which they come.
#[derive(Clone, Debug)]
pub(in crate::engine) struct KeyEvents {
    hash: u64,
    /// Where the rest is, so that it is there when the key is compared.
    key: SmallVec<[u8; 24]>,
    events: Vec<Event>,
    kept: Vec<u8>,
    last: Last,
    start: Start,
}

/// The last time, and how many events are of it. Nearly all that is asked concerns these, and it stands with
/// the key: the events are far apart in memory.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: Timestamp,
    events: usize,
}

/// How many events are earlier than a time, and the first that is not. Times that are asked for
/// nearly always rise.
#[derive(Clone, Copy, Debug)]
struct Start {
    from: Timestamp,
    before: usize,
    next: Timestamp,
}

impl Last {
    const NONE: Self = Self { at: Timestamp::MIN, events: 0 };

    fn of(events: &[Event]) -> Self {
        let Some(at) = events.last().map(|event| event.at) else { return Self::NONE };
        Self { at, events: events.iter().rev().take_while(|event| event.at == at).count() }
    }
}

impl Start {
    /// Of no time.
    const UNKNOWN: Self = Self { from: Timestamp::MAX, before: 0, next: Timestamp::MAX };
}

/// An event whose frame is to be looked at: where it is among those of its key, and its time.
pub(in crate::engine) type Touched = (usize, Timestamp);

impl KeyEvents {
    fn new(hash: u64, key: &[u8]) -> Self {
        Self {
            hash,
            key: SmallVec::from_slice(key),
            events: Vec::new(),
            kept: Vec::new(),
            last: Last::NONE,
            start: Start::UNKNOWN,
        }
    }

    pub(in crate::engine) fn hash(&self) -> u64 {
        self.hash
    }

    pub(in crate::engine) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(in crate::engine) fn events(&self) -> &[Event] {
        &self.events
    }

    /// What is kept of an event.
    pub(in crate::engine) fn kept(&self, event: &Event) -> Result<Reader<'_>, CodecError> {
        Ok(self.offset_and_kept(event)?.1)
    }

    /// An event's offset, and what is kept of it.
    pub(in crate::engine) fn offset_and_kept(
        &self,
        event: &Event,
    ) -> Result<(Offset, Reader<'_>), CodecError> {
        let mut kept = Reader::new(self.kept.get(event.kept..).unwrap_or_default());
        Ok((kept.offset("an event's offset")?, kept))
    }

    /// How many events are earlier than this.
    pub(in crate::engine) fn before(&self, at: Timestamp) -> usize {
        if at > self.last.at {
            self.events.len()
        } else if at == self.last.at {
            self.events.len() - self.last.events
        } else if at == self.start.from {
            self.start.before
        } else {
            self.events.partition_point(|event| event.at < at)
        }
    }

    /// Notes how many events are earlier than this.
    fn seek(&mut self, from: Timestamp) {
        let Start { from: known, before, next } = self.start;
        if known <= from && from <= next {
            self.start.from = from;
            return;
        }
        let before = if known <= from {
            let rest = self.events.get(before..).unwrap_or_default();
            before + rest.iter().take_while(|event| event.at < from).count()
        } else {
            self.events.partition_point(|event| event.at < from)
        };
        let next = self.events.get(before).map_or(Timestamp::MAX, |event| event.at);
        self.start = Start { from, before, next };
    }

    fn insert(&mut self, event: &Logged<'_>) {
        if self.events.is_empty() {
            self.events.reserve(FIRST_EVENTS);
            self.kept.reserve(FIRST_EVENTS * event.kept.len());
        }
        let kept = self.kept.len();
        put_offset(&mut self.kept, event.offset);
        self.kept.extend_from_slice(event.kept);
        let new = Event { at: event.at, kept };
        if self.last.at < new.at || self.events.is_empty() {
            self.events.push(new);
            self.last = Last { at: new.at, events: 1 };
            // Of no events none is the first; now there is one.
            if self.start.before + 1 == self.events.len() {
                self.start = Start::UNKNOWN;
            }
        } else {
            self.events.insert(self.events.partition_point(|known| known.at <= new.at), new);
            (self.last, self.start) = (Last::of(&self.events), Start::UNKNOWN);
        }
    }

    /// Forgets what is earlier, once that is most of it: so each event is moved about once. What is kept
    /// stands in the order in which the events came.
    fn forget_before(&mut self, at: Timestamp, moves: &mut Vec<(usize, usize)>) {
        let old = self.before(at);
        if old * 2 < self.events.len() {
            return;
        }
        moves.clear();
        moves.extend(self.events.iter().enumerate().map(|(position, event)| (event.kept, position)));
        moves.sort_unstable();
        let ends = moves.iter().skip(1).map(|(start, _)| *start).chain([self.kept.len()]);
        let mut len = 0;
        for ((start, position), end) in moves.iter().zip(ends.collect::<SmallVec<[usize; 64]>>()) {
            if *position >= old
                && let Some(event) = self.events.get_mut(*position)
            {
                event.kept = len;
                self.kept.copy_within(*start..end, len);
                len += end - start;
            }
        }
        self.kept.truncate(len);
        self.events.drain(..old);
        (self.last, self.start) = (Last::of(&self.events), Start::UNKNOWN);
    }
}

/// What a key's first event brings room for.
const FIRST_EVENTS: usize = 8;

/// The recent events of each key.
#[derive(Clone, Debug)]
pub(in crate::engine) struct EventIndex {
    reach: Reach,
    numbers: HashTable<u32>,
    keys: Vec<KeyEvents>,
    /// From here on all events are there.
    complete_from: Timestamp,
    /// Up to where it was pruned last.
    pruned: Timestamp,
}

/// How often it is pruned while time goes on by a range, or by a slice where that is longer.
const PRUNES_A_RANGE: i64 = 8;

impl EventIndex {
    /// Indexes slabs, which are all there are from a slice on.
    pub(in crate::engine) fn build<'s>(
        reach: Reach,
        from: Timestamp,
        slabs: impl Iterator<Item = &'s Leaves<Slab>>,
    ) -> Self {
        let (numbers, keys) = (HashTable::new(), Vec::new());
        let mut index = Self { reach, numbers, keys, complete_from: from, pruned: from };
        for leaf in slabs.flat_map(Leaves::iter) {
            for event in leaf.content.events() {
                index.insert(&event);
            }
        }
        index
    }

    /// Takes an event in; answers its key's number, which holds until the next pruning.
    pub(in crate::engine) fn insert(&mut self, event: &Logged<'_>) -> u32 {
        let number = if let Some(number) = self.find(event.hash, event.key) {
            number
        } else {
            let Self { numbers, keys, .. } = self;
            let number = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            keys.push(KeyEvents::new(event.hash, event.key));
            numbers.insert_unique(event.hash, number, hash_at(keys));
            number
        };
        if let Some(known) = self.keys.get_mut(number as usize) {
            known.insert(event);
        }
        number
    }

    /// The number of a key.
    pub(in crate::engine) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_at = |n: &u32| self.keys.get(*n as usize).is_some_and(|known| known.key.as_slice() == key);
        self.numbers.find(hash, is_at).copied()
    }

    /// Looks at the last event of a key, so that it is near when the next one comes.
    pub(in crate::engine) fn touch(&self, number: u32) {
        let known = self.keys.get(number as usize);
        black_box(known.map(|known| (known.events.last().copied(), known.kept.last().copied())));
    }

    /// The key of a number.
    #[cfg(test)]
    pub(in crate::engine) fn key(&self, number: u32) -> Option<&KeyEvents> {
        self.keys.get(number as usize)
    }

    /// Adds the events of a key whose frames hold one of some times; each once, and in their order, if the
    /// times rise. Frames that reach back further than the index have had their last rows and are left
    /// out.
    pub(in crate::engine) fn touched(
        &mut self,
        number: u32,
        times: impl Iterator<Item = Timestamp>,
        touched: &mut Vec<Touched>,
    ) -> Option<&KeyEvents> {
        let (range, complete_from) = (self.reach.range, self.complete_from);
        let key = self.keys.get_mut(number as usize)?;
        let (mut next, before) = (0, touched.len());
        for at in times {
            let first = key.before(at.max(complete_from + range)).max(next);
            next = next.max(key.before(at + range + Millis(1)));
            if first + key.last.events >= next && next == key.events.len() {
                touched.extend((first..next).map(|position| (position, key.last.at)));
            } else {
                let events = key.events.iter().enumerate().take(next).skip(first);
                touched.extend(events.map(|(position, event)| (position, event.at)));
            }
        }
        if let Some((_, at)) = touched.get(before) {
            key.seek(*at - range);
        }
        Some(key)
    }

    /// Forgets what is not needed once rows are final up to `closed`. That takes a look at every key, so it
    /// is done once in a while.
    pub(in crate::engine) fn prune(&mut self, closed: Timestamp, slice: Millis) {
        let from = closed - self.reach.back();
        let pause = Millis((self.reach.range.0 / PRUNES_A_RANGE).max(slice.0));
        if from < self.pruned + pause {
            return;
        }
        (self.pruned, self.complete_from) = (from, self.complete_from.max(from));
        let mut moves = Vec::new();
        self.keys.retain_mut(|key| {
            key.forget_before(from, &mut moves);
            !key.events.is_empty()
        });
        self.numbers.clear();
        for (number, key) in (0..).zip(&self.keys) {
            self.numbers.insert_unique(key.hash, number, hash_at(&self.keys));
        }
    }
}

fn hash_at(keys: &[KeyEvents]) -> impl Fn(&u32) -> u64 {
    |n| keys.get(*n as usize).map_or(0, |key| key.hash)
}

#[cfg(test)]
mod tests;
