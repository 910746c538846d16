//! The closed rows of the windows that end in one slice.

use std::{borrow::Cow, ops::Range};

use hashbrown::{HashTable, hash_table::Entry};

use super::{
    EngineError,
    close::KeyedRow,
    leaf::{Content, Leaves},
    row::{ClosedRow, EncodedRow, SourceRecord, put_record},
    stored,
    view::ViewRuntime,
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, Reader, put_bytes, put_varint},
    state::{Chunk, Item, ItemKey, Span, Store},
    time::Timestamp,
    value::Value,
};

const VERSION: u8 = 1;

/// Closed rows: one a key and window, or one an event.
#[derive(Clone, Debug)]
pub(super) struct History {
    slice: Timestamp,
    rows: Vec<Recorded>,
    /// Keys, records and values of the rows.
    bytes: Vec<u8>,
    /// How many bytes are of no row any more.
    unused: usize,
    /// The numbers of the rows, by their keys' hashes: of the first few, until a row is looked for.
    index: HashTable<u32>,
    /// The record of the row that is looked for.
    record: Vec<u8>,
}

/// A row.
#[derive(Clone, Debug)]
struct Recorded {
    hash: u64,
    key: Range<usize>,
    row: EncodedRow,
}

/// A row with its key, as a history has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct HistoryRow<'h> {
    pub(super) key: &'h [u8],
    pub(super) row: &'h EncodedRow,
    bytes: &'h [u8],
}

impl<'h> HistoryRow<'h> {
    /// The record that it is of.
    pub(super) fn record(&self) -> Result<Option<SourceRecord>, CodecError> {
        self.row.record(self.bytes)
    }

    /// The values of the view's output columns.
    pub(super) fn values(
        &self,
    ) -> Result<impl Iterator<Item = Result<Value<'h>, CodecError>> + use<'h>, CodecError> {
        self.row.values(self.bytes)
    }

    /// All of it.
    pub(super) fn decode(&self) -> Result<ClosedRow, CodecError> {
        self.row.row(self.bytes)
    }
}

impl History {
    pub(super) fn new(slice: Timestamp) -> Self {
        let (rows, bytes, record) = (Vec::new(), Vec::new(), Vec::new());
        Self { slice, rows, bytes, unused: 0, index: HashTable::new(), record }
    }

    /// Records a row, whose revision follows from what is recorded already. Answers whether that
    /// changed anything. A row that covers less than the recorded one is marked as outdated.
    pub(super) fn record(&mut self, new: &mut KeyedRow) -> bool {
        if new.is_outdated() {
            return false;
        }
        self.index_all();
        self.record.clear();
        put_record(&mut self.record, new.row.record.as_ref());
        let Self { rows, bytes, index, .. } = self;
        let is_it = |number: &u32| {
            rows.get(*number as usize).is_some_and(|known| {
                let windows = (known.row.window_start, known.row.window_end);
                known.hash == new.hash
                    && windows == (new.row.window_start, new.row.window_end)
                    && bytes.get(known.key.clone()) == Some(&new.key)
                    && *known.row.record_bytes(bytes) == *self.record
            })
        };
        match index.entry(new.hash, is_it, |number| hash_of(rows, *number)) {
            Entry::Vacant(place) => {
                new.row.revision = 0;
                place.insert(truncate(rows.len()));
                let start = bytes.len();
                bytes.extend_from_slice(&new.key);
                let key = start..bytes.len();
                rows.push(Recorded { hash: new.hash, key, row: EncodedRow::put(&new.row, bytes) });
                true
            }
            Entry::Occupied(place) => {
                let Some(known) = rows.get_mut(*place.get() as usize) else { return false };
                if new.row.events < known.row.events {
                    new.outdate();
                    return false;
                }
                let is_more = new.row.events > known.row.events;
                new.row.revision = known.row.revision + u32::from(is_more);
                if is_more {
                    self.unused += known.row.len();
                    known.row = EncodedRow::put(&new.row, bytes);
                    self.reclaim();
                }
                is_more
            }
        }
    }

