//! Sessions of one key.
//!
//! An event at t makes `[t, t + gap)` and merges with every session that this overlaps *or
//! touches*, bridging several if need be. What counts as late is the merged session (Flink's
//! `MergingWindowSet`): an event whose own window is past is kept when it joins a session that is
//! not.
//!
//! A session that is past is *gone*: nothing joins it any more, though an event may well lie within
//! its reach, or even among its events. Whoever stitches sessions together from their parts later
//! must keep the two apart. So a part carries a [`Mark`]: the gone sessions within its reach when it
//! was made. Two parts within a gap of each other are one session's unless one's mark names the
//! session of the other. The name of a gone session is its first and last event, which never change
//! any more, and its *generation*: 0, or one more than that of the gone sessions its parts are
//! marked with. Whatever is made within its reach later is of a higher generation, so that the name
//! holds the gone session's parts and no others.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::{is_due, is_past};
use crate::time::{Millis, Timestamp};

/// A gone session, as a mark names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gone {
    /// Its first event.
    pub first: Timestamp,
    /// Its last event.
    pub last: Timestamp,
    /// Its generation.
    pub generation: u32,
}

/// The gone sessions that were within a part's reach when it was made, in order. Nearly always none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub Vec<Gone>);

impl Mark {
    fn generation(&self) -> u32 {
        self.0.iter().map(|gone| gone.generation + 1).max().unwrap_or(0)
    }

    fn names<P>(&self, part: &Part<P>) -> bool {
        let generation = part.mark.generation();
        let within = |gone: &Gone| gone.first <= part.first && part.last <= gone.last;
        self.0.iter().any(|gone| within(gone) && generation <= gone.generation)
    }
}

/// Events of one key that are known to be of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<P> {
    /// The first event.
    pub first: Timestamp,
    /// The last event.
    pub last: Timestamp,
    /// Which sessions it is not part of.
    pub mark: Mark,
    /// Where it is kept.
    pub id: P,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<P> {
    /// The first event.
    pub first: Timestamp,
    /// The last event.
    pub last: Timestamp,
    /// The largest generation of its parts.
    pub generation: u32,
    /// Where its parts are kept, in order, but for the last.
    parts: Vec<P>,
    /// The last: the next event most likely goes there too, or behind it.
    last_part: P,
}

impl<P: Ord> Span<P> {
    fn new(first: Timestamp, last: Timestamp, generation: u32, part: P) -> Self {
        Self { first, last, generation, parts: Vec::new(), last_part: part }
    }

    /// The end of its window.
    pub fn end(&self, gap: Millis) -> Timestamp {
        self.last + gap
    }

    /// Where its parts are kept, in order.
    pub fn parts(&self) -> impl Iterator<Item = &P> {
        self.parts.iter().chain([&self.last_part])
    }

    fn reaches(&self, at: Timestamp, gap: Millis) -> bool {
        at <= self.last + gap && self.first <= at + gap
    }

    /// Adds an event that is kept in a part.
    fn take(&mut self, at: Timestamp, generation: u32, part: P) {
        self.widen(at, at, generation);
        self.add(part);
    }

    fn absorb(&mut self, mut other: Self) {
        if self.parts.len() < other.parts.len() {
            std::mem::swap(self, &mut other);
        }
        self.widen(other.first, other.last, other.generation);
        other.parts.into_iter().chain([other.last_part]).for_each(|part| self.add(part));
    }

    fn widen(&mut self, first: Timestamp, last: Timestamp, generation: u32) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        self.generation = self.generation.max(generation);
    }

    fn add(&mut self, part: P) {
        match part.cmp(&self.last_part) {
            Ordering::Equal => {}
            Ordering::Greater => self.parts.push(std::mem::replace(&mut self.last_part, part)),
            Ordering::Less => {
                if let Err(place) = self.parts.binary_search(&part) {
                    self.parts.insert(place, part);
                }
            }
        }
    }
}

/// The sessions of one key, with some that are gone and still within reach of an event. Nearly always
/// one, which then lies with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions<P>(Spans<P>);

type Spans<P> = SmallVec<[Span<P>; 1]>;

impl<P> Default for Sessions<P> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

/// What decides whether a session is due and when it is gone.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The largest silence within a session.
    pub gap: Millis,
    /// How long a session takes events after it is due.
    pub lateness: Millis,
}

/// Where an event belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The mark of the part that it goes to.
    pub mark: Mark,
    /// The end of the session that it becomes part of.
    pub end: Timestamp,
    /// The latest end among the sessions that are due and whose window it changes, where it changes
    /// any: their results are to be given before they are gone.
    pub supersedes: Option<Timestamp>,
}

