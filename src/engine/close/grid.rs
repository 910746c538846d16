//! Closing tumbling and hopping windows.

use std::collections::{BTreeMap, HashSet};

use super::{
    super::{Engine, EngineError, groups::Groups, view::ViewRuntime, writer::Writer},
    Closing, Given, KeyedRow, finish,
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
        let is_crossed = closing.is_new(grid.last_due_end(closing.watermark));
        let again: BTreeMap<_, _> =
            closing.touched.windows.iter().filter(|(end, _)| !closing.is_new(**end)).collect();
        let again: BTreeMap<_, _> =
            again.into_iter().filter(|(end, _)| is_due(**end, closing.watermark)).collect();
        if !is_crossed && again.is_empty() {
            return Ok(());
        }
        let first_new = closing.closed + Millis(1) - grid.size;
        let first_again = again.keys().next().map_or(Timestamp::MAX, |end| **end - grid.size);
        let from = view.slices.start(first_new.min(first_again));
        let own_ref = own.as_mut().map(|(partition, writer)| (*partition, &mut **writer));
        let material = self.gather(closing, own_ref, |_| from).await?;
        let mut rows = Vec::new();
        for (end, keys) in windows(closing, grid, &material, again) {
            close_window(view, grid, &material, end, keys, &mut rows)?;
            given.windows += 1;
            if rows.len() >= ROWS_AT_ONCE {
                given.rows += self.give(view, std::mem::take(&mut rows)).await?;
                // An invocation that runs out of time leaves the rest to the next. Windows that are
                // closed again end before all new ones, so none of them is left out.
                if closing.is_new(end) {
                    self.store.set_closed(&view.id, closing.scope, end - Millis(1)).await?;
                }
            }
        }
        given.rows += self.give(view, rows).await?;
        drop(material);
        if is_crossed {
            self.store.set_closed(&view.id, closing.scope, closing.watermark).await?;
            if let Some((_, writer)) = own {
                let past = closing.watermark - view.lateness() - grid.size;
                writer.evict_before(view.slices.start(past));
            }
        }
        Ok(())
    }
}

/// The windows to close, in the order of their ends; with the keys that were touched where only
/// those are to be closed again.
fn windows<'a>(
    closing: &Closing<'_>,
    grid: Grid,
    material: &[Material<'_>],
    again: BTreeMap<&'a Timestamp, &'a HashSet<Vec<u8>>>,
) -> BTreeMap<Timestamp, Option<&'a HashSet<Vec<u8>>>> {
    let mut windows: BTreeMap<_, _> = again.into_iter().map(|(end, keys)| (*end, Some(keys))).collect();
    for slice in material.iter().flat_map(|material| material.slabs().keys()) {
        let ends = grid.ends(*slice, Timestamp::MIN).skip_while(|end| is_due(*end, closing.closed));
        for end in ends.take_while(|end| is_due(*end, closing.watermark)) {
            windows.insert(end, None);
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
    rows: &mut Vec<KeyedRow>,
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
        let row = finish(view, &merged, group, (start, end));
        rows.extend(row.map_err(|source| EngineError::Damaged { subject: "a group's key".into(), source })?);
    }
    Ok(())
}
