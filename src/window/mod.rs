//! Slices, windows, watermarks, lateness: pure functions of time.
//!
//! Time is cut into *slices* so that every window is a run of whole slices. An event is folded into
//! its slice once, however many windows overlap it.
//!
//! A window `[start, end)` is **due** when the watermark W has reached its last millisecond,
//! `end - 1 <= W`; it is **past** (late, purged) when `end - 1 + allowed_lateness <= W`. These are
//! Flink's definitions (`WindowOperator::isWindowLate`), and so is the watermark of a partition:
//! its largest event time - delay - 1 ms (`BoundedOutOfOrdernessWatermarks`).
//!
//! Division is `rem_euclid`: `%` would put events before 1970 into the wrong window.

mod grid;
mod session;

pub use grid::Grid;
pub use session::{Bounds, Gone, Mark, Part, Placed, Sessions, Span};

use crate::{
    sql::{View, Window},
    time::{Millis, Timestamp},
};

/// A slab is rewritten with every batch, so that a slice is no longer than this.
pub const GRAIN: Millis = Millis::seconds(30);

/// Slices of events that are kept one by one are no longer than this: there is nothing to gain by longer
/// ones.
pub const EVENT_GRAIN: Millis = Millis::seconds(10);

/// The watermark of a partition whose largest event time is `largest`.
pub fn watermark(largest: Timestamp, delay: Millis) -> Timestamp {
    if largest == Timestamp::MIN { largest } else { largest - delay - Millis(1) }
}

/// Whether a window's result is to be given at a watermark.
pub fn is_due(end: Timestamp, watermark: Timestamp) -> bool {
    end - Millis(1) <= watermark
}

/// Whether a window takes no more events at a watermark.
pub fn is_past(end: Timestamp, lateness: Millis, watermark: Timestamp) -> bool {
    end - Millis(1) + lateness <= watermark
}

/// Whether a row of a view can still change, once windows are closed up to `closed`.
pub fn is_final(view: &View, end: Timestamp, closed: Timestamp) -> bool {
    let lateness = view.options.allowed_lateness;
    match view.window {
        Window::Grid { .. } | Window::Session { .. } => is_past(end, lateness, closed),
        // An event that is not late yet is in the frame of those that are up to `range` younger.
        Window::Over { range } => is_past(end, range + lateness, closed),
        Window::Event | Window::Match { .. } => true,
        Window::Running => false,
    }
}

/// How a view's time is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slices(Millis);

/// The length of the one slice of a view without windows, which begins at the epoch and has all events.
const EVER: Millis = Millis(i64::MAX);

impl Slices {
    /// The slices of a view: on a grid, the longest that divides size and slide and is not longer
    /// than the [`GRAIN`], unless all such are much shorter than that; for sessions at most the gap,
    /// so that a key's events in one slice are always one session's; without windows one for ever.
    pub fn of(window: Window) -> Self {
        match window {
            Window::Grid { size, slide } => Self(Millis(divisor(gcd(size.0, slide.0)))),
            Window::Session { gap } => Self(gap.clamp(Millis(1), GRAIN)),
            Window::Over { .. } | Window::Match { .. } | Window::Event => Self(EVENT_GRAIN),
            Window::Running => Self(EVER),
        }
    }

    /// A slice's length.
    pub const fn length(self) -> Millis {
        self.0
    }

    /// The start of the slice that an event belongs to.
    pub fn start(self, at: Timestamp) -> Timestamp {
        if self.0 == EVER { Timestamp(0) } else { floor(at, self.0) }
    }
}

/// The largest multiple of `step` that is not behind `at`.
fn floor(at: Timestamp, step: Millis) -> Timestamp {
    at - Millis(at.0.rem_euclid(step.0))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The largest divisor of `length` in a third of the grain to the grain; `length` itself where it is
/// no longer than the grain, or where there is none.
fn divisor(length: i64) -> i64 {
    let from = (length + GRAIN.0 - 1) / GRAIN.0;
    let to = length * 3 / GRAIN.0;
    (from..=to).find(|parts| length % parts == 0).map_or(length, |parts| length / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(window: Window) -> i64 {
        Slices::of(window).length().0
    }

    #[test]
    fn slices_divide_size_and_slide_and_stay_below_the_grain() {
        let grid = |size, slide| Window::Grid { size: Millis(size), slide: Millis(slide) };
        let cases = [
            (10_000, 10_000, 10_000),
            (300_000, 10_000, 10_000),
            (300_000, 300_000, 30_000),
            (3_600_000, 3_600_000, 30_000),
            (15_000, 10_000, 5000),
            // A prime number of milliseconds has no divisor worth having.
            (100_003, 100_003, 100_003),
            (1, 1, 1),
        ];
        for (size, slide, expected) in cases {
            assert_eq!(slice(grid(size, slide)), expected, "size {size}, slide {slide}");
        }
        assert_eq!(slice(Window::Session { gap: Millis::minutes(30) }), 30_000);
        assert_eq!(slice(Window::Session { gap: Millis(500) }), 500);
    }

    #[test]
    fn a_slice_before_1970_begins_before_its_events() {
        let slices = Slices::of(Window::Grid { size: Millis(10_000), slide: Millis(10_000) });
        assert_eq!(slices.start(Timestamp(-1)), Timestamp(-10_000));
        assert_eq!(slices.start(Timestamp(-10_000)), Timestamp(-10_000));
        assert_eq!(slices.start(Timestamp(0)), Timestamp(0));
    }

    #[test]
    fn nothing_is_due_before_the_first_event() {
        assert_eq!(watermark(Timestamp::MIN, Millis(2000)), Timestamp::MIN);
        assert!(!is_due(Timestamp(0), Timestamp::MIN));
    }

    #[test]
    fn a_window_is_due_at_its_last_millisecond_and_past_after_the_lateness() {
        let end = Timestamp(10_000);
        assert!(!is_due(end, Timestamp(9998)));
        assert!(is_due(end, Timestamp(9999)));
        assert!(!is_past(end, Millis(5000), Timestamp(14_998)));
        assert!(is_past(end, Millis(5000), Timestamp(14_999)));
    }
}
