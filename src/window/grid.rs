//! Tumbling and hopping windows.

use super::{floor, is_past};
use crate::time::{Millis, Timestamp};

/// Windows `[k * slide, k * slide + size)` for every integer k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// A window's length.
    pub size: Millis,
    /// From one start to the next, at most `size`.
    pub slide: Millis,
}

impl Grid {
    /// The end of the first window that an event belongs to.
    pub fn first_end(self, at: Timestamp) -> Timestamp {
        // The first start behind `at - size`.
        floor(at - self.size, self.slide) + self.slide + self.size
    }

    /// The end of the last window that an event belongs to.
    pub fn last_end(self, at: Timestamp) -> Timestamp {
        floor(at, self.slide) + self.size
    }

    /// The ends of the windows that an event belongs to, from the one that ends at `from` on.
    pub fn ends(self, at: Timestamp, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        let (first, last) = (self.first_end(at).max(from), self.last_end(at));
        std::iter::successors(Some(first), move |end| Some(*end + self.slide))
            .take_while(move |end| *end <= last)
    }

    /// The end of the first window of an event that is not past; none where all are, and the event
    /// is late.
    pub fn first_open_end(self, at: Timestamp, lateness: Millis, watermark: Timestamp) -> Option<Timestamp> {
        self.first_open_end_of((self.first_end(at), self.last_end(at)), lateness, watermark)
    }

    /// The same, of an event whose first and last windows end here. They are the same for all events
    /// of a slice.
    pub fn first_open_end_of(
        self,
        (first, last): (Timestamp, Timestamp),
        lateness: Millis,
        watermark: Timestamp,
    ) -> Option<Timestamp> {
        if !is_past(first, lateness, watermark) {
            return Some(first);
        }
        if is_past(last, lateness, watermark) {
            return None;
        }
        // The first end behind watermark - lateness + 1.
        let bound = watermark - lateness + Millis(1) - self.size;
        Some(floor(bound, self.slide) + self.slide + self.size)
    }

    /// The end of the last window that is due at a watermark.
    pub fn last_due_end(self, watermark: Timestamp) -> Timestamp {
        if watermark == Timestamp::MIN {
            return watermark;
        }
        floor(watermark + Millis(1) - self.size, self.slide) + self.size
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        sql::Window,
        window::{Slices, is_due},
    };

    /// All windows that hold an event, by definition.
    fn naive(grid: Grid, at: i64) -> Vec<Timestamp> {
        let near = at.div_euclid(grid.slide.0);
        let most = grid.size.0 / grid.slide.0 + 2;
        (near - most..=near + most)
            .map(|k| k * grid.slide.0)
            .filter(|start| *start <= at && at < start + grid.size.0)
            .map(|start| Timestamp(start + grid.size.0))
            .collect()
    }

    fn grids() -> impl Strategy<Value = Grid> {
        (1..200i64, 1..200i64).prop_map(|(a, b)| Grid { size: Millis(a.max(b)), slide: Millis(a.min(b)) })
    }

    proptest! {
        #[test]
        fn an_event_is_in_the_windows_that_hold_it(grid in grids(), at in -1000..1000i64) {
            let ends: Vec<_> = grid.ends(Timestamp(at), Timestamp::MIN).collect();
            prop_assert_eq!(ends, naive(grid, at));
        }

        #[test]
        fn the_first_open_window_is_the_first_that_is_not_past(
            grid in grids(), at in -1000..1000i64, late in 0..100i64, wm in -1500..1500i64,
        ) {
            let (late, wm) = (Millis(late), Timestamp(wm));
            let open = naive(grid, at).into_iter().find(|end| !is_past(*end, late, wm));
            prop_assert_eq!(grid.first_open_end(Timestamp(at), late, wm), open);
        }

        #[test]
        fn all_events_of_a_slice_are_in_the_same_windows(grid in grids(), at in -1000..1000i64) {
            let slice = Slices::of(Window::Grid { size: grid.size, slide: grid.slide }).start(Timestamp(at));
            prop_assert_eq!(grid.first_end(Timestamp(at)), grid.first_end(slice));
            prop_assert_eq!(grid.last_end(Timestamp(at)), grid.last_end(slice));
        }

        #[test]
        fn the_last_due_window_is_due_and_the_next_is_not(grid in grids(), wm in -1000..1000i64) {
            let end = grid.last_due_end(Timestamp(wm));
            prop_assert!(is_due(end, Timestamp(wm)));
            prop_assert!(!is_due(end + grid.slide, Timestamp(wm)));
        }
    }
}
