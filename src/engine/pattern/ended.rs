//! Where matches ended that were given before.

use super::Within;
use crate::{
    codec::CodecError,
    engine::{
        EngineError,
        history::{History, HistoryRow, damaged},
        view::ViewRuntime,
    },
    sql::Skip,
    state::{Partition, Span, Store},
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
        let mut ended = Vec::new();
        for history in History::scan(store, &span).await? {
            for found in history.rows().filter(|found| within.is_decided(found.row.window_start, closed)) {
                let known = Self::of(found, partitions);
                ended.extend(known.map_err(|source| damaged(view, history.slice(), source))?);
            }
        }
        Ok(ended)
    }

    fn of(found: HistoryRow<'_>, partitions: &[Partition]) -> Result<Option<Self>, CodecError> {
        let Some(record) = found.record()? else { return Ok(None) };
        let source = partitions.iter().position(|known| *known == record.partition);
        let source = source.and_then(|source| u32::try_from(source).ok());
        let events = usize::try_from(found.row.events).unwrap_or(usize::MAX);
        let (key, at, offset) = (found.key.to_vec(), found.row.window_start, record.offset);
        Ok(source.map(|source| Self { key, at, source, offset, events }))
    }
}
