//! The hot path: records into slabs.
//!
//! An event goes through four steps: its key is encoded, the leaf that covers the key is found, the
//! event is placed (which windows count it, or that it is late), and the accumulators of its group
//! take it in.

mod ahead;
mod event;
mod frame;
mod place;

use std::collections::{BTreeMap, HashSet};

use super::{
    close::KeyedRow,
    leaf::Leaf,
    pattern::MatchIndex,
    rules::{EventIndex, Rows},
    sessions::{SessionIndex, Slabs},
    slab::{Slab, Tag},
    view::{ViewRuntime, Windows},
};
use crate::{
    aggregate::Accumulators,
    event::{Batch, Record},
    sql::{Input, Source},
    state::Partition,
    time::{Millis, Offset, Timestamp},
    value::Value,
    window::watermark,
};
use ahead::Ahead;
use frame::Frame;
use place::Place;

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
    /// For sessions, and rows of single events: keys and times of events.
    pub(super) events: HashSet<(Vec<u8>, Timestamp)>,
    /// Events that were taken in for rows of single events: their keys' numbers in the index.
    pub(super) kept: Vec<(u32, Timestamp)>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.events.is_empty()
    }
}

/// What a writer knows of its partition's keys, as far as the view needs it.
#[derive(Default)]
pub(super) struct Indexes<'w> {
    pub(super) sessions: Option<&'w mut SessionIndex>,
    pub(super) events: Option<&'w mut EventIndex>,
    pub(super) matches: Option<&'w mut MatchIndex>,
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

/// An event that is to be folded. Its key lies in [`Fold::key`].
struct Event<'a> {
    at: Timestamp,
    offset: Offset,
    row: &'a [Value<'a>],
    /// The hash of its key.
    hash: u64,
}

