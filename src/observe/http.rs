//! What the API answers.

use std::time::Duration;

use super::names;

/// A request was answered.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswered<'a> {
    /// The route's pattern, never the path: `/{view}/latest`. `none` where no route took it.
    pub route: &'a str,
    /// The status.
    pub status: u16,
    /// How long it took until the answer began.
    pub took: Duration,
}

impl HttpAnswered<'_> {
    /// Times it.
    pub fn emit(&self) {
        let Self { route, status, took } = *self;
        names::HTTP_SECONDS.record(took.as_secs_f64(), &[route, &status.to_string()]);
        if status >= 500 {
            tracing::warn!(route, status, ?took, "the API failed to answer");
        } else {
            tracing::debug!(route, status, ?took, "answered");
        }
    }
}
