//! What has flowed through a stack.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::engine::{Absorbed, Swept};

/// What has flowed through a stack since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many records the window function was given.
    pub records: u64,
    /// How many windows were closed.
    pub windows: u64,
    /// How many rows were given out.
    pub rows: u64,
    /// How many events were too late, a view each.
    pub late: u64,
    /// How many records were dead letters.
    pub dead: u64,
}

/// Counts what the functions report.
#[derive(Debug, Default)]
pub struct Meters {
    records: AtomicU64,
    windows: AtomicU64,
    rows: AtomicU64,
    late: AtomicU64,
    dead: AtomicU64,
}

impl Meters {
    /// Adds what became of a batch.
    pub fn absorbed(&self, absorbed: &Absorbed) {
        self.records.fetch_add(absorbed.records, Relaxed);
        self.windows.fetch_add(absorbed.windows, Relaxed);
        self.rows.fetch_add(absorbed.rows, Relaxed);
        self.late.fetch_add(absorbed.late, Relaxed);
        self.dead.fetch_add(absorbed.dead, Relaxed);
    }

    /// Adds what a sweep did.
    pub fn swept(&self, swept: &Swept) {
        self.windows.fetch_add(swept.windows, Relaxed);
        self.rows.fetch_add(swept.rows, Relaxed);
    }

    /// The sums so far.
    pub fn counts(&self) -> Counts {
        Counts {
            records: self.records.load(Relaxed),
            windows: self.windows.load(Relaxed),
            rows: self.rows.load(Relaxed),
            late: self.late.load(Relaxed),
            dead: self.dead.load(Relaxed),
        }
    }
}
