//! A task that runs beside others until it is told to stop.

use std::{future::Future, time::Duration};

use tokio::{sync::oneshot, task::JoinHandle};

/// How long a task may take to end what it is about.
const GRACE: Duration = Duration::from_secs(5);

/// A task that runs until it is told to stop, or until this is dropped.
#[derive(Debug)]
pub(super) struct Background {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Background {
    /// Starts a task. It is to end soon after what it is given resolves.
    pub(super) fn spawn<F>(work: impl FnOnce(oneshot::Receiver<()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(work(stopped)) }
    }

    /// Lets the task end what it is about; breaks it off where that takes too long.
    pub(super) async fn stop(mut self) {
        // Where the task has ended already, there is nobody to tell.
        let _ = self.stop.send(());
        match tokio::time::timeout(GRACE, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a part of the stack did not end well"),
            Err(_) => self.task.abort(),
        }
    }
}
