//! Where matches ended that were given before.

use std::collections::BTreeMap;

use super::Within;
use crate::{
    engine::{EngineError, history::History, row::ClosedRow, stored, view::ViewRuntime},
    sql::Skip,
    state::{ItemKey, Partition, Span, Store},
    time::{Offset, Timestamp},
};

/// What is known of a match that was given before, by its key.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Ended {
    pub(super) key: Vec<u8>,
    /// Its first event.
    pub(super) at: Timestamp,
    pub(super) source: u32,
    pub(super) offset: Offset,
    /// How many events it has.
    pub(super) events: usize,
}

impl Ended {
    /// The matches whose first event was decided by its deadline at `closed`, and that may end behind what is looked
    /// at again.
    pub(in crate::engine) async fn read<S: Store>(
        store: &S,
        view: &ViewRuntime,
        (within, closed): (Within, Timestamp),
        partitions: &[Partition],
    ) -> Result<Vec<Self>, EngineError> {
        let skips = view.plan.pattern.as_ref().is_some_and(|pattern| pattern.skip == Skip::PastLastRow);
        if !skips || closed == Timestamp::MIN {
            return Ok(Vec::new());
        }
        let start = |at: Timestamp| view.slices.start(at);
        let span = Span::History { view: view.id.clone(), from: start(closed - within.0), to: start(closed) };
        let mut by_slice: BTreeMap<Timestamp, Vec<_>> = BTreeMap::new();
        for (key, item) in store.scan(&span).await? {
            if let ItemKey::History { slice, .. } = &key {
                by_slice.entry(*slice).or_default().push((key, item));
            }
        }
        let mut ended = Vec::new();
        for (slice, items) in by_slice {
            let decode = |_, body: &[u8]| History::decode(slice, body);
            let leaves = stored::leaves(store, &(), History::new(slice), items, decode).await?;
            let rows = leaves.iter().flat_map(|leaf| leaf.content.rows());
            let decided = rows.filter(|(_, row)| within.is_decided(row.window_start, closed));
            ended.extend(decided.filter_map(|(key, row)| Self::of(key, row, partitions)));
        }
        Ok(ended)
    }

    fn of(key: &[u8], row: &ClosedRow, partitions: &[Partition]) -> Option<Self> {
        let record = row.record.as_ref()?;
        let source = partitions.iter().position(|known| *known == record.partition)?;
        Some(Self {
            key: key.to_vec(),
            at: row.window_start,
            source: u32::try_from(source).ok()?,
            offset: record.offset,
            events: usize::try_from(row.events).ok()?,
        })
    }
}
