//! Rows of matches: what `MATCH_RECOGNIZE` keeps of events, how matches are found, and how a row is made.
//!
//! The events of a key are looked at in the order of their times; those of one time in that of their partitions
//! and offsets. From an event the search tries what the pattern prefers first, then the next, as far as events less than
//! `within` away go. It is *decided* at the watermark by which every event that it looked at is final, or by
//! which there can be no more events for it: earlier searches of the key are decided before. Up to a watermark W only
//! the events up to W are looked at, all of which are known, so that what is found, and the watermark at
//! which it was decided, is a function of the events alone. Closing from `closed` to W gives the matches that
//! were decided in between.
//!
//! A search that begins at t is decided at the latest at `t + within - 1`. So what begins up to `closed -
//! within` is done with, and nothing older than that is looked at again; apart from where the last match ended
//! that begins there, which the search goes on behind (`SKIP PAST LAST ROW`). Its row is in the history, and
//! its events are not older than `closed - 2 * within`. So both together are all that is needed to go on, in whatever
//! process: [`MatchIndex::resume`].
//!
//! A slab holds its slice's events as a log; an index over slabs holds those of each key that a search may
//! still need ([`MatchIndex`]).

mod ended;
mod index;
mod program;
mod rows;
mod search;

pub(super) use ended::Ended;
pub(super) use index::{Found, MatchIndex};
pub(super) use rows::MatchRows;

use self::program::Program;
use super::rules::Kept;
use crate::{
    codec::{CodecError, Reader, put_value},
    sql::{Expr, Source, View},
    time::{Millis, Timestamp},
    value::Value,
};

/// A match's last event is less than this behind its first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within(pub(super) Millis);

impl Within {
    /// The watermark by which a search that begins at this time is decided: all events that it may look at are
    /// known.
    fn deadline(self, start: Timestamp) -> Timestamp {
        start + self.0 - Millis(1)
    }

    /// Whether all searches that begin up to this time are decided at a watermark.
    pub(super) fn is_decided(self, start: Timestamp, watermark: Timestamp) -> bool {
        self.deadline(start) <= watermark
    }

    /// From `closed` back to the first event that may still be needed.
    pub(super) fn back(self) -> Millis {
        self.0 + self.0
    }
}

/// What a view's matches are.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    program: Program,
    kept: Kept,
    conditions: Vec<Option<Condition>>,
}

/// What an event has to be like, given those of the match before it.
#[derive(Clone, Debug)]
struct Condition {
    expr: Expr,
    /// Which picks it reads.
    picks: Vec<usize>,
}

impl Matcher {
    /// That of a view of which every match makes a row.
    pub(super) fn of(view: &View) -> Option<Self> {
        let (pattern, source) = (view.pattern.as_ref()?, view.sources.first()?);
        let first = view.first_pick_slot();
        let condition = |expr: &Expr| {
            let mut picks = Vec::new();
            expr.for_each_column(&mut |slot| picks.extend(slot.checked_sub(first)));
            picks.sort_unstable();
            picks.dedup();
            Condition { expr: expr.clone(), picks }
        };
        let conditions = pattern.variables.iter().map(|variable| variable.condition.as_ref().map(condition));
        Some(Self {
            program: Program::of(&pattern.runs),
            kept: Kept::of(&view.aggregates, source),
            conditions: conditions.collect(),
        })
    }

    /// Appends what is kept of an event: which variables it fits, as far as it alone says, and if it fits any what
    /// rows and conditions need of it.
    pub(super) fn put(&self, source: &Source, row: &[Value<'_>], out: &mut Vec<u8>) {
        let Some((fits, carried)) = source.carried.split_first() else { return };
        let fits = fits.eval(row);
        put_value(out, &fits);
        if fits.is_null() {
            return;
        }
        self.kept.put_inputs(source, row, out);
        for carried in carried {
            carried.with(row, |value| put_value(out, value));
        }
    }

    /// The variables that an event fits, a bit each.
    fn fits(mut kept: Reader<'_>) -> Result<u32, CodecError> {
        match kept.value()? {
            Value::Int(bits) => Ok(u32::try_from(bits).unwrap_or_default()),
            _ => Ok(0),
        }
    }

    /// What is kept of an event beside what aggregates take in: the variables that it fits, then the rest.
    fn carried<'e>(&self, mut kept: Reader<'e>) -> Result<(Value<'e>, Reader<'e>), CodecError> {
        let fits = kept.value()?;
        for _ in self.kept.is_kept().filter(|is_kept| *is_kept) {
            kept.value()?;
        }
        Ok((fits, kept))
    }
}
