//! Closing tumbling and hopping windows.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use super::{
    super::{
        Engine, EngineError,
        groups::Groups,
        view::{ViewRuntime, closed},
        writer::Writer,
    },
    Closing, Given,
    draft::Draft,
    material::Material,
};
use crate::{
    aggregate::KeyTable,
    publish::{Publisher, Topics},
    state::{Partition, Store},
    time::{Millis, Timestamp},
    window::{Grid, is_due},
};

/// As many rows are given out at once.
const ROWS_AT_ONCE: usize = 20_000;

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    pub(super) async fn close_grid(
        &self,
        closing: &Closing<'_>,
        grid: Grid,
        mut own: Option<(&Partition, &mut Writer)>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let view = closing.view;
        let again = closing.again();
        if !closing.is_crossed(grid) && again.is_empty() {
            return Ok(());
        }
        let first_new = closing.closed + Millis(1) - grid.size;
        let first_again = again.keys().next().map_or(Timestamp::MAX, |end| *end - grid.size);
        let from = view.slices.start(first_new.min(first_again));
        let own_ref = own.as_mut().map(|(partition, writer)| (*partition, &mut **writer));
        let material = self.gather(closing, own_ref, |_| from).await?;
        let is_again = !again.is_empty();
        self.close_windows(closing, grid, &material, again, given).await?;
        drop(material);
        if is_again && let Some(closed) = self.closed_meanwhile(closing).await? {
            let later = Closing { closed, watermark: closed, ..*closing };
            return Box::pin(self.close_grid(&later, grid, own, given)).await;
        }
        if let Some((_, writer)) = own
            && closing.is_crossed(grid)
        {
            let past = closing.watermark - view.lateness - grid.size;
            writer.evict_before(view.slices.start(past));
        }
        Ok(())
    }

    /// Up to where another process has closed more than is known here, if its rows look back at some
    /// that were closed again here.
    pub(super) async fn closed_meanwhile(
        &self,
        closing: &Closing<'_>,
    ) -> Result<Option<Timestamp>, EngineError> {
        if !closing.view.looks_back() {
            return Ok(None);
        }
        let now = closed(&self.store.head(&closing.view.id).await?, closing.scope);
        Ok((now > closing.closed.max(closing.watermark)).then_some(now))
    }

    /// Closes all windows that are due and the keys of those that were closed before, and notes it.
    pub(super) async fn close_windows(
        &self,
        closing: &Closing<'_>,
        grid: Grid,
        material: &[Material<'_>],
        again: Again<'_>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let view = closing.view;
        let mut drafts = Vec::new();
        for (end, keys) in windows(closing, grid, material, again) {
            close_window(view, grid, material, end, keys.as_deref(), &mut drafts)?;
            given.windows += 1;
            if view.looks_back() {
                self.give_looking_back(closing, end, std::mem::take(&mut drafts), given).await?;
            } else if drafts.len() >= ROWS_AT_ONCE {
                self.give_drafts(closing, std::mem::take(&mut drafts), given).await?;
                // An invocation that runs out of time leaves the rest to the next. Windows that are
                // closed again end before all new ones, so none of them is left out.
                if closing.is_new(end) {
                    self.store.set_closed(&view.id, closing.scope, end - Millis(1)).await?;
                }
            }
        }
        self.give_drafts(closing, drafts, given).await?;
        if closing.is_crossed(grid) {
            self.store.set_closed(&view.id, closing.scope, closing.watermark).await?;
        }
        Ok(())
    }
}

impl<'a> Closing<'a> {
    /// Whether a window has become due.
    pub(super) fn is_crossed(&self, grid: Grid) -> bool {
        self.is_new(grid.last_due_end(self.watermark))
    }

    /// The windows that were closed before, and the keys for which they are to be closed again.
    fn again(&self) -> Again<'a> {
        let is_again = |end: Timestamp| !self.is_new(end) && is_due(end, self.watermark);
        let touched = self.touched.windows.iter().filter(|(end, _)| is_again(**end));
        touched.map(|(end, keys)| (*end, Cow::Borrowed(keys))).collect()
    }
}

/// Windows to close again, by their ends, for some keys.
pub(super) type Again<'a> = BTreeMap<Timestamp, Cow<'a, HashSet<Vec<u8>>>>;

/// The windows to close, in the order of their ends; with the keys that were touched where only
/// those are to be closed again.
fn windows<'a>(
    closing: &Closing<'_>,
    grid: Grid,
    material: &[Material<'_>],
    again: Again<'a>,
) -> BTreeMap<Timestamp, Option<Cow<'a, HashSet<Vec<u8>>>>> {
    let mut windows: BTreeMap<_, _> = BTreeMap::new();
    let looks_back = closing.view.looks_back();
    let slices = material.iter().flat_map(|material| material.slabs().keys());
    let first = again.keys().next().copied().unwrap_or(Timestamp::MAX);
    let mut changed: HashSet<Vec<u8>> = HashSet::new();
    for slice in slices {
        for end in grid.ends(*slice, Timestamp::MIN).take_while(|end| is_due(*end, closing.watermark)) {
            if !is_due(end, closing.closed) {
                windows.insert(end, None);
            } else if looks_back && end > first {
                // Its rows look back at some that change.
                windows.entry(end).or_insert_with(|| Some(Cow::Owned(HashSet::new())));
            }
        }
    }
    for (end, keys) in again {
        windows.insert(end, Some(keys));
    }
    if looks_back {
        for keys in windows.values_mut().flatten() {
            changed.extend(keys.iter().cloned());
            *keys = Cow::Owned(changed.clone());
        }
    }
    windows
}

/// C-1: a window's rows are a function of its slabs.
fn close_window(
    view: &ViewRuntime,
    grid: Grid,
    material: &[Material<'_>],
    end: Timestamp,
    keys: Option<&HashSet<Vec<u8>>>,
    drafts: &mut Vec<Draft>,
) -> Result<(), EngineError> {
    let start = end - grid.size;
    let mut merged = Groups::new(&view.shape);
    for leaves in material.iter().flat_map(|material| material.slabs().range(start..end)) {
        for leaf in leaves.1.iter() {
            for (_, groups) in leaf.content.sections().filter(|(tag, _)| tag.from_end <= end) {
                match keys {
                    None => merged.merge(groups, 0..groups.len()),
                    Some(keys) => {
                        let find = |key: &Vec<u8>| groups.keys().find(KeyTable::hash(key), key);
                        merged.merge(groups, keys.iter().filter_map(find));
                    }
                }
            }
        }
    }
    for group in 0..merged.len() {
        drafts.push(Draft::of(view, &merged, group, (end - view.length, end))?);
    }
    Ok(())
}
