//! A call that is tried until it succeeds, cannot succeed, or the time is over.

use std::{num::NonZeroU32, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::{Failure, Then, pause};

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How often to try one call, the first attempt included.
    pub attempts: NonZeroU32,
    /// How long one attempt may take, from connecting to the end of the answer.
    pub timeout: Duration,
    /// The pause after the first attempt; it doubles from one to the next.
    pub first_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let attempts = NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN);
        Self { attempts, timeout: Duration::from_secs(30), first_pause: Duration::from_millis(250) }
    }
}

impl Limits {
    /// Calls until it succeeds. `id` decides where in the pauses the next call falls.
    pub async fn keep_trying<'c, T>(
        &self,
        id: &str,
        deadline: Instant,
        call: impl Fn() -> BoxFuture<'c, Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut attempts = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = self.timeout.min(left);
            let silence = |_| Failure::unanswered(format!("no answer within {limit:?}"));
            let failure = match timeout(limit, call()).await.map_err(silence).flatten() {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            attempts += 1;
            let rest = match failure.then {
                Then::GiveUp => return Err(failure),
                Then::Retry => pause(self.first_pause, attempts, id),
                Then::RetryAfter(asked) => asked.max(pause(self.first_pause, attempts, id)),
            };
            if attempts >= self.attempts.get() || deadline.saturating_duration_since(Instant::now()) <= rest {
                return Err(failure);
            }
            tracing::info!(id, attempts, reason = failure.reason, "tries again");
            sleep(rest).await;
        }
    }
}
