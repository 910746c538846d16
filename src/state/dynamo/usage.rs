//! What the store costs: every call asks DynamoDB for the units that it consumed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aws_sdk_dynamodb::types::ConsumedCapacity;

use crate::observe::{ItemKind, StoreConflicted, StoreRead, StoreWritten};

/// What a store's calls cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Read request units.
    pub read_units: f64,
    /// Write request units. DynamoDB bills writes whose condition failed too, but does not say
    /// how many units; they are counted in `conflicts` alone.
    pub write_units: f64,
    /// Calls that were answered, a failed condition being an answer. The SDK's own retries are
    /// within a call.
    pub calls: u64,
    /// Writes whose condition failed.
    pub conflicts: u64,
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The bits of an `f64`.
    read_units: AtomicU64,
    /// The bits of an `f64`.
    write_units: AtomicU64,
    calls: AtomicU64,
    conflicts: AtomicU64,
}

impl Meter {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            read_units: f64::from_bits(self.read_units.load(Relaxed)),
            write_units: f64::from_bits(self.write_units.load(Relaxed)),
            calls: self.calls.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
        }
    }

    /// Counts a read.
    pub(super) fn read<'a>(&self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.calls.fetch_add(1, Relaxed);
        StoreRead { units: add(&self.read_units, consumed) }.emit();
    }

    /// Counts a write.
    pub(super) fn wrote<'a>(&self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.calls.fetch_add(1, Relaxed);
        StoreWritten { units: add(&self.write_units, consumed) }.emit();
    }

    /// Counts a write whose condition failed.
    pub(super) fn conflicted(&self, item: ItemKind) {
        self.calls.fetch_add(1, Relaxed);
        self.conflicts.fetch_add(1, Relaxed);
        StoreConflicted { item }.emit();
    }
}

/// Adds units up; returns those that were added.
fn add<'a>(total: &AtomicU64, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    let units: f64 = consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
    let add = |bits| Some((f64::from_bits(bits) + units).to_bits());
    // The closure never refuses, so there is no failure to look at.
    let _ = total.fetch_update(Relaxed, Relaxed, add);
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: f64) -> ConsumedCapacity {
        ConsumedCapacity::builder().capacity_units(units).build()
    }

    #[test]
    fn units_add_up_by_kind() {
        let meter = Meter::default();
        meter.read(&[units(0.5), units(2.0)]);
        meter.read(None);
        meter.wrote(Some(&units(3.0)));
        meter.conflicted(ItemKind::Slab);
        let expected = Usage { read_units: 2.5, write_units: 3.0, calls: 4, conflicts: 1 };
        assert_eq!(meter.usage(), expected);
    }
}
