//! What is known of the letters before any is sent: which were dealt with, and of which records they are.

use std::collections::HashSet;

use super::{
    done::Done,
    letter::Letter,
    source::{Entry, Letters},
};

/// Letters that were dealt with, and the records that they were of.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) done: Done,
    /// The identities of records that were sent back.
    sent: HashSet<u128>,
}

/// Why a letter is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was dealt with.
    Done,
    /// Another letter of the same record was.
    Repeated,
}

impl Survey {
    /// Reads all of the topic.
    pub(super) async fn of(letters: &Letters) -> anyhow::Result<Self> {
        let (mut done, mut seen) = (Done::default(), Vec::new());
        letters
            .each(async |entry| {
                match entry {
                    Entry::Receipt(receipt) => done.read(&receipt)?,
                    Entry::Letter(letter) => seen.extend(spot(&letter).map(|spot| (spot, letter.identity()))),
                    Entry::Foreign(..) => {}
                }
                Ok(())
            })
            .await?;
        if done.is_empty() {
            return Ok(Self::default());
        }
        seen.retain(|((partition, offset), _)| done.has(*partition, *offset));
        Ok(Self { done, sent: seen.into_iter().map(|(_, identity)| identity).collect() })
    }

    /// Why a letter is to be left, if it is.
    pub(super) fn known(&self, letter: &Letter) -> Option<Known> {
        if spot(letter).is_some_and(|(partition, offset)| self.done.has(partition, offset)) {
            return Some(Known::Done);
        }
        self.sent.contains(&letter.identity()).then_some(Known::Repeated)
    }

    /// Notes that a letter is on its way.
    pub(super) fn note(&mut self, letter: &Letter) {
        self.sent.insert(letter.identity());
    }
}

/// Where a letter stands in its topic.
pub(super) fn spot(letter: &Letter) -> Option<(i32, i64)> {
    letter.spot.as_ref().map(|spot| (spot.partition, spot.offset))
}
