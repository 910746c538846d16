//! Closing views over views.
//!
//! Their events are the closed rows of the view below, at the last millisecond of their windows, and
//! the history of that view is all that they are computed from: it has one row, the newest, for each
//! key and window, however often that was given out. So closing is a pure function here too (C-1),
//! nothing can be counted twice, and a revision below makes one above.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    future::Future,
    pin::Pin,
};

use super::{
    super::{
        Engine, EngineError,
        fold::{Touched, update},
        history::{History, HistoryRow, damaged},
        leaf::Leaves,
        row::EncodedRow,
        sessions::Slabs,
        slab::{Slab, Tag},
        view::{ViewRuntime, Windows, closed},
    },
    Closing, Given, Timer,
    grid::Again,
    material::Material,
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, put_value},
    publish::{Publisher, Topics},
    sql::Source,
    state::{Scope, Span, Store},
    time::{Millis, Timestamp},
    value::Value,
    window::{Grid, is_due},
};

/// What has changed below.
struct News<'a> {
    below: &'a ViewRuntime,
    /// Up to where the view below is closed.
    watermark: Timestamp,
    /// All rows behind this time are new.
    from: Timestamp,
    /// The rows that were closed again.
    touched: &'a Touched,
    is_flush: bool,
}

impl News<'_> {
    /// The event time of the first row that may have changed.
    fn first(&self) -> Timestamp {
        let again = self.touched.windows.keys().next().map_or(Timestamp::MAX, |end| *end - Millis(1));
        again.min(self.from + Millis(1))
    }

    fn is_changed(&self, HistoryRow { key, row, .. }: HistoryRow<'_>) -> bool {
        let is_touched = |keys: &HashSet<Vec<u8>>| keys.contains(key);
        event_time(row) > self.from
            || self.touched.windows.get(&row.window_end).is_some_and(is_touched)
            || self.touched.events.iter().any(|(touched, _)| touched == key)
    }
}

/// The event time of a row.
fn event_time(row: &EncodedRow) -> Timestamp {
    row.window_end - Millis(1)
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Closes the views over one that was closed.
    ///
    /// Nothing has to be remembered if this dies: what it did not close is closed with the next
    /// closing below, or by a sweep, and what it did not close again with the redelivery of the batch.
    pub(super) fn tell_readers<'f>(
        &'f self,
        closing: &'f Closing<'_>,
        given: &'f mut Given,
    ) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'f>> {
        Box::pin(async move {
            let news = News {
                below: closing.view,
                watermark: self.closed_by_all(closing).await?,
                from: closing.closed,
                touched: closing.touched,
                is_flush: closing.is_flush,
            };
            for reader in &closing.view.readers {
                self.close_reader(*reader, &news, given).await?;
            }
            Ok(())
        })
    }

    /// Up to where all scopes of a view are closed.
    async fn closed_by_all(&self, closing: &Closing<'_>) -> Result<Timestamp, EngineError> {
        let own = closing.closed.max(closing.watermark);
        if closing.scope == Scope::All {
            return Ok(own);
        }
        let head = self.store.head(&closing.view.id).await?;
        let of_source = |index: i32| {
            let scope = Scope::Partition(index);
            if scope == closing.scope { own } else { closed(&head, scope) }
        };
        Ok(closing.sources.iter().map(|source| of_source(source.index)).min().unwrap_or(own))
    }

    async fn close_reader(
        &self,
        index: usize,
        news: &News<'_>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let (Some(view), Some(turns)) = (self.views.get(index), self.turns.get(index)) else { return Ok(()) };
        let Windows::Grid(grid) = view.windows else { return Ok(()) };
        let mut turns = turns.lock().await;
        let turn = turns.entry(Scope::All).or_default();
        let head = self.store.head(&view.id).await?;
        let mut closing = Closing {
            view_index: index,
            view,
            head: &head,
            sources: &[],
            scope: Scope::All,
            closed: closed(&head, Scope::All).max(turn.closed),
            watermark: flushed(grid, news),
            touched: &Touched::default(),
            is_flush: news.is_flush,
        };
        let mut touched = Touched::default();
        let timer = Timer::start(*given);
        loop {
            let is_again = news.first() <= closing.closed;
            if !closing.is_crossed(grid) && !is_again {
                return Ok(());
            }
            let from = closing.closed + Millis(2) - grid.size;
            let from = if is_again { from.min(grid.first_end(news.first()) - grid.size) } else { from };
            let (slabs, again) = self.fold_rows(&closing, grid, news, from).await?;
            touched.windows.extend(again.iter().map(|(end, keys)| (*end, keys.clone().into_owned())));
            self.close_windows(&closing, grid, &[Material::Read(slabs)], again, given).await?;
            turn.closed = closing.closed.max(closing.watermark);
            match self.closed_meanwhile(&closing).await? {
                Some(closed) if is_again => closing = Closing { closed, watermark: closed, ..closing },
                _ => break,
            }
        }
        timer.stop(view, *given);
        self.tell_readers(&Closing { touched: &touched, ..closing }, given).await
    }

    /// The rows below from a time on as slabs, and the windows above that are to be closed again.
    async fn fold_rows(
        &self,
        closing: &Closing<'_>,
        grid: Grid,
        news: &News<'_>,
        from: Timestamp,
    ) -> Result<(Slabs, Again<'static>), EngineError> {
        let (view, below) = (closing.view, news.below);
        let (mut slabs, mut again) = (Slabs::new(), BTreeMap::new());
        let Some(source) = view.plan.sources.first() else { return Ok((slabs, again)) };
        let to = below.slices.start(news.watermark);
        let span = Span::History { view: below.id.clone(), from: below.slices.start(from), to };
        let mut folded = FoldedRow::default();
        for history in History::scan(&self.store, &span).await? {
            for found in history.rows().filter(|found| event_time(found.row) >= from) {
                let columns = columns(found).map_err(|source| damaged(below, history.slice(), source))?;
                if !folded.read(source, &columns) {
                    continue;
                }
                let at = event_time(found.row);
                folded.add_to(&mut slabs, view, source, (at, &columns), found.row.events);
                if news.is_changed(found) {
                    for end in grid.ends(at, Timestamp::MIN).take_while(|end| is_due(*end, closing.closed)) {
                        let keys = again.entry(end).or_insert_with(|| Cow::Owned(HashSet::new()));
                        keys.to_mut().insert(folded.key.clone());
                    }
                }
            }
        }
        Ok((slabs, again))
    }
}

