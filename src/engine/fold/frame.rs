//! The slice at hand.

use crate::{
    engine::{
        leaf::Leaves,
        slab::Slab,
        view::{ViewRuntime, Windows},
    },
    time::Timestamp,
};

/// A slice that records are folded into, and what all of its events have in common. Records come
/// nearly in order, so that the next one is nearly always of the same slice.
pub(super) struct Frame<'s> {
    pub(super) slice: Timestamp,
    end: Timestamp,
    /// The ends of the first and the last window of its events. (On a grid.)
    pub(super) ends: (Timestamp, Timestamp),
    pub(super) leaves: &'s mut Leaves<Slab>,
}

impl<'s> Frame<'s> {
    pub(super) fn new(view: &ViewRuntime, slice: Timestamp, leaves: &'s mut Leaves<Slab>) -> Self {
        let ends = match view.windows {
            Windows::Grid(grid) => (grid.first_end(slice), grid.last_end(slice)),
            Windows::Session(_) | Windows::Over(_) | Windows::Event | Windows::Match(_) => {
                (Timestamp::MAX, Timestamp::MAX)
            }
            Windows::Running => {
                let all = (Timestamp::MIN, Timestamp::MAX);
                return Self { slice: all.0, end: all.1, ends: all, leaves };
            }
        };
        Self { slice, end: slice + view.slices.length(), ends, leaves }
    }

    pub(super) fn holds(&self, at: Timestamp) -> bool {
        self.slice <= at && at < self.end
    }
}
