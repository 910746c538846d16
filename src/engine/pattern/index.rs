//! The events that searches may still need, by key: an index over slabs, made of nothing but them.

use std::collections::BTreeSet;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::{
    Ended, MatchRows, Matcher, Within,
    search::{Outcome, Search, View},
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Reader},
    engine::{close::KeyedRow, leaf::Leaves, rules::Logged, slab::Slab},
    sql::Skip,
    time::{Offset, Timestamp},
};

/// An event of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    /// The number of its partition.
    pub(super) source: u32,
    pub(super) offset: Offset,
    /// Where what is kept of it lies.
    kept: (usize, usize),
}

/// A key with its events, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyRuns {
    hash: u64,
    key: SmallVec<[u8; 24]>,
    events: Vec<Event>,
    /// For each its time, and the variables that it fits.
    seen: Vec<(Timestamp, u32)>,
    kept: Vec<u8>,
    /// The first event that no search began from yet, or whose search is open.
    next: usize,
    /// The watermark at which all searches before were decided.
    decided: Timestamp,
    /// Before this watermark nothing more can be decided.
    wake: Timestamp,
}

impl KeyRuns {
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// What is kept of an event.
    pub(super) fn kept(&self, position: usize) -> Reader<'_> {
        let (start, end) = self.events.get(position).map_or((0, 0), |event| event.kept);
        Reader::new(self.kept.get(start..end).unwrap_or_default())
    }

    fn insert(&mut self, source: u32, event: &Logged<'_>) {
        let start = self.kept.len();
        self.kept.extend_from_slice(event.kept);
        let new = Event { at: event.at, source, offset: event.offset, kept: (start, self.kept.len()) };
        let order = |event: &Event| (event.at, event.source, event.offset);
        let is_last = self.events.last().is_none_or(|last| order(last) < order(&new));
        let position = if is_last {
            self.events.len()
        } else {
            self.events.partition_point(|known| order(known) < order(&new))
        };
        self.events.insert(position, new);
        let fits = Matcher::fits(Reader::new(event.kept)).unwrap_or_default();
        self.seen.insert(position, (event.at, fits));
    }

    /// Forgets the events that no search needs any more, once these are most of them.
    fn forget(&mut self) {
        if self.next * 2 < self.events.len() {
            return;
        }
        let mut kept = Vec::new();
        self.events.drain(..self.next);
        self.seen.drain(..self.next);
        self.next = 0;
        for event in &mut self.events {
            let start = kept.len();
            kept.extend_from_slice(self.kept.get(event.kept.0..event.kept.1).unwrap_or_default());
            event.kept = (start, kept.len());
        }
        self.kept = kept;
    }
}

/// A match, and the watermark at which it was decided.
pub(in crate::engine) type Found = (Timestamp, KeyedRow);

/// The events of each key that searches may still need.
#[derive(Debug)]
pub(in crate::engine) struct MatchIndex {
    within: Within,
    numbers: HashTable<u32>,
    keys: Vec<KeyRuns>,
    free: Vec<u32>,
    /// Which key is to be looked at, at which watermark.
    wakes: BTreeSet<(Timestamp, u32)>,
    search: Search,
}

impl MatchIndex {
    /// An index of no events.
    pub(in crate::engine) fn new(within: Within) -> Self {
        let (numbers, wakes) = (HashTable::new(), BTreeSet::new());
        Self { within, numbers, keys: Vec::new(), free: Vec::new(), wakes, search: Search::default() }
    }

