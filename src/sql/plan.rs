//! The checked plan: what a catalog of SQL says, with every name resolved and every type known.

use std::{collections::BTreeSet, sync::Arc};

use super::{Aggregate, SqlFile, pattern::Pattern, template::Template};
use crate::{avro, protobuf, sql::Expr, time::Millis, value::Type};

/// The name under which a row of a single event says which record that is.
pub(crate) const SOURCE_RECORD: &str = "source_record";

/// The columns that every row of a windowed view has.
pub(super) const WINDOW_START: &str = "window_start";
pub(super) const WINDOW_END: &str = "window_end";
/// The event time of a view's rows, for views over it.
pub(super) const WINDOW_TIME: &str = "window_time";

/// All tables and views of a set of SQL files.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Tables, in the order of their statements.
    pub tables: Vec<Table>,
    /// Views, in the order of their statements.
    pub views: Vec<View>,
    /// The files that say so.
    pub files: Vec<SqlFile>,
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

    /// Drops all views but these and those that they read.
    pub fn keep(&mut self, names: &[String]) {
        let mut kept = BTreeSet::new();
        let all = self.views.iter().enumerate();
        let mut wanted: Vec<usize> =
            all.filter(|(_, view)| names.contains(&view.name)).map(|(index, _)| index).collect();
        while let Some(index) = wanted.pop() {
            let origins = self.views.get(index).into_iter().flat_map(|view| &view.sources);
            wanted.extend(origins.filter_map(|source| match source.origin {
                Origin::View(below) => Some(below),
                Origin::Table(_) => None,
            }));
            kept.insert(index);
        }
        let views = std::mem::take(&mut self.views).into_iter().enumerate();
        self.views = views.filter(|(index, _)| kept.contains(index)).map(|(_, view)| view).collect();
        for source in self.views.iter_mut().flat_map(|view| &mut view.sources) {
            if let Origin::View(below) = &mut source.origin {
                *below = kept.range(..*below).count();
            }
        }
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
    /// What its records are (`format`, default JSON).
    pub format: Format,
    /// The column whose value keys the topic's records (`key`).
    pub key: Option<usize>,
    /// The column that carries event time (`event_time`).
    pub event_time: usize,
    /// How far the watermark stays behind the largest event time (`watermark_delay`, default 0).
    pub watermark_delay: Millis,
    /// How far ahead of its broker's timestamp (or of the clock) an event may be before it is a
    /// dead letter instead of a watermark (`max_ahead`, default 1 hour).
    pub max_ahead: Millis,
    /// How events come to it but by its name.
    pub entrance: Entrance,
}

/// How events come to a table but by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// A further path of the API that takes its events (`route`), and with `/batch` behind it.
    pub route: Option<String>,
    /// Whether it takes the WebSocket's messages that name no table (`websocket`): one table at most.
    pub websocket: bool,
}

/// What the records of a topic are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// JSON objects, with a field for each column.
    #[default]
    Json,
    /// Plain text that fits a pattern, whose holes are columns. Each column has one hole at most, and
    /// there is text between two holes.
    Text(Template),
    /// Avro in its binary encoding, with a field for each column.
    Avro(Writer<avro::Schema>),
    /// Protobuf in its binary encoding, with a field for each column.
    Protobuf(Writer<protobuf::Record>),
}

/// Where the schema that a record was written by is known from.
#[derive(Clone, Debug, PartialEq)]
pub enum Writer<S> {
    /// The SQL: all records were written by it, and nothing stands before a value.
    Schema(Arc<S>),
    /// A registry of Confluent's kind, whose frame stands before each value. What has no frame is JSON.
    Confluent,
    /// AWS Glue's registry, whose frame stands before each value. What has no frame is JSON.
    Glue,
}

