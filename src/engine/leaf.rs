//! Contents that are kept in chunks of the hash space, split in two where they outgrow an item.
//!
//! Of the chunks that cover a hash the deepest that exists counts; it is called a *leaf*. Splitting
//! first writes the parent once more, with all that the halves will have: whoever else builds on it
//! fails then, and a half that a writer died before is read from the parent. Then the two halves are
//! written. The parent is never read again once both stand, and expires.

use std::collections::BTreeSet;

use crate::state::Chunk;

/// What is kept under a key in chunks.
pub(super) trait Content: Sized {
    /// What is needed to make one.
    type Shape;
    /// The part whose keys hash into a chunk.
    fn restrict(&self, shape: &Self::Shape, chunk: Chunk) -> Self;
    /// How many keys there are.
    fn len(&self) -> usize;
    /// Appends the body, not packed yet.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The part of a content that a chunk holds.
#[derive(Clone, Debug)]
pub(super) struct Leaf<C> {
    /// Which part.
    pub(super) chunk: Chunk,
    /// The version of the item in the store; none if this chunk has none yet.
    pub(super) stored: Option<i64>,
    /// Whether the store does not have it as it is.
    pub(super) dirty: bool,
    /// The part.
    pub(super) content: C,
}

impl<C> Leaf<C> {
    /// A leaf that the store has nothing of.
    pub(super) fn new(chunk: Chunk, content: C) -> Self {
        Self { chunk, stored: None, dirty: false, content }
    }
}

/// What is to be known of a leaf that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Whether a leaf was split just now, and this is of it.
    pub(super) is_half: bool,
    /// Whether it cannot be split.
    pub(super) is_last: bool,
}

/// The leaves of one key, which cover the hash space without overlapping, in its order.
#[derive(Clone, Debug)]
pub(super) struct Leaves<C>(Vec<Leaf<C>>);

impl<C: Content> Leaves<C> {
    /// One leaf that covers everything.
    pub(super) fn whole(content: C) -> Self {
        Self(vec![Leaf::new(Chunk::WHOLE, content)])
    }

    /// The leaves that items make: chunk, version, content. What no item covers is empty.
    pub(super) fn of_items(shape: &C::Shape, empty: C, mut items: Vec<(Chunk, i64, C)>) -> Self {
        items.sort_by_key(|(chunk, ..)| chunk.depth);
        let mut leaves = vec![Leaf::new(Chunk::WHOLE, empty)];
        for (chunk, version, content) in items {
            // The chunk takes its part out of the leaf that covered it so far.
            if let Some(at) = leaves.iter().position(|leaf| contains(leaf.chunk, chunk)) {
                let mut outer = leaves.swap_remove(at).chunk_and_content();
                while outer.0.depth < chunk.depth {
                    let [left, right] = outer.0.halves();
                    let (inner, other) = if contains(left, chunk) { (left, right) } else { (right, left) };
                    leaves.push(Leaf::new(other, outer.1.restrict(shape, other)));
                    outer = (inner, outer.1);
                }
            }
            leaves.push(Leaf { chunk, stored: Some(version), dirty: false, content });
        }
        leaves.sort_by_key(|leaf| start(leaf.chunk));
        Self(leaves)
    }

