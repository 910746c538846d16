//! The sweep, run on a schedule: idle partitions, windows that nobody closed, the last windows.
//!
//! A partition is idle when it has been silent for `idle_timeout` *and* there is no record in the
//! broker that it has not absorbed: a poller that stalls makes nothing late. With every partition
//! idle for `flush_after`, the last windows are closed as if time had gone on.

use std::collections::BTreeSet;

use super::{
    Engine, EngineError,
    close::{Closing, Given},
    fold::Touched,
    view::{ViewRuntime, Windows, closed},
};
use crate::{
    publish::{Publisher, Standing, Topics},
    state::{Head, Partition, Progress, Scope, Store, ViewId},
    time::{Millis, Offset, Timestamp},
};

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// How many windows it closed.
    pub windows: u64,
    /// How many rows it gave out.
    pub rows: u64,
    /// How many partitions it found idle that were not before.
    pub idle: u64,
    /// Topics that were made anew: their offsets begin again.
    pub restarted: Vec<String>,
}

/// Up to where something is to be closed, and whether that is because nothing comes any more.
#[derive(Clone, Copy, Debug)]
struct At {
    watermark: Timestamp,
    is_flush: bool,
}

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Sweeps all views.
    pub async fn sweep(&self) -> Result<Swept, EngineError> {
        let mut swept = Swept::default();
        self.forget_topics().await;
        for (view_index, view) in self.views.iter().enumerate() {
            if view.topics.is_empty() {
                continue;
            }
            let mut head = self.store.head(&view.id).await?;
            if head.partitions.is_empty() {
                continue;
            }
            let sources = self.sources(view, &head, None).await?;
            if self.mark(view, &head, &sources, &mut swept).await? {
                head = self.store.head(&view.id).await?;
            }
            self.tell_watermark(view, &head, &sources);
            for scope in scopes(view, &sources) {
                let at = self.swept_watermark(view, &head, &sources, scope);
                let given = self.close_at(view_index, &head, &sources, scope, at).await?;
                swept.windows += given.windows;
                swept.rows += given.rows;
            }
        }
        Ok(swept)
    }

    /// Closes everything that is still open: the input is at its end.
    pub async fn finish(&self) -> Result<Swept, EngineError> {
        let mut swept = Swept::default();
        for (view_index, view) in self.views.iter().enumerate().filter(|(_, view)| !view.topics.is_empty()) {
            let head = self.store.head(&view.id).await?;
            let sources = self.sources(view, &head, None).await?;
            for scope in scopes(view, &sources) {
                let at = At { watermark: Timestamp::MAX, is_flush: true };
                let given = self.close_at(view_index, &head, &sources, scope, at).await?;
                swept.windows += given.windows;
                swept.rows += given.rows;
            }
        }
        Ok(swept)
    }

    /// A topic gives nothing more: its partitions do not hold the watermark back any longer.
    pub async fn end_topic(&self, topic: &str) -> Result<(), EngineError> {
        for view in self.views.iter().filter(|view| view.topics.iter().any(|(name, _)| name == topic)) {
            let head = self.store.head(&view.id).await?;
            for partition in
                self.sources(view, &head, None).await?.iter().filter(|source| *source.topic == *topic)
            {
                let next = head.partitions.get(partition).map_or(Offset::at(0), |progress| progress.next);
                self.store.mark_idle(&view.id, partition, next).await?;
            }
        }
        Ok(())
    }

    /// For each view the first slice that anything may still be needed of.
    pub async fn horizons(&self) -> Result<Vec<(ViewId, Timestamp)>, EngineError> {
        let mut horizons = Vec::new();
        for view in &self.views {
            let head = self.store.head(&view.id).await?;
            let past = view.slices.start(closed_through(&head) - view.reach());
            let mut first = match view.windows {
                Windows::Grid(_) | Windows::Event => past,
                Windows::Session(_) | Windows::Over(_) | Windows::Match(_) => {
                    head.partitions.values().map(|p| p.floor).fold(past, Timestamp::min)
                }
                Windows::Running => Timestamp::MIN,
            };
            // Views over this one are computed from its history.
            for reader in view.readers.iter().filter_map(|index| self.views.get(*index)) {
                let closed = closed_through(&self.store.head(&reader.id).await?);
                first = first.min(view.slices.start(closed - reader.reach()));
            }
            horizons.push((view.id.clone(), first));
        }
        Ok(horizons)
    }

    async fn close_at(
        &self,
        view_index: usize,
        head: &Head,
        sources: &[Partition],
        scope: Scope,
        At { watermark, is_flush }: At,
    ) -> Result<Given, EngineError> {
        let Some(view) = self.views.get(view_index) else { return Ok(Given::default()) };
        let touched = &Touched::default();
        let closed = closed(head, scope);
        let closing =
            Closing { view_index, view, head, sources, scope, closed, watermark, touched, is_flush };
        self.close(closing, None).await
    }

    /// Marks what is idle and what was made anew. Answers whether it marked anything.
    async fn mark(
        &self,
        view: &ViewRuntime,
        head: &Head,
        sources: &[Partition],
        swept: &mut Swept,
    ) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let mut is_changed = false;
        for partition in sources {
            let progress = head.partitions.get(partition).unwrap_or(&Progress::NONE);
            // One that never reported has been silent since the view was born.
            let silent_since = progress.seen_at.max(head.born.unwrap_or(now));
            let is_silent = now - silent_since >= view.plan.options.idle_timeout;
            if !is_silent || progress.idle_at == Some(progress.next) {
                continue;
            }
            match self.topics.standing(&partition.topic, partition.index, progress.next).await? {
                Standing::Behind => continue,
                Standing::MadeAnew => {
                    self.store.restart(&view.id, partition, progress.epoch).await?;
                    swept.restarted.push(format!("{partition} of view {}", view.plan.name));
                }
                Standing::CaughtUp => {
                    self.store.mark_idle(&view.id, partition, progress.next).await?;
                    swept.idle += 1;
                }
            }
            is_changed = true;
        }
        Ok(is_changed)
    }

    /// W, or where everything has been idle for long enough the end of the last window.
    fn swept_watermark(&self, view: &ViewRuntime, head: &Head, sources: &[Partition], scope: Scope) -> At {
        let watermark = view.watermark(head, sources, scope);
        let is_idle = view.lowest(head, sources.iter()) == Timestamp::MAX;
        let seen_at = head.partitions.values().map(|progress| progress.seen_at).max();
        let is_flush = seen_at.is_some_and(|at| self.clock.now() - at >= view.plan.options.flush_after);
        let stays = At { watermark, is_flush: false };
        if !(is_idle && is_flush) {
            return stays;
        }
        let largest =
            head.partitions.values().map(|progress| progress.largest).max().unwrap_or(Timestamp::MIN);
        if largest == Timestamp::MIN {
            return stays;
        }
        let last = match view.windows {
            Windows::Grid(grid) => grid.last_end(largest) - Millis(1),
            Windows::Session(bounds) => largest + bounds.gap - Millis(1),
            Windows::Over(_) | Windows::Event | Windows::Match(_) => largest,
            Windows::Running => return stays,
        };
        At { watermark: last.max(closed(head, scope)), is_flush: true }
    }
}

/// Up to where all of a view is closed.
fn closed_through(head: &Head) -> Timestamp {
    head.closed.values().min().copied().unwrap_or(Timestamp::MIN)
}

/// All that is closed by itself.
fn scopes(view: &ViewRuntime, sources: &[Partition]) -> Vec<Scope> {
    match view.windows {
        Windows::Grid(_) => vec![Scope::All],
        Windows::Session(_) | Windows::Over(_) | Windows::Event | Windows::Match(_) => {
            let numbers: BTreeSet<i32> = sources.iter().map(|source| source.index).collect();
            numbers.into_iter().map(Scope::Partition).collect()
        }
        Windows::Running => Vec::new(),
    }
}
