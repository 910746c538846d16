//! The store: one table of items, each with a version, and one *head* a view.
//!
//! Everything that the engine keeps is an [`Item`] under an [`ItemKey`], written on the condition
//! that the version is still the one it was built on. The head is what the writers of a view share:
//! how far each source partition has come, and how far the windows are closed. It is only ever
//! updated in place, a partition at a time, so writers of different partitions do not meet.

#[cfg(feature = "dynamodb")]
pub mod dynamo;
mod memory;
mod requests;
mod shared;
mod step;

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc};

pub use memory::{MemoryStore, Stats};
pub use requests::Requests;

use crate::{
    observe::ItemKind,
    time::{Offset, Timestamp},
};

/// A view's name in the store: its SQL name and its plan's fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(Arc<str>);

impl ViewId {
    /// The id of a view.
    pub fn new(name: &str, fingerprint: u64) -> Self {
        Self(format!("{name}@{fingerprint:016x}").into())
    }

    /// Reads [`ViewId::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, fingerprint) = text.rsplit_once('@')?;
        let digits = fingerprint.len() == 16 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| Self(text.into()))
    }

    /// As text: `ctr@00c0ffee00c0ffee`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A partition of a source topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub topic: Arc<str>,
    /// Its number.
    pub index: i32,
}

impl Partition {
    /// Reads `page-views-3` back.
    pub fn parse(text: &str) -> Option<Self> {
        let (topic, index) = text.rsplit_once('-')?;
        Some(Self { topic: topic.into(), index: index.parse().ok()? })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}

/// What all writers of a view share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How far each source partition has come. A partition that never reported is not in it.
    pub partitions: BTreeMap<Partition, Progress>,
    /// How far windows are closed, for each scope.
    pub closed: BTreeMap<Scope, Timestamp>,
    /// How many bits of a key's hash choose its page.
    pub page_depth: u8,
    /// The wall clock at the first batch of any partition.
    pub born: Option<Timestamp>,
}

/// How far a source partition has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The first offset that has not been absorbed.
    pub next: Offset,
    /// The largest event time absorbed.
    pub largest: Timestamp,
    /// The wall clock at the last batch.
    pub seen_at: Timestamp,
    /// The next offset at which it was found idle. It is idle while this equals `next`.
    pub idle_at: Option<Offset>,
    /// How often its topic was found made anew, counting from 0; from 1 where a backfill began it.
    pub epoch: u32,
    /// The slice from which on a writer that starts cold has to load its slabs: nothing that is
    /// still open began before it. Only views with sessions need it.
    pub floor: Timestamp,
    /// Whether a backfill reads it.
    pub backfill: Backfill,
}

/// What a backfill has to do with a source partition.
///
/// While a partition is [`Backfill::Filling`], a function's batch that begins beyond its next offset is
/// left out of the view: the backfill, which reads the topic itself, brings those records in their turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backfill {
    /// Nothing: functions have absorbed it from the first record on that they were given.
    #[default]
    Never,
    /// It was begun by a backfill, and no function has gone on yet where the backfill stands.
    Filling,
    /// Functions have gone on where the backfill stood.
    Joined,
}

impl Progress {
    /// A partition that has not reported yet.
    pub const NONE: Self = Self {
        next: Offset::at(0),
        largest: Timestamp::MIN,
        seen_at: Timestamp::MIN,
        idle_at: None,
        epoch: 0,
        floor: Timestamp::MIN,
        backfill: Backfill::Never,
    };

    /// Which slabs are its own.
    pub fn lineage(&self) -> Lineage {
        let backfilled = self.backfill != Backfill::Never;
        Lineage { backfilled, remade: self.epoch.saturating_sub(backfilled.into()) }
    }
}

/// Which slabs are a partition's own, and since when their offsets count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Whether a backfill began the partition: part of its slabs' keys. What a function left there that did not
    /// know of the backfill is read by nobody.
    pub backfilled: bool,
    /// How often its topic was made anew. The slabs go on, offsets begin again.
    pub remade: u32,
}

