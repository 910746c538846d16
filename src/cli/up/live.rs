//! The live line: what flows.

use std::{fmt::Write as _, time::Duration};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    local::stack::{Counts, Stack},
    time::Millis,
};

/// How often the line changes on a terminal.
const ON_TERMINAL: Duration = Duration::from_secs(1);
/// How often a line is printed elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// The live line: at the bottom of a terminal, or a line now and then where there is none.
#[derive(Clone)]
pub(super) struct Live(ProgressBar);

impl Live {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        // The template is right; were it not, the default one shows the message, too.
        Self(match ProgressStyle::with_template("{spinner} {msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// Does something to the terminal while the line is out of the way.
    pub(super) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        self.0.suspend(write)
    }

    /// Shows what flows, for ever.
    pub(super) async fn run(&self, stack: &Stack) {
        let is_terminal = !self.0.is_hidden();
        let mut ticks = interval(if is_terminal { ON_TERMINAL } else { ELSEWHERE });
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let (mut before, mut at) = (stack.counts(), Instant::now());
        loop {
            ticks.tick().await;
            let counts = stack.counts();
            let rate = rate(counts.records - before.records, at.elapsed());
            (before, at) = (counts, Instant::now());
            let lag =
                stack.lag().await.inspect_err(|error| tracing::warn!(%error, "failed to read the heads"));
            let line = line(rate, lag.ok().flatten(), &counts);
            if is_terminal {
                self.0.set_message(line);
                self.0.tick();
            } else {
                println!("{line}");
            }
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads 16 digits")]
fn rate(records: u64, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads 16 digits")]
fn line(rate: f64, lag: Option<Millis>, counts: &Counts) -> String {
    let mut line = format!("{rate:.0} events/s");
    // Writing to a text does not fail.
    let _ = match lag {
        Some(Millis(lag)) => write!(line, ", watermark {:.1} s behind", lag as f64 / 1000.0),
        None => write!(line, ", all quiet"),
    };
    let Counts { windows, rows, late, dead, .. } = *counts;
    let [windows, rows, late, dead] = [windows, rows, late, dead].map(HumanCount);
    let _ = write!(line, " | {windows} windows closed, {rows} rows, {late} late, {dead} dead-lettered");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_flows() {
        let counts = Counts { records: 9000, windows: 12, rows: 1240, late: 3, dead: 1 };
        let rate = rate(2040, Duration::from_secs(10));
        assert_eq!(
            line(rate, Some(Millis(2_345)), &counts),
            "204 events/s, watermark 2.3 s behind | 12 windows closed, 1,240 rows, 3 late, 1 dead-lettered"
        );
        assert!(line(0.0, None, &counts).starts_with("0 events/s, all quiet |"));
    }
}
