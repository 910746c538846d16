//! When an event that is replayed is due.

use std::time::Duration;

use crate::time::Timestamp;

/// How fast events are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// As fast as they are taken.
    Full,
    /// So many a second.
    Rate(f64),
    /// So many times as fast as they happened.
    Speed(f64),
}

/// Tells for one event after the other when it is due.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    sent: u32,
    first: Option<Timestamp>,
    due: Duration,
}

impl Schedule {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, sent: 0, first: None, due: Duration::ZERO }
    }

    /// How long after the start the next event is due. Never before one that came earlier: events
    /// out of order, or without a time that can be read, are due at once.
    pub(super) fn next(&mut self, event_time: Option<Timestamp>) -> Duration {
        let wanted = match self.pace {
            Pace::Full => Duration::ZERO,
            Pace::Rate(rate) => seconds(f64::from(self.sent) / rate),
            Pace::Speed(speed) => self.since_first(event_time).div_f64(speed),
        };
        self.sent = self.sent.saturating_add(1);
        self.due = self.due.max(wanted);
        self.due
    }

    fn since_first(&mut self, event_time: Option<Timestamp>) -> Duration {
        let Some(at) = event_time else { return Duration::ZERO };
        let since = at - *self.first.get_or_insert(at);
        Duration::from_millis(u64::try_from(since.0).unwrap_or_default())
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pace: Pace, times: &[Option<i64>]) -> Vec<u128> {
        let mut schedule = Schedule::new(pace);
        times.iter().map(|time| schedule.next(time.map(Timestamp)).as_millis()).collect()
    }

    #[test]
    fn a_rate_spreads_events_evenly() {
        assert_eq!(due(Pace::Rate(100.0), &[None; 4]), [0, 10, 20, 30]);
    }

    #[test]
    fn speed_keeps_the_recorded_gaps_and_never_waits_backwards() {
        let times = [Some(5000), Some(6000), Some(5500), None, Some(9000)];
        assert_eq!(due(Pace::Speed(2.0), &times), [0, 500, 500, 500, 2000]);
    }

    #[test]
    fn full_never_waits() {
        assert_eq!(due(Pace::Full, &[Some(0), Some(60_000)]), [0, 0]);
    }
}