    pub(super) fn slice(&self) -> Timestamp {
        self.slice
    }

    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = HistoryRow<'_>> {
        self.rows.iter().map(|Recorded { key, row, .. }| {
            let key = self.bytes.get(key.clone()).unwrap_or_default();
            HistoryRow { key, row, bytes: &self.bytes }
        })
    }

    /// How many bytes it takes up in memory, about.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<Recorded>()
    }

    fn index_all(&mut self) {
        let Self { rows, index, .. } = self;
        index.reserve(rows.len() - index.len(), |number| hash_of(rows, *number));
        for number in index.len()..rows.len() {
            let number = truncate(number);
            index.insert_unique(hash_of(rows, number), number, |number| hash_of(rows, *number));
        }
    }

    /// Lets go of what is of no row any more, once it is most.
    fn reclaim(&mut self) {
        if self.unused > self.bytes.len() / 2 {
            *self = self.part(|_| true);
        }
    }

    /// The rows whose keys' hashes fulfil a condition.
    fn part(&self, keep: impl Fn(u64) -> bool) -> Self {
        let mut part = Self::new(self.slice);
        for Recorded { hash, key, row } in self.rows.iter().filter(|recorded| keep(recorded.hash)) {
            let start = part.bytes.len();
            part.bytes.extend_from_slice(self.bytes.get(key.clone()).unwrap_or_default());
            let key = start..part.bytes.len();
            let row = row.copy(&self.bytes, &mut part.bytes);
            part.rows.push(Recorded { hash: *hash, key, row });
        }
        part
    }

    /// The leaves that a slice's items make.
    pub(super) async fn leaves<S: Store>(
        store: &S,
        slice: Timestamp,
        items: Vec<(ItemKey, Item)>,
    ) -> Result<Leaves<Self>, EngineError> {
        let decode = |_, body: Cow<'_, [u8]>| Self::decode(slice, body);
        stored::leaves(store, &(), Self::new(slice), items, decode).await
    }

    /// The histories of some slices, in their order; of one that was split several.
    pub(super) async fn scan<S: Store>(store: &S, span: &Span) -> Result<Vec<Self>, EngineError> {
        let mut all = Vec::new();
        for (slice, items) in stored::by_slice(store, span).await? {
            all.extend(Self::leaves(store, slice, items).await?.into_contents());
        }
        Ok(all)
    }

    pub(super) fn decode(slice: Timestamp, body: Cow<'_, [u8]>) -> Result<Self, CodecError> {
        let mut from = Reader::new(&body);
        let version = from.byte("a history's version")?;
        if version != VERSION {
            let found = format!("history version {version}");
            return Err(CodecError::Unexpected { found, expected: "history version 1" });
        }
        let mut history = Self::new(slice);
        for _ in 0..from.count("the number of rows")? {
            let key = from.bytes("a key")?;
            let end = body.len() - from.len();
            let row = EncodedRow::read(slice, &mut from, body.len())?;
            history.rows.push(Recorded { hash: KeyTable::hash(key), key: end - key.len()..end, row });
        }
        history.bytes = body.into_owned();
        Ok(history)
    }
}

pub(super) fn damaged(view: &ViewRuntime, slice: Timestamp, source: CodecError) -> EngineError {
    EngineError::Damaged { subject: format!("the history of {} at {slice}", view.id), source }
}

fn hash_of(rows: &[Recorded], number: u32) -> u64 {
    rows.get(number as usize).map_or(0, |recorded| recorded.hash)
}

/// There are never so many: they would not fit an item.
fn truncate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Content for History {
    type Shape = ();

    fn restrict(&self, (): &(), chunk: Chunk) -> Self {
        self.part(|hash| chunk.covers(hash))
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.rows.len() as u64);
        for HistoryRow { key, row, bytes } in self.rows() {
            put_bytes(out, key);
            row.write(self.slice, bytes, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Timestamp = Timestamp(1000);

    fn row(key: &str, end: i64, events: u64) -> KeyedRow {
        let (key, values) = (key.as_bytes().to_vec(), vec![Value::Text("x".repeat(100).into())]);
        let (window_start, window_end) = (SLICE, Timestamp(end));
        let row = ClosedRow { window_start, window_end, events, revision: 0, record: None, values };
        KeyedRow { hash: KeyTable::hash(&key), key, row }
    }

    fn stored(history: &History) -> Vec<(Vec<u8>, i64, u64, u32)> {
        let mut body = Vec::new();
        history.encode(&mut body);
        let read = History::decode(SLICE, body.into()).unwrap();
        let rows = read.rows().map(|found| (found.key.to_vec(), found.decode().unwrap()));
        rows.map(|(key, row)| (key, row.window_end.0, row.events, row.revision)).collect()
    }

    #[test]
    fn what_covers_more_replaces_and_what_covers_less_is_outdated() {
        let mut history = History::new(SLICE);
        for (mut new, changes, revision) in
            [(row("a", 2000, 5), true, 0), (row("a", 2000, 7), true, 1), (row("a", 3000, 1), true, 0)]
        {
            assert_eq!(history.record(&mut new), changes);
            assert_eq!(new.row.revision, revision);
        }
        let mut again = row("a", 2000, 7);
        assert!(!history.record(&mut again) && !again.is_outdated());
        assert_eq!(again.row.revision, 1);
        let mut less = row("a", 2000, 6);
        assert!(!history.record(&mut less) && less.is_outdated());
        assert_eq!(stored(&history), [(b"a".to_vec(), 2000, 7, 1), (b"a".to_vec(), 3000, 1, 0)]);
    }

    #[test]
    fn a_row_that_is_replaced_again_and_again_takes_up_no_more_memory() {
        let mut history = History::new(SLICE);
        history.record(&mut row("b", 2000, 1));
        for events in 1..=1000 {
            history.record(&mut row("a", 2000, events));
        }
        assert!(history.bytes.len() < 1000, "{} bytes", history.bytes.len());
        assert_eq!(stored(&history), [(b"b".to_vec(), 2000, 1, 0), (b"a".to_vec(), 2000, 1000, 999)]);
    }

    #[test]
    fn what_was_read_goes_on_and_is_split_like_what_was_written() {
        let mut written = History::new(SLICE);
        (0..50).for_each(|n| assert!(written.record(&mut row(&format!("k{n}"), 2000, 2))));
        let mut body = Vec::new();
        written.encode(&mut body);
        let mut read = History::decode(SLICE, body.into()).unwrap();
        assert!(read.record(&mut row("k7", 2000, 3)));
        assert!(!read.record(&mut row("k8", 2000, 2)));
        let halves = Chunk::WHOLE.halves().map(|chunk| stored(&read.restrict(&(), chunk)));
        let mut both = halves.concat();
        let mut all = stored(&read);
        both.sort();
        all.sort();
        assert_eq!(both, all);
        assert_eq!(all.len(), 50);
        assert!(all.contains(&(b"k7".to_vec(), 2000, 3, 1)));
    }
}
