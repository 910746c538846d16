//! The checked plan: what a catalog of SQL says, with every name resolved and every type known.

use std::collections::BTreeSet;

use crate::{sql::Expr, time::Millis, value::Type};

/// The name under which a row of a single event says which record that is.
pub(crate) const SOURCE_RECORD: &str = "source_record";

/// All tables and views of a set of SQL files.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Tables, in the order of their statements.
    pub tables: Vec<Table>,
    /// Views, in the order of their statements.
    pub views: Vec<View>,
}

impl Catalog {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The view of this name.
    pub fn view(&self, name: &str) -> Option<&View> {
        self.views.iter().find(|view| view.name == name)
    }

    /// The table that describes a topic.
    pub fn table_of_topic(&self, topic: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.topic == topic)
    }
}

/// A topic and the shape of its records.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name in SQL.
    pub name: String,
    /// The topic it describes; the table's name unless `topic` says otherwise.
    pub topic: String,
    /// Its columns. A decoded row has a value for each, in this order.
    pub columns: Vec<Column>,
    /// The column whose value keys the topic's records (`key`).
    pub key: Option<usize>,
    /// The column that carries event time (`event_time`).
    pub event_time: usize,
    /// How far the watermark stays behind the largest event time (`watermark_delay`, default 0).
    pub watermark_delay: Millis,
    /// How far ahead of its broker's timestamp (or of the clock) an event may be before it is a
    /// dead letter instead of a watermark (`max_ahead`, default 1 hour).
    pub max_ahead: Millis,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name, which is also the field's name in the record's JSON object.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Whether a record without it is a dead letter.
    pub not_null: bool,
}

/// A windowed aggregate over one or more tables.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name in SQL, in the API's paths and in its rows.
    pub name: String,
    /// A hash of everything that decides its rows: part of its keys in the store, so that a view
    /// that changed starts clean beside the old one.
    pub fingerprint: u64,
    /// The tables it reads: more than one where FROM is a UNION ALL.
    pub sources: Vec<Source>,
    /// Its windows.
    pub window: Window,
    /// The group key's columns: their names and types. A source's [`Source::keys`] compute them.
    pub keys: Vec<Field>,
    /// The aggregates. A source's [`Source::inputs`] compute what they take in.
    pub aggregates: Vec<Aggregate>,
    /// What a row has of the one event that it is of, where every event makes a row. A source's
    /// [`Source::carried`] compute it.
    pub carried: Vec<Field>,
    /// The columns of its rows in SELECT's order, without `window_start` and
    /// `window_end` where SELECT names these bare: every row has them at its end in any case.
    pub outputs: Vec<Output>,
    /// HAVING or QUALIFY, over the slots that [`Output`] names and all outputs.
    pub having: Option<Expr>,
    /// WITH (...).
    pub options: Options,
}

/// One table as a view reads it. Its expressions are over the table's columns.
#[derive(Clone, Debug)]
pub struct Source {
    /// Which of [`Catalog::tables`].
    pub table: usize,
    /// WHERE, that of the subquery and that of the view together.
    pub filter: Option<Expr>,
    /// The group key.
    pub keys: Vec<Expr>,
    /// For each of [`View::aggregates`], what it takes in.
    pub inputs: Vec<Input>,
    /// What [`View::carried`] names.
    pub carried: Vec<Expr>,
}

/// What one aggregate takes in of a row.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its argument; none for `count(*)`.
    pub argument: Option<Expr>,
    /// `FILTER (WHERE ...)`: rows for which this is not true are not counted.
    pub filter: Option<Expr>,
}

/// A name and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: Type,
}

/// An aggregate function over values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Which function.
    pub function: AggregateFunction,
    /// The type of its argument; [`Type::BigInt`] for `count(*)`.
    pub argument: Type,
    /// The type of its result.
    pub result: Type,
}

