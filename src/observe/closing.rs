//! What is made of what was absorbed.

use std::time::Duration;

use super::names;

/// Windows of a view were closed.
#[derive(Clone, Copy, Debug)]
pub struct WindowsClosed<'a> {
    /// The view.
    pub view: &'a str,
    /// How many; none for a view without windows.
    pub windows: u64,
    /// How many rows were given out.
    pub rows: u64,
    /// How long it took.
    pub took: Duration,
}

impl WindowsClosed<'_> {
    /// Counts and times it, if there was anything to close.
    pub fn emit(&self) {
        let Self { view, windows, rows, took } = *self;
        if windows == 0 && rows == 0 {
            return;
        }
        names::WINDOWS_CLOSED.add(windows, &[view]);
        names::ROWS.add(rows, &[view]);
        names::CLOSE_SECONDS.record(took.as_secs_f64(), &[view]);
        tracing::debug!(view, windows, rows, ?took, "closed windows");
    }
}

/// A slab's item was written.
#[derive(Clone, Copy, Debug)]
pub struct SlabWritten<'a> {
    /// The view.
    pub view: &'a str,
    /// The bytes of its body.
    pub bytes: usize,
}

impl SlabWritten<'_> {
    /// Counts it.
    #[expect(clippy::cast_precision_loss, reason = "an item has at most 400 KB")]
    pub fn emit(&self) {
        names::SLAB_BYTES.record(self.bytes as f64, &[self.view]);
    }
}

/// A sweep has ended.
#[derive(Clone, Copy, Debug)]
pub struct Swept<'a> {
    /// How many windows it closed.
    pub windows: u64,
    /// How many rows it gave out.
    pub rows: u64,
    /// How many partitions it found idle.
    pub idle: u64,
    /// Topics that were made anew.
    pub restarted: &'a [String],
}

impl Swept<'_> {
    /// Logs it. What it closed is counted where it was closed.
    pub fn emit(&self) {
        tracing::info!(windows = self.windows, rows = self.rows, idle = self.idle, "swept");
        for topic in self.restarted {
            tracing::warn!(topic, "a topic was made anew: its records are counted from its first offset");
        }
    }
}
