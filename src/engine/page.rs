//! Pages: the latest and the previous row of each key, for the API.
//!
//! A page is kept small, so that a read costs one read unit: it is split at about 4 KB, until there
//! are some hundreds of pages; from then on they grow first. The head has the depth of the deepest
//! page, so that a reader knows where to look: at that depth first, then at the parents.

use std::{collections::BTreeSet, ops::Range};

use super::{
    EngineError,
    close::KeyedRow,
    leaf::Content,
    row::{ClosedRow, KeyRows},
    stored::{self, MOST_BYTES, Put},
    view::{ViewRuntime, Windows},
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Packer, Reader, put_bytes, put_varint},
    state::{Chunk, Item, ItemKey, Span, Store, Written},
    time::{Clock, Timestamp},
};

const VERSION: u8 = 1;
/// A page is split when it is larger than this...
const READ_UNIT: usize = 4 << 10;
/// ...unless it is this deep already.
const DEEP: u8 = 8;

/// The latest and the previous row of some keys.
///
/// A batch changes few of a page's rows. So rows stay as they were read until they are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    keys: KeyTable,
    rows: Vec<Held>,
    /// The body that was read.
    body: Vec<u8>,
}

/// A key's rows.
#[derive(Clone, Debug)]
enum Held {
    /// Where they lie in the body.
    Encoded(Range<usize>),
    Decoded(KeyRows),
}

impl Page {
    /// The rows of a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Result<Option<KeyRows>, CodecError> {
        let held = self.keys.find(hash, key).and_then(|number| self.rows.get(number));
        held.map(|held| held.decode(&self.body)).transpose()
    }

    /// All keys' rows.
    pub(super) fn rows(&self) -> Result<Vec<KeyRows>, CodecError> {
        self.rows.iter().map(|held| held.decode(&self.body)).collect()
    }

    /// Takes a row in; answers whether that changed anything.
    fn show(&mut self, windows: Windows, new: &KeyedRow) -> Result<bool, CodecError> {
        let (number, is_new) = self.keys.find_or_add(new.hash, &new.key);
        if is_new {
            self.rows.push(Held::Decoded(KeyRows { latest: new.row.clone(), previous: None }));
            return Ok(true);
        }
        let Some(held) = self.rows.get_mut(number) else { return Ok(false) };
        let mut rows = held.decode(&self.body)?;
        let is_changed = rows.show(windows, &new.row);
        if is_changed {
            *held = Held::Decoded(rows);
        }
        Ok(is_changed)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(body);
        let version = from.byte("a page's version")?;
        if version != VERSION {
            let found = format!("page version {version}");
            return Err(CodecError::Unexpected { found, expected: "page version 1" });
        }
        let mut page = Self { body: body.to_vec(), ..Self::default() };
        for _ in 0..from.count("the number of keys")? {
            let key = from.bytes("a key")?;
            page.keys.find_or_add(KeyTable::hash(key), key);
            let len = from.bytes("a key's rows")?.len();
            let end = body.len() - from.len();
            page.rows.push(Held::Encoded(end - len..end));
        }
        Ok(page)
    }
}

impl Held {
    fn decode(&self, body: &[u8]) -> Result<KeyRows, CodecError> {
        match self {
            Self::Encoded(range) => KeyRows::decode(body.get(range.clone()).unwrap_or_default()),
            Self::Decoded(rows) => Ok(rows.clone()),
        }
    }

    /// Appends the rows with their length before them.
    fn encode(&self, body: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self {
            Self::Encoded(range) => put_bytes(out, body.get(range.clone()).unwrap_or_default()),
            Self::Decoded(rows) => {
                scratch.clear();
                rows.encode(scratch);
                put_bytes(out, scratch);
            }
        }
    }
}

impl KeyRows {
    fn encode(&self, out: &mut Vec<u8>) {
        self.latest.encode(Timestamp(0), out);
        if let Some(previous) = &self.previous {
            previous.encode(self.latest.window_end, out);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(bytes);
        let latest = ClosedRow::decode(Timestamp(0), &mut from)?;
        let previous =
            if from.is_empty() { None } else { Some(ClosedRow::decode(latest.window_end, &mut from)?) };
        Ok(Self { latest, previous })
    }
}

impl KeyRows {
    /// Takes a row in: by window, and of the same window the one that covers more. Answers whether
    /// that changed anything.
    fn show(&mut self, windows: Windows, new: &ClosedRow) -> bool {
        if is_same(windows, &self.latest, new) {
            let is_more = new.events > self.latest.events;
            if is_more {
                self.latest = new.clone();
            }
            return is_more;
        }
        if new.window_end > self.latest.window_end {
            self.previous = Some(std::mem::replace(&mut self.latest, new.clone()));
            return true;
        }
        let is_previous = match &self.previous {
            None => true,
            Some(previous) if is_same(windows, previous, new) => new.events > previous.events,
            Some(previous) => new.window_end > previous.window_end,
        };
        if is_previous {
            self.previous = Some(new.clone());
        }
        is_previous
    }
}

/// Whether two rows are of one window. A session that grew overlaps what it was.
fn is_same(windows: Windows, a: &ClosedRow, b: &ClosedRow) -> bool {
    match windows {
        Windows::Grid(_) => a.window_end == b.window_end,
        Windows::Session(_) => a.window_start < b.window_end && b.window_start < a.window_end,
    }
}

impl Content for Page {
    type Shape = ();

