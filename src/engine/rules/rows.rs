//! Rows of single events.

use super::{Kept, KeyEvents, frames::Frame};
use crate::{
    aggregate::Accumulators,
    codec::{CodecError, Reader},
    engine::{
        close::KeyedRow,
        row::{ClosedRow, SourceRecord},
        view::ViewRuntime,
    },
    sql::{Source, View},
    state::Partition,
    time::{Millis, Offset, Timestamp},
    value::Value,
};

/// What a view's rows need.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Rule {
    pub(in crate::engine) kept: Kept,
    /// For each slot whether QUALIFY reads it, itself or through a column.
    qualifying: Vec<bool>,
    /// Whether it reads anything of the event itself.
    reads_event: bool,
}

impl Rule {
    /// The rule of a view of which every event makes a row.
    pub(in crate::engine) fn of(view: &View) -> Option<Self> {
        let source = view.sources.first().filter(|_| view.window.is_by_event())?;
        let first_output = view.first_output_slot();
        let mut qualifying = vec![false; first_output + view.outputs.len()];
        let note = |slot: usize, qualifying: &mut Vec<bool>| {
            if let Some(is_read) = qualifying.get_mut(slot) {
                *is_read = true;
            }
        };
        if let Some(qualify) = &view.having {
            qualify.for_each_column(&mut |slot| note(slot, &mut qualifying));
        }
        // A column reads only those before it.
        for (index, output) in view.outputs.iter().enumerate().rev() {
            if qualifying.get(first_output + index) == Some(&true) {
                output.expr.for_each_column(&mut |slot| note(slot, &mut qualifying));
            }
        }
        let is_read =
            |slots: std::ops::Range<usize>| qualifying.get(slots).is_some_and(|slots| slots.contains(&true));
        let reads_event = is_read(0..view.keys.len()) || is_read(view.first_carried_slot()..first_output);
        Some(Self { kept: Kept::of(&view.aggregates, source), qualifying, reads_event })
    }
}

/// Makes the rows of a partition's events.
pub(in crate::engine) struct Rows<'v> {
    plan: &'v View,
    rule: &'v Rule,
    range: Millis,
    partition: &'v Partition,
    slots: Vec<Value<'static>>,
}

/// An event, with its key as it is encoded.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Of<'e> {
    pub(in crate::engine) hash: u64,
    pub(in crate::engine) key: &'e [u8],
    pub(in crate::engine) at: Timestamp,
    pub(in crate::engine) offset: Offset,
}

impl<'v> Rows<'v> {
    /// None for a view whose rows are not of single events.
    pub(in crate::engine) fn new(view: &'v ViewRuntime, partition: &'v Partition) -> Option<Self> {
        let range = view.range();
        Some(Self { plan: &view.plan, rule: view.rule.as_ref()?, range, partition, slots: Vec::new() })
    }

    /// The row of an event over its frame, unless QUALIFY keeps it back. The results are in a group of
    /// `accumulators`. The event itself is not looked at before it is needed.
    pub(in crate::engine) fn over(
        &mut self,
        key: &KeyEvents,
        frame: Frame,
        (accumulators, group): (&Accumulators, usize),
    ) -> Result<Option<KeyedRow>, CodecError> {
        self.slots.clear();
        self.slots.resize(self.plan.keys.len(), Value::Null);
        if self.rule.kept.is_count() {
            let count = Value::Int(i64::try_from(frame.len()).unwrap_or(i64::MAX));
            self.slots.resize(self.plan.window_start_slot(), count);
        } else {
            accumulators.finish(group, &mut self.slots);
        }
        self.bounds(frame.at);
        self.slots.resize(self.plan.first_output_slot(), Value::Null);
        if self.rule.reads_event {
            self.fill(key, frame)?;
        }
        if !self.qualifies() {
            return Ok(None);
        }
        if !self.rule.reads_event {
            self.fill(key, frame)?;
        }
        let Some(event) = key.events().get(frame.position) else { return Ok(None) };
        let (offset, _) = key.offset_and_kept(event)?;
        let of = Of { hash: key.hash(), key: key.key(), at: frame.at, offset };
        Ok(Some(self.row(of, frame.len() as u64)))
    }

    /// The row of an event by itself, unless QUALIFY keeps it back.
    pub(in crate::engine) fn alone(
        &mut self,
        of: Of<'_>,
        source: &Source,
        row: &[Value<'_>],
    ) -> Option<KeyedRow> {
        self.slots.clear();
        self.slots.extend(source.keys.iter().map(|key| key.eval(row).into_owned()));
        self.bounds(of.at);
        self.slots.extend(source.carried.iter().map(|carried| carried.eval(row).into_owned()));
        self.qualifies().then(|| self.row(of, 1))
    }

    fn bounds(&mut self, at: Timestamp) {
        self.slots.push(Value::Time(at - self.range));
        self.slots.push(Value::Time(at + Millis(1)));
    }

    /// Fills in what stands in the key, and what is kept of the event for its row.
    fn fill(&mut self, key: &KeyEvents, frame: Frame) -> Result<(), CodecError> {
        let mut values = Reader::new(key.key());
        for slot in self.slots.iter_mut().take(self.plan.keys.len()) {
            *slot = values.value()?.into_owned();
        }
        let Some(event) = key.events().get(frame.position) else { return Ok(()) };
        let mut carried = self.rule.kept.carried(key.kept(event)?)?;
        for slot in self.slots.iter_mut().skip(self.plan.first_carried_slot()) {
            *slot = carried.value()?.into_owned();
        }
        Ok(())
    }

    /// Whether QUALIFY lets the row pass. Columns that it does not need are not computed for it.
    fn qualifies(&mut self) -> bool {
        let Some(qualify) = &self.plan.having else { return true };
        let first = self.slots.len();
        for (index, output) in self.plan.outputs.iter().enumerate() {
            let is_needed = self.rule.qualifying.get(first + index) == Some(&true);
            let value = if is_needed { output.expr.eval(&self.slots).into_owned() } else { Value::Null };
            self.slots.push(value);
        }
        let qualifies = qualify.test(&self.slots);
        self.slots.truncate(first);
        qualifies
    }

    fn row(&mut self, of: Of<'_>, events: u64) -> KeyedRow {
        for output in &self.plan.outputs {
            let value = output.expr.eval(&self.slots).into_owned();
            self.slots.push(value);
        }
        let record = SourceRecord { partition: self.partition.clone(), offset: of.offset };
        let row = ClosedRow {
            window_start: of.at - self.range,
            window_end: of.at + Millis(1),
            events,
            revision: 0,
            record: Some(record),
            values: self.slots.split_off(self.plan.first_output_slot()),
        };
        KeyedRow { hash: of.hash, key: of.key.to_vec(), row }
    }
}
