//! The hot path: records into slabs.

use std::collections::{BTreeMap, HashSet};

use super::{
    leaf::Leaves,
    sessions::{SessionIndex, Slabs},
    slab::{Slab, Tag},
    view::{ViewRuntime, Windows},
};
use crate::{
    aggregate::KeyTable,
    codec::put_value,
    event::Batch,
    sql::{Input, Source},
    time::{Millis, Offset, Timestamp},
    value::Value,
    window::{is_due, watermark},
};

/// What a batch is folded against: the head as it stood when the batch began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The partition's next offset.
    pub(super) next: Offset,
    /// The partition's largest event time.
    pub(super) largest: Timestamp,
    /// The smallest watermark of the other partitions.
    pub(super) others: Timestamp,
    /// Up to where windows are closed.
    pub(super) closed: Timestamp,
    /// Whether the partition was idle, so that windows may be closed beyond its own watermark.
    pub(super) was_idle: bool,
}

/// Windows that may have been closed before an event of theirs was taken in.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    /// On a grid: the keys, by window end. Without windows: the keys, at the end of time.
    pub(super) windows: BTreeMap<Timestamp, HashSet<Vec<u8>>>,
    /// For sessions: keys and times of events.
    pub(super) events: HashSet<(Vec<u8>, Timestamp)>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.events.is_empty()
    }
}

/// Why folding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the end of the batch.
    End,
    /// A slice's slab is not in memory.
    NeedsSlab(Timestamp),
    /// Before an event that changes the window of a session whose result was not given yet.
    Cut,
}

/// A slice that records are folded into, and what all of its events have in common. Records come
/// nearly in order, so that the next one is nearly always of the same slice.
struct Frame<'s> {
    slice: Timestamp,
    end: Timestamp,
    /// The ends of the first and the last window of its events. (On a grid.)
    ends: (Timestamp, Timestamp),
    leaves: &'s mut Leaves<Slab>,
}

impl<'s> Frame<'s> {
    fn new(view: &ViewRuntime, slice: Timestamp, leaves: &'s mut Leaves<Slab>) -> Self {
        let ends = match view.windows {
            Windows::Grid(grid) => (grid.first_end(slice), grid.last_end(slice)),
            Windows::Session(_) => (Timestamp::MAX, Timestamp::MAX),
            Windows::Running => {
                let all = (Timestamp::MIN, Timestamp::MAX);
                return Self { slice: all.0, end: all.1, ends: all, leaves };
            }
        };
        Self { slice, end: slice + view.slices.length(), ends, leaves }
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.slice <= at && at < self.end
    }
}

/// Folds one partition's records for one view.
pub(super) struct Fold<'a> {
    view: &'a ViewRuntime,
    source: &'a Source,
    batch: &'a Batch<'a>,
    delay: Millis,
    start: Start,
    /// The index of the next record.
    at: usize,
    /// Where it stopped for a cut last.
    cut_at: Option<usize>,
    /// The largest event time so far, and the watermark that it makes.
    largest: Timestamp,
    own: Timestamp,
    key: Vec<u8>,
    pub(super) touched: Touched,
    /// Late events: the record's index and the watermark that it met.
    pub(super) late: Vec<(usize, Timestamp)>,
    pub(super) accepted: u64,
    pub(super) skipped: u64,
}

impl<'a> Fold<'a> {
    pub(super) fn new(
        view: &'a ViewRuntime,
        source: &'a Source,
        batch: &'a Batch<'a>,
        from: usize,
        start: Start,
    ) -> Self {
        let delay = view.delay(batch.topic);
        Self {
            view,
            source,
            batch,
            delay,
            start,
            at: from,
            cut_at: None,
            largest: start.largest,
            own: watermark(start.largest, delay),
            key: Vec::new(),
            touched: Touched::default(),
            late: Vec::new(),
            accepted: 0,
            skipped: 0,
        }
    }

    /// The index of the first record that was not folded.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The largest event time so far.
    pub(super) fn largest(&self) -> Timestamp {
        self.largest
    }

    /// Lets the record at this index pass where it was cut before.
    pub(super) fn resume_behind_cut(&mut self, cut_at: Option<usize>) {
        self.cut_at = cut_at;
    }

    /// Folds until something is missing.
    pub(super) fn run(&mut self, slabs: &mut Slabs, mut sessions: Option<&mut SessionIndex>) -> Stop {
        let mut frame: Option<Frame<'_>> = None;
        while let Some(record) = self.batch.records.get(self.at) {
            let at = match &record.event_time {
                Ok(at) => *at,
                Err(rejection) => {
                    if let Some(at) = rejection.event_time.filter(|_| record.offset >= self.start.next) {
                        self.observe(at);
                    }
                    self.at += 1;
                    continue;
                }
            };
            let row = self.batch.row(self.at);
            if self.source.filter.as_ref().is_none_or(|filter| filter.test(row)) {
                self.encode_key(row);
                if record.offset < self.start.next {
                    self.skip(at);
                } else {
                    if !frame.as_ref().is_some_and(|frame| frame.holds(at)) {
                        let slice = self.view.slices.start(at);
                        let Some(leaves) = slabs.get_mut(&slice) else { return Stop::NeedsSlab(slice) };
                        frame = Some(Frame::new(self.view, slice, leaves));
                    }
                    if let Some(frame) = &mut frame
                        && !self.take(at, record.offset, row, frame, sessions.as_deref_mut())
                    {
                        return Stop::Cut;
                    }
                }
            }
            if record.offset >= self.start.next {
                self.observe(at);
            }
            self.at += 1;
        }
        Stop::End
    }