    /// The leaf that covers a hash.
    pub(super) fn covering(&mut self, hash: u64) -> Option<&mut Leaf<C>> {
        let behind =
            if self.0.len() == 1 { 1 } else { self.0.partition_point(|leaf| start(leaf.chunk) <= hash) };
        self.0.get_mut(behind.checked_sub(1)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Leaf<C>> {
        self.0.iter()
    }

    /// The contents alone.
    pub(super) fn into_contents(self) -> impl Iterator<Item = C> {
        self.0.into_iter().map(|leaf| leaf.content)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Leaf<C>> {
        self.0.iter_mut()
    }

    /// Hands every dirty leaf to `take`, which answers whether it took it; a leaf that it did not take
    /// is split in two.
    pub(super) fn split_to_fit<E>(
        &mut self,
        shape: &C::Shape,
        mut take: impl FnMut(&Leaf<C>, Part) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut todo: Vec<_> = std::mem::take(&mut self.0).into_iter().map(|leaf| (leaf, false)).collect();
        todo.reverse();
        while let Some((leaf, is_half)) = todo.pop() {
            let is_last = leaf.content.len() <= 1 || leaf.chunk.depth == 32;
            if !leaf.dirty || take(&leaf, Part { is_half, is_last })? {
                self.0.push(leaf);
                continue;
            }
            let [left, right] = leaf.chunk.halves();
            for half in [right, left] {
                let content = leaf.content.restrict(shape, half);
                todo.push((Leaf { chunk: half, stored: None, dirty: true, content }, true));
            }
        }
        Ok(())
    }
}

impl<C> Leaf<C> {
    fn chunk_and_content(self) -> (Chunk, C) {
        (self.chunk, self.content)
    }
}

/// Whether other chunks cover all of a chunk: then nothing of it counts.
pub(super) fn is_overlaid(chunk: Chunk, by: &BTreeSet<Chunk>) -> bool {
    let deepest = by.last().map_or(0, |last| last.depth);
    let is_covered = |half: Chunk| by.contains(&half) || is_overlaid(half, by);
    chunk.depth < deepest && chunk.halves().into_iter().all(is_covered)
}

/// The first hash that a chunk covers.
fn start(chunk: Chunk) -> u64 {
    if chunk.depth == 0 { 0 } else { u64::from(chunk.index) << (64 - u32::from(chunk.depth)) }
}

fn contains(outer: Chunk, inner: Chunk) -> bool {
    outer.depth <= inner.depth && outer.covers(start(inner))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hashes, with the item that they came from.
    #[derive(Clone, Debug, PartialEq)]
    struct Hashes(Vec<(u64, i64)>);

    impl Content for Hashes {
        type Shape = ();
        fn restrict(&self, (): &(), chunk: Chunk) -> Self {
            Self(self.0.iter().copied().filter(|(hash, _)| chunk.covers(*hash)).collect())
        }
        fn len(&self) -> usize {
            self.0.len()
        }
        fn encode(&self, out: &mut Vec<u8>) {
            out.resize(self.0.len(), 0);
        }
    }

    fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
        let chunk = (0..4u8, any::<u64>()).prop_map(|(depth, hash)| Chunk::covering(hash, depth));
        prop::collection::btree_set(chunk, 0..8).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_deepest_chunk_that_exists_counts(chunks in chunks(), hashes: Vec<u64>) {
            let mut chunks = chunks;
            chunks.retain(|chunk| chunk.depth > 0);
            chunks.push(Chunk::WHOLE);
            let items = chunks.iter().enumerate().map(|(i, chunk)| {
                let i = i64::try_from(i).unwrap();
                let covered = hashes.iter().filter(|h| chunk.covers(**h)).map(|h| (*h, i));
                (*chunk, i, Hashes(covered.collect()))
            });
            let mut leaves = Leaves::of_items(&(), Hashes(vec![]), items.collect());
            for hash in &hashes {
                let deepest = chunks.iter().enumerate().filter(|(_, c)| c.covers(*hash)).max_by_key(|(_, c)| c.depth);
                let from = i64::try_from(deepest.unwrap().0).unwrap();
                prop_assert!(leaves.covering(*hash).unwrap().content.0.contains(&(*hash, from)));
            }
            let total: usize = leaves.iter().map(|leaf| leaf.content.len()).sum();
            prop_assert_eq!(total, hashes.len());
        }

        #[test]
        fn a_chunk_is_overlaid_where_no_hash_of_it_is_left(chunks in chunks()) {
            let chunks: BTreeSet<_> = chunks.into_iter().collect();
            for chunk in &chunks {
                let deeper = |hash| chunks.iter().any(|c| c.depth > chunk.depth && c.covers(hash));
                let is_left = (0..8u64).map(|n| n << 61).any(|hash| chunk.covers(hash) && !deeper(hash));
                prop_assert_eq!(is_overlaid(*chunk, &chunks), !is_left);
            }
        }

        #[test]
        fn what_does_not_fit_is_split_until_it_does(hashes in prop::collection::btree_set(any::<u64>(), 0..100)) {
            let content = Hashes(hashes.iter().map(|h| (*h, 0)).collect());
            let mut leaves = Leaves::whole(content);
            leaves.iter_mut().for_each(|leaf| leaf.dirty = true);
            leaves.split_to_fit(&(), |leaf, part| Ok::<_, ()>(part.is_last || leaf.content.len() <= 5)).unwrap();
            for hash in &hashes {
                let leaf = leaves.covering(*hash).unwrap();
                prop_assert!(leaf.content.len() <= 5 && leaf.content.0.contains(&(*hash, 0)));
            }
        }
    }
}
