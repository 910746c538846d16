//! The events that searches may still need, by key: an index over slabs, made of nothing but them.

use std::{collections::BTreeSet, hint::black_box};

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::{
    Ended, MatchRows, Matcher, Within,
    search::{Outcome, Search, View},
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Reader, put_offset},
    engine::{close::KeyedRow, leaf::Leaves, rules::Logged, slab::Slab},
    sql::Skip,
    time::{Offset, Timestamp},
};

/// As many keys are looked at together.
const AT_ONCE: usize = 32;

/// An event of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    /// The number of its partition.
    pub(super) source: u32,
    /// The variables that it fits as far as it alone says, a bit each.
    pub(super) fits: u32,
    /// Where what is kept of it begins, its offset first, and how long that is.
    start: u32,
    len: u32,
}

/// A key with its events, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyRuns {
    hash: u64,
    key: SmallVec<[u8; 24]>,
    events: Vec<Event>,
    kept: Vec<u8>,
    /// The first event that no search began from yet, or whose search is open.
    next: usize,
    /// The watermark at which all searches before were decided.
    decided: Timestamp,
    /// When it is to be looked at again though no event comes; [`Timestamp::MAX`] for never.
    wake: Timestamp,
    /// Whether it has events that it had not when it was looked at last.
    is_fresh: bool,
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
    pub(super) fn kept(&self, position: usize) -> Result<Reader<'_>, CodecError> {
        Ok(self.offset_and_kept(position)?.1)
    }

    /// An event's offset, and what is kept of it.
    pub(super) fn offset_and_kept(&self, position: usize) -> Result<(Offset, Reader<'_>), CodecError> {
        let kept = self.events.get(position).and_then(|event| {
            let start = event.start as usize;
            self.kept.get(start..start + event.len as usize)
        });
        let mut kept = Reader::new(kept.unwrap_or_default());
        Ok((kept.offset("an event's offset")?, kept))
    }

    /// Where an event is.
    fn position(&self, at: Timestamp, source: u32, offset: Offset) -> Option<usize> {
        let is_it =
            |position: usize| self.offset_and_kept(position).is_ok_and(|(of_event, _)| of_event == offset);
        let mut like =
            self.events.iter().enumerate().filter(|(_, event)| (event.at, event.source) == (at, source));
        like.find(|(position, _)| is_it(*position)).map(|(position, _)| position)
    }

    fn insert(&mut self, source: u32, event: &Logged<'_>) {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = self.kept.len();
        put_offset(&mut self.kept, event.offset);
        self.kept.extend_from_slice(event.kept);
        let new = Event {
            at: event.at,
            source,
            fits: Matcher::fits(Reader::new(event.kept)).unwrap_or_default(),
            start: small(start),
            len: small(self.kept.len() - start),
        };
        // Those of one partition come in the order of their offsets.
        let order = |event: &Event| (event.at, event.source);
        if self.events.last().is_none_or(|last| order(last) <= order(&new)) {
            return self.events.push(new);
        }
        let position = self.events.partition_point(|known| order(known) <= order(&new));
        self.events.insert(position, new);
    }

    /// Forgets the events that no search needs any more, once these are most of them. What is kept stands in
    /// the order in which events came.
    fn forget(&mut self) {
        if self.next * 2 < self.events.len() {
            return;
        }
        self.events.drain(..self.next);
        self.next = 0;
        let Some(start) = self.events.iter().map(|event| event.start).min() else {
            return self.kept.clear();
        };
        self.kept.drain(..start as usize);
        self.events.iter_mut().for_each(|event| event.start -= start);
    }

    /// The watermark at which something more of it can be decided, once everything is up to `watermark`: when
    /// the next event is final, or the open search can come to no more events.
    fn next_wake(&self, within: Within, watermark: Timestamp) -> Timestamp {
        let known = self.events.partition_point(|event| event.at <= watermark);
        let next = self.events.get(known).map_or(Timestamp::MAX, |event| event.at);
        let open = self.events.get(self.next..known).and_then(<[_]>::first);
        open.map_or(next, |first| within.deadline(first.at).min(next))
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
    /// The keys that have new events.
    fresh: Vec<u32>,
    /// At which watermark which of the others is to be looked at.
    wakes: BTreeSet<(Timestamp, u32)>,
    search: Search,
}

impl MatchIndex {
    /// An index of no events.
    pub(in crate::engine) fn new(within: Within) -> Self {
        Self {
            within,
            numbers: HashTable::new(),
            keys: Vec::new(),
            free: Vec::new(),
            fresh: Vec::new(),
            wakes: BTreeSet::new(),
            search: Search::default(),
        }
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
        if !key.is_fresh {
            key.is_fresh = true;
            self.fresh.push(number);
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
            let Some(number) = self.find(KeyTable::hash(&ended.key), &ended.key) else { continue };
            let Some(key) = self.keys.get_mut(number as usize) else { continue };
            if let Some(first) = key.position(ended.at, ended.source, ended.offset) {
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
        let mut due = std::mem::take(&mut self.fresh);
        while let Some((_, number)) = self.wakes.first().copied().filter(|(wake, _)| *wake <= watermark) {
            self.wakes.pop_first();
            if let Some(key) = self.keys.get_mut(number as usize) {
                key.wake = Timestamp::MAX;
                if !key.is_fresh {
                    due.push(number);
                }
            }
        }
        for some in due.chunks(AT_ONCE) {
            // What is known of them is far apart in memory: it is waited for together.
            some.iter().for_each(|number| self.touch(*number));
            for number in some {
                self.search_key(*number, watermark, skip, rows, found)?;
                self.settle(*number, watermark);
            }
        }
        due.clear();
        self.fresh = due;
        Ok(())
    }

    /// Looks at the last event of a key, so that it is near when the key is searched.
    fn touch(&self, number: u32) {
        let known = self.keys.get(number as usize);
        black_box(known.map(|known| (known.events.last().copied(), known.kept.last().copied())));
    }

    /// Notes when a key is to be looked at again, once it was looked at.
    fn settle(&mut self, number: u32, watermark: Timestamp) {
        let Some(key) = self.keys.get_mut(number as usize) else { return };
        key.forget();
        key.is_fresh = false;
        let wake = key.next_wake(self.within, watermark);
        if wake != key.wake {
            self.wakes.remove(&(key.wake, number));
            key.wake = wake;
            if wake < Timestamp::MAX {
                self.wakes.insert((wake, number));
            }
        }
        if wake == Timestamp::MAX {
            self.remove(number);
        }
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
        let known = key.events.partition_point(|event| event.at <= watermark);
        let is_alone = rows.is_alone();
        while let Some(events) = key.events.get(key.next..known)
            && let Some(Event { at, fits, .. }) = events.first().copied()
        {
            if !rows.matcher.program.may_begin(fits) {
                key.decided = key.decided.max(at);
                key.next += 1;
                continue;
            }
            let deadline = within.deadline(at);
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
