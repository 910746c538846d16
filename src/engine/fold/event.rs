//! Events that make rows of their own.

use super::{Event, Fold, place::Place};
use crate::{
    engine::{
        leaf::Leaf,
        pattern::MatchIndex,
        rules::{EventIndex, Logged, Of, Reach},
        slab::Slab,
    },
    time::{Offset, Timestamp},
    value::Value,
};

impl Fold<'_> {
    /// Keeps an event for its own row and those of later ones, unless it is late.
    pub(super) fn place_over(
        &mut self,
        event: &Event<'_>,
        reach: Reach,
        leaf: &mut Leaf<Slab>,
        index: Option<&mut EventIndex>,
    ) -> Place {
        let watermark = self.watermark();
        if reach.is_late(event.at, watermark) {
            return Place::Late(watermark);
        }
        let (Some(index), Some(rule)) = (index, &self.view.rule) else { return Place::Kept };
        self.kept.clear();
        rule.kept.put(self.source, event.row, &mut self.kept);
        let Event { at, offset, hash, .. } = *event;
        let logged = Logged { hash, key: &self.key, at, offset, kept: &self.kept };
        leaf.content.keep(logged);
        leaf.content.next = offset.next();
        leaf.dirty = true;
        self.touched.kept.push((index.insert(&logged), at));
        self.accepted += 1;
        Place::Kept
    }

    /// Keeps an event for the matches that it may be in, unless it is late: unless what its own partition
    /// has been found to be past it. Others do not count here, so that which events are in a match does
    /// not depend on how the batches of several partitions interleave.
    pub(super) fn place_in_run(
        &mut self,
        event: &Event<'_>,
        leaf: &mut Leaf<Slab>,
        index: Option<&mut MatchIndex>,
    ) -> Place {
        let watermark = self.own.max(self.start.closed);
        if event.at <= watermark {
            return Place::Late(watermark);
        }
        let Some(matcher) = &self.view.matcher else { return Place::Kept };
        self.kept.clear();
        matcher.put(self.source, event.row, &mut self.kept);
        let Event { at, offset, hash, .. } = *event;
        let logged = Logged { hash, key: &self.key, at, offset, kept: &self.kept };
        leaf.content.keep(logged);
        leaf.content.next = offset.next();
        leaf.dirty = true;
        if let Some(index) = index {
            index.insert(0, &logged);
        }
        // Somebody may have closed beyond the partition while it was taken for idle.
        if self.start.was_idle {
            self.touch(at, Timestamp::MIN, Timestamp::MAX);
        }
        self.accepted += 1;
        Place::Kept
    }

    /// Makes the row of an event that needs no others. A-4: also where the head has the event already,
    /// since its writer may have died before it gave the row.
    pub(super) fn give(&mut self, at: Timestamp, offset: Offset, row: &[Value<'_>]) {
        let is_new = offset >= self.start.next;
        self.accepted += u64::from(is_new);
        self.skipped += u64::from(!is_new);
        let of = Of { hash: self.hash, key: &self.key, at, offset };
        let made = self.makes.as_mut().and_then(|rows| rows.alone(of, self.source, row));
        self.rows.extend(made);
    }
}
