//! Pages: the latest and the previous row of each key, for the API.
//!
//! A page is kept small, so that a read costs one read unit: it is split at about 4 KB, until there
//! are some hundreds of pages; from then on they grow first. The head has the depth of the deepest
//! page, so that a reader knows where to look: at that depth first, then at the parents.

use std::collections::BTreeSet;

use super::{
    EngineError,
    close::KeyedRow,
    leaf::Content,
    row::{ClosedRow, KeyRows, SourceRecord},
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
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    keys: KeyTable,
    rows: Vec<KeyRows>,
}

impl Page {
    /// The rows of a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&KeyRows> {
        self.keys.find(hash, key).and_then(|number| self.rows.get(number))
    }

    /// All keys' rows.
    pub(super) fn rows(&self) -> &[KeyRows] {
        &self.rows
    }

    /// Takes a row in; answers whether that changed anything.
    fn show(&mut self, windows: Windows, new: &KeyedRow) -> bool {
        let (number, is_new) = self.keys.find_or_add(new.hash, &new.key);
        if is_new {
            self.rows.push(KeyRows { latest: new.row.clone(), previous: None });
            return true;
        }
        self.rows.get_mut(number).is_some_and(|rows| rows.show(windows, &new.row))
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(body);
        let version = from.byte("a page's version")?;
        if version != VERSION {
            let found = format!("page version {version}");
            return Err(CodecError::Unexpected { found, expected: "page version 1" });
        }
        let mut page = Self::default();
        for _ in 0..from.count("the number of keys")? {
            let key = from.bytes("a key")?;
            page.keys.find_or_add(KeyTable::hash(key), key);
            let latest = ClosedRow::decode(Timestamp(0), &mut from)?;
            let previous = match from.byte("whether there is a previous row")? {
                0 => None,
                _ => Some(ClosedRow::decode(latest.window_end, &mut from)?),
            };
            page.rows.push(KeyRows { latest, previous });
        }
        Ok(page)
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
        if order(new) > order(&self.latest) {
            self.previous = Some(std::mem::replace(&mut self.latest, new.clone()));
            return true;
        }
        let is_previous = match &self.previous {
            None => true,
            Some(previous) if is_same(windows, previous, new) => new.events > previous.events,
            Some(previous) => order(new) > order(previous),
        };
        if is_previous {
            self.previous = Some(new.clone());
        }
        is_previous
    }
}

/// What makes one row later than another. Of two events of one time the later record is the later.
fn order(row: &ClosedRow) -> (Timestamp, Option<&SourceRecord>) {
    (row.window_end, row.record.as_ref())
}

/// Whether two rows are of one window, or of one event. A session that grew overlaps what it was.
fn is_same(windows: Windows, a: &ClosedRow, b: &ClosedRow) -> bool {
    match windows {
        Windows::Grid(_) => a.window_end == b.window_end,
        Windows::Session(_) => a.window_start < b.window_end && b.window_start < a.window_end,
        Windows::Over(_) | Windows::Event => order(a) == order(b),
    }
}

impl Content for Page {
    type Shape = ();

    fn restrict(&self, (): &(), chunk: Chunk) -> Self {
        let mut part = Self::default();
        for (number, rows) in self.rows.iter().enumerate() {
            let hash = self.keys.hash_at(number);
            if chunk.covers(hash) {
                part.keys.find_or_add(hash, self.keys.key(number));
                part.rows.push(rows.clone());
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
        for (key, rows) in self.keys.iter().zip(&self.rows) {
            put_bytes(out, key);
            rows.latest.encode(Timestamp(0), out);
            out.push(u8::from(rows.previous.is_some()));
            if let Some(previous) = &rows.previous {
                previous.encode(rows.latest.window_end, out);
            }
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
        loop {
            let depth = self.store.head(&self.view.id).await?.page_depth;
            let items = read(self.store, self.view, depth, rows.iter().map(|row| row.hash)).await?;
            let decode = |_, body: &[u8]| Page::decode(body);
            let mut leaves = stored::leaves(self.store, &(), Page::default(), items, decode).await?;
            for row in rows {
                if let Some(leaf) = leaves.covering(row.hash) {
                    leaf.dirty |= leaf.content.show(self.view.windows, row);
                }
            }
            let put = Put::<Page> {
                shape: &(),
                key: &key,
                version: &|_, stored| stored.unwrap_or(0) + 1,
                expires: self.clock.now() + self.view.plan.options.history,
                most_bytes: if depth < DEEP { READ_UNIT } else { MOST_BYTES },
            };
            let packed = put.pack(&mut leaves, packer);
            let packed = packed.map_err(|source| EngineError::Damaged {
                subject: format!("the pages of {}", self.view.id),
                source,
            })?;
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

/// The pages that cover some hashes, and their parents: all pages where that is cheaper.
pub(super) async fn read<S: Store>(
    store: &S,
    view: &ViewRuntime,
    depth: u8,
    hashes: impl ExactSizeIterator<Item = u64>,
) -> Result<Vec<(ItemKey, Item)>, EngineError> {
    if hashes.len() >> depth > 0 {
        return Ok(store.scan(&Span::Pages { view: view.id.clone() }).await?);
    }
    let of_hash = |hash| (0..=depth).map(move |depth| Chunk::covering(hash, depth));
    let chunks: BTreeSet<_> = hashes.flat_map(of_hash).collect();
    let key = |chunk| ItemKey::Page { view: view.id.clone(), chunk };
    let keys: Vec<_> = chunks.into_iter().map(key).collect();
    Ok(store.get_many(&keys).await?)
}
