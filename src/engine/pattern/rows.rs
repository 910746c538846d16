//! Rows of matches.

use std::sync::Arc;

use super::{Matcher, index::KeyRuns};
use crate::{
    aggregate::Accumulators,
    codec::{CodecError, Reader},
    engine::{
        close::KeyedRow,
        row::{ClosedRow, SourceRecord},
        view::ViewRuntime,
    },
    sql::{Pattern, Pick, View},
    state::Partition,
    time::Millis,
    value::Value,
};

/// Makes the rows of a scope's matches, and tests conditions.
pub(in crate::engine) struct MatchRows<'v> {
    plan: &'v View,
    pattern: &'v Pattern,
    pub(super) matcher: &'v Matcher,
    /// The partitions of the scope, by the number that events have theirs by.
    partitions: Arc<[Partition]>,
    slots: Vec<Value<'static>>,
    /// Results, and of how many matches.
    results: Accumulators,
    groups: usize,
}

/// Results of so many matches are dropped at once.
const RESULTS: usize = 256;

impl<'v> MatchRows<'v> {
    /// None for a view whose rows are not of matches.
    pub(in crate::engine) fn new(view: &'v ViewRuntime, partitions: Vec<Partition>) -> Option<Self> {
        let (plan, matcher) = (&view.plan, view.matcher.as_ref()?);
        let pattern = plan.pattern.as_ref()?;
        Some(Self {
            plan,
            pattern,
            matcher,
            partitions: partitions.into(),
            slots: Vec::new(),
            results: Accumulators::new(&plan.aggregates),
            groups: 0,
        })
    }

    /// Whether no condition looks at other events of the match.
    pub(super) fn is_alone(&self) -> bool {
        self.matcher.conditions.iter().all(Option::is_none)
    }

    /// Whether the last variable of a path, which begins at an event of the key, may be that of its event.
    pub(super) fn holds(&mut self, key: &KeyRuns, first: usize, path: &[u8]) -> Result<bool, CodecError> {
        let Some((last, _)) = path.split_last() else { return Ok(true) };
        let Some(Some(condition)) = self.matcher.conditions.get(usize::from(*last)) else { return Ok(true) };
        self.slots.clear();
        self.slots.resize(self.plan.first_carried_slot(), Value::Null);
        self.carry(key.kept(first + path.len() - 1)?)?;
        self.slots.resize(self.plan.first_output_slot(), Value::Null);
        for pick in &condition.picks {
            let Some(picked) = self.pattern.picks.get(*pick) else { continue };
            let value = self.picked(*picked, key, first, path)?;
            if let Some(slot) = self.slots.get_mut(self.plan.first_pick_slot() + pick) {
                *slot = value;
            }
        }
        Ok(condition.expr.test(&self.slots))
    }

    /// The row of a match, unless WHERE keeps it back.
    pub(super) fn row(
        &mut self,
        key: &KeyRuns,
        first: usize,
        path: &[u8],
    ) -> Result<Option<KeyedRow>, CodecError> {
        let last = first + path.len().saturating_sub(1);
        let (Some(start), Some(end)) = (key.events().get(first), key.events().get(last)) else {
            return Ok(None);
        };
        let (start, end) = (*start, *end);
        self.slots.clear();
        let mut values = Reader::new(key.key());
        for _ in &self.plan.keys {
            self.slots.push(values.value()?.into_owned());
        }
        self.aggregate(key, first, path)?;
        let (window_start, window_end) = (start.at, end.at + Millis(1));
        self.slots.extend([Value::Time(window_start), Value::Time(window_end)]);
        self.carry(key.kept(last)?)?;
        for pick in &self.pattern.picks {
            let value = self.picked(*pick, key, first, path)?;
            self.slots.push(value);
        }
        for output in &self.plan.outputs {
            let value = output.expr.eval(&self.slots).into_owned();
            self.slots.push(value);
        }
        if self.plan.having.as_ref().is_some_and(|filter| !filter.test(&self.slots)) {
            return Ok(None);
        }
        let partition = self.partitions.get(start.source as usize).cloned();
        let (offset, _) = key.offset_and_kept(first)?;
        let record = partition.map(|partition| SourceRecord { partition, offset });
        let values = self.slots.split_off(self.plan.first_output_slot());
        let events = path.len() as u64;
        let row = ClosedRow { window_start, window_end, events, revision: 0, record, values };
        Ok(Some(KeyedRow { hash: key.hash(), key: key.key().to_vec(), row }))
    }

    fn aggregate(&mut self, key: &KeyRuns, first: usize, path: &[u8]) -> Result<(), CodecError> {
        if self.groups == RESULTS {
            (self.results, self.groups) = (Accumulators::new(&self.plan.aggregates), 0);
        }
        let group = self.groups;
        self.groups += 1;
        self.results.push();
        for (position, variable) in (first..).zip(path) {
            let at = key.events().get(position).map(|event| event.at).unwrap_or_default();
            let mut kept = key.kept(position)?;
            kept.value()?;
            let taken_by = self.matcher.kept.is_kept().zip(&self.pattern.taken_by);
            for (aggregate, (is_kept, taken_by)) in taken_by.enumerate() {
                let value = if is_kept { kept.value()? } else { Value::Bool(true) };
                if taken_by.is_none_or(|taken_by| taken_by == usize::from(*variable)) {
                    self.results.update(aggregate, group, at, &value);
                }
            }
        }
        self.results.finish(group, &mut self.slots);
        Ok(())
    }

    /// Appends what is kept of an event for its row.
    fn carry(&mut self, kept: Reader<'_>) -> Result<(), CodecError> {
        let (fits, mut carried) = self.matcher.carried(kept)?;
        self.slots.push(fits.into_owned());
        for _ in self.plan.carried.iter().skip(1) {
            self.slots.push(carried.value()?.into_owned());
        }
        Ok(())
    }

    fn picked(
        &self,
        pick: Pick,
        key: &KeyRuns,
        first: usize,
        path: &[u8],
    ) -> Result<Value<'static>, CodecError> {
        let is_meant =
            |(_, variable): &(usize, &u8)| pick.variable.is_none_or(|meant| meant == usize::from(**variable));
        let mut meant = path.iter().enumerate().filter(is_meant);
        let away = pick.away as usize;
        let found = if pick.from_first { meant.nth(away) } else { meant.nth_back(away) };
        let Some((position, _)) = found else { return Ok(Value::Null) };
        let (_, mut carried) = self.matcher.carried(key.kept(first + position)?)?;
        for _ in 1..pick.carried {
            carried.value()?;
        }
        Ok(carried.value()?.into_owned())
    }
}
