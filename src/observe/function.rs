//! What becomes of invocations.

use std::time::Duration;

use super::names;

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Ok,
    /// It failed, or was broken off.
    Error,
}

impl Outcome {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// A process gets its first invocation.
#[derive(Clone, Copy, Debug)]
pub struct ColdStarted {
    /// The function: `window`, `serve`, ...
    pub function: &'static str,
}

impl ColdStarted {
    /// Counts it.
    pub fn emit(self) {
        names::COLD_STARTS.add(1, &[self.function]);
        tracing::debug!(function = self.function, version = env!("CARGO_PKG_VERSION"), "a cold start");
    }
}

/// An invocation has ended.
#[derive(Clone, Copy, Debug)]
pub struct Invoked {
    /// The function.
    pub function: &'static str,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

impl Invoked {
    /// Counts and times it. Why it failed is told by who knows it.
    pub fn emit(self) {
        let Self { function, outcome, took } = self;
        names::INVOCATIONS.add(1, &[function, outcome.name()]);
        names::INVOCATION_SECONDS.record(took.as_secs_f64(), &[function]);
        tracing::debug!(function, outcome = outcome.name(), ?took, "invoked");
    }
}
