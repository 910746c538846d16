//! Pages: the latest and the previous row of each key, for the API.
//!
//! A page is kept small, so that a read costs one read unit: it is split at about 4 KB, until there
//! are some hundreds of pages; from then on they grow first. The head has the depth of the deepest
//! page, so that a reader knows where to look: at that depth first, then at the parents.

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use smallvec::{SmallVec, smallvec};

use super::{
    EngineError,
    close::KeyedRow,
    leaf::{Content, Leaves},
    row::{ClosedRow, EncodedRow, KeyRows},
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
pub(super) const READ_UNIT: usize = 4 << 10;
/// ...unless it is this deep already.
pub(super) const DEEP: u8 = 8;

/// The latest and the previous row of some keys.
///
/// A batch changes few of a page's rows. So rows stay as they were read until they are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    keys: KeyTable,
    held: Vec<Held>,
    /// The body that was read, and behind it what has come since.
    bytes: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Debug)]
enum Held {
    /// Where its rows lie, as they were read.
    AsRead(Range<usize>),
    Changed(Rows),
}

/// The rows that are known of a key, the newest first: the latest, the previous, and what is remembered behind it.
type Rows = SmallVec<[EncodedRow; 2]>;

/// What is remembered of a key, the newest first.
pub(super) struct Remembered<'p> {
    rows: Rows,
    bytes: &'p [u8],
}

impl Remembered<'_> {
    pub(super) fn none() -> Self {
        Self { rows: Rows::new(), bytes: &[] }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &EncodedRow> {
        self.rows.iter()
    }

    /// The newest row of a window that ends before this.
    pub(super) fn before(&self, end: Timestamp) -> Option<&EncodedRow> {
        self.iter().find(|row| row.window_end < end)
    }

    /// All of one of its rows.
    pub(super) fn decode(&self, row: &EncodedRow) -> Result<ClosedRow, CodecError> {
        row.row(self.bytes)
    }

    fn latest_and_previous(&self) -> Result<Option<KeyRows>, CodecError> {
        let mut rows = self.iter().take(2).map(|row| self.decode(row));
        let Some(latest) = rows.next().transpose()? else { return Ok(None) };
        Ok(Some(KeyRows { latest, previous: rows.next().transpose()? }))
    }
}

impl Page {
    /// The rows of a key in a body, of which nothing else is decoded.
    pub(super) fn look_up(body: &[u8], key: &[u8]) -> Result<Option<KeyRows>, CodecError> {
        let mut from = Reader::new(body);
        for _ in 0..count(&mut from)? {
            let (known, len) = (from.bytes("a key")?, from.bytes("a key's rows")?.len());
            if known == key {
                let end = body.len() - from.len();
                let rows = read_rows(body, &(end - len..end))?;
                return Remembered { rows, bytes: body }.latest_and_previous();
            }
        }
        Ok(None)
    }

    /// All keys with their rows.
    pub(super) fn entries(&self) -> impl Iterator<Item = Result<(&[u8], KeyRows), CodecError>> {
        let entry = |(key, held): (_, &Held)| {
            let known = Remembered { rows: held.rows(&self.bytes)?, bytes: &self.bytes };
            Ok(known.latest_and_previous()?.map(|rows| (key, rows)))
        };
        self.keys.iter().zip(&self.held).filter_map(move |held| entry(held).transpose())
    }

    /// All rows that are remembered of a key.
    pub(super) fn remembered(&self, hash: u64, key: &[u8]) -> Result<Remembered<'_>, CodecError> {
        let held = self.keys.find(hash, key).and_then(|number| self.held.get(number));
        let rows = held.map_or_else(|| Ok(Rows::new()), |held| held.rows(&self.bytes))?;
        Ok(Remembered { rows, bytes: &self.bytes })
    }

    /// Takes a row in: by window, and of the same window the one that covers more. Answers whether that
    /// changed anything.
    ///
    /// Views without windows have no history: there it is the page that knows a row's revision, and marks
    /// one that covers less as outdated.
    fn show(&mut self, view: &ViewRuntime, new: &mut KeyedRow) -> Result<bool, CodecError> {
        if new.is_outdated() {
            return Ok(false);
        }
        let (number, is_new) = self.keys.find_or_add(new.hash, &new.key);
        if is_new {
            if matches!(view.windows, Windows::Running) {
                new.row.revision = 0;
            }
            let row = EncodedRow::put(&new.row, &mut self.bytes);
            self.held.push(Held::Changed(smallvec![row]));
            return Ok(true);
        }
        let Some(held) = self.held.get_mut(number) else { return Ok(false) };
        let mut rows = held.rows(&self.bytes)?;
        let mut place = rows.len();
        for (at, row) in rows.iter_mut().enumerate() {
            if is_same(view.windows, row, &self.bytes, &new.row)? {
                if matches!(view.windows, Windows::Running) {
                    revise(row, new);
                }
                if new.row.events <= row.events {
                    return Ok(false);
                }
                *row = EncodedRow::put(&new.row, &mut self.bytes);
                *held = Held::Changed(rows);
                return Ok(true);
            }
            if row.compare(&self.bytes, &new.row)?.is_lt() {
                place = at;
                break;
            }
        }
        let most = 2 + view.memory();
        if place == most {
            return Ok(false);
        }
        rows.insert(place, EncodedRow::put(&new.row, &mut self.bytes));
        rows.truncate(most);
        *held = Held::Changed(rows);
        Ok(true)
    }

    /// The leaves that items make.
    pub(super) async fn leaves<S: Store>(
        store: &S,
        items: Vec<(ItemKey, Item)>,
    ) -> Result<Leaves<Self>, EngineError> {
        stored::leaves(store, &(), Self::default(), items, |_, body| Self::decode(body)).await
    }

    pub(super) fn decode(body: Cow<'_, [u8]>) -> Result<Self, CodecError> {
        let mut from = Reader::new(&body);
        let count = count(&mut from)?;
        let mut page = Self { held: Vec::with_capacity(count), ..Self::default() };
        for _ in 0..count {
            let key = from.bytes("a key")?;
            page.keys.add(KeyTable::hash(key), key);
            let len = from.bytes("a key's rows")?.len();
            let end = body.len() - from.len();
            page.held.push(Held::AsRead(end - len..end));
        }
        page.bytes = body.into_owned();
        Ok(page)
    }
}