/// What is closed together: all partitions of a view on a grid, the partitions of one number of a
/// view with sessions (whose keys never leave their partition).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All source partitions.
    All,
    /// The source partitions of this number, one a topic.
    Partition(i32),
}

/// A batch's step in the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Whose.
    pub partition: Partition,
    /// The partition's epoch, which must still be this one.
    pub epoch: u32,
    /// The first offset behind the batch.
    pub next: Offset,
    /// The largest event time so far.
    pub largest: Timestamp,
    /// The wall clock.
    pub seen_at: Timestamp,
    /// See [`Progress::floor`].
    pub floor: Timestamp,
    /// See [`Progress::backfill`].
    pub backfill: Backfill,
}

/// A part of a hash space: the hashes whose top `depth` bits are `index`.
///
/// What does not fit an item any more is split in two of depth + 1. The parent stays behind: of the
/// chunks that cover a hash, the deepest that exists counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chunk {
    /// How many bits decide.
    pub depth: u8,
    /// What they are.
    pub index: u32,
}

impl Chunk {
    /// The whole hash space.
    pub const WHOLE: Self = Self { depth: 0, index: 0 };

    /// The chunk of a depth (at most 32) that covers a hash.
    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
    pub const fn covering(hash: u64, depth: u8) -> Self {
        let index = if depth == 0 { 0 } else { (hash >> (64 - depth as u32)) as u32 };
        Self { depth, index }
    }

    /// Whether it covers a hash.
    pub fn covers(self, hash: u64) -> bool {
        Self::covering(hash, self.depth) == self
    }

    /// Its two halves.
    #[must_use]
    pub const fn halves(self) -> [Self; 2] {
        let (depth, index) = (self.depth + 1, self.index << 1);
        [Self { depth, index }, Self { depth, index: index | 1 }]
    }

    /// The chunk it is a half of.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        Some(Self { depth: self.depth.checked_sub(1)?, index: self.index >> 1 })
    }
}

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    /// The partial aggregates that one source partition made of one slice.
    Slab {
        /// The view.
        view: ViewId,
        /// The source partition.
        partition: Partition,
        /// See [`Lineage::backfilled`].
        backfilled: bool,
        /// The slice's start.
        slice: Timestamp,
        /// The part of the key space.
        chunk: Chunk,
    },
    /// The latest and previous rows of the keys that hash to it.
    Page {
        /// The view.
        view: ViewId,
        /// The part of the key space.
        chunk: Chunk,
    },
    /// The closed rows of the windows that end in one slice.
    History {
        /// The view.
        view: ViewId,
        /// The slice's start: a window that ends at `e` stands in the slice of `e - 1`.
        slice: Timestamp,
        /// The part of the key space.
        chunk: Chunk,
    },
    /// A piece of a body that does not fit one item and cannot be split between keys, because it is
    /// one key's. It is written before the item that it belongs to, which names it.
    Piece {
        /// The view.
        view: ViewId,
        /// The slice of the item that it belongs to; the first there is for a page.
        slice: Timestamp,
        /// The hash of the whole body.
        of: u64,
        /// Which piece.
        index: u32,
    },
}

impl ItemKey {
    /// What stands there, for who counts.
    pub const fn kind(&self) -> ItemKind {
        match self {
            Self::Slab { .. } => ItemKind::Slab,
            Self::Page { .. } => ItemKind::Page,
            Self::History { .. } => ItemKind::History,
            Self::Piece { .. } => ItemKind::Piece,
        }
    }
}

/// Items that one query reads, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// The slabs of a partition whose slices start in `from..=to`.
    Slabs {
        /// The view.
        view: ViewId,
        /// The source partition.
        partition: Partition,
        /// See [`Lineage::backfilled`].
        backfilled: bool,
        /// The first slice.
        from: Timestamp,
        /// The last slice.
        to: Timestamp,
    },
    /// All pages of a view.
    Pages {
        /// The view.
        view: ViewId,
    },
    /// The closed rows in the slices `from..=to`.
    History {
        /// The view.
        view: ViewId,
        /// The first slice.
        from: Timestamp,
        /// The last slice.
        to: Timestamp,
    },
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Rises with every write.
    pub version: i64,
    /// The packed content.
    pub body: Vec<u8>,
    /// From when on the store may drop it. It may come back rounded up to the next second.
    pub expires: Option<Timestamp>,
}

