//! What the engine derives from a view's plan once.

use super::{
    groups::Shape,
    pattern::{Matcher, Within},
    rules::{Reach, Rule},
};
use crate::{
    sql::{Catalog, Expr, Source, View, Window},
    state::{Head, Partition, Scope, ViewId},
    time::{Millis, Offset, Timestamp},
    window::{Bounds, Grid, Slices, watermark},
};

/// A view as the engine runs it.
#[derive(Clone, Debug)]
pub(super) struct ViewRuntime {
    pub(super) plan: View,
    pub(super) id: ViewId,
    pub(super) slices: Slices,
    pub(super) windows: Windows,
    /// How long its rows' windows are. (On a grid.)
    pub(super) length: Millis,
    /// How late the events behind its rows may be, those of the views that it reads included.
    pub(super) lateness: Millis,
    /// Whether all events of a key are in partitions of one number.
    pub(super) is_keyed: bool,
    /// The views over this one, by their index.
    pub(super) readers: Vec<usize>,
    pub(super) shape: Shape,
    /// How rows of single events are made, if they are.
    pub(super) rule: Option<Rule>,
    /// How rows of matches are made, if they are.
    pub(super) matcher: Option<Matcher>,
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
    /// None: a row a match of a pattern.
    Match(Within),
    /// None: rows are brought up to date with every batch.
    Running,
}

impl ViewRuntime {
    pub(super) fn new(catalog: &Catalog, plan: &View) -> Self {
        let windows = match plan.window {
            // Each row of the view below counts in its own window alone: like an event at the window's
            // last millisecond in tumbling windows.
            Window::Grid { slide, .. } if plan.keeps_windows => Windows::Grid(Grid { size: slide, slide }),
            Window::Grid { size, slide } => Windows::Grid(Grid { size, slide }),
            Window::Session { gap } => {
                Windows::Session(Bounds { gap, lateness: plan.options.allowed_lateness })
            }
            Window::Over { range } => Windows::Over(Reach { range, lateness: plan.options.allowed_lateness }),
            Window::Event => Windows::Event,
            Window::Match { within } => Windows::Match(Within(within)),
            Window::Running => Windows::Running,
        };
        let length = match plan.window {
            Window::Grid { size, .. } => size,
            Window::Session { .. }
            | Window::Running
            | Window::Over { .. }
            | Window::Event
            | Window::Match { .. } => Millis(0),
        };
        let reads_this = |view: &View| view.upstream(catalog).is_some_and(|below| below.name == plan.name);
        let readers = catalog.views.iter().enumerate().filter(|(_, view)| reads_this(view));
        let is_keyed = |source: &Source| {
            let key = source.table(catalog).and_then(|table| table.key);
            key.is_some_and(|key| source.keys.contains(&Expr::Column(key)))
        };
        let tables = plan.sources.iter().filter_map(|source| source.table(catalog));
        let mut topics: Vec<_> = tables.map(|table| (table.topic.clone(), table.watermark_delay)).collect();
        topics.sort_unstable();
        topics.dedup_by(|a, b| a.0 == b.0);
        Self {
            plan: plan.clone(),
            id: ViewId::new(&plan.name, plan.fingerprint),
            slices: Slices::of(plan.window),
            windows,
            length,
            lateness: lateness(catalog, plan),
            is_keyed: plan.sources.iter().all(is_keyed),
            readers: readers.map(|(index, _)| index).collect(),
            shape: Shape {
                aggregates: plan.aggregates.clone(),
                timed: matches!(windows, Windows::Session(_)),
            },
            rule: Rule::of(plan),
            matcher: Matcher::of(plan),
            topics,
        }
    }

    /// Whether its rows depend on rows that were given out before.
    pub(super) fn looks_back(&self) -> bool {
        !self.plan.previous.is_empty() || self.plan.options.cooldown > Millis(0)
    }

    /// How many rows of a key pages keep behind the previous one: where rows look back, as many as may
    /// be given out again.
    pub(super) fn memory(&self) -> usize {
        let step = match self.windows {
            Windows::Grid(grid) => grid.slide,
            Windows::Session(bounds) => bounds.gap,
            Windows::Running | Windows::Over(_) | Windows::Event | Windows::Match(_) => return 0,
        };
        let again = if self.looks_back() { self.lateness.0 / step.0.max(1) + 1 } else { 0 };
        usize::try_from(again).unwrap_or(MOST_REMEMBERED).min(MOST_REMEMBERED)
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
            Windows::Match(within) => return within.back(),
            Windows::Event | Windows::Running => Millis(0),
        };
        length + self.lateness
    }

    /// When a page that is written now may be forgotten: never where rows look back at it, however
    /// long ago that is.
    pub(super) fn page_expires(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires(now, self.plan.options.history).filter(|_| !self.looks_back())
    }

    /// When what is written now may be forgotten; never without windows.
    pub(super) fn expires(&self, now: Timestamp, kept: Millis) -> Option<Timestamp> {
        (self.plan.window != Window::Running).then(|| now + kept)
    }

    /// What is closed together with a partition whose records begin at an offset.
    pub(super) fn scope(&self, partition: &Partition, begins: Offset) -> Scope {
        // A key of a stream is in another shard once its own was split or merged.
        let stays = begins.number().is_some();
        match self.windows {
            Windows::Session(_) | Windows::Over(_) | Windows::Event | Windows::Match(_) => {
                Scope::Partition(partition.index)
            }
            Windows::Running if self.is_keyed && stays => Scope::Partition(partition.index),
            Windows::Grid(_) | Windows::Running => Scope::All,
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

/// No more rows of a key are remembered than this.
const MOST_REMEMBERED: usize = 1000;

/// How late the events behind a view's rows may be.
fn lateness(catalog: &Catalog, view: &View) -> Millis {
    let below = view.upstream(catalog).map_or(Millis(0), |below| lateness(catalog, below));
    view.options.allowed_lateness + below
}

/// How far a scope's windows are closed.
pub(super) fn closed(head: &Head, scope: Scope) -> Timestamp {
    head.closed.get(&scope).copied().unwrap_or(Timestamp::MIN)
}
