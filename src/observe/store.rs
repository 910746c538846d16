//! What the store is asked, and what that costs.

use super::names;

/// What stands under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// How far a view has come.
    Head,
    /// Partial aggregates.
    Slab,
    /// The latest rows.
    Page,
    /// Closed rows.
    History,
    /// A piece of what does not fit one item.
    Piece,
    /// A request to the API that may be repeated.
    Request,
}

impl ItemKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Slab => "slab",
            Self::Page => "page",
            Self::History => "history",
            Self::Piece => "piece",
            Self::Request => "request",
        }
    }
}

/// A read was answered.
#[derive(Clone, Copy, Debug)]
pub struct StoreRead {
    /// The read units that it consumed.
    pub units: f64,
}

impl StoreRead {
    /// Counts it.
    pub fn emit(self) {
        count("read", self.units);
    }
}

/// A write was answered: it stands.
#[derive(Clone, Copy, Debug)]
pub struct StoreWritten {
    /// The write units that it consumed.
    pub units: f64,
}

impl StoreWritten {
    /// Counts it.
    pub fn emit(self) {
        count("write", self.units);
    }
}

/// A write was refused, because another writer was there before it. It is billed, but nobody says what.
#[derive(Clone, Copy, Debug)]
pub struct StoreConflicted {
    /// What was to be written.
    pub item: ItemKind,
}

impl StoreConflicted {
    /// Counts it.
    pub fn emit(self) {
        names::STORE_CALLS.add(1, &["write"]);
        names::STORE_CONFLICTS.add(1, &[self.item.name()]);
        tracing::debug!(item = self.item.name(), "a conditional write met another writer");
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a call consumes few")]
fn count(kind: &str, units: f64) {
    names::STORE_CALLS.add(1, &[kind]);
    names::STORE_UNITS.add(units.ceil() as u64, &[kind]);
}
