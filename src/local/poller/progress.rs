//! What a poller has done, and how far it has come.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use rdkafka::Statistics;

use crate::{state::Partition, time::Offset};

/// What a poller has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are done with: handled, or set aside.
    pub records: u64,
    /// Batches that are done with.
    pub batches: u64,
    /// Attempts after a failed one.
    pub retries: u64,
    /// Records whose retries were used up: they are in the on-failure topic, if there is one.
    pub set_aside: u64,
}

/// How far a poller has come in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The first offset that is not handled; none before the first batch since the start.
    pub next: Option<Offset>,
    /// The broker's high watermark, as the consumer last heard of it.
    pub high_watermark: Offset,
    /// How many records are still to be handled.
    pub lag: i64,
}

/// The shared side of [`Counts`] and [`Position`].
#[derive(Debug, Default)]
pub(super) struct Progress {
    records: AtomicU64,
    batches: AtomicU64,
    retries: AtomicU64,
    set_aside: AtomicU64,
    partitions: Mutex<BTreeMap<Partition, Known>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    next: Option<i64>,
    committed: i64,
    low: i64,
    high: i64,
}

impl Progress {
    pub(super) fn handled(&self, partition: Partition, records: usize, next: i64) {
        self.records.fetch_add(records as u64, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.partitions().entry(partition).or_default().next = Some(next);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn set_aside(&self, records: usize) {
        self.set_aside.fetch_add(records as u64, Relaxed);
    }

    /// Takes what the consumer knows of its partitions; -1 of them stands for what has none.
    pub(super) fn heard(&self, statistics: &Statistics) {
        let mut known = self.partitions();
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values().filter(|it| it.partition >= 0 && it.hi_offset >= 0) {
                let name = Partition { topic: topic.topic.as_str().into(), index: partition.partition };
                let entry = known.entry(name).or_default();
                entry.high = partition.hi_offset;
                entry.low = partition.lo_offset;
                entry.committed = partition.committed_offset;
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            records: self.records.load(Relaxed),
            batches: self.batches.load(Relaxed),
            retries: self.retries.load(Relaxed),
            set_aside: self.set_aside.load(Relaxed),
        }
    }

    pub(super) fn positions(&self) -> BTreeMap<Partition, Position> {
        let position = |known: &Known| {
            let reached = known.next.unwrap_or_else(|| known.committed.max(known.low)).max(0);
            Position {
                next: known.next.map(Offset::at),
                high_watermark: Offset::at(known.high.max(reached)),
                lag: (known.high - reached).max(0),
            }
        };
        self.partitions().iter().map(|(partition, known)| (partition.clone(), position(known))).collect()
    }

    fn partitions(&self) -> std::sync::MutexGuard<'_, BTreeMap<Partition, Known>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
