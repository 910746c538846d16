//! What this process wrote last of the views' histories.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    engine::{history::History, leaf::Leaves},
    state::ViewId,
    time::Timestamp,
};

/// A slice that takes up more memory is not kept.
const MOST_BYTES: usize = 4 << 20;

/// For each view the slice of its history that was written last.
///
/// Rows of sessions and of single events go on in one slice from batch to batch. Who took that for empty would
/// learn from a refused put, which is billed, what it then has to read. Somebody else may have written it
/// meanwhile: a put finds that out as always.
#[derive(Default)]
pub(in crate::engine) struct LastWritten(Mutex<HashMap<ViewId, (Timestamp, Leaves<History>)>>);

impl LastWritten {
    /// What was kept of a slice, if that was written last. It is not kept any more.
    pub(super) fn take(&self, view: &ViewId, slice: Timestamp) -> Option<Leaves<History>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, leaves) = kept.remove(view)?;
        (at == slice).then_some(leaves)
    }

    /// Keeps a slice as it was written.
    pub(super) fn keep(&self, view: &ViewId, slice: Timestamp, leaves: Leaves<History>) {
        let bytes: usize = leaves.iter().map(|leaf| leaf.content.size()).sum();
        if bytes <= MOST_BYTES {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(view.clone(), (slice, leaves));
        }
    }
}
