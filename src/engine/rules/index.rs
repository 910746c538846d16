//! The recent events of a partition's keys: an index over its slabs, made of nothing but them.

use hashbrown::HashTable;

use super::{Reach, log::Logged};
use crate::{
    aggregate::KeyTable,
    codec::Reader,
    engine::{leaf::Leaves, slab::Slab},
    time::{Millis, Offset, Timestamp},
};

/// An event of a key.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Event {
    pub(in crate::engine) at: Timestamp,
    pub(in crate::engine) offset: Offset,
    /// Where what is kept of it begins.
    kept: usize,
}

/// A key with its events, in the order of their times; those of one time in that of their offsets.
#[derive(Clone, Debug)]
pub(in crate::engine) struct KeyEvents {
    hash: u64,
    key: Box<[u8]>,
    events: Vec<Event>,
    kept: Vec<u8>,
}

impl KeyEvents {
    fn new(hash: u64, key: &[u8]) -> Self {
        Self { hash, key: key.into(), events: Vec::new(), kept: Vec::new() }
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
    pub(in crate::engine) fn kept(&self, event: &Event) -> Reader<'_> {
        Reader::new(self.kept.get(event.kept..).unwrap_or_default())
    }

    /// How many events are earlier than this.
    pub(in crate::engine) fn before(&self, at: Timestamp) -> usize {
        self.events.partition_point(|event| event.at < at)
    }

    fn insert(&mut self, event: &Logged<'_>) {
        let kept = self.kept.len();
        self.kept.extend_from_slice(event.kept);
        let new = Event { at: event.at, offset: event.offset, kept };
        let is_last = self.events.last().is_none_or(|last| (last.at, last.offset) < (new.at, new.offset));
        if is_last {
            self.events.push(new);
        } else {
            let order = |known: &Event| (known.at, known.offset) < (new.at, new.offset);
            self.events.insert(self.events.partition_point(order), new);
        }
    }

    /// Forgets what is earlier, once that is most of it: so each event is moved about once.
    fn forget_before(&mut self, at: Timestamp) {
        let old = self.before(at);
        if old * 2 < self.events.len() {
            return;
        }
        let kept = std::mem::take(&mut self.kept);
        let ends = ends(&self.events, kept.len());
        self.events.drain(..old);
        for (event, end) in self.events.iter_mut().zip(ends.into_iter().skip(old)) {
            let start = std::mem::replace(&mut event.kept, self.kept.len());
            self.kept.extend_from_slice(kept.get(start..end).unwrap_or_default());
        }
        self.events.shrink_to(self.events.len() * 2);
    }
}

/// Where what is kept of each event ends. It stands in the order in which the events came.
fn ends(events: &[Event], len: usize) -> Vec<usize> {
    let mut starts: Vec<usize> = events.iter().map(|event| event.kept).collect();
    starts.sort_unstable();
    let end = |event: &Event| {
        let behind = starts.partition_point(|start| *start <= event.kept);
        starts.get(behind).copied().unwrap_or(len)
    };
    events.iter().map(end).collect()
}

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
        let Self { numbers, keys, .. } = self;
        let is_at = |n: &u32| keys.get(*n as usize).is_some_and(|known| *known.key == *event.key);
        let number = match numbers.find(event.hash, is_at) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(keys.len()).unwrap_or(u32::MAX);
                keys.push(KeyEvents::new(event.hash, event.key));
                numbers.insert_unique(event.hash, number, hash_at(keys));
                number
            }
        };
        if let Some(known) = keys.get_mut(number as usize) {
            known.insert(event);
        }
        number
    }

    /// The number of a key.
    pub(in crate::engine) fn find(&self, key: &[u8]) -> Option<u32> {
        let is_at = |n: &u32| self.keys.get(*n as usize).is_some_and(|known| *known.key == *key);
        self.numbers.find(KeyTable::hash(key), is_at).copied()
    }

    /// The key of a number.
    pub(in crate::engine) fn key(&self, number: u32) -> Option<&KeyEvents> {
        self.keys.get(number as usize)
    }

    /// Adds the events whose frames hold one of some times, as positions among the events of their key; each
    /// once if the times rise. Frames that reach back further than the index have had their last
    /// rows and are left out.
    pub(in crate::engine) fn touched(
        &self,
        key: &KeyEvents,
        times: impl Iterator<Item = Timestamp>,
        positions: &mut Vec<usize>,
    ) {
        let range = self.reach.range;
        let mut next = key.before(self.complete_from + range);
        for at in times {
            let first = key.before(at).max(next);
            let rest = key.events.get(first..).unwrap_or_default();
            next = first + rest.partition_point(|event| event.at <= at + range);
            positions.extend(first..next);
        }
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
        self.keys.retain_mut(|key| {
            key.forget_before(from);
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
