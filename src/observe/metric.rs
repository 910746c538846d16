//! A metric: what it is called, and how it is counted, set or timed.

use metrics::{Key, Label, Level, Metadata, Unit, with_recorder};

/// What a metric does with the values that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Adds them up.
    Counter,
    /// Keeps the last.
    Gauge,
    /// Keeps how they are distributed.
    Histogram,
}

impl Kind {
    /// Its name in Prometheus' text format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What is known of a metric before it has a value.
#[derive(Debug)]
pub struct Definition {
    /// Its name, which ends in its unit, or `_total` where it is a counter.
    pub name: &'static str,
    /// What it does with values.
    pub kind: Kind,
    /// What its values are of.
    pub unit: Unit,
    /// The names of its labels. The values are those of a catalog, or few.
    pub labels: &'static [&'static str],
    /// What it says, as a sentence without its full stop.
    pub help: &'static str,
    /// The upper bounds of a histogram's buckets; none for the others.
    pub buckets: &'static [f64],
}

const METADATA: Metadata<'static> = Metadata::new("weir", Level::INFO, None);

impl Definition {
    fn key(&self, values: &[&str]) -> Key {
        debug_assert_eq!(self.labels.len(), values.len(), "the labels of {}", self.name);
        let labels = self.labels.iter().zip(values);
        let labels: Vec<_> = labels.map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
        Key::from_parts(self.name, labels)
    }
}

/// A metric that only rises.
#[derive(Debug)]
pub struct Counter(pub(super) Definition);

impl Counter {
    /// Adds to it, nothing too: a rate can be told of what has once been there.
    pub(super) fn add(&self, n: u64, labels: &[&str]) {
        with_recorder(|to| to.register_counter(&self.0.key(labels), &METADATA).increment(n));
    }
}

/// A metric that is what it was set to last.
#[derive(Debug)]
pub struct Gauge(pub(super) Definition);

impl Gauge {
    pub(super) fn set(&self, value: f64, labels: &[&str]) {
        with_recorder(|to| to.register_gauge(&self.0.key(labels), &METADATA).set(value));
    }
}

/// A metric of which the distribution matters.
#[derive(Debug)]
pub struct Histogram(pub(super) Definition);

impl Histogram {
    pub(super) fn record(&self, value: f64, labels: &[&str]) {
        with_recorder(|to| to.register_histogram(&self.0.key(labels), &METADATA).record(value));
    }
}