    /// Adds the events of a partition's slabs.
    pub(in crate::engine) fn add<'s>(&mut self, source: u32, slabs: impl Iterator<Item = &'s Leaves<Slab>>) {
        for leaf in slabs.flat_map(Leaves::iter) {
            leaf.content.events().for_each(|event| self.insert(source, &event));
        }
    }

    /// Takes an event in.
    pub(in crate::engine) fn insert(&mut self, source: u32, event: &Logged<'_>) {
        let number = self.number(event.hash, event.key);
        let Some(key) = self.keys.get_mut(number as usize) else { return };
        key.insert(source, event);
        if event.at < key.wake {
            self.wakes.remove(&(key.wake, number));
            key.wake = event.at;
            self.wakes.insert((key.wake, number));
        }
    }

    /// Searches go on where they stood when everything was closed up to `closed`, all events from `closed - 2 *
    /// within` on being here: behind what began so long ago that it was decided by then, and behind the matches that
    /// began there.
    pub(in crate::engine) fn resume(&mut self, closed: Timestamp, ended: &[Ended]) {
        let within = self.within;
        for key in &mut self.keys {
            key.next = key.events.partition_point(|event| within.is_decided(event.at, closed));
        }
        for ended in ended {
            let is_first = |event: &Event| {
                (event.at, event.source, event.offset) == (ended.at, ended.source, ended.offset)
            };
            let Some(number) = self.find(KeyTable::hash(&ended.key), &ended.key) else { continue };
            let Some(key) = self.keys.get_mut(number as usize) else { continue };
            if let Some(first) = key.events.iter().position(is_first) {
                key.next = key.next.max((first + ended.events).min(key.events.len()));
            }
        }
    }

    /// Finds what is decided at a watermark and was not found before.
    pub(in crate::engine) fn find_up_to(
        &mut self,
        watermark: Timestamp,
        skip: Skip,
        rows: &mut MatchRows<'_>,
        found: &mut Vec<Found>,
    ) -> Result<(), CodecError> {
        while let Some((wake, number)) = self.wakes.first().copied().filter(|(wake, _)| *wake <= watermark) {
            self.wakes.remove(&(wake, number));
            self.search_key(number, watermark, skip, rows, found)?;
            let Some(key) = self.keys.get_mut(number as usize) else { continue };
            key.forget();
            key.wake = wake_of(key, self.within, watermark);
            if key.wake == Timestamp::MAX {
                self.remove(number);
            } else {
                self.wakes.insert((key.wake, number));
            }
        }
        Ok(())
    }

    fn search_key(
        &mut self,
        number: u32,
        watermark: Timestamp,
        skip: Skip,
        rows: &mut MatchRows<'_>,
        found: &mut Vec<Found>,
    ) -> Result<(), CodecError> {
        let (within, search) = (self.within, &mut self.search);
        let Some(key) = self.keys.get_mut(number as usize) else { return Ok(()) };
        let known = key.seen.partition_point(|(at, _)| *at <= watermark);
        let is_alone = rows.is_alone();
        while let Some((at, fits)) = key.seen.get(key.next..known).and_then(<[_]>::first).copied() {
            if !rows.matcher.program.may_begin(fits) {
                key.decided = key.decided.max(at);
                key.next += 1;
                continue;
            }
            let deadline = within.deadline(at);
            let events = key.seen.get(key.next..known).unwrap_or_default();
            let view = View { events, deadline, is_whole: within.is_decided(at, watermark) };
            let (matcher, first) = (rows.matcher, key.next);
            let outcome =
                search.run(&matcher.program, view, is_alone, |path| rows.holds(key, first, path))?;
            let events = match outcome {
                Outcome::Open => break,
                Outcome::Nothing => 0,
                Outcome::Match(events) => events,
            };
            key.decided = key.decided.max(search.decided());
            if events > 0 {
                found.extend(rows.row(key, first, search.path())?.map(|row| (key.decided, row)));
            }
            key.next += if skip == Skip::PastLastRow { events.max(1) } else { 1 };
        }
        Ok(())
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_at = |n: &u32| self.keys.get(*n as usize).is_some_and(|known| known.key.as_slice() == key);
        self.numbers.find(hash, is_at).copied()
    }

    fn number(&mut self, hash: u64, key: &[u8]) -> u32 {
        if let Some(number) = self.find(hash, key) {
            return number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.keys.push(KeyRuns::default());
            u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(new) = self.keys.get_mut(number as usize) {
            (new.hash, new.key) = (hash, SmallVec::from_slice(key));
            (new.decided, new.wake) = (Timestamp::MIN, Timestamp::MAX);
        }
        let keys = &self.keys;
        let hash_of = |n: &u32| keys.get(*n as usize).map_or(0, |known| known.hash);
        self.numbers.insert_unique(hash, number, hash_of);
        number
    }

    /// Forgets a key that has no events. Its room is used again.
    fn remove(&mut self, number: u32) {
        let Some(hash) = self.keys.get(number as usize).map(|key| key.hash) else { return };
        if let Ok(entry) = self.numbers.find_entry(hash, |known| *known == number) {
            entry.remove();
            self.free.push(number);
        }
    }
}

/// The watermark at which something more of a key can be decided, once everything is up to `watermark`:
/// when the next event is final, or the open search can come to no more events.
fn wake_of(key: &KeyRuns, within: Within, watermark: Timestamp) -> Timestamp {
    let known = key.seen.partition_point(|(at, _)| *at <= watermark);
    let next = key.seen.get(known).map_or(Timestamp::MAX, |(at, _)| *at);
    let open = key.seen.get(key.next..known).and_then(<[_]>::first);
    open.map_or(next, |(at, _)| within.deadline(*at).min(next))
}