/// Reads what a body begins with: how many keys it has.
fn count(from: &mut Reader<'_>) -> Result<usize, CodecError> {
    let version = from.byte("a page's version")?;
    if version != VERSION {
        let found = format!("page version {version}");
        return Err(CodecError::Unexpected { found, expected: "page version 1" });
    }
    from.count("the number of keys")
}

/// Reads a key's rows. Each row's times are relative to the end of the one before.
fn read_rows(bytes: &[u8], range: &Range<usize>) -> Result<Rows, CodecError> {
    let mut from = Reader::new(bytes.get(range.clone()).unwrap_or_default());
    let (mut rows, mut base) = (Rows::new(), Timestamp(0));
    while !from.is_empty() {
        let row = EncodedRow::read(base, &mut from, range.end)?;
        base = row.window_end;
        rows.push(row);
    }
    Ok(rows)
}

impl Held {
    fn rows(&self, bytes: &[u8]) -> Result<Rows, CodecError> {
        match self {
            Self::AsRead(range) => read_rows(bytes, range),
            Self::Changed(rows) => Ok(rows.clone()),
        }
    }

    /// Appends the rows with their length before them.
    fn encode(&self, bytes: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self {
            Self::AsRead(range) => put_bytes(out, bytes.get(range.clone()).unwrap_or_default()),
            Self::Changed(rows) => {
                scratch.clear();
                let mut base = Timestamp(0);
                for row in rows {
                    row.write(base, bytes, scratch);
                    base = row.window_end;
                }
                put_bytes(out, scratch);
            }
        }
    }
}

/// What a row's revision is where another of the same key is known.
fn revise(known: &EncodedRow, new: &mut KeyedRow) {
    new.row.revision = known.revision + u32::from(new.row.events > known.events);
    if new.row.events < known.events {
        new.outdate();
    }
}

/// Whether two rows are of one window, or of one event. A session that grew overlaps what it was.
fn is_same(windows: Windows, known: &EncodedRow, bytes: &[u8], new: &ClosedRow) -> Result<bool, CodecError> {
    Ok(match windows {
        Windows::Grid(_) => known.window_end == new.window_end,
        Windows::Session(_) => known.window_start < new.window_end && new.window_start < known.window_end,
        Windows::Over(_) | Windows::Event | Windows::Match(_) => known.compare(bytes, new)?.is_eq(),
        Windows::Running => true,
    })
}

impl Content for Page {
    type Shape = ();

    fn restrict(&self, (): &(), chunk: Chunk) -> Self {
        let mut part = Self { bytes: self.bytes.clone(), ..Self::default() };
        for (number, held) in self.held.iter().enumerate() {
            let hash = self.keys.hash_at(number);
            if chunk.covers(hash) {
                part.keys.add(hash, self.keys.key(number));
                part.held.push(held.clone());
            }
        }
        part
    }

    fn len(&self) -> usize {
        self.held.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.held.len() as u64);
        let mut scratch = Vec::new();
        for (key, held) in self.keys.iter().zip(&self.held) {
            put_bytes(out, key);
            held.encode(&self.bytes, &mut scratch, out);
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
    /// The pages of some keys, to be looked at.
    pub(super) async fn of(
        &self,
        hashes: impl ExactSizeIterator<Item = u64>,
    ) -> Result<Leaves<Page>, EngineError> {
        let depth = self.store.head(&self.view.id).await?.page_depth;
        let items = read(self.store, self.view, depth, hashes).await?;
        Page::leaves(self.store, items).await
    }

    /// Shows rows on their keys' pages.
    pub(super) async fn show(&self, rows: &mut [KeyedRow], packer: &mut Packer) -> Result<(), EngineError> {
        let key = |chunk: Chunk| ItemKey::Page { view: self.view.id.clone(), chunk };
        let damaged = |source| damaged(self.view, source);
        loop {
            let depth = self.store.head(&self.view.id).await?.page_depth;
            let items = read(self.store, self.view, depth, rows.iter().map(|row| row.hash)).await?;
            let mut leaves = Page::leaves(self.store, items).await?;
            for row in &mut *rows {
                if let Some(leaf) = leaves.covering(row.hash) {
                    leaf.dirty |= leaf.content.show(self.view, row).map_err(damaged)?;
                }
            }
            let put = Put::<Page> {
                shape: &(),
                key: &key,
                version: &|_, stored| stored.unwrap_or(0) + 1,
                expires: self.view.page_expires(self.clock.now()),
                most_bytes: if depth < DEEP { READ_UNIT } else { MOST_BYTES },
            };
            let packed = put.pack(&mut leaves, packer).map_err(damaged)?;
            // Before the pages: a reader that knows the depth too early finds the parents.
            let deepest = packed.depth();
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
