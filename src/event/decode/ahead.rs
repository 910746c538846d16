//! What is said of an event time that lies too far ahead.

use crate::time::{Millis, Timestamp};

/// `bound` is the latest time allowed: the broker's timestamp or the clock, and `max_ahead` more.
pub(super) fn reason(time: Timestamp, bound: Timestamp, max_ahead: Millis) -> String {
    let from = bound - max_ahead;
    format!(
        "event time {time} is {} ahead of {from}, when it was sent or read; at most {max_ahead} (max_ahead)",
        about(time - from)
    )
}

/// A span in the largest unit of which it holds one, rounded down.
fn about(span: Millis) -> String {
    const UNITS: [(i64, &str); 5] = [
        (31_557_600_000, "years"),
        (86_400_000, "days"),
        (3_600_000, "hours"),
        (60_000, "minutes"),
        (1000, "seconds"),
    ];
    match UNITS.iter().find(|(unit, _)| span.0 >= 2 * unit) {
        Some((unit, name)) => format!("{} {name}", span.0 / unit),
        None => format!("{} ms", span.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_ahead_of_what() {
        let (time, bound) = (Timestamp(32_472_144_000_000), Timestamp(1_763_683_200_000));
        assert_eq!(
            reason(time, bound, Millis::hours(1)),
            "event time 2999-01-01T00:00:00.000Z is 973 years ahead of 2025-11-20T23:00:00.000Z, \
             when it was sent or read; at most 1 h (max_ahead)"
        );
        assert_eq!(about(Millis(1999)), "1999 ms");
        assert_eq!(about(Millis::minutes(119)), "119 minutes");
    }
}