impl<P: Ord> Sessions<P> {
    /// Where an event belongs at a watermark; none where it is late.
    pub fn place(&self, at: Timestamp, bounds: Bounds, watermark: Timestamp) -> Option<Placed> {
        let Bounds { gap, lateness } = bounds;
        let is_gone = |span: &Span<P>| is_past(span.end(gap), lateness, watermark);
        let mut mark = Mark::default();
        let (mut first, mut last) = (at, at);
        for span in self.0.iter().filter(|span| span.reaches(at, gap)) {
            if is_gone(span) {
                mark.0.push(Gone { first: span.first, last: span.last, generation: span.generation });
            } else {
                first = first.min(span.first);
                last = last.max(span.last);
            }
        }
        mark.0.sort_unstable();
        let end = last + gap;
        let changed = |span: &&Span<P>| {
            span.reaches(at, gap)
                && !is_gone(span)
                && is_due(span.end(gap), watermark)
                && (span.first, span.last) != (first, last)
        };
        let supersedes = self.0.iter().filter(changed).map(|span| span.end(gap)).max();
        (!is_past(end, lateness, watermark)).then_some(Placed { mark, end, supersedes })
    }

    /// Adds an event, kept in a part with the mark that [`Sessions::place`] gave at this watermark.
    pub fn join(&mut self, at: Timestamp, mark: &Mark, id: P, bounds: Bounds, watermark: Timestamp) {
        let joins = |span: &Span<P>| {
            span.reaches(at, bounds.gap) && !is_past(span.end(bounds.gap), bounds.lateness, watermark)
        };
        let mut joined = self.0.iter_mut().filter(|span| joins(span));
        if let (Some(span), None) = (joined.next(), joined.next()) {
            // Nearly every event: it goes on with the one session that there is.
            span.take(at, mark.generation(), id);
            return;
        }
        let (joined, mut others): (Spans<P>, Spans<P>) =
            std::mem::take(&mut self.0).into_iter().partition(joins);
        let mut joined = joined.into_iter();
        let merged = match joined.next() {
            Some(mut merged) => {
                joined.for_each(|span| merged.absorb(span));
                merged.take(at, mark.generation(), id);
                merged
            }
            None => Span::new(at, at, mark.generation(), id),
        };
        others.push(merged);
        self.0 = others;
    }

    /// The sessions that parts make, whatever the order in which they were made.
    pub fn stitch(mut parts: Vec<Part<P>>, gap: Millis) -> Self {
        parts.sort_by_key(|part| (part.first, part.last));
        let mut spans: Vec<(Span<P>, Vec<Part<()>>)> = Vec::new();
        for part in parts {
            let Part { first, last, mark, id } = part;
            let generation = mark.generation();
            let mut merged = (Span::new(first, last, generation, id), vec![]);
            let part = Part { first, last, mark, id: () };
            let joined = spans.extract_if(.., |(_, members)| members.iter().any(|m| linked(m, &part, gap)));
            for (span, mut members) in joined {
                merged.0.absorb(span);
                merged.1.append(&mut members);
            }
            // In the order of their first events, only members that still reach on can link again.
            merged.1.retain(|member| member.last + gap >= first);
            merged.1.push(part);
            spans.push(merged);
        }
        Self(spans.into_iter().map(|(span, _)| span).collect())
    }

    /// The session that an event was made part of, if it is due. Of a gone session and a later one
    /// that holds the same time, that is the later.
    pub fn due_at(&self, at: Timestamp, gap: Millis, watermark: Timestamp) -> Option<&Span<P>> {
        let holding = self.0.iter().filter(|span| span.first <= at && at <= span.last);
        holding.max_by_key(|span| span.last).filter(|span| is_due(span.end(gap), watermark))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Span<P>> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops the gone sessions that no event reaches any more, if none is more than two gaps later
    /// than what may still begin a session. (Flink forgets a session when it is gone. We have to
    /// remember it for as long as a part may be made within its reach; a chain of events, each late
    /// by a gap more than the one before, would make that for ever.)
    pub fn prune(&mut self, Bounds { gap, lateness }: Bounds, watermark: Timestamp) {
        let alive = |span: &Span<P>| !is_past(span.end(gap), lateness, watermark);
        // What joins no session lies behind this: by itself it is not past.
        let alone = watermark - lateness - gap + Millis(1);
        let farthest = self.0.iter().filter(|span| alive(span)).map(|span| span.first - gap).min();
        let farthest = farthest.unwrap_or(Timestamp::MAX).min(alone - gap - gap);
        self.0.retain(|span| alive(span) || span.last + gap >= farthest);
    }
}

/// Whether two parts are one session's: within a gap, and neither's mark names the other's session.
fn linked<A, B>(a: &Part<A>, b: &Part<B>, gap: Millis) -> bool {
    a.first <= b.last + gap && b.first <= a.last + gap && !a.mark.names(b) && !b.mark.names(a)
}

#[cfg(test)]
mod tests;
