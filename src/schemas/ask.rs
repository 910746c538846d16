//! One question to a registry, asked until it is answered or cannot be.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::time::Instant;

use crate::{
    http::{Answer, Failure, Http, Limits},
    time::Clock,
};

/// How hard to try. An invocation is long enough for that, and its records come again if not.
const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
const TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long all attempts may take together.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest answer: a schema, once more escaped as JSON.
const MAX_ANSWER: usize = 4 << 20;

/// Asks.
pub(super) struct Asker {
    pub(super) http: Http,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
}

impl Asker {
    pub(super) fn new(http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            clock,
            limits: Limits { attempts: ATTEMPTS, timeout: TIMEOUT, first_pause: FIRST_PAUSE },
        }
    }

    /// Asks what `request` makes anew for each attempt. `judge` says what an answer is: something, or a failure.
    pub(super) async fn ask<T>(
        &self,
        id: &str,
        request: impl Fn() -> Result<Request<Full<Bytes>>, Failure> + Sync,
        judge: impl Fn(Answer) -> Result<T, Failure> + Sync,
    ) -> Result<T, String>
    where
        T: Send,
    {
        let call = || -> futures::future::BoxFuture<'_, Result<T, Failure>> {
            Box::pin(async { judge(self.http.exchange(request()?, MAX_ANSWER).await?) })
        };
        let answer = self.limits.keep_trying(id, Instant::now() + LONGEST, call).await;
        answer.map_err(|failure| failure.reason)
    }
}
