//! What a write to the head does to a partition, as pure functions.
//!
//! The store in memory applies them; the one in DynamoDB says the same in condition expressions, and
//! comes back here where an expression cannot say it. A partition that is not in the head counts as
//! epoch 0 with any offset ahead of it.

use super::{Advance, Backfill, Progress};
use crate::time::{Offset, Timestamp};

/// The partition after a batch's step; nothing where the step does not apply.
pub(super) fn advanced(old: Option<&Progress>, step: &Advance) -> Option<Progress> {
    let stale = old.is_some_and(|old| step.next <= old.next);
    let old = old.unwrap_or(&Progress::NONE);
    if stale || old.epoch != step.epoch {
        return None;
    }
    Some(Progress {
        next: step.next,
        largest: old.largest.max(step.largest),
        seen_at: old.seen_at.max(step.seen_at),
        idle_at: None,
        epoch: old.epoch,
        // A late event may begin a session before all others.
        floor: step.floor,
        backfill: step.backfill,
    })
}

/// A partition as a backfill begins it.
pub(super) fn begun(from: Offset, now: Timestamp) -> Progress {
    Progress { next: from, seen_at: now, epoch: 1, backfill: Backfill::Filling, ..Progress::NONE }
}

/// The partition marked idle at `next`; nothing where it has moved on.
pub(super) fn idled(old: Option<&Progress>, next: Offset) -> Option<Progress> {
    if old.is_some_and(|old| old.next != next) {
        return None;
    }
    let old = old.unwrap_or(&Progress::NONE);
    Some(Progress { next, idle_at: Some(next), ..old.clone() })
}

/// The partition in its next epoch; nothing where it is not in `epoch` any more.
pub(super) fn restarted(old: Option<&Progress>, epoch: u32) -> Option<Progress> {
    let old = old.unwrap_or(&Progress::NONE);
    let fresh = Progress { next: Offset::at(0), idle_at: None, epoch: epoch.checked_add(1)?, ..old.clone() };
    (old.epoch == epoch).then_some(fresh)
}
