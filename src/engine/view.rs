//! What the engine derives from a view's plan once.

use super::{
    groups::Shape,
    rules::{Reach, Rule},
};
use crate::{
    sql::{Catalog, View, Window},
    state::{Head, Partition, Scope, ViewId},
    time::{Millis, Timestamp},
    window::{Bounds, Grid, Slices, watermark},
};

/// A view as the engine runs it.
#[derive(Clone, Debug)]
pub(super) struct ViewRuntime {
    pub(super) plan: View,
    pub(super) id: ViewId,
    pub(super) slices: Slices,
    pub(super) windows: Windows,
    pub(super) shape: Shape,
    /// How rows of single events are made, if they are.
    pub(super) rule: Option<Rule>,
    /// The topics that it reads with their watermark delays.
    pub(super) topics: Vec<(String, Millis)>,
}

/// How a view's windows are found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Windows {
    Grid(Grid),
    Session(Bounds),
    /// None: a row an event, over the events before it.
    Over(Reach),
    /// None: a row an event.
    Event,
}

impl ViewRuntime {
    pub(super) fn new(catalog: &Catalog, plan: &View) -> Self {
        let windows = match plan.window {
            Window::Grid { size, slide } => Windows::Grid(Grid { size, slide }),
            Window::Session { gap } => {
                Windows::Session(Bounds { gap, lateness: plan.options.allowed_lateness })
            }
            Window::Over { range } => Windows::Over(Reach { range, lateness: plan.options.allowed_lateness }),
            Window::Event => Windows::Event,
        };
        let tables = plan.sources.iter().filter_map(|source| catalog.tables.get(source.table));
        let mut topics: Vec<_> = tables.map(|table| (table.topic.clone(), table.watermark_delay)).collect();
        topics.sort_unstable();
        topics.dedup_by(|a, b| a.0 == b.0);
        Self {
            plan: plan.clone(),
            id: ViewId::new(&plan.name, plan.fingerprint),
            slices: Slices::of(plan.window),
            windows,
            shape: Shape {
                aggregates: plan.aggregates.clone(),
                timed: matches!(windows, Windows::Session(_)),
            },
            rule: Rule::of(plan),
            topics,
        }
    }

    pub(super) fn lateness(&self) -> Millis {
        self.plan.options.allowed_lateness
    }

    /// From an event back to the first that counts for its row.
    pub(super) fn range(&self) -> Millis {
        if let Windows::Over(reach) = self.windows { reach.range } else { Millis(0) }
    }

    /// How long after its first event a window may still need its slabs.
    pub(super) fn reach(&self) -> Millis {
        let length = match self.windows {
            Windows::Grid(grid) => grid.size,
            Windows::Session(bounds) => bounds.gap,
            Windows::Over(reach) => return reach.back(),
            Windows::Event => Millis(0),
        };
        length + self.lateness()
    }

    /// What is closed together with a partition.
    pub(super) fn scope(&self, partition: &Partition) -> Scope {
        match self.windows {
            Windows::Grid(_) => Scope::All,
            Windows::Session(_) | Windows::Over(_) | Windows::Event => Scope::Partition(partition.index),
        }
    }

    pub(super) fn delay(&self, topic: &str) -> Millis {
        self.topics.iter().find(|(name, _)| name == topic).map(|(_, delay)| *delay).unwrap_or_default()
    }

    /// The smallest watermark of some source partitions, not counting those that are idle.
    /// [`Timestamp::MAX`] where all are; [`Timestamp::MIN`] where one has not reported yet.
    pub(super) fn lowest<'p>(&self, head: &Head, of: impl Iterator<Item = &'p Partition>) -> Timestamp {
        let of_partition = |partition: &Partition| match head.partitions.get(partition) {
            None => Some(Timestamp::MIN),
            Some(progress) if progress.idle_at == Some(progress.next) => None,
            Some(progress) => Some(watermark(progress.largest, self.delay(&partition.topic))),
        };
        of.filter_map(of_partition).min().unwrap_or(Timestamp::MAX)
    }

    /// W: never behind what is closed already. With every partition idle it does not move; `sweep`
    /// decides then.
    pub(super) fn watermark(&self, head: &Head, sources: &[Partition], scope: Scope) -> Timestamp {
        let closed = closed(head, scope);
        let lowest = self.lowest(head, sources.iter());
        if lowest == Timestamp::MAX { closed } else { lowest.max(closed) }
    }
}

/// How far a scope's windows are closed.
pub(super) fn closed(head: &Head, scope: Scope) -> Timestamp {
    head.closed.get(&scope).copied().unwrap_or(Timestamp::MIN)
}
