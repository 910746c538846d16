//! The sessions of a partition's keys: an index over its slabs, made of nothing but them.

use std::collections::{BTreeMap, HashMap};

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::{leaf::Leaves, slab::Slab, slab::Tag};
use crate::{
    aggregate::KeyTable,
    time::{Millis, Timestamp},
    window::{Bounds, Mark, Part, Placed, Sessions, Span, is_due},
};

/// Where a part of a session is kept: in the slab of this slice, in the section of this mark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartId {
    pub(super) slice: Timestamp,
    pub(super) mark: Mark,
}

/// Most keys lie in the table itself.
type Key = SmallVec<[u8; 16]>;

/// A key with its sessions.
#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    key: Key,
    sessions: Sessions<PartId>,
}

/// The sessions of each key, as a partition's slabs make them.
#[derive(Clone, Debug)]
pub(super) struct SessionIndex {
    bounds: Bounds,
    entries: HashTable<Entry>,
    /// No session that is not closed yet becomes due before this.
    earliest: Timestamp,
    /// No session begins before this.
    first: Timestamp,
    /// The watermark at which it was pruned last.
    pruned: Option<Timestamp>,
}

/// A session that is to be closed.
#[derive(Clone, Debug)]
pub(super) struct DueSession {
    pub(super) hash: u64,
    pub(super) key: Key,
    pub(super) span: Span<PartId>,
}

/// A key behind its hash.
type HashedKey = (u64, Key);

impl SessionIndex {
    /// Stitches the sessions of slabs.
    pub(super) fn build<'s>(bounds: Bounds, slabs: impl Iterator<Item = &'s Leaves<Slab>>) -> Self {
        let mut parts: HashMap<HashedKey, Vec<Part<PartId>>> = HashMap::new();
        for slab in slabs.flat_map(Leaves::iter) {
            let slice = slab.content.slice();
            for (Tag { mark, .. }, groups) in slab.content.sections() {
                for group in 0..groups.len() {
                    let Some((first, last)) = groups.span(group) else { continue };
                    let id = PartId { slice, mark: mark.clone() };
                    let key = (groups.keys().hash_at(group), groups.keys().key(group).into());
                    parts.entry(key).or_default().push(Part { first, last, mark: mark.clone(), id });
                }
            }
        }
        let mut entries = HashTable::with_capacity(parts.len());
        for ((hash, key), parts) in parts {
            let sessions = Sessions::stitch(parts, bounds.gap);
            entries.insert_unique(hash, Entry { hash, key, sessions }, |entry| entry.hash);
        }
        Self { bounds, entries, earliest: Timestamp::MIN, first: Timestamp::MIN, pruned: None }
    }

    /// The sessions of a key, to be looked at and added to.
    pub(super) fn of_key(&mut self, hash: u64, key: &[u8]) -> OfKey<'_> {
        let new = || Entry { hash, key: key.into(), sessions: Sessions::default() };
        let is_same = |entry: &Entry| entry.hash == hash && *entry.key == *key;
        let entry = self.entries.entry(hash, is_same, |entry| entry.hash);
        let sessions = &mut entry.or_insert_with(new).into_mut().sessions;
        OfKey { bounds: self.bounds, sessions, earliest: &mut self.earliest, first: &mut self.first }
    }

    /// The sessions that become due in `(closed, watermark]`.
    pub(super) fn due(&mut self, closed: Timestamp, watermark: Timestamp) -> Vec<DueSession> {
        if watermark < self.earliest {
            return Vec::new();
        }
        let (mut due, mut earliest) = (Vec::new(), Timestamp::MAX);
        for Entry { hash, key, sessions } in &self.entries {
            for span in sessions.iter() {
                let end = span.end(self.bounds.gap);
                if !is_due(end, watermark) {
                    earliest = earliest.min(end - Millis(1));
                } else if !is_due(end, closed) {
                    due.push(DueSession { hash: *hash, key: key.clone(), span: span.clone() });
                }
            }
        }
        self.earliest = earliest;
        due
    }

    /// The session that an event was made part of, if it is due.
    pub(super) fn due_at(&self, key: &[u8], at: Timestamp, watermark: Timestamp) -> Option<DueSession> {
        let hash = KeyTable::hash(key);
        let entry = self.entries.find(hash, |entry| *entry.key == *key)?;
        let span = entry.sessions.due_at(at, self.bounds.gap, watermark)?;
        Some(DueSession { hash, key: key.into(), span: span.clone() })
    }

    /// Forgets what no event reaches any more; no session that is left begins before what it returns.
    /// That takes a look at every key, so it is done once in a while.
    pub(super) fn prune(&mut self, watermark: Timestamp) -> Timestamp {
        let pause = Millis(self.bounds.gap.0 / PRUNES_A_GAP);
        if self.pruned.is_some_and(|pruned| watermark < pruned + pause) {
            return self.first;
        }
        let mut first = Timestamp::MAX;
        self.entries.retain(|entry| {
            entry.sessions.prune(self.bounds, watermark);
            first = entry.sessions.iter().map(|span| span.first).fold(first, Timestamp::min);
            !entry.sessions.is_empty()
        });
        (self.first, self.pruned) = (first, Some(watermark));
        first
    }
}

/// How often sessions are pruned while time goes on by a gap.
const PRUNES_A_GAP: i64 = 16;

/// The sessions of one key.
pub(super) struct OfKey<'i> {
    bounds: Bounds,
    sessions: &'i mut Sessions<PartId>,
    earliest: &'i mut Timestamp,
    first: &'i mut Timestamp,
}

impl OfKey<'_> {
    /// See [`Sessions::place`].
    pub(super) fn place(&self, at: Timestamp, watermark: Timestamp) -> Option<Placed> {
        self.sessions.place(at, self.bounds, watermark)
    }

    /// See [`Sessions::join`]. The event is kept in the slab of a slice.
    pub(super) fn join(&mut self, at: Timestamp, slice: Timestamp, mark: &Mark, watermark: Timestamp) {
        let id = PartId { slice, mark: mark.clone() };
        self.sessions.join(at, mark, id, self.bounds, watermark);
        *self.earliest = (*self.earliest).min(at + self.bounds.gap - Millis(1));
        *self.first = (*self.first).min(at);
    }
}

/// The leaves of a partition's slices.
pub(super) type Slabs = BTreeMap<Timestamp, Leaves<Slab>>;
