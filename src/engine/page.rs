//! Pages: the latest and the previous row of each key, for the API.
//!
//! A page is kept small, so that a read costs one read unit: it is split at about 4 KB, until there
//! are some hundreds of pages; from then on they grow first. The head has the depth of the deepest
//! page, so that a reader knows where to look: at that depth first, then at the parents.

use std::{collections::BTreeSet, ops::Range};

use super::{
    EngineError,
    close::KeyedRow,
    leaf::{Content, Leaves},
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
pub(super) const READ_UNIT: usize = 4 << 10;
/// ...unless it is this deep already.
pub(super) const DEEP: u8 = 8;

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
    Decoded(Box<Known>),
}

/// What is known of a key.
#[derive(Clone, Debug)]
struct Known {
    rows: KeyRows,
    /// What is remembered behind the previous row, the newest first.
    older: Vec<ClosedRow>,
}

impl Page {
    /// The rows of a key in a body, of which nothing else is decoded.
    pub(super) fn look_up(body: &[u8], key: &[u8]) -> Result<Option<KeyRows>, CodecError> {
        let mut from = Reader::new(body);
        for _ in 0..count(&mut from)? {
            let (known, rows) = (from.bytes("a key")?, from.bytes("a key's rows")?);
            if known == key {
                return Ok(Some(Known::decode(rows)?.rows));
            }
        }
        Ok(None)
    }

    /// All keys with their rows.
    pub(super) fn entries(&self) -> impl Iterator<Item = Result<(&[u8], KeyRows), CodecError>> {
        self.keys.iter().zip(&self.rows).map(|(key, held)| Ok((key, held.decode(&self.body)?.rows)))
    }

    /// The rows of a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Result<Option<KeyRows>, CodecError> {
        Ok(self.known(hash, key)?.map(|known| known.rows))
    }

    /// All rows that are remembered of a key, the newest first.
    pub(super) fn remembered(&self, hash: u64, key: &[u8]) -> Result<Vec<ClosedRow>, CodecError> {
        Ok(self.known(hash, key)?.map_or_else(Vec::new, Known::into_rows))
    }

    fn known(&self, hash: u64, key: &[u8]) -> Result<Option<Known>, CodecError> {
        let held = self.keys.find(hash, key).and_then(|number| self.rows.get(number));
        held.map(|held| held.decode(&self.body)).transpose()
    }

    /// Takes a row in; answers whether that changed anything.
    fn show(&mut self, view: &ViewRuntime, new: &KeyedRow) -> Result<bool, CodecError> {
        let (number, is_new) = self.keys.find_or_add(new.hash, &new.key);
        if is_new {
            let rows = KeyRows { latest: new.row.clone(), previous: None };
            self.rows.push(Held::Decoded(Box::new(Known { rows, older: Vec::new() })));
            return Ok(true);
        }
        let Some(held) = self.rows.get_mut(number) else { return Ok(false) };
        let mut known = held.decode(&self.body)?;
        let is_changed = match view.memory() {
            0 => known.rows.show(view.windows, &new.row),
            memory => known.show(view.windows, &new.row, memory),
        };
        if is_changed {
            *held = Held::Decoded(Box::new(known));
        }
        Ok(is_changed)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(body);
        let mut page = Self { body: body.to_vec(), ..Self::default() };
        for _ in 0..count(&mut from)? {
            let key = from.bytes("a key")?;
            page.keys.find_or_add(KeyTable::hash(key), key);
            let len = from.bytes("a key's rows")?.len();
            let end = body.len() - from.len();
            page.rows.push(Held::Encoded(end - len..end));
        }
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

impl Held {
    fn decode(&self, body: &[u8]) -> Result<Known, CodecError> {
        match self {
            Self::Encoded(range) => Known::decode(body.get(range.clone()).unwrap_or_default()),
            Self::Decoded(known) => Ok(Known::clone(known)),
        }
    }

    /// Appends the rows with their length before them.
    fn encode(&self, body: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self {
            Self::Encoded(range) => put_bytes(out, body.get(range.clone()).unwrap_or_default()),
            Self::Decoded(known) => {
                scratch.clear();
                known.encode(scratch);
                put_bytes(out, scratch);
            }
        }
    }
}

impl Known {
    fn into_rows(self) -> Vec<ClosedRow> {
        let mut all = vec![self.rows.latest];
        all.extend(self.rows.previous);
        all.extend(self.older);
        all
    }

    /// Takes a row in as [`KeyRows::show`] does, and remembers what it pushes out.
    fn show(&mut self, windows: Windows, new: &ClosedRow, memory: usize) -> bool {
        let mut all = vec![self.rows.latest.clone()];
        all.extend(self.rows.previous.take());
        all.append(&mut self.older);
        let at = all.iter().position(|row| is_same(windows, row, new) || row.window_end < new.window_end);
        let is_changed = match at.and_then(|at| all.get_mut(at)) {
            Some(row) if is_same(windows, row, new) => {
                let is_more = new.events > row.events;
                if is_more {
                    row.clone_from(new);
                }
                is_more
            }
            _ => {
                let at = at.unwrap_or(all.len());
                all.insert(at, new.clone());
                all.truncate(2 + memory);
                at < all.len()
            }
        };
        let mut all = all.into_iter();
        if let Some(latest) = all.next() {
            self.rows.latest = latest;
        }
        self.rows.previous = all.next();
        self.older.extend(all);
        is_changed
    }

    /// Each row's times are relative to the end of the one before.
    fn encode(&self, out: &mut Vec<u8>) {
        let mut base = Timestamp(0);
        for row in std::iter::once(&self.rows.latest).chain(&self.rows.previous).chain(&self.older) {
            row.encode(base, out);
            base = row.window_end;
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut from = Reader::new(bytes);
        let latest = ClosedRow::decode(Timestamp(0), &mut from)?;
        let mut base = latest.window_end;
        let mut behind = Vec::new();
        while !from.is_empty() {
            let row = ClosedRow::decode(base, &mut from)?;
            base = row.window_end;
            behind.push(row);
        }
        let mut behind = behind.into_iter();
        let rows = KeyRows { latest, previous: behind.next() };
        Ok(Self { rows, older: behind.collect() })
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
        Windows::Over(_) | Windows::Event | Windows::Match(_) => order(a) == order(b),
        Windows::Running => true,
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
    /// The pages of some keys, to be looked at.
    pub(super) async fn of(
        &self,
        hashes: impl ExactSizeIterator<Item = u64>,
    ) -> Result<Leaves<Page>, EngineError> {
        let depth = self.store.head(&self.view.id).await?.page_depth;
        let items = read(self.store, self.view, depth, hashes).await?;
        stored::leaves(self.store, &(), Page::default(), items, |_, body| Page::decode(body)).await
    }

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