impl Format {
    /// Its name in SQL.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text(_) => "text",
            Self::Avro(Writer::Schema(_)) => "avro",
            Self::Avro(Writer::Confluent) => "avro-confluent",
            Self::Avro(Writer::Glue) => "avro-glue",
            Self::Protobuf(Writer::Schema(_)) => "protobuf",
            Self::Protobuf(Writer::Confluent) => "protobuf-confluent",
            Self::Protobuf(Writer::Glue) => "protobuf-glue",
        }
    }

    /// What all records are where nothing tells them from anything else: neither a registry's frame nor text.
    pub const fn bare(&self) -> Option<&'static str> {
        match self {
            Self::Avro(Writer::Schema(_)) => Some("Avro"),
            Self::Protobuf(Writer::Schema(_)) => Some("Protobuf"),
            _ => None,
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Whether a record without it is a dead letter.
    pub not_null: bool,
    /// The fields of the record's JSON object that feed it: the first that is there and not null.
    /// One of its own name unless OPTIONS name others.
    pub fields: Vec<String>,
    /// What ingest gives an event that lacks it (`DEFAULT`). Records that come to the topic by another
    /// way are taken as they are.
    pub fallback: Option<Fallback>,
}

/// What ingest gives an event that lacks a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// A UUID of version 7 (`uuidv7()`).
    Uuid,
    /// The moment at which the event was taken (`now()`).
    Now,
    /// A constant, as JSON.
    Constant(String),
}

impl Column {
    /// A column that is fed by the field of its name.
    pub fn new(name: impl Into<String>, kind: Type, not_null: bool) -> Self {
        let name = name.into();
        Self { fields: vec![name.clone()], name, kind, not_null, fallback: None }
    }

    /// Whether the field of its name feeds it, and no other.
    pub fn is_fed_by_its_name(&self) -> bool {
        matches!(self.fields.as_slice(), [only] if *only == self.name)
    }
}

/// An aggregate over one or more tables, or over the rows of another view.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name in SQL, in the API's paths and in its rows.
    pub name: String,
    /// A hash of everything that decides its rows: part of its keys in the store, so that a view
    /// that changed starts clean beside the old one.
    pub fingerprint: u64,
    /// What it reads: more than one table where FROM is a UNION ALL, or one view.
    pub sources: Vec<Source>,
    /// Its windows.
    pub window: Window,
    /// Whether each row of the view that it reads counts in the window that this row is of, and in no
    /// other. (Its own window is then that view's.)
    pub keeps_windows: bool,
    /// The group key's columns: their names and types. A source's [`Source::keys`] compute them.
    pub keys: Vec<Field>,
    /// The aggregates. A source's [`Source::inputs`] compute what they take in.
    pub aggregates: Vec<Aggregate>,
    /// What `previous(x)` names: columns of the same key's row of the window before.
    pub previous: Vec<Earlier>,
    /// What a row has of the one event that it is of, where every event makes a row, or of the last
    /// event of a match. A source's [`Source::carried`] compute it.
    pub carried: Vec<Field>,
    /// What a match is, where every match makes a row.
    pub pattern: Option<Pattern>,
    /// The columns of its rows in SELECT's order, without `window_start` and
    /// `window_end` where SELECT names these bare: every row has them at its end in any case.
    pub outputs: Vec<Output>,
    /// HAVING or QUALIFY, over the slots that [`Output`] names and all outputs.
    pub having: Option<Expr>,
    /// WITH (...).
    pub options: Options,
}

/// One table or view as a view reads it. Its expressions are over the table's columns, or over those
/// of [`View::row_columns`].
#[derive(Clone, Debug)]
pub struct Source {
    /// Which table or view.
    pub origin: Origin,
    /// WHERE, that of the subquery and that of the view together.
    pub filter: Option<Expr>,
    /// The group key.
    pub keys: Vec<Expr>,
    /// For each of [`View::aggregates`], what it takes in.
    pub inputs: Vec<Input>,
    /// What [`View::carried`] names.
    pub carried: Vec<Expr>,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One of [`Catalog::tables`].
    Table(usize),
    /// One of [`Catalog::views`].
    View(usize),
}

/// What `previous(x)` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// One of [`View::outputs`].
    Output(usize),
    /// `window_start`.
    Start,
    /// `window_end`.
    End,
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