/// The aggregate functions. All but the counts give NULL where they took in no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// `count(*)` counts rows, `count(x)` those where x is not NULL.
    Count,
    /// `count(DISTINCT x)`, exact.
    CountDistinct,
    /// `sum(x)` of BIGINT (which saturates) or DOUBLE.
    Sum,
    /// `min(x)` of any type but JSON.
    Min,
    /// `max(x)` of any type but JSON.
    Max,
    /// `avg(x)` of BIGINT or DOUBLE, as DOUBLE.
    Avg,
}

/// A column of a view's rows.
///
/// Its expression is over these slots: the keys, then the aggregates, then `window_start` and
/// `window_end`, then [`View::carried`], then the outputs that stand before it.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name and type.
    pub field: Field,
    /// How it is computed.
    pub expr: Expr,
}

/// A view's windows. All are half-open, `[start, end)`, and aligned to the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `TUMBLE(ts, size)` (then `slide` equals `size`) and `HOP(ts, slide, size)`.
    Grid {
        /// A window's length.
        size: Millis,
        /// From one window's start to the next's.
        slide: Millis,
    },
    /// `SESSION(ts, gap)`: events of a key that are at most `gap` apart.
    Session {
        /// The largest silence within a session.
        gap: Millis,
    },
    /// `OVER (... RANGE BETWEEN range PRECEDING AND CURRENT ROW)`: a row an event, over the events of
    /// its key that are at most `range` older.
    Over {
        /// From an event back to the first that counts.
        range: Millis,
    },
    /// No window: a row an event, of nothing but that event.
    Event,
}

impl Window {
    /// Whether every event makes a row, rather than every key and window.
    pub const fn is_by_event(self) -> bool {
        matches!(self, Self::Over { .. } | Self::Event)
    }
}

/// What a view's WITH clause may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The topic that its rows go to (`topic`); none means that they are not published.
    pub topic: Option<String>,
    /// How long behind the watermark a window still takes events (`allowed_lateness`, default 0).
    pub allowed_lateness: Millis,
    /// How long a caught-up partition stays silent before the watermark leaves it out
    /// (`idle_timeout`, default 10 s).
    pub idle_timeout: Millis,
    /// How long all partitions stay silent before the last windows are flushed (`flush_after`,
    /// default 30 s).
    pub flush_after: Millis,
    /// How long closed rows are kept (`history`, default 7 days).
    pub history: Millis,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topic: None,
            allowed_lateness: Millis(0),
            idle_timeout: Millis::seconds(10),
            flush_after: Millis::seconds(30),
            history: Millis::days(7),
        }
    }
}

impl Source {
    /// The columns of its table that it reads, in order; the event time is not among them unless an
    /// expression names it.
    pub fn columns(&self) -> BTreeSet<usize> {
        let mut slots = BTreeSet::new();
        let inputs = self.inputs.iter().flat_map(|input| input.argument.iter().chain(&input.filter));
        for expr in self.filter.iter().chain(&self.keys).chain(inputs).chain(&self.carried) {
            expr.for_each_column(&mut |slot| {
                slots.insert(slot);
            });
        }
        slots
    }
}

impl View {
    /// The slot of `window_start` in the rows that [`Output::expr`] is evaluated on.
    pub fn window_start_slot(&self) -> usize {
        self.keys.len() + self.aggregates.len()
    }

    /// The slot of the first of [`View::carried`] in those rows.
    pub fn first_carried_slot(&self) -> usize {
        self.window_start_slot() + 2
    }

    /// The slot of the first output in those rows.
    pub fn first_output_slot(&self) -> usize {
        self.first_carried_slot() + self.carried.len()
    }

    /// The largest watermark delay of the tables it reads.
    pub fn watermark_delay(&self, catalog: &Catalog) -> Millis {
        let delays = self.sources.iter().filter_map(|source| catalog.tables.get(source.table));
        delays.map(|table| table.watermark_delay).max().unwrap_or_default()
    }
}
