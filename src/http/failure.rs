//! Why an attempt failed, and when the next one is worth it.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest pause between two attempts that the other side did not ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened, without any secret.
    pub reason: String,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What to do now.
    pub then: Then,
}

/// What to do after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing: it would fail again.
    GiveUp,
    /// To try again after a pause.
    Retry,
    /// To try again, but not before so long.
    RetryAfter(Duration),
}

impl Failure {
    /// An attempt that got no answer.
    pub const fn unanswered(reason: String) -> Self {
        Self { reason, status: None, then: Then::Retry }
    }

    /// A request that cannot even be made.
    pub const fn impossible(reason: String) -> Self {
        Self { reason, status: None, then: Then::GiveUp }
    }

    /// An attempt that got an answer which is not a success.
    pub const fn answered(reason: String, status: u16, retry_after: Option<Duration>) -> Self {
        let then = match (is_passing(status), retry_after) {
            (false, _) => Then::GiveUp,
            (true, None) => Then::Retry,
            (true, Some(pause)) => Then::RetryAfter(pause),
        };
        Self { reason, status: Some(status), then }
    }
}

/// Whether a status says that the same request may succeed later.
const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// What a `Retry-After` header asks for: seconds, or a date.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(header).ok()?.timestamp().as_millisecond();
    u64::try_from((Timestamp(date) - now).0.max(0)).ok().map(Duration::from_millis)
}

/// The pause after so many attempts: twice as long each time, and somewhere in its upper half, so that
/// what failed together does not come again together. Where in it follows from the id.
pub fn pause(first: Duration, attempts: u32, id: &str) -> Duration {
    let whole = first.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(id.as_bytes(), attempts.into());
    let thousandths = u32::try_from(hash % 1000).unwrap_or_default();
    whole / 2 + whole / 2 * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_bounds_and_differ_by_alert() {
        let first = Duration::from_millis(200);
        for (attempts, whole) in [(1, 200), (2, 400), (3, 800), (20, 10_000), (u32::MAX, 10_000)] {
            let pauses = ["a", "b", "c"].map(|id| pause(first, attempts, id));
            let whole = Duration::from_millis(whole);
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{pauses:?}");
            assert!(pauses[0] != pauses[1] && pauses[1] != pauses[2], "{pauses:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp(784_111_777_000);
        assert_eq!(retry_after(" 30 ", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let then = |status| Failure::answered(String::new(), status, None).then;
        for status in [408, 425, 429, 500, 503, 599] {
            assert_eq!(then(status), Then::Retry, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 410, 413] {
            assert_eq!(then(status), Then::GiveUp, "{status}");
        }
    }
}