/// Folds one partition's records for one view.
pub(super) struct Fold<'a> {
    view: &'a ViewRuntime,
    source: &'a Source,
    batch: &'a Batch<'a>,
    makes: Option<Rows<'a>>,
    delay: Millis,
    start: Start,
    /// The index of the next record.
    at: usize,
    /// Where it stopped for a cut last.
    cut_at: Option<usize>,
    /// The largest event time so far, and the watermark that it makes.
    largest: Timestamp,
    own: Timestamp,
    ahead: Ahead,
    /// The key of the event at hand, and its hash.
    key: Vec<u8>,
    hash: u64,
    /// What is kept of the event at hand.
    kept: Vec<u8>,
    pub(super) touched: Touched,
    /// Rows of single events that need no others.
    pub(super) rows: Vec<KeyedRow>,
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
        partition: &'a Partition,
        from: usize,
        start: Start,
    ) -> Self {
        let delay = view.delay(batch.topic);
        Self {
            view,
            source,
            batch,
            makes: Rows::new(view, partition),
            delay,
            start,
            at: from,
            cut_at: None,
            largest: start.largest,
            own: watermark(start.largest, delay),
            ahead: Ahead::default(),
            key: Vec::new(),
            hash: 0,
            kept: Vec::new(),
            touched: Touched::default(),
            rows: Vec::new(),
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
    pub(super) fn run(&mut self, slabs: &mut Slabs, mut indexes: Indexes<'_>) -> Stop {
        let mut frame: Option<Frame<'_>> = None;
        while let Some(event) = self.next_event(&indexes) {
            if !frame.as_ref().is_some_and(|frame| frame.holds(event.at)) {
                let slice = self.view.slices.start(event.at);
                let Some(leaves) = slabs.get_mut(&slice) else { return Stop::NeedsSlab(slice) };
                frame = Some(Frame::new(self.view, slice, leaves));
            }
            if let Some(frame) = &mut frame
                && !self.take(&event, frame, &mut indexes)
            {
                return Stop::Cut;
            }
            self.observe(event.at);
            self.at += 1;
        }
        Stop::End
    }

    /// The next event that is new to the head and wanted by the view. The records before it are
    /// passed over.
    fn next_event(&mut self, indexes: &Indexes<'_>) -> Option<Event<'a>> {
        loop {
            if let Some(event) = self.event_of(self.batch.records.get(self.at)?, indexes) {
                return Some(event);
            }
            self.at += 1;
        }
    }

    /// The event that a record is, if there is anything to fold. Otherwise it is noted as far as it
    /// counts: its time moves the watermark, and its windows may have to be closed again.
    fn event_of(&mut self, record: &Record<'_>, indexes: &Indexes<'_>) -> Option<Event<'a>> {
        let is_new = record.offset >= self.start.next;
        let at = match &record.event_time {
            Ok(at) if self.takes_key(indexes) => *at,
            Ok(at) => return self.pass(Some(*at).filter(|_| is_new)),
            Err(rejection) => return self.pass(rejection.event_time.filter(|_| is_new)),
        };
        let row = self.batch.row(self.at);
        if matches!(self.view.windows, Windows::Event) {
            self.give(at, record.offset, row);
            return self.pass(Some(at).filter(|_| is_new));
        }
        if !is_new {
            self.skip(at);
            return None;
        }
        Some(Event { at, offset: record.offset, row, hash: self.hash })
    }

    /// Takes the key of the record at hand, unless WHERE leaves the record out.
    fn takes_key(&mut self, indexes: &Indexes<'_>) -> bool {
        let Some((hash, key)) = self.ahead.key(self.at, self.batch, self.source, indexes.events.as_deref())
        else {
            return false;
        };
        self.hash = hash;
        self.key.clear();
        self.key.extend_from_slice(key);
        true
    }

    /// Passes over a record that is not folded.
    fn pass(&mut self, at: Option<Timestamp>) -> Option<Event<'a>> {
        if let Some(at) = at {
            self.observe(at);
        }
        None
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

    /// Takes an event in, or finds it late. Answers no if the batch must be cut before it.
    fn take(&mut self, event: &Event<'_>, frame: &mut Frame<'_>, indexes: &mut Indexes<'_>) -> bool {
        let Some(leaf) = frame.leaves.covering(event.hash) else { return true };
        //
        if event.offset < leaf.content.next {
            self.skip(event.at);
            return true;
        }
        let place = match (self.view.windows, indexes.sessions.as_deref_mut()) {
            (Windows::Grid(grid), _) => self.place_on_grid(event.at, grid, frame.ends),
            (Windows::Session(bounds), Some(sessions)) => {
                self.place_in_session(event, bounds, frame.slice, sessions)
            }
            (Windows::Over(reach), _) => self.place_over(event, reach, leaf, indexes.events.as_deref_mut()),
            (Windows::Match(_), _) => self.place_in_run(event, leaf, indexes.matches.as_deref_mut()),
            (Windows::Session(_), None) | (Windows::Event, _) => return true,
            (Windows::Running, _) => {
                self.touch(event.at, Timestamp::MIN, Timestamp::MAX);
                Place::Counts(Tag::ALL)
            }
        };
        match place {
            Place::Counts(tag) => self.add(event, &tag, leaf),
            Place::Kept => {}
            Place::Late(watermark) => self.late.push((self.at, watermark)),
            Place::BehindCut => return false,
        }
        true
    }

    /// Adds an event to its group.
    fn add(&mut self, event: &Event<'_>, tag: &Tag, leaf: &mut Leaf<Slab>) {
        let shape = &self.view.shape;
        let groups = leaf.content.section(shape, tag);
        let (group, accumulators) = groups.count(event.hash, &self.key, 1);
        update(&self.source.inputs, event.at, event.row, group, accumulators);
        if shape.timed {
            groups.widen(group, event.at, event.at);
        }
        leaf.content.next = event.offset.next();
        leaf.dirty = true;
        self.accepted += 1;
    }
}

/// Gives a row to each aggregate whose FILTER lets it pass.
pub(super) fn update(
    inputs: &[Input],
    at: Timestamp,
    row: &[Value<'_>],
    group: usize,
    accumulators: &mut Accumulators,
) {
    for (aggregate, Input { argument, filter }) in inputs.iter().enumerate() {
        if filter.as_ref().is_some_and(|filter| !filter.test(row)) {
            continue;
        }
        match argument {
            Some(argument) => argument.with(row, |value| accumulators.update(aggregate, group, at, value)),
            None => accumulators.update(aggregate, group, at, &Value::Bool(true)),
        }
    }
}
