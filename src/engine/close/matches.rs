//! Giving the matches of a pattern.

use std::collections::HashMap;

use super::{
    super::{
        Engine, EngineError,
        pattern::{Ended, Found, MatchIndex, MatchRows, Within},
        view::ViewRuntime,
        writer::Writer,
    },
    Closing, Given, KeyedRow,
};
use crate::{
    publish::{Publisher, Topics},
    state::{Partition, Store},
    time::{Millis, Timestamp},
};

/// As many rows are given out at once.
const ROWS_AT_ONCE: usize = 20_000;

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    pub(super) async fn close_matches(
        &self,
        closing: &Closing<'_>,
        within: Within,
        mut own: Option<(&Partition, &mut Writer)>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let (closed, watermark) = (closing.closed, closing.watermark);
        let touched = &closing.touched.events;
        if watermark <= closed && touched.is_empty() {
            return Ok(());
        }
        // A failure on the way leaves the writer without its index, which is made anew.
        let is_alone = closing.view.topics.len() == 1;
        let index = own.as_mut().filter(|_| is_alone).and_then(|(_, writer)| writer.matches.take());
        let (mut index, again) = match index.filter(|_| touched.is_empty()) {
            Some(index) => (index, HashMap::new()),
            None => self.read_again(closing, within, &mut own).await?,
        };
        let mut rows = found(closing, &mut index, &again)?;
        given.windows += rows.len() as u64;
        let is_worth_noting = !rows.is_empty() || crosses_slice(closing.view, closed, watermark);
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(ROWS_AT_ONCE));
            given.rows += self.give(closing.view, std::mem::replace(&mut rows, rest)).await?;
        }
        if watermark > closed && is_worth_noting {
            self.store.set_closed(&closing.view.id, closing.scope, watermark).await?;
        }
        if let Some((partition, writer)) = own {
            forget(closing, partition, writer);
            writer.matches = Some(index).filter(|_| is_alone);
        }
        Ok(())
    }

    /// An index over the slabs of all partitions in scope, whose searches stand where they stood at `closed`; or
    /// before the events that may have been taken in without having their matches given. For the keys of these,
    /// from when on matches are to be given again.
    async fn read_again(
        &self,
        closing: &Closing<'_>,
        within: Within,
        own: &mut Option<(&Partition, &mut Writer)>,
    ) -> Result<(MatchIndex, HashMap<Vec<u8>, Timestamp>), EngineError> {
        let mut again: HashMap<Vec<u8>, Timestamp> = HashMap::new();
        for (key, at) in &closing.touched.events {
            let first = again.entry(key.clone()).or_insert(*at);
            *first = (*first).min(*at);
        }
        let first = again.values().min().copied().unwrap_or(Timestamp::MAX);
        let closed = closing.closed.min(first - Millis(1)).max(remembered(closing, within));
        let view = closing.view;
        let from = view.slices.start(closed - within.back());
        let own = own.as_mut().map(|(partition, writer)| (*partition, &mut **writer));
        let partitions = partitions(closing);
        let mut index = MatchIndex::new(within);
        for (partition, material) in
            self.gather_each(closing, own, |progress| progress.floor.max(from)).await?
        {
            let source = partitions.iter().position(|known| *known == partition).unwrap_or_default();
            let slabs = material.slabs().range(from..).map(|(_, leaves)| leaves);
            index.add(u32::try_from(source).unwrap_or_default(), slabs);
        }
        let ended = Ended::read(&self.store, view, (within, closed), &partitions).await?;
        index.resume(closed, &ended);
        Ok((index, again))
    }
}

/// From where on the slabs have all that searches need.
fn remembered(closing: &Closing<'_>, within: Within) -> Timestamp {
    let floors = closing.in_scope().filter_map(|partition| closing.head.partitions.get(partition));
    let floor = floors.map(|progress| progress.floor).max().unwrap_or(Timestamp::MIN);
    if floor == Timestamp::MIN { floor } else { floor + within.back() }
}

/// The partitions of a scope, in the order in which their events of one time stand.
fn partitions(closing: &Closing<'_>) -> Vec<Partition> {
    let mut partitions: Vec<_> = closing.in_scope().cloned().collect();
    partitions.sort_unstable();
    partitions
}

/// C-1: the matches that were decided since `closed`, and those that are to be given again.
fn found(
    closing: &Closing<'_>,
    index: &mut MatchIndex,
    again: &HashMap<Vec<u8>, Timestamp>,
) -> Result<Vec<KeyedRow>, EngineError> {
    let view = closing.view;
    let Some(pattern) = &view.plan.pattern else { return Ok(Vec::new()) };
    let Some(mut rows) = MatchRows::new(view, partitions(closing)) else { return Ok(Vec::new()) };
    let mut found: Vec<Found> = Vec::new();
    let up_to = closing.watermark.max(closing.closed);
    index
        .find_up_to(up_to, pattern.skip, &mut rows, &mut found)
        .map_err(|source| EngineError::Damaged { subject: "an event that is kept".into(), source })?;
    let is_new = |(decided, row): &Found| {
        *decided > closing.closed || again.get(&row.key).is_some_and(|first| decided >= first)
    };
    Ok(found.into_iter().filter(is_new).map(|(_, row)| row).collect())
}

/// `closed` is a bound on what is looked at again; it need not follow every batch.
fn crosses_slice(view: &ViewRuntime, closed: Timestamp, watermark: Timestamp) -> bool {
    view.slices.start(closed) != view.slices.start(watermark)
}

/// Forgets the slabs that no event may be expected in, where the index has their events; else those that no
/// search needs.
fn forget(closing: &Closing<'_>, partition: &Partition, writer: &mut Writer) {
    let (view, progress) = (closing.view, closing.head.partitions.get(partition));
    let Some(progress) = progress else { return };
    let expected = progress.largest - view.delay(&partition.topic) - Millis(1);
    let is_alone = view.topics.len() == 1;
    let first = if is_alone { view.slices.start(expected) - view.slices.length() } else { progress.floor };
    writer.evict_before(first);
}
