//! The aggregates over the frames of one key's events.
//!
//! One frame is computed event by event. Many are computed as a window slides: what lies before a pivot
//! is summed up backwards from it, what lies behind it forwards, and a frame that holds the pivot is
//! made of one sum of each kind. So an event is taken in about twice, however many frames hold it.

use super::{Kept, KeyEvents, Touched};
use crate::{
    aggregate::Accumulators,
    codec::CodecError,
    sql::{Aggregate, AggregateFunction},
    time::{Millis, Timestamp},
};

/// So many events are taken in one by one before it pays to look for what frames have in common.
const FEW: usize = 64;
/// Results that were read are dropped once they are of this many events.
const MOST: usize = 1 << 16;
/// As many frames share their sums where accumulators may be large: each frame has one.
const FRAMES_OF_LARGE: usize = 64;

/// An event's frame among the events of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Frame {
    /// The event.
    pub(in crate::engine) position: usize,
    /// The event's time.
    pub(in crate::engine) at: Timestamp,
    first: usize,
    /// Behind the last.
    end: usize,
}

impl Frame {
    /// How many events are in it.
    pub(in crate::engine) const fn len(&self) -> usize {
        self.end - self.first
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.first, self.end) == (other.first, other.end)
    }
}

/// Computes the aggregates over frames.
#[derive(Debug)]
pub(in crate::engine) struct Frames<'r> {
    kept: &'r Kept,
    aggregates: &'r [Aggregate],
    range: Millis,
    /// As many frames share their sums.
    at_once: usize,
    /// Room for those at hand.
    room: Vec<Frame>,
    results: Accumulators,
    groups: usize,
    /// Of how many events the results are.
    weight: usize,
}

impl<'r> Frames<'r> {
    pub(in crate::engine) fn new(kept: &'r Kept, aggregates: &'r [Aggregate], range: Millis) -> Self {
        use AggregateFunction as F;
        let is_small = |aggregate: &Aggregate| {
            matches!(aggregate.function, F::Count | F::Sum | F::Min | F::Max | F::Avg)
        };
        let at_once = if aggregates.iter().all(is_small) { usize::MAX } else { FRAMES_OF_LARGE };
        let results = Accumulators::new(aggregates);
        Self { kept, aggregates, range, at_once, room: Vec::new(), results, groups: 0, weight: 0 }
    }

    /// Computes the frames of some events of a key, in their order; gives each to `take`, with the group
    /// that its results are in (but where events are only counted).
    pub(in crate::engine) fn each(
        &mut self,
        key: &KeyEvents,
        events: &[Touched],
        mut take: impl FnMut(Frame, &Accumulators, usize) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut frames = std::mem::take(&mut self.room);
        frames.clear();
        frames_of(key, events, self.range, &mut frames);
        let total: usize = frames.iter().map(Frame::len).sum();
        let done = if self.kept.is_count() {
            frames.iter().try_for_each(|frame| take(*frame, &self.results, 0))
        } else if frames.len() == 1 || total <= FEW {
            self.one_by_one(key, &frames, &mut take)
        } else {
            self.sliding(key, &frames, &mut take)
        };
        self.room = frames;
        done
    }

    fn one_by_one(
        &mut self,
        key: &KeyEvents,
        frames: &[Frame],
        take: &mut impl FnMut(Frame, &Accumulators, usize) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.make_room();
        let mut last: Option<(Frame, usize)> = None;
        for frame in frames {
            let known = last.filter(|(last, _)| last.is_same(frame)).map(|(_, group)| group);
            let group = if let Some(group) = known {
                group
            } else {
                let group = self.new_group(frame.len());
                for event in key.events().get(frame.first..frame.end).unwrap_or_default() {
                    self.kept.update(&mut self.results, group, event.at, key.kept(event)?)?;
                }
                group
            };
            last = Some((*frame, group));
            take(*frame, &self.results, group)?;
        }
        Ok(())
    }

    fn sliding(
        &mut self,
        key: &KeyEvents,
        mut frames: &[Frame],
        take: &mut impl FnMut(Frame, &Accumulators, usize) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        while let Some(first) = frames.first() {
            let pivot = first.end;
            let behind = frames.partition_point(|frame| frame.first < pivot).min(self.at_once);
            let (run, rest) = frames.split_at_checked(behind).unwrap_or((frames, &[]));
            self.run(key, run, pivot, take)?;
            frames = rest;
        }
        Ok(())
    }

    /// Computes frames that hold the event before the pivot.
    fn run(
        &mut self,
        key: &KeyEvents,
        frames: &[Frame],
        pivot: usize,
        take: &mut impl FnMut(Frame, &Accumulators, usize) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.make_room();
        let suffixes = self.suffixes(key, frames, pivot)?;
        let mut prefix = Accumulators::new(self.aggregates);
        prefix.push();
        let mut end = pivot;
        for (number, frame) in frames.iter().enumerate() {
            for event in key.events().get(end..frame.end).unwrap_or_default() {
                self.kept.update(&mut prefix, 0, event.at, key.kept(event)?)?;
            }
            end = end.max(frame.end);
            let group = self.new_group(if self.at_once == usize::MAX { 1 } else { frame.len() });
            // The last frame's suffix was taken first.
            self.results.merge(&suffixes, &[(group, frames.len() - 1 - number)]);
            if end > pivot {
                self.results.merge(&prefix, &[(group, 0)]);
            }
            take(*frame, &self.results, group)?;
        }
        Ok(())
    }

    /// For each frame, from the last to the first, what it holds before the pivot.
    fn suffixes(&self, key: &KeyEvents, frames: &[Frame], pivot: usize) -> Result<Accumulators, CodecError> {
        let (mut sum, mut suffixes) =
            (Accumulators::new(self.aggregates), Accumulators::new(self.aggregates));
        sum.push();
        let mut first = pivot;
        for (number, frame) in frames.iter().rev().enumerate() {
            for event in key.events().get(frame.first..first).unwrap_or_default().iter().rev() {
                self.kept.update(&mut sum, 0, event.at, key.kept(event)?)?;
            }
            first = frame.first;
            suffixes.push();
            suffixes.merge(&sum, &[(number, 0)]);
        }
        Ok(suffixes)
    }

    /// A group for the results over so many events.
    fn new_group(&mut self, weight: usize) -> usize {
        self.results.push();
        self.weight += weight;
        self.groups += 1;
        self.groups - 1
    }

    fn make_room(&mut self) {
        if self.weight > MOST {
            self.results = Accumulators::new(self.aggregates);
            (self.groups, self.weight) = (0, 0);
        }
    }
}

/// The frames of events, in their order.
fn frames_of(key: &KeyEvents, touched: &[Touched], range: Millis, frames: &mut Vec<Frame>) {
    let events = key.events();
    let (mut first, mut end) = (None, 0);
    for (position, at) in touched {
        let from = *at - range;
        let start = match first {
            None => key.before(from),
            Some(first) => first + events.iter().skip(first).take_while(|event| event.at < from).count(),
        };
        end = end.max(position + 1);
        end += events.iter().skip(end).take_while(|peer| peer.at == *at).count();
        first = Some(start);
        frames.push(Frame { position: *position, at: *at, first: start, end });
    }
}

#[cfg(test)]
mod tests;
