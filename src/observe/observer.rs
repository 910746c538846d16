//! A function's invocations, as they are observed.

use std::{
    future::Future,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use tracing::Instrument as _;

#[cfg(feature = "otel")]
use super::otel::Traces;
use super::{ColdStarted, Emf, Invoked, Outcome};
use crate::time::{Clock as _, SystemClock};

/// Observes the invocations of one function: its cold start, how each ended and how long it took. Clones
/// are of the same function.
#[derive(Clone, Debug)]
pub struct Observer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    function: &'static str,
    was_invoked: AtomicBool,
    emf: Option<Arc<Emf>>,
    #[cfg(feature = "otel")]
    traces: Option<Traces>,
}

impl Observer {
    /// Of a function, for whatever recorder and log the process has.
    pub fn new(function: &'static str) -> Self {
        Self::with(
            function,
            None,
            #[cfg(feature = "otel")]
            None,
        )
    }

    /// Of a Lambda function, whose log and metrics it sets up: a line of metrics on standard output after
    /// each invocation, unless `detail` is none.
    #[cfg(feature = "logs")]
    pub fn on_lambda(function: &'static str, detail: Option<super::Detail>) -> Self {
        #[cfg(feature = "otel")]
        let traces = Traces::from_env(function);
        super::logs::on_lambda(
            #[cfg(feature = "otel")]
            traces.as_ref(),
        );
        let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| function.to_owned());
        let emf = detail.map(|detail| Arc::new(Emf::new(name, detail)));
        // It fails only where a recorder is there already, and then that one is meant.
        let emf = emf.filter(|emf| metrics::set_global_recorder(Arc::clone(emf)).is_ok());
        Self::with(
            function,
            emf,
            #[cfg(feature = "otel")]
            traces,
        )
    }

    fn with(
        function: &'static str,
        emf: Option<Arc<Emf>>,
        #[cfg(feature = "otel")] traces: Option<Traces>,
    ) -> Self {
        Self(Arc::new(Inner {
            function,
            was_invoked: AtomicBool::new(false),
            emf,
            #[cfg(feature = "otel")]
            traces,
        }))
    }

    /// Observes one invocation. One that panics or is broken off has failed.
    pub async fn invocation<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let function = self.0.function;
        self.observe(work, Result::is_ok).instrument(tracing::info_span!("invocation", function)).await
    }

    /// As [`Observer::invocation`], of work that tells by its answer whether it went well.
    async fn observe<T>(&self, work: impl Future<Output = T>, is_ok: impl Fn(&T) -> bool) -> T {
        if !self.0.was_invoked.swap(true, Relaxed) {
            ColdStarted { function: self.0.function }.emit();
        }
        let mut invocation = Invocation { observer: self, began: Instant::now(), outcome: Outcome::Error };
        let answer = work.await;
        if is_ok(&answer) {
            invocation.outcome = Outcome::Ok;
        }
        answer
    }

    /// Observes a request as one invocation: a status from 500 on has failed.
    #[cfg(feature = "api")]
    pub async fn request(
        &self,
        work: impl Future<Output = axum::response::Response>,
    ) -> axum::response::Response {
        self.observe(work, |answer| !answer.status().is_server_error()).await
    }

    /// Writes what was recorded where somebody has to.
    fn flush(&self) {
        let lines = self.0.emf.as_ref().map(|emf| emf.take(SystemClock.now())).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        for line in lines {
            // There is nobody to tell that standard output is closed.
            let _ = writeln!(out, "{line}");
        }
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.0.traces {
            traces.flush();
        }
    }
}

/// One that goes on. However it ends, it is counted.
struct Invocation<'a> {
    observer: &'a Observer,
    began: Instant,
    outcome: Outcome,
}

impl Drop for Invocation<'_> {
    fn drop(&mut self) {
        let (function, outcome) = (self.observer.0.function, self.outcome);
        Invoked { function, outcome, took: self.began.elapsed() }.emit();
        self.observer.flush();
    }
}