/// Up to where a view is closed that reads one; where nothing comes any more, up to the end of its
/// last window.
fn flushed(grid: Grid, news: &News<'_>) -> Timestamp {
    let is_bounded = Timestamp::MIN < news.watermark && news.watermark < Timestamp::MAX;
    if news.is_flush && is_bounded { grid.last_end(news.watermark) - Millis(1) } else { news.watermark }
}

/// A row below as an event of the view above: its columns.
fn columns(found: HistoryRow<'_>) -> Result<Vec<Value<'_>>, CodecError> {
    let row = found.row;
    let bounds = [row.window_start, row.window_end, event_time(row)];
    found.values()?.chain(bounds.map(|bound| Ok(Value::Time(bound)))).collect()
}

/// The key of the group that a row below belongs to.
#[derive(Default)]
struct FoldedRow {
    key: Vec<u8>,
}

impl FoldedRow {
    /// Takes a row; answers whether it passes the filter.
    fn read(&mut self, source: &Source, columns: &[Value<'_>]) -> bool {
        if source.filter.as_ref().is_some_and(|filter| !filter.test(columns)) {
            return false;
        }
        self.key.clear();
        for key in &source.keys {
            key.with(columns, |value| put_value(&mut self.key, value));
        }
        true
    }

    /// Counts it into its group, with as many events as it covers: what covers more is newer.
    fn add_to(
        &self,
        slabs: &mut Slabs,
        view: &ViewRuntime,
        source: &Source,
        (at, columns): (Timestamp, &[Value<'_>]),
        events: u64,
    ) {
        let slice = view.slices.start(at);
        let hash = KeyTable::hash(&self.key);
        let leaves = slabs.entry(slice).or_insert_with(|| Leaves::whole(Slab::new(slice)));
        let Some(leaf) = leaves.covering(hash) else { return };
        let groups = leaf.content.section(&view.shape, &Tag::ALL);
        let (group, accumulators) = groups.count(hash, &self.key, events);
        update(&source.inputs, at, columns, group, accumulators);
    }
}