/// A column of a view's rows.
///
/// Its expression is over these slots: the keys, then the aggregates, then `window_start` and
/// `window_end`, then [`View::previous`], then [`View::carried`], then the pattern's [`Pattern::picks`], then the
/// outputs that stand before it.
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
    /// No window: a row a key that is brought up to date with every batch, for ever.
    Running,
    /// `OVER (... RANGE BETWEEN range PRECEDING AND CURRENT ROW)`: a row an event, over the events of
    /// its key that are at most `range` older.
    Over {
        /// From an event back to the first that counts.
        range: Millis,
    },
    /// No window: a row an event, of nothing but that event.
    Event,
    /// `MATCH_RECOGNIZE`: a row a match of [`View::pattern`].
    Match {
        /// A match's last event is less than this behind its first.
        within: Millis,
    },
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
    /// What its rows are told as, beside the JSON (`text_topic`, `template`).
    pub sentence: Option<Sentence>,
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
    /// Whether its rows are alerts (`alert`).
    pub alert: bool,
    /// How long after an alert the same key raises no other (`cooldown`, default 0).
    pub cooldown: Millis,
    /// What tells its state from an earlier one of the same definition (`generation`).
    pub generation: Option<String>,
}

/// The topic of alert views that name none.
pub const ALERTS: &str = "weir.alerts";
/// Rows as text, on a topic of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The topic.
    pub topic: String,
    /// The text. Its slots are the view's outputs and, behind them, [`Sentence::BEYOND`].
    pub template: Template,
}

impl Sentence {
    /// What a row has beside the view's outputs, in the order of the slots.
    pub const BEYOND: [&'static str; 4] = ["window_start", "window_end", "revision", "view"];
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topic: None,
            sentence: None,
            allowed_lateness: Millis(0),
            idle_timeout: Millis::seconds(10),
            flush_after: Millis::seconds(30),
            history: Millis::days(7),
            alert: false,
            cooldown: Millis(0),
            generation: None,
        }
    }
}

impl Source {
    /// The table that it is, if it is one.
    pub fn table<'c>(&self, catalog: &'c Catalog) -> Option<&'c Table> {
        match self.origin {
            Origin::Table(index) => catalog.tables.get(index),
            Origin::View(_) => None,
        }
    }

    /// The view that it is, if it is one.
    pub fn view<'c>(&self, catalog: &'c Catalog) -> Option<&'c View> {
        match self.origin {
            Origin::View(index) => catalog.views.get(index),
            Origin::Table(_) => None,
        }
    }

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

    /// The slot of the first of [`View::previous`] in those rows.
    pub fn first_previous_slot(&self) -> usize {
        self.window_start_slot() + 2
    }

    /// The slot of the first output in those rows.
    pub fn first_output_slot(&self) -> usize {
        self.first_pick_slot() + self.pattern.as_ref().map_or(0, |pattern| pattern.picks.len())
    }

    /// The slot of the first of [`Pattern::picks`] in those rows.
    pub fn first_pick_slot(&self) -> usize {
        self.first_carried_slot() + self.carried.len()
    }

    /// The slot of the first of [`View::carried`] in those rows.
    pub fn first_carried_slot(&self) -> usize {
        self.first_previous_slot() + self.previous.len()
    }

    /// The columns of its rows as a view over it sees them: the outputs, `window_start`,
    /// `window_end`, and `window_time`, the last millisecond of the window, which is a row's event
    /// time.
    pub fn row_columns(&self) -> impl Iterator<Item = Field> + '_ {
        let bounds = [WINDOW_START, WINDOW_END, WINDOW_TIME];
        let bounds = bounds.map(|name| Field { name: name.to_owned(), kind: Type::Timestamp });
        self.outputs.iter().map(|output| output.field.clone()).chain(bounds)
    }

    /// The view that it reads, if it reads one.
    pub fn upstream<'c>(&self, catalog: &'c Catalog) -> Option<&'c Self> {
        self.sources.first().and_then(|source| source.view(catalog))
    }

    /// The largest watermark delay of the tables it reads.
    pub fn watermark_delay(&self, catalog: &Catalog) -> Millis {
        let delay = |source: &Source| match source.view(catalog) {
            Some(view) => Some(view.watermark_delay(catalog)),
            None => source.table(catalog).map(|table| table.watermark_delay),
        };
        self.sources.iter().filter_map(delay).max().unwrap_or_default()
    }
}
