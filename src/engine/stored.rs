//! Items to contents and back.

use super::{
    EngineError,
    leaf::{Content, Leaves},
};
use crate::{
    codec::{CodecError, Packer, unpack},
    state::{Chunk, Item, ItemKey, Store, Written},
    time::Timestamp,
};

/// No packed body is larger: DynamoDB's limit is 400 KB an item, its keys and attributes included.
pub(super) const MOST_BYTES: usize = 300 << 10;

impl ItemKey {
    pub(super) fn chunk(&self) -> Chunk {
        match self {
            Self::Slab { chunk, .. } | Self::Page { chunk, .. } | Self::History { chunk, .. } => *chunk,
        }
    }
}

/// The leaves that items make, each read by `decode` (version, body).
pub(super) fn leaves<C: Content>(
    shape: &C::Shape,
    empty: C,
    items: Vec<(ItemKey, Item)>,
    decode: impl Fn(i64, &[u8]) -> Result<C, CodecError>,
) -> Result<Leaves<C>, EngineError> {
    let read = |(key, item): (ItemKey, Item)| {
        let content = unpack(&item.body).and_then(|body| decode(item.version, &body));
        let content =
            content.map_err(|source| EngineError::Damaged { subject: format!("{key:?}"), source })?;
        Ok((key.chunk(), item.version, content))
    };
    let items = items.into_iter().map(read).collect::<Result<_, EngineError>>()?;
    Ok(Leaves::of_items(shape, empty, items))
}

/// What a leaf is to be written as.
pub(super) struct Put<'a, C: Content> {
    pub(super) shape: &'a C::Shape,
    /// The key of a chunk.
    pub(super) key: &'a (dyn Fn(Chunk) -> ItemKey + Sync),
    /// The version that a leaf gets.
    pub(super) version: &'a (dyn Fn(&C, Option<i64>) -> i64 + Sync),
    pub(super) expires: Timestamp,
    /// A packed body that is larger is split, if it can be.
    pub(super) most_bytes: usize,
}

impl<C: Content> Put<'_, C> {
    /// Packs all dirty leaves, splitting what is too large. Returns (leaf's chunk, item, expected).
    pub(super) fn pack(
        &self,
        leaves: &mut Leaves<C>,
        packer: &mut Packer,
    ) -> Result<Vec<(Chunk, Item, Option<i64>)>, CodecError> {
        let mut packed = Vec::new();
        leaves.split_to_fit(self.shape, |leaf, must| {
            let body = packer.pack(|out| leaf.content.encode(out))?;
            let takes = must || body.len() <= self.most_bytes;
            if takes {
                let version = (self.version)(&leaf.content, leaf.stored);
                packed.push((leaf.chunk, Item { version, body, expires: Some(self.expires) }, leaf.stored));
            }
            Ok::<_, CodecError>(takes)
        })?;
        Ok(packed)
    }

    /// Writes what [`Put::pack`] packed. After a conflict the leaves are not what the store has, and
    /// are to be read again.
    pub(super) async fn write<S: Store>(
        &self,
        store: &S,
        leaves: &mut Leaves<C>,
        packed: Vec<(Chunk, Item, Option<i64>)>,
    ) -> Result<Written, EngineError> {
        for (chunk, item, expected) in packed {
            let version = item.version;
            if store.put(&(self.key)(chunk), item, expected).await? == Written::Conflict {
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
