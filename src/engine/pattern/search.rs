//! The search for a match from one event on: depth first, in the order of what the pattern prefers.

use std::collections::HashSet;

use super::{
    index::Event,
    program::{Program, Step},
};
use crate::{codec::CodecError, time::Timestamp};

/// A search whose conditions look at other events of the match gives up behind so many steps: what it has tried
/// cannot be told from what it has not.
const MOST_STEPS: usize = 1 << 17;
/// Others remember what led to nothing once they have taken so many.
const FEW_STEPS: usize = 256;

/// What a search can see: the events from its first on, as far as they are final.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'r> {
    pub(super) events: &'r [Event],
    /// The last time at which an event may be part of the match.
    pub(super) deadline: Timestamp,
    /// Whether all events up to that time are there.
    pub(super) is_whole: bool,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many events are a match; [`Search::path`] has their variables.
    Match(usize),
    /// No match begins there.
    Nothing,
    /// That depends on events that are not known yet.
    Open,
}

/// A search's memory, for one search at a time.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The variables of the events so far.
    path: Vec<u8>,
    /// What is to be tried next where this leads to nothing: steps, with the events before them.
    untried: Vec<(usize, usize)>,
    tried: HashSet<(usize, usize)>,
    /// The watermark at which it is decided.
    decided: Timestamp,
}

impl Search {
    /// The variables of a match's events.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// The watermark by which all is known that the search looked at.
    pub(super) const fn decided(&self) -> Timestamp {
        self.decided
    }

    /// Searches. `holds` answers whether the last variable of a path may be that of its event, where the path
    /// decides that too; `is_alone` is whether it never does.
    pub(super) fn run(
        &mut self,
        program: &Program,
        view: View<'_>,
        is_alone: bool,
        mut holds: impl FnMut(&[u8]) -> Result<bool, CodecError>,
    ) -> Result<Outcome, CodecError> {
        self.path.clear();
        self.untried.clear();
        self.tried.clear();
        self.decided = Timestamp::MIN;
        let (mut at, mut steps) = (0, 0);
        loop {
            steps += 1;
            let is_on = match program.step(at) {
                Step::Done => return Ok(Outcome::Match(self.path.len())),
                Step::Go(to) => {
                    at = to;
                    true
                }
                Step::Try(first, then) => {
                    let is_new = !is_alone || steps < FEW_STEPS || self.tried.insert((at, self.path.len()));
                    if is_new {
                        self.untried.push((then, self.path.len()));
                        at = first;
                    }
                    is_new
                }
                Step::Take(variable) => match self.take(variable, view) {
                    None => return Ok(Outcome::Open),
                    Some(fits) => {
                        at += 1;
                        fits && (is_alone || holds(&self.path)?)
                    }
                },
            };
            if is_on {
                continue;
            }
            let Some((untried, events)) = self.untried.pop() else { return Ok(Outcome::Nothing) };
            if !is_alone && steps > MOST_STEPS {
                return Ok(Outcome::Nothing);
            }
            at = untried;
            self.path.truncate(events);
        }
    }

    /// Takes the next event for one of a variable; answers whether it fits, or nothing if it is not known.
    fn take(&mut self, variable: u8, view: View<'_>) -> Option<bool> {
        let next = view.events.get(self.path.len()).filter(|event| event.at <= view.deadline);
        let Some(event) = next else {
            // Beyond what is there for it nothing will come.
            let ends = view.is_whole || view.events.len() > self.path.len();
            self.decided = self.decided.max(view.deadline);
            return ends.then_some(false);
        };
        self.decided = self.decided.max(event.at);
        self.path.push(variable);
        Some(event.fits >> variable & 1 == 1)
    }
}
