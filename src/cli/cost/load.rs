//! What the SQL makes of a rate of events: batches of tables, slabs and rows of views.

use super::Args;
use crate::{
    sql::{AggregateFunction, Catalog, Expr, Origin, Source, View, Window},
    window::Slices,
};

/// The largest payload that an event source hands to a function.
const PAYLOAD: f64 = 6e6;
/// What an event source adds to a record, beside writing key and value in base64.
const ENVELOPE: f64 = 110.0;

/// CPU seconds for a million events, of `docs/performance.md`: an MSK payload to rows.
mod measured {
    pub(super) const TUMBLING: f64 = 0.51;
    pub(super) const HOPPING: f64 = 0.38;
    pub(super) const DISTINCT: f64 = 0.61;
    pub(super) const SESSIONS: f64 = 1.18;
    pub(super) const OVER: f64 = 1.40;
    pub(super) const MATCHES: f64 = 1.37;
    /// Of each of these the payload and its records.
    pub(super) const READING: f64 = 0.22;
    /// Flink SQL 2.3 with state on the heap: tumbling, hopping, distinct; sessions as a `DataStream`.
    pub(super) const FLINK: [f64; 4] = [1.51, 2.10, 2.61, 12.2];
    /// A slab of two counts, keys of ten random characters.
    pub(super) const SLAB_KEY: f64 = 10.1;
    /// A row of such a view in the history, and how much more a key has in a page, for its two rows.
    pub(super) const ROW: f64 = 14.0;
    pub(super) const PAGE_TIMES: f64 = 1.5;
}

/// A topic that `window` reads.
#[derive(Clone, Debug)]
pub(super) struct TableLoad {
    pub(super) name: String,
    /// Events a second.
    pub(super) rate: f64,
    /// Records of a batch of one partition.
    pub(super) records: f64,
    /// Batches a second of all partitions.
    pub(super) batches: f64,
    /// How many views each batch is absorbed into.
    pub(super) views: f64,
    /// CPU seconds for a million events.
    pub(super) cpu: f64,
}

/// A view.
#[derive(Clone, Debug)]
pub(super) struct ViewLoad {
    pub(super) name: String,
    /// Keys of all partitions.
    pub(super) keys: f64,
    /// Slabs that are written a second, and the kilobytes of each.
    pub(super) slab_writes: f64,
    pub(super) slab_units: f64,
    /// Closings a second, and the rows of each.
    pub(super) closings: f64,
    pub(super) rows: f64,
    pub(super) key_bytes: f64,
    pub(super) row_bytes: f64,
    /// CPU seconds of Flink for a million of its events, and how many there are a second.
    pub(super) flink: f64,
    pub(super) rate: f64,
}

impl ViewLoad {
    pub(super) fn page_bytes(&self) -> f64 {
        self.row_bytes * measured::PAGE_TIMES
    }
}

/// What there is to pay for.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) tables: Vec<TableLoad>,
    pub(super) views: Vec<ViewLoad>,
    /// Topics of any kind, and their partitions.
    pub(super) topics: f64,
    pub(super) partitions: f64,
}

/// How many of `all` are among so many drawn at random.
pub(super) fn distinct(all: f64, drawn: f64) -> f64 {
    if all <= 0.0 { 0.0 } else { all * (1.0 - (-drawn / all).exp()) }
}

/// The mean of the started kilobytes of an item that is written so often while it grows.
pub(super) fn mean_units(keys: f64, events: f64, bytes: f64, writes: f64) -> f64 {
    let steps = writes.clamp(1.0, 1000.0).round();
    let (mut sum, mut step) = (0.0, 1.0);
    while step <= steps {
        sum += (distinct(keys, events * step / steps) * bytes / 1024.0).ceil().max(1.0);
        step += 1.0;
    }
    sum / steps
}

impl Load {
    /// At `times` the rate that is asked for.
    pub(super) fn of(catalog: &Catalog, args: &Args, times: f64) -> Self {
        let rate = |index: usize| {
            let table = catalog.tables.get(index);
            table.map_or(0.0, |table| args.rate(&table.name, catalog.tables.len()) * times)
        };
        let partitions = f64::from(args.partitions);
        let tables: Vec<TableLoad> = (0..catalog.tables.len())
            .map(|index| TableLoad::of(catalog, args, index, rate(index), partitions))
            .collect();
        let mut views: Vec<ViewLoad> = Vec::new();
        for view in &catalog.views {
            let of_table = view.sources.iter().filter_map(|source| match source.origin {
                Origin::Table(table) => Some((source, tables.get(table)?)),
                Origin::View(_) => None,
            });
            let sources: Vec<_> = of_table.collect();
            let below = view.sources.iter().find_map(|source| match source.origin {
                Origin::View(below) => views.get(below),
                Origin::Table(_) => None,
            });
            views.push(ViewLoad::of(catalog, args, view, &sources, below));
        }
        let topics = f64::from(u32::try_from(catalog.topics().len()).unwrap_or(u32::MAX));
        // Late events and three kinds of dead letters have a topic of one partition each.
        Self { tables, views, topics: topics + 4.0, partitions: topics * partitions + 4.0 }
    }
}

