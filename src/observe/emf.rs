//! Metrics as lines of `CloudWatch`'s embedded metric format: Lambda writes what a function prints into its
//! log, and `CloudWatch` makes metrics of such lines. No call, no agent, no credentials.
//!
//! A line has what was recorded since the last one. It has the dimension `function` alone, whatever labels
//! a metric has, since each combination of a metric and its dimensions is billed: counters are added up,
//! gauges are the largest, histograms keep every value. A label that says *what* was counted, rather than
//! of what ([`SPLITS`]), becomes part of the name instead: `weir_store_units_total_read`.
//! With [`Detail::View`] a line for each view follows that was heard of, under `function` and `view`.
//!
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use serde_json::{Map, Value as Json, json};

use super::names;
use crate::time::Timestamp;

/// The namespace of all metrics.
const NAMESPACE: &str = "Weir";
/// The most values of one metric in a line, by the specification.
const MOST_VALUES: usize = 100;
/// The label of what a view did.
const VIEW: &str = "view";
/// Labels of few values each, which become part of a metric's name.
const SPLITS: [&str; 3] = ["kind", "item", "outcome"];

/// By what metrics can be told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// By function.
    #[default]
    Function,
    /// By function, and by view where they are of one.
    View,
}

/// A metric's name and its labels, each with its value.
type Series = (String, Vec<(String, String)>);

/// Records metrics until they are taken as lines.
#[derive(Debug)]
pub struct Emf {
    function: String,
    detail: Detail,
    cells: Mutex<BTreeMap<Series, Arc<Cell>>>,
}

/// What was recorded of one metric with its labels.
#[derive(Debug, Default)]
struct Cell(Mutex<Recorded>);

#[derive(Clone, Debug, Default, PartialEq)]
enum Recorded {
    #[default]
    Nothing,
    Sum(u64),
    Last(f64),
    Each(Vec<f64>),
}

impl Recorded {
    /// Puts what another label set recorded to this one.
    fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::Nothing) => {}
            (Self::Sum(sum), Self::Sum(more)) => *sum += more,
            (Self::Last(largest), Self::Last(other)) => *largest = largest.max(other),
            (Self::Each(values), Self::Each(more)) => values.extend(more),
            (_, other) => *self = other,
        }
    }

    /// The values of the `index`th line.
    fn values(&self, index: usize) -> Option<Json> {
        match self {
            Self::Sum(sum) if index == 0 => Some(json!(sum)),
            Self::Last(value) if index == 0 => Some(json!(value)),
            Self::Each(values) => values.chunks(MOST_VALUES).nth(index).map(|values| json!(values)),
            _ => None,
        }
    }
}

impl Cell {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Recorded {
        std::mem::take(&mut *self.lock())
    }
}

impl CounterFn for Cell {
    fn increment(&self, value: u64) {
        // Nothing counted is nothing to tell, and to be billed.
        if value > 0 {
            self.lock().merge(Recorded::Sum(value));
        }
    }
    fn absolute(&self, value: u64) {
        *self.lock() = Recorded::Sum(value);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, value: f64) {
        let mut recorded = self.lock();
        let last = if let Recorded::Last(last) = *recorded { last } else { 0.0 };
        *recorded = Recorded::Last(last + value);
    }
    fn decrement(&self, value: f64) {
        GaugeFn::increment(self, -value);
    }
    fn set(&self, value: f64) {
        *self.lock() = Recorded::Last(value);
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        self.lock().merge(Recorded::Each(vec![value]));
    }
}

/// What one line tells of each metric, by name.
type Told = BTreeMap<String, (Recorded, Option<Unit>)>;

impl Emf {
    /// A recorder for a function, by the name that its metrics are to have.
    pub fn new(function: impl Into<String>, detail: Detail) -> Self {
        Self { function: function.into(), detail, cells: Mutex::default() }
    }

    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        match cells.entry((key.name().to_owned(), labels.collect())) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => Arc::clone(entry.insert(Arc::default())),
        }
    }

    /// Takes what was recorded since the last time, as lines: none where nothing was.
    pub fn take(&self, now: Timestamp) -> Vec<String> {
        let mut all = Told::new();
        let mut by_view: BTreeMap<String, Told> = BTreeMap::new();
        for ((name, labels), recorded) in self.drain() {
            let unit = names::ALL.iter().find(|metric| metric.name == name).map(|metric| metric.unit);
            let splits = labels.iter().filter(|(label, _)| SPLITS.contains(&label.as_str()));
            let name = splits.fold(name, |name, (_, value)| format!("{name}_{value}"));
            let view = labels.into_iter().find(|(label, _)| label == VIEW).map(|(_, view)| view);
            if let (Detail::View, Some(view)) = (self.detail, view) {
                tell(by_view.entry(view).or_default(), name.clone(), recorded.clone(), unit);
            }
            tell(&mut all, name, recorded, unit);
        }
        let mut lines = self.lines(&all, None, now);
        for (view, told) in by_view {
            lines.extend(self.lines(&told, Some(&view), now));
        }
        lines
    }

    fn drain(&self) -> Vec<(Series, Recorded)> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = cells.iter().map(|(key, cell)| (key.clone(), cell.take()));
        taken.filter(|(_, recorded)| *recorded != Recorded::Nothing).collect()
    }

    /// As many lines as the longest list of values needs.
    fn lines(&self, told: &Told, view: Option<&str>, now: Timestamp) -> Vec<String> {
        let line = |index| self.line(told, index, view, now);
        (0..).map_while(line).collect()
    }

    fn line(&self, told: &Told, index: usize, view: Option<&str>, now: Timestamp) -> Option<String> {
        let (mut directives, mut members) = (Vec::new(), Map::new());
        for (name, (recorded, unit)) in told {
            let Some(values) = recorded.values(index) else { continue };
            directives.push(json!({ "Name": name, "Unit": unit_name(*unit) }));
            members.insert(name.clone(), values);
        }
        if members.is_empty() {
            return None;
        }
        let mut dimensions = vec!["function"];
        dimensions.extend(view.map(|_| VIEW));
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": directives });
        let mut line = Map::new();
        line.insert("_aws".into(), json!({ "Timestamp": now.0, "CloudWatchMetrics": [directive] }));
        line.insert("function".into(), self.function.as_str().into());
        line.extend(view.map(|view| (VIEW.to_owned(), view.into())));
        line.append(&mut members);
        Some(Json::Object(line).to_string())
    }
}

/// The unit as `CloudWatch` has it.
const fn unit_name(unit: Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Count) => "Count",
        Some(Unit::Seconds) => "Seconds",
        Some(Unit::Bytes) => "Bytes",
        _ => "None",
    }
}

fn tell(told: &mut Told, name: String, recorded: Recorded, unit: Option<Unit>) {
    told.entry(name).or_insert((Recorded::Nothing, unit)).0.merge(recorded);
}

impl Recorder for Emf {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}
