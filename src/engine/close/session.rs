//! Closing sessions.

use std::collections::BTreeMap;

use super::{
    super::{
        Engine, EngineError,
        groups::Groups,
        sessions::{DueSession, PartId, SessionIndex},
        slab::Slab,
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
    window::{Bounds, Mark, is_due},
};

/// As many sessions are merged at once.
const SESSIONS_AT_ONCE: usize = 10_000;

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
            let mut drafts = Vec::with_capacity(due.len());
            for some in due.chunks(SESSIONS_AT_ONCE) {
                drafts.extend(merge_sessions(closing.view, bounds, &material, some)?);
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

/// C-1: a session's row is a function of its parts. All sessions are merged slab by slab: a slab is
/// gone through once for all of them.
fn merge_sessions(
    view: &ViewRuntime,
    bounds: Bounds,
    material: &[Material<'_>],
    due: &[DueSession],
) -> Result<Vec<Draft>, EngineError> {
    let mut parts: BTreeMap<Timestamp, Vec<Part<'_>>> = BTreeMap::new();
    let mut merged = Groups::new(&view.shape);
    for session in due {
        let group = merged.add(session.hash, &session.key);
        for PartId { slice, mark } in session.span.parts() {
            parts.entry(*slice).or_default().push(Part { session, mark, group });
        }
    }
    for (slice, parts) in &parts {
        for leaves in material.iter().filter_map(|material| material.slabs().get(slice)) {
            leaves.iter().for_each(|leaf| merge_parts(&mut merged, &leaf.content, parts));
        }
    }
    let sessions = due.iter().enumerate().filter(|(group, _)| merged.events(*group) > 0);
    let draft = |(group, session): (usize, &DueSession)| {
        let window = (session.span.first, session.span.end(bounds.gap));
        Draft::of(view, &merged, group, window)
    };
    sessions.map(draft).collect()
}

/// A part of a session, which becomes part of a group.
struct Part<'d> {
    session: &'d DueSession,
    mark: &'d Mark,
    group: usize,
}

/// Merges what a slab has of some parts.
fn merge_parts(merged: &mut Groups, slab: &Slab, parts: &[Part<'_>]) {
    for (tag, groups) in slab.sections() {
        let of_section = parts.iter().filter(|part| tag.from_end == Timestamp::MIN && *part.mark == tag.mark);
        let pair = |part: &Part<'_>| {
            let from = groups.keys().find(part.session.hash, &part.session.key)?;
            Some((part.group, from))
        };
        merged.merge_pairs(groups, &of_section.filter_map(pair).collect::<Vec<_>>());
    }
}
