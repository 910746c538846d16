//! Where an event belongs: the windows that count it, as the watermark that it meets has them.

use super::{Event, Fold};
use crate::{
    engine::{sessions::SessionIndex, slab::Tag, view::Windows},
    time::Timestamp,
    window::{Bounds, Grid, is_due},
};

/// What becomes of an event.
pub(super) enum Place {
    /// The windows that this says count it.
    Counts(Tag),
    /// It is kept as it is.
    Kept,
    /// It is late: the watermark that it met.
    Late(Timestamp),
    /// The batch is to be cut before it.
    BehindCut,
}

impl Fold<'_> {
    /// Places an event of a slice whose first and last window end at `ends`.
    pub(super) fn place_on_grid(&mut self, at: Timestamp, grid: Grid, ends: (Timestamp, Timestamp)) -> Place {
        let watermark = self.watermark();
        let first = grid.first_open_end_of(ends, self.view.lateness, watermark);
        let Some(first) = first else { return Place::Late(watermark) };
        let from_end = if first == ends.0 { Timestamp::MIN } else { first };
        let seen = self.seen();
        if is_due(first, seen) {
            self.touch(at, from_end, seen);
        }
        Place::Counts(Tag { from_end, ..Tag::ALL })
    }

    /// Places an event of a slice, and makes it part of its session.
    pub(super) fn place_in_session(
        &mut self,
        event: &Event<'_>,
        bounds: Bounds,
        slice: Timestamp,
        sessions: &mut SessionIndex,
    ) -> Place {
        let (at, watermark) = (event.at, self.watermark());
        let mut sessions = sessions.of_key(event.hash, &self.key);
        let Some(placed) = sessions.place(at, watermark) else { return Place::Late(watermark) };
        if placed.supersedes.is_some_and(|end| self.must_close(end)) {
            return Place::BehindCut;
        }
        let seen = self.seen();
        if is_due(at + bounds.gap, seen) || is_due(placed.end, seen) {
            self.touch(at, Timestamp::MIN, seen);
        }
        sessions.join(at, slice, &placed.mark, watermark);
        Place::Counts(Tag { mark: placed.mark, ..Tag::ALL })
    }

    /// The largest watermark that another closer can have come to.
    fn seen(&self) -> Timestamp {
        if self.start.was_idle { Timestamp::MAX } else { self.own.max(self.start.closed) }
    }

    /// Whether a session that ends here may not have been closed as it stands. The batch is cut
    /// before the event that changes it, once.
    fn must_close(&self, end: Timestamp) -> bool {
        let is_given = is_due(end, self.start.closed);
        let is_touched = self.touched.events.iter().any(|(key, _)| *key == self.key);
        (!is_given || is_touched) && self.cut_at != Some(self.at)
    }

    /// what a slab has already may not have been closed.
    pub(super) fn skip(&mut self, at: Timestamp) {
        self.skipped += 1;
        self.touch(at, Timestamp::MIN, Timestamp::MAX);
    }

    /// Notes the windows of an event, those that end at `from` or later, which may be closed already
    /// because they are due at a watermark that others may have seen.
    pub(super) fn touch(&mut self, at: Timestamp, from: Timestamp, seen: Timestamp) {
        match self.view.windows {
            Windows::Grid(grid) => {
                for end in grid.ends(at, from).take_while(|end| is_due(*end, seen)) {
                    self.touch_window(end);
                }
            }
            Windows::Running => self.touch_window(Timestamp::MAX),
            Windows::Session(_) | Windows::Over(_) | Windows::Event | Windows::Match(_) => {
                self.touched.events.insert((self.key.clone(), at));
            }
        }
    }

    fn touch_window(&mut self, end: Timestamp) {
        let keys = self.touched.windows.entry(end).or_default();
        if !keys.contains(&self.key) {
            keys.insert(self.key.clone());
        }
    }
}
