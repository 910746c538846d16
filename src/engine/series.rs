//! Reading history: closed rows in the order of their windows, a page at a time.
//!
//! The history is read in runs of a few items, so that a page costs what lies before its end, not what
//! the view keeps. A page may therefore be short, even empty, where there is little to be found in
//! much: it says where the next begins as long as there may be more.

use std::cmp::Ordering;

use super::{
    EngineError, Reader,
    history::{History, damaged},
    row::{ClosedRow, Key},
    view::ViewRuntime,
};
use crate::{
    aggregate::KeyTable,
    codec::{self, put_value},
    sql::View,
    state::{Item, ItemKey, Span, Store},
    time::{Millis, Timestamp},
    value::Value,
};

/// So many items are read at once; each has at most 300 KB.
const RUN: usize = 32;
/// A page ends when this many items were read for it.
const MOST_ITEMS: usize = 512;

/// Which closed rows are asked for.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Windows that end behind this...
    pub from: Timestamp,
    /// ...and not behind this.
    pub to: Timestamp,
    /// Of this key alone.
    pub key: Option<Key>,
    /// Where the page before ended.
    pub behind: Option<HistoryPlace>,
    /// The most rows.
    pub limit: usize,
}

/// A place in a view's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPlace {
    /// The windows that end here are the last before the place.
    pub window_end: Timestamp,
    /// The last of their rows that is before the place, by its key and its window's start; none where
    /// all are.
    pub row: Option<(Key, Timestamp)>,
}

/// Closed rows, by their windows' ends, then by keys, then by their windows' starts. Of each window of
/// a key there is the newest revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    /// The rows with their keys.
    pub rows: Vec<(Key, ClosedRow)>,
    /// Where the next page begins; none where there is nothing more.
    pub next: Option<HistoryPlace>,
}

impl<S: Store> Reader<S> {
    /// A page of a view's closed rows.
    pub async fn history(&self, view: &View, query: &HistoryQuery) -> Result<HistoryPage, EngineError> {
        let mut page = HistoryPage::default();
        let Some(view) = self.view(view) else { return Ok(page) };
        // A window that ends at `e` stands in the slice of `e - 1`.
        let (mut slice, last) =
            (view.slices.start(query.first_moment()), view.slices.start(query.to - Millis(1)));
        let mut items_read = 0;
        while slice <= last {
            let run = self.run(view, slice, last).await?;
            let slices = run.slices.len();
            for (index, (start, items)) in run.slices.into_iter().enumerate() {
                items_read += items.len();
                page.rows.extend(self.rows_of_slice(view, start, items, query).await?);
                if page.rows.len() > query.limit {
                    page.rows.truncate(query.limit);
                    page.next = page.rows.last().map(HistoryPlace::behind);
                    return Ok(page);
                }
                slice = start + view.slices.length();
                let is_last = slice > last || (run.is_end && index + 1 == slices);
                if !is_last && (page.rows.len() == query.limit || items_read >= MOST_ITEMS) {
                    page.next = Some(HistoryPlace { window_end: slice, row: None });
                    return Ok(page);
                }
            }
            if run.is_end {
                break;
            }
        }
        Ok(page)
    }

    /// The items of some slices, each with all that it has: from the first that has any on.
    async fn run(&self, view: &ViewRuntime, from: Timestamp, to: Timestamp) -> Result<Run, EngineError> {
        let span = |from, to| Span::History { view: view.id.clone(), from, to };
        let items = self.store.scan_first(&span(from, to), RUN).await?;
        let is_end = items.len() < RUN;
        let mut slices: Vec<(Timestamp, Vec<(ItemKey, Item)>)> = Vec::new();
        for (key, item) in items {
            let ItemKey::History { slice, .. } = key else { continue };
            match slices.last_mut() {
                Some((start, items)) if *start == slice => items.push((key, item)),
                _ => slices.push((slice, vec![(key, item)])),
            }
        }
        if !is_end {
            // The last may have more than was read of it.
            match slices.as_mut_slice() {
                [(slice, items)] => *items = self.store.scan(&span(*slice, *slice)).await?,
                _ => drop(slices.pop()),
            }
        }
        Ok(Run { slices, is_end })
    }

    /// The rows of a slice that are asked for, in their order.
    async fn rows_of_slice(
        &self,
        view: &ViewRuntime,
        slice: Timestamp,
        mut items: Vec<(ItemKey, Item)>,
        query: &HistoryQuery,
    ) -> Result<Vec<(Key, ClosedRow)>, EngineError> {
        let wanted = query.key.as_ref().map(|key| encoded(key));
        if let Some(wanted) = &wanted {
            let hash = KeyTable::hash(wanted);
            items.retain(|(key, _)| key.chunk().covers(hash));
        }
        let leaves = History::leaves(&self.store, slice, items).await?;
        let mut rows = Vec::new();
        for found in leaves.iter().flat_map(|leaf| leaf.content.rows()) {
            let is_wanted = wanted.as_ref().is_none_or(|wanted| wanted == found.key);
            if is_wanted && query.covers(found.row.window_end) {
                let row = view.key(found.key).and_then(|key| Ok((key, found.decode()?)));
                rows.push(row.map_err(|source| damaged(view, slice, source))?);
            }
        }
        rows.retain(|row| query.behind.as_ref().is_none_or(|place| place.is_before(row)));
        rows.sort_by(compare);
        Ok(rows)
    }
}

/// Some slices' items.
struct Run {
    slices: Vec<(Timestamp, Vec<(ItemKey, Item)>)>,
    /// Whether there are no more.
    is_end: bool,
}

impl HistoryQuery {
    /// The last moment of the first windows that can be meant, but for one millisecond.
    fn first_moment(&self) -> Timestamp {
        let behind = self.behind.as_ref().map_or(Timestamp::MIN, |place| match place.row {
            Some(_) => place.window_end - Millis(1),
            None => place.window_end,
        });
        self.from.max(behind)
    }

    fn covers(&self, window_end: Timestamp) -> bool {
        self.from < window_end && window_end <= self.to
    }
}

impl HistoryPlace {
    /// The place behind a row.
    fn behind((key, row): &(Key, ClosedRow)) -> Self {
        Self { window_end: row.window_end, row: Some((key.clone(), row.window_start)) }
    }

    fn is_before(&self, (key, row): &(Key, ClosedRow)) -> bool {
        let by_end = row.window_end.cmp(&self.window_end);
        let by_row = self.row.as_ref().map_or(Ordering::Less, |(last, start)| {
            Value::order_all(key, last).then(row.window_start.cmp(start))
        });
        by_end.then(by_row).is_gt()
    }
}

fn compare((key, row): &(Key, ClosedRow), (other_key, other): &(Key, ClosedRow)) -> Ordering {
    let by_end = row.window_end.cmp(&other.window_end);
    by_end.then_with(|| Value::order_all(key, other_key)).then(row.window_start.cmp(&other.window_start))
}

/// A key as the store has it.
pub(super) fn encoded(key: &[Value<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.iter().for_each(|value| put_value(&mut bytes, value));
    bytes
}

impl ViewRuntime {
    /// Reads what [`encoded`] wrote.
    pub(super) fn key(&self, bytes: &[u8]) -> Result<Key, codec::CodecError> {
        let mut reader = codec::Reader::new(bytes);
        self.plan.keys.iter().map(|_| reader.value().map(Value::into_owned)).collect()
    }
}
