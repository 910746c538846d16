//! Closing windows: slabs to rows.
//!
//! What is closed is what has become due since the head's `closed`, and the windows that the batch
//! touched though they were closed before.

mod derived;
mod draft;
mod event;
mod give;
mod grid;
mod last;
mod matches;
mod material;
mod running;
mod session;

use std::time::Instant;

pub(super) use last::LastWritten;

use xxhash_rust::xxh3::xxh3_128;

use super::{
    Engine, EngineError,
    fold::Touched,
    row::ClosedRow,
    view::{ViewRuntime, Windows},
    writer::Writer,
};
use crate::{
    observe::WindowsClosed,
    publish::{Publisher, Topics},
    sql::View,
    state::{Head, Partition, Scope, Store},
    time::{Millis, Timestamp},
};

/// What is to be closed.
#[derive(Clone, Copy)]
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
    /// Whether time is taken to have gone on because nothing comes any more.
    pub(super) is_flush: bool,
}

/// What was closed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    pub(super) windows: u64,
    pub(super) rows: u64,
}

/// Times the closing of one view.
struct Timer {
    began: Instant,
    before: Given,
}

impl Timer {
    /// From now on; so much had been given before.
    fn start(before: Given) -> Self {
        Self { began: Instant::now(), before }
    }

    /// Tells what the closing gave, of all that was given by now.
    fn stop(self, view: &ViewRuntime, given: Given) {
        let windows = given.windows.saturating_sub(self.before.windows);
        let rows = given.rows.saturating_sub(self.before.rows);
        WindowsClosed { view: &view.plan.name, windows, rows, took: self.began.elapsed() }.emit();
    }
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

/// What tells an alert from all others: its view, its key and its window.
pub(super) fn alert_id(view: &View, key: &[u8], row: &ClosedRow) -> String {
    let mut identity = view.name.clone().into_bytes();
    identity.push(0);
    identity.extend_from_slice(key);
    identity.extend_from_slice(&row.window_start.0.to_le_bytes());
    identity.extend_from_slice(&row.window_end.0.to_le_bytes());
    identity.extend(row.record.iter().flat_map(|record| record.to_string().into_bytes()));
    format!("{:032x}", xxh3_128(&identity))
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

/// How far this process has brought a scope of a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Up to where it is closed.
    closed: Timestamp,
    /// Up to where the views over it were told.
    told: Timestamp,
}

impl Default for Turn {
    fn default() -> Self {
        Self { closed: Timestamp::MIN, told: Timestamp::MIN }
    }
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Closes what is to be closed, gives out the rows, and then notes how far it came: a closer
    /// that dies before is repeated. Then the views over this one are closed.
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
        let Some(turns) = self.turns.get(closing.view_index) else { return Ok(given) };
        let mut turns = turns.lock().await;
        let turn = turns.entry(closing.scope).or_default();
        closing.closed = closing.closed.max(turn.closed);
        let timer = Timer::start(given);
        match closing.view.windows {
            Windows::Grid(grid) => self.close_grid(&closing, grid, own, &mut given).await?,
            Windows::Session(bounds) => self.close_sessions(&closing, bounds, own, &mut given).await?,
            Windows::Over(_) | Windows::Event => self.give_events(&closing, own, &mut given).await?,
            Windows::Match(within) => self.close_matches(&closing, within, own, &mut given).await?,
            Windows::Running => self.close_running(&closing, own, &mut given).await?,
        }
        timer.stop(closing.view, given);
        turn.closed = closing.closed.max(closing.watermark);
        let is_news = turn.told < turn.closed || !closing.touched.is_empty();
        if is_news && !closing.view.readers.is_empty() {
            self.tell_readers(&closing, &mut given).await?;
            turn.told = turn.closed;
        }
        Ok(given)
    }
}