    fn restrict(&self, (): &(), chunk: Chunk) -> Self {
        let mut part = Self { body: self.body.clone(), ..Self::default() };
        for (number, held) in self.rows.iter().enumerate() {
            let hash = self.keys.hash_at(number);
            if chunk.covers(hash) {
                part.keys.add(hash, self.keys.key(number));
                part.rows.push(held.clone());
            }
        }
        part
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.rows.len() as u64);
        let mut scratch = Vec::new();
        for (key, held) in self.keys.iter().zip(&self.rows) {
            put_bytes(out, key);
            held.encode(&self.body, &mut scratch, out);
        }
    }
}

/// A view's pages in the store.
pub(super) struct Pages<'a, S> {
    pub(super) store: &'a S,
    pub(super) view: &'a ViewRuntime,
    pub(super) clock: &'a dyn Clock,
}

impl<S: Store> Pages<'_, S> {
    /// Shows rows on their keys' pages.
    pub(super) async fn show(&self, rows: &[KeyedRow], packer: &mut Packer) -> Result<(), EngineError> {
        let key = |chunk: Chunk| ItemKey::Page { view: self.view.id.clone(), chunk };
        let damaged = |source| damaged(self.view, source);
        loop {
            let depth = self.store.head(&self.view.id).await?.page_depth;
            let items = read(self.store, self.view, depth, rows.iter().map(|row| row.hash)).await?;
            let decode = |_, body: &[u8]| Page::decode(body);
            let mut leaves = stored::leaves(self.store, &(), Page::default(), items, decode).await?;
            for row in rows {
                if let Some(leaf) = leaves.covering(row.hash) {
                    leaf.dirty |= leaf.content.show(self.view.windows, row).map_err(damaged)?;
                }
            }
            let put = Put::<Page> {
                shape: &(),
                key: &key,
                version: &|_, stored| stored.unwrap_or(0) + 1,
                expires: self.clock.now() + self.view.plan.options.history,
                most_bytes: if depth < DEEP { READ_UNIT } else { MOST_BYTES },
            };
            let packed = put.pack(&mut leaves, packer).map_err(damaged)?;
            // Before the pages: a reader that knows the depth too early finds the parents.
            let deepest = packed.iter().map(|(chunk, ..)| chunk.depth).max().unwrap_or(0);
            if deepest > depth {
                self.store.set_page_depth(&self.view.id, deepest).await?;
            }
            if put.write(self.store, &mut leaves, packed).await? == Written::Stored {
                return Ok(());
            }
        }
    }
}

/// The pages that cover some hashes: all pages where that is cheaper.
pub(super) async fn read<S: Store>(
    store: &S,
    view: &ViewRuntime,
    depth: u8,
    hashes: impl ExactSizeIterator<Item = u64>,
) -> Result<Vec<(ItemKey, Item)>, EngineError> {
    if hashes.len() >> depth > 0 {
        return Ok(store.scan(&Span::Pages { view: view.id.clone() }).await?);
    }
    let key = |chunk| ItemKey::Page { view: view.id.clone(), chunk };
    let wanted: BTreeSet<_> = hashes.map(|hash| Chunk::covering(hash, depth)).collect();
    let mut pages = store.get_many(&wanted.iter().copied().map(key).collect::<Vec<_>>()).await?;
    let found: BTreeSet<_> = pages.iter().map(|(key, _)| key.chunk()).collect();
    // What was not split as often stands in a parent.
    let missing: Vec<_> = wanted.difference(&found).copied().collect();
    let parents = |chunk: &Chunk| std::iter::successors(chunk.parent(), |parent| parent.parent());
    let above: BTreeSet<_> = missing.iter().flat_map(parents).collect();
    if !above.is_empty() {
        let above = store.get_many(&above.into_iter().map(key).collect::<Vec<_>>()).await?;
        let found: BTreeSet<_> = above.iter().map(|(key, _)| key.chunk()).collect();
        let deepest = |chunk| parents(chunk).find(|parent| found.contains(parent));
        let needed: BTreeSet<_> = missing.iter().filter_map(deepest).collect();
        pages.extend(above.into_iter().filter(|(key, _)| needed.contains(&key.chunk())));
    }
    Ok(pages)
}

pub(super) fn damaged(view: &ViewRuntime, source: CodecError) -> EngineError {
    EngineError::Damaged { subject: format!("the pages of {}", view.id), source }
}