/// How a conditional write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The item stands.
    Stored,
    /// Another version stands there; nothing was written.
    Conflict,
}

impl Written {
    /// How a write ended whose condition failed. What stands may be its own: a client that lost the
    /// answer asks again, and the write meets itself.
    fn against(stands: Option<&Item>, own: &Item) -> Self {
        let same = stands.is_some_and(|item| item.version == own.version && item.body == own.body);
        if same { Self::Stored } else { Self::Conflict }
    }
}

/// The store. All reads are strongly consistent.
pub trait Store: Send + Sync {
    /// The head of a view; an empty one where there is none yet.
    fn head(&self, view: &ViewId) -> impl Future<Output = Result<Head, StateError>> + Send;

    /// Moves a partition on if `next` lies beyond what it was and its epoch is the one named.
    /// Never moves anything backwards but the floor, and drops the idle mark. Returns the head as it
    /// stands afterwards in either case.
    fn advance(&self, view: &ViewId, step: Advance) -> impl Future<Output = Result<Head, StateError>> + Send;

    /// Begins a partition for a backfill at an offset, unless the head has it already. It begins in epoch
    /// 1: a batch of epoch 0 that is being absorbed meanwhile leaves nothing in it.
    fn begin_backfill(
        &self,
        view: &ViewId,
        partition: &Partition,
        from: Offset,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Marks a partition idle at `next` (one that never reported: at its first offset), unless it has
    /// moved on.
    fn mark_idle(
        &self,
        view: &ViewId,
        partition: &Partition,
        next: Offset,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Begins a new epoch for a partition whose topic was made anew: offset 0, no idle mark, the
    /// largest event time kept. Does nothing unless the epoch is still `epoch`.
    fn restart(
        &self,
        view: &ViewId,
        partition: &Partition,
        epoch: u32,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Notes that windows are closed up to a watermark. Only moves forward.
    fn set_closed(
        &self,
        view: &ViewId,
        scope: Scope,
        through: Timestamp,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Notes a larger page depth. Only moves forward.
    fn set_page_depth(&self, view: &ViewId, depth: u8)
    -> impl Future<Output = Result<(), StateError>> + Send;

    /// One item.
    fn get(&self, key: &ItemKey) -> impl Future<Output = Result<Option<Item>, StateError>> + Send;

    /// Several items by key, in any order; those that do not exist are left out.
    fn get_many(
        &self,
        keys: &[ItemKey],
    ) -> impl Future<Output = Result<Vec<(ItemKey, Item)>, StateError>> + Send;

    /// The items of a span, in the order of their keys.
    fn scan(&self, span: &Span) -> impl Future<Output = Result<Vec<(ItemKey, Item)>, StateError>> + Send;

    /// The first items of a span, in the order of their keys: all of it where it has fewer than `most`.
    fn scan_first(
        &self,
        span: &Span,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(ItemKey, Item)>, StateError>> + Send;

    /// Writes an item if the version that stands there is `expected` (none: if nothing stands there).
    /// A write that finds itself there already, version and body, is stored.
    fn put(
        &self,
        key: &ItemKey,
        item: Item,
        expected: Option<i64>,
    ) -> impl Future<Output = Result<Written, StateError>> + Send;
}

/// The store did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A call failed: the network, throttling, permissions.
    #[error("failed to {action} {subject}")]
    Call {
        /// What was tried: `read`, `write`, `advance`.
        action: &'static str,
        /// On what: a view's head, an item.
        subject: String,
        /// What the client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What stands in the store cannot be read.
    #[error("{subject} is damaged: {reason}")]
    Damaged {
        /// Which item.
        subject: String,
        /// What was found and what was expected.
        reason: String,
    },
}
