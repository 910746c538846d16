//! Rows of single events: what `OVER` keeps of events and how a row is made.
//!
//! The frame of an event at time t holds the events of its key with times in `[t - range, t]`, those of
//! its own time too. A row is a function of the event and its frame. What is kept are the events
//! themselves: an event that comes out of order is in the frames of the key's later events up to t +
//! range, whose rows are then made again. A frame only grows, so the number of its events is the row's
//! coverage (C-2), and the final rows are a function of the set of events that were taken in, whatever
//! their order and however batches were cut.
//!
//! An event is late at a watermark W with `t + range + allowed_lateness <= W`: by then every row that it
//! would change is past. So nothing older than `closed - 2 * range - allowed_lateness` is needed any more, `closed`
//! being a bound on W that never falls: what is older is forgotten, and a frame that reaches back
//! further has had its last row.
//!
//! A slab holds its slice's events as a log ([`Log`]); a writer holds those of all slices by key
//! ([`EventIndex`]), made of nothing but its slabs.

mod frames;
mod index;
mod log;
mod rows;

pub(super) use frames::Frames;
pub(super) use index::{EventIndex, KeyEvents, Touched};
pub(super) use log::{Log, Logged};
pub(super) use rows::{Of, Rows, Rule};

use crate::{
    aggregate::Accumulators,
    codec::{CodecError, Reader, put_value},
    sql::{Aggregate, AggregateFunction, Source},
    time::{Millis, Timestamp},
    value::Value,
    window::is_past,
};

/// How far an event reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// From an event back to the first that counts.
    pub(super) range: Millis,
    pub(super) lateness: Millis,
}

impl Reach {
    /// Whether an event is late at a watermark.
    pub(super) fn is_late(self, at: Timestamp, watermark: Timestamp) -> bool {
        is_past(at + Millis(1), self.range + self.lateness, watermark)
    }

    /// From `closed` back to the first event that may still be needed.
    pub(super) fn back(self) -> Millis {
        self.range + self.range + self.lateness
    }
}

/// What is kept of an event beside its key, time and offset: the values that the aggregates take in, each NULL
/// where a FILTER leaves it out, then those that the row has of the event itself.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// For each aggregate whether its value is kept: not where every event counts alike.
    values: Vec<Option<AggregateFunction>>,
}

impl Kept {
    pub(super) fn of(aggregates: &[Aggregate], source: &Source) -> Self {
        let is_kept = |(aggregate, input): (&Aggregate, &crate::sql::Input)| {
            (input.argument.is_some() || input.filter.is_some()).then_some(aggregate.function)
        };
        Self { values: aggregates.iter().zip(&source.inputs).map(is_kept).collect() }
    }

    /// Appends what is kept of an event.
    pub(super) fn put(&self, source: &Source, row: &[Value<'_>], out: &mut Vec<u8>) {
        self.put_inputs(source, row, out);
        for carried in &source.carried {
            carried.with(row, |value| put_value(out, value));
        }
    }

    /// Appends what the aggregates take in of an event.
    pub(super) fn put_inputs(&self, source: &Source, row: &[Value<'_>], out: &mut Vec<u8>) {
        for (kept, input) in self.values.iter().zip(&source.inputs) {
            let Some(function) = kept else { continue };
            let passes = input.filter.as_ref().is_none_or(|filter| filter.test(row));
            match &input.argument {
                _ if !passes => put_value(out, &Value::Null),
                None => put_value(out, &Value::Bool(true)),
                Some(argument) => argument.with(row, |value| match function {
                    AggregateFunction::Count if !value.is_null() => put_value(out, &Value::Bool(true)),
                    _ => put_value(out, value),
                }),
            }
        }
    }

    /// For each aggregate whether its value is kept.
    pub(super) fn is_kept(&self) -> impl Iterator<Item = bool> {
        self.values.iter().map(Option::is_some)
    }

    /// Whether every event counts alike for every aggregate: each is the number of events.
    fn is_count(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Lets a group take in an event.
    fn update(
        &self,
        accumulators: &mut Accumulators,
        group: usize,
        at: Timestamp,
        mut kept: Reader<'_>,
    ) -> Result<(), CodecError> {
        for (aggregate, function) in self.values.iter().enumerate() {
            match function {
                None => accumulators.update(aggregate, group, at, &Value::Bool(true)),
                Some(_) => accumulators.update(aggregate, group, at, &kept.value()?),
            }
        }
        Ok(())
    }

    /// What a row has of its event.
    fn carried<'e>(&self, mut kept: Reader<'e>) -> Result<Reader<'e>, CodecError> {
        for _ in self.values.iter().flatten() {
            kept.value()?;
        }
        Ok(kept)
    }
}
