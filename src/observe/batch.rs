//! What becomes of a batch.

use super::names;
use crate::time::Millis;

/// The records of a partition were absorbed into all views that read them.
#[derive(Clone, Copy, Debug)]
pub struct BatchAbsorbed<'a> {
    /// The topic, which is a table's.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// How many records it had.
    pub records: u64,
    /// How many bytes their keys and values had.
    pub bytes: u64,
    /// How many of them were dead letters.
    pub dead: u64,
    /// How many events were too late, a view each.
    pub late: u64,
    /// How many records had been absorbed before, a view each.
    pub skipped: u64,
    /// How many records were left to a backfill, a view each.
    pub deferred: u64,
    /// How many windows were closed.
    pub windows: u64,
    /// How many rows were given out.
    pub rows: u64,
}

impl BatchAbsorbed<'_> {
    /// Counts it and logs it.
    pub fn emit(&self) {
        let Self { topic, partition, records, dead, late, skipped, deferred, windows, rows, .. } = *self;
        names::RECORDS.add(records, &[topic]);
        names::BYTES.add(self.bytes, &[topic]);
        names::DEAD_LETTERS.add(dead, &[topic]);
        tracing::info!(
            topic,
            partition,
            records,
            dead,
            late,
            skipped,
            deferred,
            windows,
            rows,
            "absorbed a batch"
        );
        if deferred > 0 {
            tracing::warn!(topic, partition, "left records to a backfill: run weir backfill again");
        }
    }
}

/// The records of a shard were not absorbed, and are asked for again. The invocation counts as one that
/// answered, since it says where to go on.
#[derive(Clone, Copy, Debug)]
pub struct ShardFailed<'a> {
    /// The stream.
    pub topic: &'a str,
    /// The shard's number.
    pub partition: i32,
    /// The sequence number to go on at.
    pub from: &'a str,
    /// Why, with all causes.
    pub error: &'a str,
}

impl ShardFailed<'_> {
    /// Logs it.
    pub fn emit(&self) {
        let Self { topic, partition, from, error } = *self;
        tracing::error!(topic, partition, from, error, "failed to absorb the records of a shard");
    }
}

/// A view has taken its share of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewAbsorbed<'a> {
    /// The view.
    pub view: &'a str,
    /// How many events it took in.
    pub accepted: u64,
    /// How many were too late.
    pub late: u64,
    /// How many records it had absorbed before.
    pub skipped: u64,
    /// How many records it left to its backfill.
    pub deferred: u64,
}

impl ViewAbsorbed<'_> {
    /// Counts it. The log has the sums over all views: [`BatchAbsorbed`].
    pub fn emit(&self) {
        let labels = &[self.view];
        names::EVENTS.add(self.accepted, labels);
        names::LATE.add(self.late, labels);
        names::REPEATED.add(self.skipped, labels);
        names::DEFERRED.add(self.deferred, labels);
    }
}

/// A view's watermark was looked at.
#[derive(Clone, Copy, Debug)]
pub struct WatermarkSeen<'a> {
    /// The view.
    pub view: &'a str,
    /// How far it is behind the clock; none where every partition is idle.
    pub behind: Option<Millis>,
}

impl WatermarkSeen<'_> {
    /// Sets the gauge. Events may be ahead of the clock, and then it is below 0.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 000 years")]
    pub fn emit(&self) {
        names::WATERMARK_LAG.set(self.behind.unwrap_or(Millis(0)).0 as f64 / 1000.0, &[self.view]);
    }
}
