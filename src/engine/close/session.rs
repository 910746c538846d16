//! Closing sessions.

use super::{
    super::{
        Engine, EngineError,
        groups::Groups,
        sessions::{DueSession, SessionIndex},
        slab::Tag,
        view::ViewRuntime,
        writer::Writer,
    },
    Closing, Given,
    draft::Draft,
    material::Material,
};
use crate::{
    publish::{Publisher, Topics},
    state::{Partition, Store},
    time::Timestamp,
    window::{Bounds, is_due},
};

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    pub(super) async fn close_sessions(
        &self,
        closing: &Closing<'_>,
        bounds: Bounds,
        mut own: Option<(&Partition, &mut Writer)>,
        given: &mut Given,
    ) -> Result<(), EngineError> {
        let (closed, watermark) = (closing.closed, closing.watermark);
        if watermark <= closed && closing.touched.events.is_empty() {
            return Ok(());
        }
        // A writer that has its scope for itself knows what is due without a look at the slabs.
        let is_alone = closing.in_scope().count() == 1;
        let mut index = own.as_mut().filter(|_| is_alone).and_then(|(_, writer)| writer.sessions.take());
        let is_own_index = index.is_some();
        let mut due = index.as_mut().map(|index| sessions_due(index, closing, bounds));
        if due.as_ref().is_none_or(|due| !due.is_empty()) {
            let own_ref = own.as_mut().map(|(partition, writer)| (*partition, &mut **writer));
            let material = self.gather(closing, own_ref, |progress| progress.floor).await?;
            let due = due.get_or_insert_with(|| {
                let slabs = material.iter().flat_map(|material| material.slabs().values());
                sessions_due(&mut SessionIndex::build(bounds, slabs), closing, bounds)
            });
            let mut drafts = Vec::new();
            for session in due {
                drafts.extend(close_session(closing.view, bounds, &material, session)?);
            }
            drop(material);
            given.windows += drafts.len() as u64;
            self.give_drafts(closing, drafts, given).await?;
        }
        if let Some((partition, writer)) = own {
            if is_own_index {
                writer.sessions = index;
            }
            let floor = closing.head.partitions.get(partition).map_or(Timestamp::MIN, |p| p.floor);
            writer.evict_before(floor);
        }
        let is_worth_noting =
            due.is_some_and(|due| !due.is_empty()) || crosses_slice(closing.view, closed, watermark);
        if watermark > closed && is_worth_noting {
            self.store.set_closed(&closing.view.id, closing.scope, watermark).await?;
        }
        Ok(())
    }
}

/// `closed` is a bound on what is looked at again; it need not follow every batch.
fn crosses_slice(view: &ViewRuntime, closed: Timestamp, watermark: Timestamp) -> bool {
    view.slices.start(closed) != view.slices.start(watermark)
}

/// The sessions that have become due, and those that were touched after they had.
fn sessions_due(index: &mut SessionIndex, closing: &Closing<'_>, bounds: Bounds) -> Vec<DueSession> {
    let (closed, watermark) = (closing.closed, closing.watermark);
    let mut due = index.due(closed, watermark);
    for (key, at) in &closing.touched.events {
        let again =
            index.due_at(key, *at, watermark).filter(|session| is_due(session.span.end(bounds.gap), closed));
        if let Some(session) = again
            && !due.iter().any(|known| known.key == session.key && known.span.first == session.span.first)
        {
            due.push(session);
        }
    }
    due
}

/// C-1: a session's row is a function of its parts.
fn close_session(
    view: &ViewRuntime,
    bounds: Bounds,
    material: &[Material<'_>],
    session: &DueSession,
) -> Result<Option<Draft>, EngineError> {
    let DueSession { hash, key, span } = session;
    let mut merged = Groups::new(&view.shape);
    let mut parts: Vec<_> = span.parts.iter().collect();
    parts.sort_unstable_by_key(|part| part.slice);
    for part in parts {
        let tag = Tag { mark: part.mark.clone(), ..Tag::ALL };
        for leaves in material.iter().filter_map(|material| material.slabs().get(&part.slice)) {
            for (_, groups) in
                leaves.iter().flat_map(|leaf| leaf.content.sections()).filter(|(t, _)| **t == tag)
            {
                merged.merge(groups, groups.keys().find(*hash, key).into_iter());
            }
        }
    }
    if merged.len() == 0 {
        return Ok(None);
    }
    let window = (span.first, span.end(bounds.gap));
    Draft::of(view, &merged, 0, window).map(Some)
}
