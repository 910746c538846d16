//! What a process remembers of a source partition that it writes for a view.
//!
//! It is a copy of what the store has, kept so that a warm function reads nothing but the head. It
//! is thrown away whenever the head says that somebody else has moved the partition on.

use std::{borrow::Cow, collections::btree_map::Entry, ops::RangeInclusive};

use super::{
    EngineError,
    close::KeyedRow,
    leaf::Leaves,
    page,
    pattern::MatchIndex,
    rules::EventIndex,
    sessions::{SessionIndex, Slabs},
    slab::Slab,
    stored,
    view::{ViewRuntime, Windows},
};
use crate::{
    codec::{CodecError, Packer},
    state::{Lineage, Partition, Progress, Span, Store},
    time::{Offset, Timestamp},
};

/// A partition's slabs in memory.
#[derive(Default)]
pub(super) struct Writer {
    lineage: Lineage,
    /// The partition's next offset in the head that the slabs stand at; none if they stand at none.
    at: Option<Offset>,
    pub(super) slabs: Slabs,
    /// Slices from this one on are all in `slabs`, as far as the store has them.
    complete_from: Timestamp,
    pub(super) sessions: Option<SessionIndex>,
    pub(super) events: Option<EventIndex>,
    /// Made when matches are looked for, and kept up to date from then on.
    pub(super) matches: Option<MatchIndex>,
    /// Rows of single events that are ready to be given out.
    pub(super) rows: Vec<KeyedRow>,
    packer: Option<Packer>,
}

impl Writer {
    /// Forgets everything unless it stands where the head says that the partition is.
    pub(super) fn sync(&mut self, view: &ViewRuntime, progress: &Progress) {
        if !self.is_at(progress) {
            let beyond = view.slices.start(progress.largest) + view.slices.length();
            let packer = self.packer.take();
            // What lies beyond the largest event time cannot be there, unless a writer put it and
            // died: then the put conflicts, and everything is read.
            let complete_from = if progress.largest == Timestamp::MIN { Timestamp::MIN } else { beyond };
            let at = Some(progress.next);
            *self = Self { lineage: progress.lineage(), at, complete_from, packer, ..Self::default() };
        }
    }

    /// Whether it has what the store had when the head said this.
    pub(super) fn is_at(&self, progress: &Progress) -> bool {
        self.at == Some(progress.next) && self.lineage == progress.lineage()
    }

    /// Notes that the head has the batch.
    pub(super) fn committed(&mut self, next: Offset) {
        self.at = Some(next);
    }

    /// Forgets everything: what is here may be ahead of the store, or behind it.
    pub(super) fn invalidate(&mut self) {
        self.at = None;
    }

    /// Nothing is taken for absent any more that was not looked for.
    pub(super) fn distrust(&mut self) {
        self.complete_from = Timestamp::MAX;
    }

    /// Sees to it that a slice's slab is here.
    pub(super) async fn load<S: Store>(
        &mut self,
        store: &S,
        view: &ViewRuntime,
        partition: &Partition,
        slice: Timestamp,
    ) -> Result<(), EngineError> {
        if let Windows::Running = view.windows {
            self.load_from(store, view, partition, slice).await?;
        } else if slice < self.complete_from {
            return self.read(store, view, partition, slice..=slice).await;
        }
        self.begin(slice);
        Ok(())
    }

    /// Sees to it that all slabs from a slice on are here.
    pub(super) async fn load_from<S: Store>(
        &mut self,
        store: &S,
        view: &ViewRuntime,
        partition: &Partition,
        from: Timestamp,
    ) -> Result<(), EngineError> {
        if from < self.complete_from {
            self.read(store, view, partition, from..=self.complete_from).await?;
            self.complete_from = from;
        }
        Ok(())
    }

    /// Sees to it that what the view needs to know of keys is indexed.
    pub(super) async fn load_index<S: Store>(
        &mut self,
        store: &S,
        view: &ViewRuntime,
        partition: &Partition,
        floor: Timestamp,
    ) -> Result<(), EngineError> {
        match view.windows {
            Windows::Session(bounds) if self.sessions.is_none() => {
                self.load_from(store, view, partition, floor).await?;
                self.sessions = Some(SessionIndex::build(bounds, self.slabs.values()));
            }
            Windows::Over(reach) if self.events.is_none() => {
                self.load_from(store, view, partition, floor).await?;
                self.events = Some(EventIndex::build(reach, floor, self.slabs.values()));
            }
            _ => {}
        }
        Ok(())
    }

    async fn read<S: Store>(
        &mut self,
        store: &S,
        view: &ViewRuntime,
        partition: &Partition,
        slices: RangeInclusive<Timestamp>,
    ) -> Result<(), EngineError> {
        let wanted = *slices.start();
        for (slice, leaves) in read_slabs(store, view, partition, self.lineage, slices).await? {
            // What is here already is newer than what the store has, or the same.
            if let Entry::Vacant(entry) = self.slabs.entry(slice) {
                entry.insert(leaves);
            }
        }
        self.begin(wanted);
        Ok(())
    }

    /// Begins a slice's slab where there is none.
    fn begin(&mut self, slice: Timestamp) {
        let new = || Leaves::whole(Slab::new(slice).going_on(self.lineage.remade));
        self.slabs.entry(slice).or_insert_with(new);
    }

    /// Drops slabs of slices before this one.
    pub(super) fn evict_before(&mut self, slice: Timestamp) {
        if self.slabs.first_key_value().is_some_and(|(first, _)| *first < slice) {
            self.slabs = self.slabs.split_off(&slice);
        }
        self.complete_from = self.complete_from.max(slice);
    }

    /// How large an item of a slice's slab may be. Without windows a batch writes whatever has one of
    /// its keys, so that items are small, until there are very many.
    pub(super) fn most_bytes(&self, view: &ViewRuntime, slice: Timestamp) -> usize {
        let deepest =
            self.slabs.get(&slice).and_then(|leaves| leaves.iter().map(|leaf| leaf.chunk.depth).max());
        match view.windows {
            Windows::Running if deepest.unwrap_or(0) < page::DEEP => page::READ_UNIT,
            _ => stored::MOST_BYTES,
        }
    }

    /// The slabs, and what packs them.
    pub(super) fn slabs_and_packer(&mut self) -> Result<(&mut Slabs, &mut Packer), CodecError> {
        let packer = match self.packer.take() {
            Some(packer) => packer,
            None => Packer::new()?,
        };
        Ok((&mut self.slabs, self.packer.insert(packer)))
    }
}

/// Reads a partition's slabs of some slices.
pub(super) async fn read_slabs<S: Store>(
    store: &S,
    view: &ViewRuntime,
    partition: &Partition,
    Lineage { backfilled, remade }: Lineage,
    slices: RangeInclusive<Timestamp>,
) -> Result<Slabs, EngineError> {
    let (from, to) = slices.into_inner();
    let span = Span::Slabs { view: view.id.clone(), partition: partition.clone(), backfilled, from, to };
    let mut slabs = Slabs::new();
    for (slice, items) in stored::by_slice(store, &span).await? {
        let decode = |version, body: Cow<'_, [u8]>| {
            Ok(Slab::decode(&view.shape, slice, version, &body)?.going_on(remade))
        };
        let empty = Slab::new(slice).going_on(remade);
        let leaves = stored::leaves(store, &view.shape, empty, items, decode).await?;
        slabs.insert(slice, leaves);
    }
    Ok(slabs)
}
