//! The functions, called in this process: what they get is what Lambda would send.

use std::{error::Error, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{sync::oneshot, time::MissedTickBehavior};

use super::Meters;
use crate::{
    engine::Engine,
    error::causes,
    handlers,
    local::poller::{Invoke, InvokeError},
    observe::Observer,
    publish::{Publisher, Topics},
    state::Store,
};

/// The window function, for a poller to call.
pub struct WindowFunction<S, P, T> {
    engine: Arc<Engine<S, P, T>>,
    meters: Arc<Meters>,
    observer: Observer,
}

impl<S, P, T> WindowFunction<S, P, T> {
    /// The function over an engine. What it did is added to the meters.
    pub fn new(engine: Arc<Engine<S, P, T>>, meters: Arc<Meters>) -> Self {
        Self { engine, meters, observer: Observer::new("window") }
    }
}

impl<S: Store, P: Publisher, T: Topics> Invoke for WindowFunction<S, P, T> {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let observe = |absorbed: &_| self.meters.absorbed(absorbed);
        let work = handlers::window_observed(&self.engine, &payload, observe);
        answer(function, self.observer.invocation(work).await)
    }
}

/// What a function's work came to, as an endpoint of Lambda answers it.
pub(super) fn answer<T: Serialize, E: Error>(
    function: &str,
    work: Result<T, E>,
) -> Result<Vec<u8>, InvokeError> {
    let failed =
        |error: &dyn Error| InvokeError::Function { function: function.to_owned(), message: causes(error) };
    serde_json::to_vec(&work.map_err(|error| failed(&error))?).map_err(|error| failed(&error))
}

/// The schedule: calls the sweep function until it is told to stop. A sweep that has begun is ended.
pub(super) async fn sweep<S: Store, P: Publisher, T: Topics>(
    engine: Arc<Engine<S, P, T>>,
    meters: Arc<Meters>,
    every: Duration,
    mut stopped: oneshot::Receiver<()>,
) {
    let observer = Observer::new("sweep");
    let mut schedule = tokio::time::interval(every);
    schedule.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = schedule.tick() => {}
        }
        match observer.invocation(handlers::sweep(&engine)).await {
            Ok(swept) => meters.swept(&swept),
            Err(error) => tracing::warn!(error = causes(&error), "failed to sweep; the next one tries again"),
        }
    }
}
