//! The engine's two halves: *absorb* folds a batch into slabs, *close* turns slabs into rows.

mod row;

pub use row::{ClosedRow, KeyRows};
