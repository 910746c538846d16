//! Closing windows: slabs to rows.
//!
//! What is closed is what has become due since the head's `closed`, and the windows that the batch
//! touched though they were closed before.

mod event;
mod give;
mod grid;
mod material;
mod session;

use super::{
    Engine, EngineError,
    fold::Touched,
    row::ClosedRow,
    view::{ViewRuntime, Windows},
    writer::Writer,
};
use crate::{
    codec::{CodecError, Reader},
    publish::{Publisher, Topics},
    state::{Head, Partition, Scope, Store},
    time::{Millis, Timestamp},
    value::Value,
};

/// What is to be closed.
pub(super) struct Closing<'a> {
    pub(super) view_index: usize,
    pub(super) view: &'a ViewRuntime,
    pub(super) head: &'a Head,
    pub(super) sources: &'a [Partition],
    pub(super) scope: Scope,
    /// Up to where windows are closed.
    pub(super) closed: Timestamp,
    /// W.
    pub(super) watermark: Timestamp,
    pub(super) touched: &'a Touched,
    /// Rows that are ready to be given.
    pub(super) rows: Vec<KeyedRow>,
}

/// What was closed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    pub(super) windows: u64,
    pub(super) rows: u64,
}

/// A row with its key.
#[derive(Clone, Debug)]
pub(super) struct KeyedRow {
    pub(super) hash: u64,
    pub(super) key: Vec<u8>,
    pub(super) row: ClosedRow,
}

impl KeyedRow {
    /// Marks a row that another covers: it is not given out.
    pub(super) fn outdate(&mut self) {
        self.row.events = 0;
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.row.events == 0
    }
}

impl Closing<'_> {
    /// Whether a window that ends here is due, and was not when windows were closed last.
    fn is_new(&self, end: Timestamp) -> bool {
        let last = end - Millis(1);
        self.closed < last && last <= self.watermark
    }

    /// The source partitions that are closed together.
    fn in_scope(&self) -> impl Iterator<Item = &Partition> {
        self.sources.iter().filter(|source| match self.scope {
            Scope::All => true,
            Scope::Partition(index) => source.index == index,
        })
    }
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Closes what is to be closed, gives out the rows, and then notes how far it came: a closer
    /// that dies before is repeated.
    ///
    /// In one process partitions whose batches cross the end of a window together take turns, and
    /// the first does the work. (Between processes both do it. That is rare, and costs no more than
    /// a lease for every closing would.)
    pub(super) async fn close(
        &self,
        mut closing: Closing<'_>,
        own: Option<(&Partition, &mut Writer)>,
    ) -> Result<Given, EngineError> {
        let mut given = Given::default();
        let Some(turn) = self.turns.get(closing.view_index) else { return Ok(given) };
        let mut turn = turn.lock().await;
        let known = turn.entry(closing.scope).or_insert(Timestamp::MIN);
        closing.closed = closing.closed.max(*known);
        match closing.view.windows {
            Windows::Grid(grid) => self.close_grid(&closing, grid, own, &mut given).await?,
            Windows::Session(bounds) => self.close_sessions(&closing, bounds, own, &mut given).await?,
            Windows::Over(_) | Windows::Event => self.give_events(&mut closing, own, &mut given).await?,
        }
        *known = closing.closed.max(closing.watermark);
        Ok(given)
    }
}

/// A group's row, unless HAVING keeps it back.
fn finish(
    view: &ViewRuntime,
    groups: &super::groups::Groups,
    group: usize,
    window: (Timestamp, Timestamp),
) -> Result<Option<KeyedRow>, CodecError> {
    let key = groups.keys().key(group);
    let mut slots: Vec<Value<'static>> =
        Vec::with_capacity(view.plan.first_output_slot() + view.plan.outputs.len());
    let mut reader = Reader::new(key);
    for _ in &view.plan.keys {
        slots.push(reader.value()?.into_owned());
    }
    groups.accumulators().finish(group, &mut slots);
    slots.push(Value::Time(window.0));
    slots.push(Value::Time(window.1));
    for output in &view.plan.outputs {
        let value = output.expr.eval(&slots).into_owned();
        slots.push(value);
    }
    if view.plan.having.as_ref().is_some_and(|having| !having.test(&slots)) {
        return Ok(None);
    }
    let row = ClosedRow {
        window_start: window.0,
        window_end: window.1,
        events: groups.events(group),
        revision: 0,
        record: None,
        values: slots.split_off(view.plan.first_output_slot()),
    };
    Ok(Some(KeyedRow { hash: groups.keys().hash_at(group), key: key.to_vec(), row }))
}
