//! What `MATCH_RECOGNIZE` says: which runs of a key's events are matches.

use std::fmt;

use super::expr::Expr;

/// A pattern over the events of a key, in the order of their times.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Its variables, in the order in which PATTERN names them first.
    pub variables: Vec<PatternVariable>,
    /// `PATTERN (...)`.
    pub runs: Runs,
    /// Where the search goes on behind a match (`AFTER MATCH SKIP`).
    pub skip: Skip,
    /// What conditions and measures read of single events of a match.
    pub picks: Vec<Pick>,
    /// For each of the view's aggregates the variable whose events it takes in; none for all events of
    /// the match.
    pub taken_by: Vec<Option<usize>>,
}

/// A variable: a class of events.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternVariable {
    /// Its name.
    pub name: String,
    /// What DEFINE asks of an event beyond what can be seen from the event alone; over the slots that
    /// [`Output`](super::Output) names. (The rest is the variable's bit of the first of
    /// [`Source::carried`](super::Source::carried).)
    pub condition: Option<Expr>,
}

/// A regular expression over variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// One event of a variable.
    One(usize),
    /// These behind each other.
    Sequence(Vec<Runs>),
    /// The first of these that leads to a match.
    Either(Vec<Runs>),
    /// It, several times.
    Repeated {
        /// What is repeated.
        runs: Box<Runs>,
        /// How often at least.
        least: u32,
        /// How often at most; none for any number.
        most: Option<u32>,
        /// Whether more are preferred to fewer.
        is_greedy: bool,
    },
}

/// Where the search for the next match begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Behind the match's last event: matches do not overlap.
    PastLastRow,
    /// At the event behind the match's first.
    ToNextRow,
}

/// A value of one event of a match: `FIRST(x.col)`, `LAST(x.col, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Among the events of this variable; none for all events of the match.
    pub variable: Option<usize>,
    /// Whether it is counted from the first of them, or else from the last.
    pub from_first: bool,
    /// So many away from that.
    pub away: u32,
    /// Which of [`View::carried`](super::View::carried) is read of it.
    pub carried: usize,
}

impl Runs {
    /// How many steps a search takes for it if nothing is found twice: how long its program is.
    pub fn size(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Sequence(parts) | Self::Either(parts) => {
                parts.iter().map(Self::size).fold(0, usize::saturating_add)
            }
            Self::Repeated { runs, least, most, .. } => {
                let times = most.unwrap_or(least.saturating_add(1)).max(*least);
                (runs.size() + 1).saturating_mul(times as usize)
            }
        }
    }

    /// Whether it may take no event at all.
    pub fn may_be_empty(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Sequence(parts) => parts.iter().all(Self::may_be_empty),
            Self::Either(parts) => parts.iter().any(Self::may_be_empty),
            Self::Repeated { runs, least, .. } => *least == 0 || runs.may_be_empty(),
        }
    }

    /// It as SQL.
    pub fn display<'a>(&'a self, variables: &'a [PatternVariable]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| self.write(variables, f))
    }

    fn write(&self, variables: &[PatternVariable], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |parts: &[Self], between: &str, f: &mut fmt::Formatter<'_>| {
            for (index, part) in parts.iter().enumerate() {
                f.write_str(if index > 0 { between } else { "" })?;
                part.write(variables, f)?;
            }
            Ok(())
        };
        match self {
            Self::One(variable) => {
                f.write_str(variables.get(*variable).map_or("?", |variable| variable.name.as_str()))
            }
            Self::Sequence(parts) => joined(parts, " ", f),
            Self::Either(parts) => {
                f.write_str("(")?;
                joined(parts, " | ", f)?;
                f.write_str(")")
            }
            Self::Repeated { runs, least, most, is_greedy } => {
                match runs.as_ref() {
                    Self::One(_) | Self::Either(_) => runs.write(variables, f)?,
                    _ => write!(f, "({})", runs.display(variables))?,
                }
                match (least, most) {
                    (0, None) => f.write_str("*")?,
                    (1, None) => f.write_str("+")?,
                    (0, Some(1)) => f.write_str("?")?,
                    (n, None) => write!(f, "{{{n},}}")?,
                    (n, Some(m)) if n == m => write!(f, "{{{n}}}")?,
                    (n, Some(m)) => write!(f, "{{{n},{m}}}")?,
                }
                f.write_str(if *is_greedy { "" } else { "?" })
            }
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PastLastRow => "past last row",
            Self::ToNextRow => "to next row",
        })
    }
}
