//! Which letters are sent, and what becomes of the others.

use std::{collections::BTreeMap, fmt::Write as _};

use indicatif::HumanCount;

use super::{
    letter::Letter,
    pick::Pick,
    source::Entry,
    survey::{Known, Survey},
};

/// So many records that are no letters are told one by one.
const SHOWN: u64 = 20;

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Taken,
    /// It was dealt with before.
    Done,
    /// Another letter of the same record is or was.
    Repeated,
    /// It is not what was asked for.
    Other,
    /// It is of an event that came too late.
    Late,
    /// As many as were asked for are taken.
    Beyond,
    /// It is no letter.
    Foreign,
}

/// Decides on letters, one by one.
pub(super) struct Chooser {
    pub(super) pick: Pick,
    pub(super) survey: Survey,
    /// Whether those that were dealt with are taken again.
    pub(super) all: bool,
    /// Whether late events are taken.
    pub(super) late: bool,
    pub(super) limit: Option<u64>,
    pub(super) told: Told,
}

/// How many letters became what.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<Fate, u64>);

impl Chooser {
    /// The letter, if it is taken.
    pub(super) fn of_entry(&mut self, entry: Entry) -> Option<Letter> {
        match entry {
            Entry::Letter(letter) => self.takes(&letter).then_some(letter),
            Entry::Receipt(_) => None,
            Entry::Foreign(spot, reason) => {
                if self.told.count(Fate::Foreign) <= SHOWN {
                    eprintln!("{spot}: no letter: {reason:#}");
                }
                None
            }
        }
    }

    /// Whether a letter is taken.
    pub(super) fn takes(&mut self, letter: &Letter) -> bool {
        let fate = self.fate(letter);
        self.told.count(fate);
        if fate == Fate::Taken && !self.all {
            self.survey.note(letter);
        }
        fate == Fate::Taken
    }

    fn fate(&self, letter: &Letter) -> Fate {
        let known = self.survey.known(letter).filter(|_| !self.all);
        match known {
            Some(Known::Done) => Fate::Done,
            _ if !self.pick.takes(letter) => Fate::Other,
            Some(Known::Repeated) => Fate::Repeated,
            None if letter.is_late() && !self.late => Fate::Late,
            None if self.limit.is_some_and(|most| self.told.of(Fate::Taken) >= most) => Fate::Beyond,
            None => Fate::Taken,
        }
    }
}

impl Told {
    fn count(&mut self, fate: Fate) -> u64 {
        let count = self.0.entry(fate).or_default();
        *count += 1;
        *count
    }

    pub(super) fn of(&self, fate: Fate) -> u64 {
        self.0.get(&fate).copied().unwrap_or_default()
    }

    /// A line for each kind of letters that were left.
    pub(super) fn left(&self) -> String {
        let mut text = String::new();
        for (fate, count) in self.0.iter().filter(|(fate, _)| **fate != Fate::Taken) {
            let why = match fate {
                Fate::Taken | Fate::Done => "dealt with before",
                Fate::Repeated => "of a record that another letter is of too",
                Fate::Other => "not asked for",
                Fate::Late => {
                    "late events: they would be late again, and counted twice by views that took them. \
                     `weir backfill` counts them; --late sends them all the same"
                }
                Fate::Beyond => "beyond --limit",
                Fate::Foreign => "no letters",
            };
            // Writing to a text does not fail.
            let _ = writeln!(text, "left: {} {why}", HumanCount(*count));
        }
        text
    }
}
