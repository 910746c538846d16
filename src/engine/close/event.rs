//! Rows of single events. They are due as soon as their events are in slabs and in the head.

use smallvec::SmallVec;

use super::{
    super::{
        Engine, EngineError,
        fold::Touched,
        rules::{EventIndex, Frames, Rows},
        view::{ViewRuntime, closed},
        writer::Writer,
    },
    Closing, Given, KeyedRow,
};
use crate::{
    aggregate::KeyTable,
    codec::CodecError,
    publish::{Publisher, Topics},
    state::{Partition, Store},
    time::{Millis, Timestamp},
};

/// As many keys are looked at together.
const AT_ONCE: usize = 32;
/// As many rows are given out at once.
const ROWS_AT_ONCE: usize = 20_000;
/// How often it is noted how far rows are final, while time goes on by a range.
const NOTES_A_RANGE: i64 = 8;

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    pub(super) async fn give_events(
        &self,
        closing: &Closing<'_>,
        mut own: Option<(&Partition, &mut Writer)>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let view = closing.view;
        let mut rows = own.as_mut().map_or_else(Vec::new, |(_, writer)| std::mem::take(&mut writer.rows));
        if let Some((partition, writer)) = &mut own
            && let Some(index) = &mut writer.events
        {
            let of_events = touched_rows(view, partition, index, closing.touched, &mut rows);
            of_events
                .map_err(|source| EngineError::Damaged { subject: "an event that is kept".into(), source })?;
        }
        given.windows += rows.len() as u64;
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(ROWS_AT_ONCE));
            given.rows += self.give(view, std::mem::replace(&mut rows, rest)).await?;
        }
        if is_worth_noting(view, closing.closed, closing.watermark) {
            self.store.set_closed(&view.id, closing.scope, closing.watermark).await?;
        }
        if let Some((partition, writer)) = own {
            forget(closing, partition, writer);
        }
        Ok(())
    }
}

/// C-1: the rows whose frames hold the events that were taken in, or that may have been taken in without
/// having their rows given.
fn touched_rows(
    view: &ViewRuntime,
    partition: &Partition,
    index: &mut EventIndex,
    touched: &Touched,
    rows: &mut Vec<KeyedRow>,
) -> Result<(), CodecError> {
    let (Some(rule), Some(mut makes)) = (&view.rule, Rows::new(view, partition)) else { return Ok(()) };
    let mut frames = Frames::new(&rule.kept, &view.plan.aggregates, view.range());
    let (mut events, touched) = (Vec::new(), by_key(index, touched));
    let mut of_keys = touched.chunk_by(|(a, _), (b, _)| a == b);
    loop {
        let some: SmallVec<[&[(u32, Timestamp)]; AT_ONCE]> = of_keys.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(());
        }
        // What is known of them is far apart in memory: it is waited for together.
        some.iter().filter_map(|of_key| of_key.first()).for_each(|(number, _)| index.touch(*number));
        for of_key in some {
            let Some((number, _)) = of_key.first() else { continue };
            events.clear();
            let Some(key) = index.touched(*number, of_key.iter().map(|(_, at)| *at), &mut events) else {
                continue;
            };
            frames.each(key, &events, |frame, accumulators, group| {
                rows.extend(makes.over(key, frame, (accumulators, group))?);
                Ok(())
            })?;
        }
    }
}

/// What was touched, by key and time.
fn by_key(index: &EventIndex, touched: &Touched) -> Vec<(u32, Timestamp)> {
    let skipped =
        touched.events.iter().filter_map(|(key, at)| Some((index.find(KeyTable::hash(key), key)?, *at)));
    let mut all: Vec<_> = touched.kept.iter().copied().chain(skipped).collect();
    all.sort_unstable();
    all
}

/// `closed` bounds what is kept and what can still change; it need not follow every batch.
fn is_worth_noting(view: &ViewRuntime, closed: Timestamp, watermark: Timestamp) -> bool {
    let step = (view.range().0 / NOTES_A_RANGE).max(view.slices.length().0);
    let number = |at: Timestamp| at.0.div_euclid(step);
    watermark > closed && number(watermark) != number(closed)
}

/// Forgets the events that no frame needs any more, and the slabs that no event may be expected in.
fn forget(closing: &Closing<'_>, partition: &Partition, writer: &mut Writer) {
    let (view, head) = (closing.view, closing.head);
    if let Some(events) = &mut writer.events {
        events.prune(closed(head, closing.scope), view.slices.length());
    }
    let largest = head.partitions.get(partition).map_or(Timestamp::MIN, |progress| progress.largest);
    let expected = largest - view.delay(&partition.topic) - Millis(1);
    writer.evict_before(view.slices.start(expected) - view.slices.length());
}
