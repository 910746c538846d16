//! Ctrl-C and SIGTERM: the first one stops, the second one kills.

use anyhow::Context as _;
use tokio::sync::mpsc;

/// What a shell expects of a process that Ctrl-C has ended.
const KILLED: i32 = 130;

/// Hears of signals from when it is made.
pub(in crate::cli) struct Stop(mpsc::Receiver<()>);

/// Begins to listen.
pub(in crate::cli) fn listen() -> anyhow::Result<Stop> {
    let (sender, receiver) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let mut signals = signal(kind).context("failed to listen for signals")?;
            let sender = sender.clone();
            tokio::spawn(
                async move { while signals.recv().await.is_some() && sender.send(()).await.is_ok() {} },
            );
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(
        async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {} },
    );
    Ok(Stop(receiver))
}

impl Stop {
    /// Waits for a signal.
    pub(in crate::cli) async fn recv(&mut self) {
        // The senders live as long as the runtime.
        let _ = self.0.recv().await;
    }

    /// From now on a signal ends the process at once.
    pub(in crate::cli) fn kill_next_time(mut self) {
        tokio::spawn(async move {
            self.recv().await;
            std::process::exit(KILLED);
        });
    }
}
