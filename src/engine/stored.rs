//! Items to contents and back.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use futures::{StreamExt, stream};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    EngineError,
    leaf::{Content, Leaves, is_overlaid},
};
use crate::{
    codec::{CodecError, Packer, named_pieces, pieces_of, unpack},
    state::{Chunk, Item, ItemKey, Span, Store, ViewId, Written},
    time::Timestamp,
};

/// No packed body is larger: DynamoDB's limit is 400 KB an item, its keys and attributes included.
pub(super) const MOST_BYTES: usize = 300 << 10;

impl ItemKey {
    pub(super) fn chunk(&self) -> Chunk {
        match self {
            Self::Slab { chunk, .. } | Self::Page { chunk, .. } | Self::History { chunk, .. } => *chunk,
            Self::Piece { .. } => Chunk::WHOLE,
        }
    }

    /// The first there is for a page, which is of no slice.
    fn view_and_slice(&self) -> (&ViewId, Timestamp) {
        match self {
            Self::Slab { view, slice, .. }
            | Self::History { view, slice, .. }
            | Self::Piece { view, slice, .. } => (view, *slice),
            Self::Page { view, .. } => (view, Timestamp::MIN),
        }
    }

    /// The key of a piece of this item's body.
    fn piece(&self, of: u64, index: u32) -> Self {
        let (view, slice) = self.view_and_slice();
        Self::Piece { view: view.clone(), slice, of, index }
    }
}

/// As many items are put side by side.
const AT_ONCE: usize = 16;

/// The items of a span by their slices.
pub(super) async fn by_slice<S: Store>(
    store: &S,
    span: &Span,
) -> Result<BTreeMap<Timestamp, Vec<(ItemKey, Item)>>, EngineError> {
    let mut by_slice: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (key, item) in store.scan(span).await? {
        by_slice.entry(key.view_and_slice().1).or_default().push((key, item));
    }
    Ok(by_slice)
}

/// The leaves that items make, each read by `decode` (version, body).
pub(super) async fn leaves<S: Store, C: Content>(
    store: &S,
    shape: &C::Shape,
    empty: C,
    items: Vec<(ItemKey, Item)>,
    decode: impl Fn(i64, Cow<'_, [u8]>) -> Result<C, CodecError>,
) -> Result<Leaves<C>, EngineError> {
    let mut read = Vec::with_capacity(items.len());
    let chunks: BTreeSet<_> = items.iter().map(|(key, _)| key.chunk()).collect();
    for (key, item) in items.into_iter().filter(|(key, _)| !is_overlaid(key.chunk(), &chunks)) {
        let item = whole(store, &key, item).await?;
        let content = unpack(&item.body).and_then(|body| decode(item.version, body));
        let content = content.map_err(|source| damaged(&key, source))?;
        read.push((key.chunk(), item.version, content));
    }
    Ok(Leaves::of_items(shape, empty, read))
}

fn damaged(key: &ItemKey, source: CodecError) -> EngineError {
    EngineError::Damaged { subject: format!("{key:?}"), source }
}

/// An item with the whole of its body, wherever its pieces are.
pub(super) async fn whole<S: Store>(store: &S, key: &ItemKey, item: Item) -> Result<Item, EngineError> {
    let Some((of, count)) = pieces_of(&item.body).map_err(|source| damaged(key, source))? else {
        return Ok(item);
    };
    let keys: Vec<_> = (0..count).map(|index| key.piece(of, index)).collect();
    let mut pieces = store.get_many(&keys).await?;
    pieces.sort_by(|(a, _), (b, _)| a.cmp(b));
    let body = pieces.into_iter().flat_map(|(_, piece)| piece.body).collect::<Vec<_>>();
    if xxh3_64(&body) != of {
        let found = format!("{} bytes of other content", body.len());
        return Err(damaged(key, CodecError::Unexpected { found, expected: "the pieces that it names" }));
    }
    Ok(Item { body, ..item })
}

/// Puts an item; before it the pieces of its body, if it does not fit. They are named by what is in
/// them, so that whoever reads the item finds what its writer wrote, and no one else's.
async fn put<S: Store>(
    store: &S,
    key: &ItemKey,
    item: Item,
    expected: Option<i64>,
) -> Result<Written, EngineError> {
    if item.body.len() <= MOST_BYTES {
        return Ok(store.put(key, item, expected).await?);
    }
    let of = xxh3_64(&item.body);
    let mut count = 0;
    for piece in item.body.chunks(MOST_BYTES) {
        let piece = Item { version: 0, body: piece.to_vec(), expires: item.expires };
        // A conflict would be another body of the same hash.
        if store.put(&key.piece(of, count), piece, None).await? == Written::Conflict {
            return Ok(Written::Conflict);
        }
        count += 1;
    }
    Ok(store.put(key, Item { body: named_pieces(of, count), ..item }, expected).await?)
}

/// What a leaf is to be written as.
pub(super) struct Put<'a, C: Content> {
    pub(super) shape: &'a C::Shape,
    /// The key of a chunk.
    pub(super) key: &'a (dyn Fn(Chunk) -> ItemKey + Sync),
    /// The version that a leaf gets.
    pub(super) version: &'a (dyn Fn(&C, Option<i64>) -> i64 + Sync),
    /// None for never.
    pub(super) expires: Option<Timestamp>,
    /// A packed body that is larger is split, if it can be.
    pub(super) most_bytes: usize,
}

