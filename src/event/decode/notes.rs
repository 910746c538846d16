//! What a record leaves behind besides its row, whose fields come one by one with the columns that they feed.

use super::{NO_FIELD, ONLY_FIELD, Problem, Target, bytes::Broken};
use crate::value::{Type, Value};

/// Why a value was not taken.
pub(super) enum Stop {
    /// The bytes are no value.
    Broken(Broken),
    /// The value, which this was, is none of the column's type.
    Misfit(String),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// How much of a value a reason shows.
const SHOWN: usize = 60;

/// A value that its column does not take: what its schema calls it, and itself as JSON.
#[cold]
pub(super) fn misfit(name: &str, text: &str) -> Stop {
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    Stop::Misfit(format!("the {name} {shown}{more}"))
}

/// What a record leaves behind besides its row.
pub(super) struct Notes<'d> {
    /// What is wrong with its columns.
    pub(super) problems: &'d mut Vec<Problem>,
    /// For each column the best of its fields that it has; empty where each has only one.
    pub(super) chosen: &'d mut [u8],
}

impl Notes<'_> {
    /// Takes a field's value, which `read` takes into a place, into its column's place.
    #[inline]
    pub(super) fn take<'a>(
        &mut self,
        target: Target,
        place: &mut Value<'a>,
        read: impl FnOnce(Type, &mut Value<'a>) -> Result<(), Stop>,
    ) -> Result<(), Broken> {
        if target.rank != ONLY_FIELD {
            return self.choose(target, place, read);
        }
        match read(target.kind, place) {
            Ok(()) if target.not_null && place.is_null() => self.problem(target, "null".to_owned()),
            Ok(()) => {}
            Err(Stop::Misfit(found)) => self.problem(target, found),
            Err(Stop::Broken(broken)) => return Err(broken),
        }
        Ok(())
    }

    /// Takes a field if it goes before what its column has so far. A null leaves the choice to the others.
    fn choose<'a>(
        &mut self,
        target: Target,
        place: &mut Value<'a>,
        read: impl FnOnce(Type, &mut Value<'a>) -> Result<(), Stop>,
    ) -> Result<(), Broken> {
        let mut value = Value::Null;
        let found = match read(target.kind, &mut value) {
            Ok(()) if value.is_null() => return Ok(()),
            Ok(()) => None,
            Err(Stop::Misfit(found)) => Some(found),
            Err(Stop::Broken(broken)) => return Err(broken),
        };
        if let Some(chosen) = self.chosen.get_mut(target.index).filter(|chosen| target.rank < **chosen) {
            *chosen = target.rank.min(NO_FIELD);
            *place = value;
            self.problems.retain(|problem| problem.column != target.index);
            if let Some(found) = found {
                self.problem(target, found);
            }
        }
        Ok(())
    }

    #[cold]
    fn problem(&mut self, target: Target, found: String) {
        self.problems.push(Problem { column: target.index, found });
    }
}