impl TableLoad {
    fn of(catalog: &Catalog, args: &Args, index: usize, rate: f64, partitions: f64) -> Self {
        let fits = (PAYLOAD / (args.bytes_per_event * 4.0 / 3.0 + ENVELOPE)).floor();
        let most = f64::from(args.batch_size).min(fits).max(1.0);
        let records = (rate / partitions * args.batch_window).clamp(1.0, most);
        let readers = catalog
            .views
            .iter()
            .filter(|view| view.sources.iter().any(|source| source.origin == Origin::Table(index)));
        let (mut views, mut cpu) = (0.0, measured::READING);
        for view in readers {
            views += 1.0;
            cpu += cpu_of(view) - measured::READING;
        }
        let name = catalog.tables.get(index).map(|table| table.name.clone()).unwrap_or_default();
        Self { name, rate, records, batches: rate / records, views, cpu }
    }
}

impl ViewLoad {
    fn of(
        catalog: &Catalog,
        args: &Args,
        view: &View,
        sources: &[(&Source, &TableLoad)],
        below: Option<&Self>,
    ) -> Self {
        let partitions = f64::from(args.partitions);
        let keys = if view.keys.is_empty() { 1.0 } else { args.keys_of(&view.name) };
        let rate: f64 = sources.iter().map(|(_, table)| table.rate).sum();
        let batches = sources.iter().map(|(_, table)| table.batches).sum();
        let slice = seconds(Slices::of(view.window).length().0);
        let key_bytes = key_bytes(view);
        let (mut slab_writes, mut kilobytes) = (0.0, 0.0);
        for (source, table) in sources.iter().filter(|_| view.window != Window::Event) {
            // A batch reaches into one slice more than it is long.
            let span = if table.rate > 0.0 { (table.records - 1.0) * partitions / table.rate } else { 0.0 };
            let writes = table.batches * (1.0 + span / slice);
            let part = keys / if is_keyed(catalog, source) { partitions } else { 1.0 };
            let in_slice = table.rate / partitions * slice;
            let units = if is_log(view.window) {
                mean_units(1e18, in_slice, key_bytes, writes / partitions * slice)
            } else {
                mean_units(part, in_slice, key_bytes, writes / partitions * slice)
            };
            slab_writes += writes;
            kilobytes += writes * units;
        }
        let (closings, rows) = match (view.window, below) {
            (_, Some(below)) => (below.closings, distinct(keys, below.rows)),
            (Window::Grid { size, slide }, None) => {
                (1.0 / seconds(slide.0), distinct(keys, rate * seconds(size.0)))
            }
            // Each batch gives out the keys that it changed.
            (Window::Running, None) => (batches, distinct(keys, rate / f64::max(batches, 1e-9))),
            // How many events make a row, or end a session or a match, only the data say.
            _ => (batches, args.row_share * rate / f64::max(batches, 1e-9)),
        };
        // HAVING keeps most rows of a rule back.
        let rows = if view.having.is_some() && rows > 1.0 { rows * args.row_share } else { rows };
        let closings = if rate > 0.0 || below.is_some() { closings } else { 0.0 };
        let slab_units = if slab_writes > 0.0 { kilobytes / slab_writes } else { 0.0 };
        let flink = if below.is_some() { 0.0 } else { flink_of(view) };
        let name = view.name.clone();
        Self {
            name,
            keys,
            slab_writes,
            slab_units,
            closings,
            rows,
            key_bytes,
            row_bytes: row_bytes(view),
            flink,
            rate,
        }
    }
}

fn seconds(millis: i64) -> f64 {
    f64::from(i32::try_from(millis).unwrap_or(i32::MAX)) / 1000.0
}

/// Whether a key's events are in one partition.
fn is_keyed(catalog: &Catalog, source: &Source) -> bool {
    let key = source.table(catalog).and_then(|table| table.key);
    key.is_some_and(|key| source.keys.contains(&Expr::Column(key)))
}

/// Whether slabs keep events rather than keys.
const fn is_log(window: Window) -> bool {
    matches!(window, Window::Over { .. } | Window::Match { .. })
}

fn has_sets(view: &View) -> bool {
    use AggregateFunction as F;
    !view
        .aggregates
        .iter()
        .all(|aggregate| matches!(aggregate.function, F::Count | F::Sum | F::Min | F::Max | F::Avg))
}

fn cpu_of(view: &View) -> f64 {
    match view.window {
        Window::Session { .. } => measured::SESSIONS,
        Window::Over { .. } => measured::OVER,
        Window::Match { .. } => measured::MATCHES,
        _ if has_sets(view) => measured::DISTINCT,
        Window::Grid { size, slide } if size != slide => measured::HOPPING,
        _ => measured::TUMBLING,
    }
}

fn flink_of(view: &View) -> f64 {
    let [tumbling, hopping, distinct, sessions] = measured::FLINK;
    match view.window {
        Window::Session { .. } => sessions,
        _ if has_sets(view) || view.window.is_by_event() || is_log(view.window) => distinct,
        Window::Grid { size, slide } if size != slide => hopping,
        _ => tumbling,
    }
}

/// Bytes of a key in a slab, or of an event where slabs keep these: measured for two counts, the rest is an estimate.
fn key_bytes(view: &View) -> f64 {
    use AggregateFunction as F;
    let more = view.aggregates.iter().map(|aggregate| match aggregate.function {
        F::Count => 0.0,
        F::Sum | F::Min | F::Max | F::Avg => 8.0,
        F::First | F::Last => 16.0,
        _ => 64.0,
    });
    measured::SLAB_KEY + if is_log(view.window) { 8.0 } else { more.sum() }
}

/// Bytes of a row in the history: measured for a key, two counts and their ratio; 8 a further column are an estimate.
fn row_bytes(view: &View) -> f64 {
    let columns = u32::try_from(view.outputs.len()).unwrap_or(u32::MAX);
    measured::ROW + 8.0 * f64::from(columns.saturating_sub(4))
}