    /// Moves the partition's watermark.
    fn observe(&mut self, at: Timestamp) {
        if at > self.largest {
            self.largest = at;
            self.own = watermark(at, self.delay);
        }
    }

    /// The watermark that the next event meets.
    fn watermark(&self) -> Timestamp {
        self.own.min(self.start.others).max(self.start.closed)
    }

    fn encode_key(&mut self, row: &[Value<'_>]) {
        self.key.clear();
        for key in &self.source.keys {
            key.with(row, |value| put_value(&mut self.key, value));
        }
    }

    /// what a slab has already may not have been closed.
    fn skip(&mut self, at: Timestamp) {
        self.skipped += 1;
        self.touch(at, Timestamp::MIN, Timestamp::MAX);
    }

    /// Notes the windows of an event, those that end at `from` or later, which may be closed already
    /// because they are due at a watermark that others may have seen.
    fn touch(&mut self, at: Timestamp, from: Timestamp, seen: Timestamp) {
        match self.view.windows {
            Windows::Grid(grid) => {
                for end in grid.ends(at, from).take_while(|end| is_due(*end, seen)) {
                    let keys = self.touched.windows.entry(end).or_default();
                    if !keys.contains(&self.key) {
                        keys.insert(self.key.clone());
                    }
                }
            }
            Windows::Session(_) => {
                self.touched.events.insert((self.key.clone(), at));
            }
            Windows::Running => {
                let keys = self.touched.windows.entry(Timestamp::MAX).or_default();
                if !keys.contains(&self.key) {
                    keys.insert(self.key.clone());
                }
            }
        }
    }

    /// Takes an event in, or finds it late. Answers no if the batch must be cut before it.
    fn take(
        &mut self,
        at: Timestamp,
        offset: Offset,
        row: &[Value<'_>],
        frame: &mut Frame<'_>,
        sessions: Option<&mut SessionIndex>,
    ) -> bool {
        let hash = KeyTable::hash(&self.key);
        let Some(leaf) = frame.leaves.covering(hash) else { return true };
        //
        if offset < leaf.content.next {
            self.skip(at);
            return true;
        }
        let watermark = self.watermark();
        // Beyond this no other closer can have come.
        let seen = if self.start.was_idle { Timestamp::MAX } else { self.own.max(self.start.closed) };
        let tag = match (self.view.windows, sessions) {
            (Windows::Grid(grid), _) => {
                let first = grid.first_open_end_of(frame.ends, self.view.lateness, watermark);
                let Some(first) = first else {
                    self.late.push((self.at, watermark));
                    return true;
                };
                let from_end = if first == frame.ends.0 { Timestamp::MIN } else { first };
                if is_due(first, seen) {
                    self.touch(at, from_end, seen);
                }
                Tag { from_end, ..Tag::ALL }
            }
            (Windows::Session(bounds), Some(sessions)) => {
                let mut sessions = sessions.of_key(hash, &self.key);
                let Some(placed) = sessions.place(at, watermark) else {
                    self.late.push((self.at, watermark));
                    return true;
                };
                if placed.supersedes.is_some_and(|end| self.must_close(end)) {
                    return false;
                }
                if is_due(at + bounds.gap, seen) || is_due(placed.end, seen) {
                    self.touch(at, Timestamp::MIN, seen);
                }
                let slice = leaf.content.slice();
                sessions.join(at, slice, &placed.mark, watermark);
                Tag { mark: placed.mark, ..Tag::ALL }
            }
            (Windows::Session(_), None) => return true,
            (Windows::Running, _) => {
                self.touch(at, Timestamp::MIN, Timestamp::MAX);
                Tag::ALL
            }
        };
        let shape = &self.view.shape;
        let groups = leaf.content.section(shape, &tag);
        let (group, accumulators) = groups.count(hash, &self.key, 1);
        for (aggregate, Input { argument, filter }) in self.source.inputs.iter().enumerate() {
            if filter.as_ref().is_none_or(|filter| filter.test(row)) {
                match argument {
                    Some(argument) => {
                        argument.with(row, |value| accumulators.update(aggregate, group, at, value));
                    }
                    None => accumulators.update(aggregate, group, at, &Value::Bool(true)),
                }
            }
        }
        if shape.timed {
            groups.widen(group, at, at);
        }
        leaf.content.next = offset.next();
        leaf.dirty = true;
        self.accepted += 1;
        true
    }

    /// Whether a session that ends here may not have been closed as it stands. The batch is cut
    /// before the event that changes it, once.
    fn must_close(&self, end: Timestamp) -> bool {
        let is_given = is_due(end, self.start.closed);
        let is_touched = self.touched.events.iter().any(|(key, _)| *key == self.key);
        (!is_given || is_touched) && self.cut_at != Some(self.at)
    }
}