/// An item of a chunk, and the version that it is to be put over.
type Packed = (Chunk, Item, Option<i64>);

/// What is to be written.
#[derive(Default)]
pub(super) struct Packs {
    /// What was split: written before its halves.
    parents: Vec<Packed>,
    leaves: Vec<Packed>,
}

impl Packs {
    /// The bytes of each leaf's body.
    pub(super) fn sizes(&self) -> Vec<usize> {
        self.leaves.iter().map(|(_, item, _)| item.body.len()).collect()
    }

    /// The depth of the deepest leaf.
    pub(super) fn depth(&self) -> u8 {
        self.leaves.iter().map(|(chunk, ..)| chunk.depth).max().unwrap_or(0)
    }
}

impl<C: Content> Put<'_, C> {
    /// Packs all dirty leaves, splitting what is too large.
    pub(super) fn pack(&self, leaves: &mut Leaves<C>, packer: &mut Packer) -> Result<Packs, CodecError> {
        let mut packs = Packs::default();
        leaves.split_to_fit(self.shape, |leaf, part| {
            let body = packer.pack(|out| leaf.content.encode(out))?;
            let takes = part.is_last || body.len() <= self.most_bytes;
            let version = (self.version)(&leaf.content, leaf.stored);
            let packed = (leaf.chunk, Item { version, body, expires: self.expires }, leaf.stored);
            if takes {
                packs.leaves.push(packed);
            } else if !part.is_half {
                packs.parents.push(packed);
            }
            Ok::<_, CodecError>(takes)
        })?;
        Ok(packs)
    }

    /// Writes what [`Put::pack`] packed. After a conflict the leaves are not what the store has, and
    /// are to be read again.
    pub(super) async fn write<S: Store>(
        &self,
        store: &S,
        leaves: &mut Leaves<C>,
        packs: Packs,
    ) -> Result<Written, EngineError> {
        for (chunk, item, expected) in packs.parents {
            if put(store, &(self.key)(chunk), item, expected).await? == Written::Conflict {
                return Ok(Written::Conflict);
            }
        }
        let puts = packs.leaves.into_iter().map(async |(chunk, item, expected)| {
            let version = item.version;
            let written = put(store, &(self.key)(chunk), item, expected).await?;
            Ok::<_, EngineError>((chunk, version, written))
        });
        let mut puts = stream::iter(puts).buffer_unordered(AT_ONCE);
        while let Some(put) = puts.next().await {
            let (chunk, version, written) = put?;
            if written == Written::Conflict {
                return Ok(Written::Conflict);
            }
            if let Some(leaf) = leaves.iter_mut().find(|leaf| leaf.chunk == chunk) {
                leaf.stored = Some(version);
                leaf.dirty = false;
            }
        }
        Ok(Written::Stored)
    }
}
