//! `PATTERN (...)`: a regular expression over variables.

use sqlparser::{
    ast::{Ident, MatchRecognizePattern as Parsed, MatchRecognizeSymbol as Symbol, RepetitionQuantifier},
    tokenizer::Span,
};

use crate::sql::{
    error::{Diagnostics, Place},
    names::{self, Match},
    pattern::Runs,
};

/// A pattern's program is no longer than this.
const MOST_STEPS: usize = 1000;
/// As many variables fit in the bits of what is kept of an event.
const MOST_VARIABLES: usize = 32;

/// The variables that a pattern names, and what it is made of.
pub(super) struct Reading<'a> {
    pub(super) variables: Vec<Ident>,
    place: &'a Place,
    errors: &'a mut Diagnostics,
}

/// Reads a pattern; none if a mistake was noted.
pub(super) fn of(parsed: &Parsed, place: &Place, errors: &mut Diagnostics) -> Option<(Vec<Ident>, Runs)> {
    let place = first_name(parsed).map_or_else(|| place.clone(), |name| place.with_span(name.span));
    let mut reading = Reading { variables: Vec::new(), place: &place, errors };
    let runs = reading.read(parsed)?;
    if runs.may_be_empty() {
        return reading
            .refuse("the pattern matches where there is no event; expected a variable without * or ?");
    }
    if runs.size() > MOST_STEPS {
        let message = format!(
            "with its counts written out the pattern has more than {MOST_STEPS} parts; expected fewer"
        );
        return reading.refuse(&message);
    }
    if reading.variables.len() > MOST_VARIABLES {
        return reading.refuse(&format!("expected at most {MOST_VARIABLES} variables in a pattern"));
    }
    Some((reading.variables, runs))
}

impl Reading<'_> {
    fn refuse<T>(&mut self, message: &str) -> Option<T> {
        self.errors.error(self.place, message);
        None
    }

    fn read(&mut self, parsed: &Parsed) -> Option<Runs> {
        match parsed {
            Parsed::Symbol(Symbol::Named(name)) => Some(Runs::One(self.variable(name))),
            Parsed::Group(inner) => self.read(inner),
            Parsed::Concat(parts) => Some(Runs::Sequence(self.all(parts)?)),
            Parsed::Alternation(parts) => Some(Runs::Either(self.all(parts)?)),
            // A quantifier behind a quantifier: `a+?` prefers as few as possible.
            Parsed::Repetition(inner, RepetitionQuantifier::AtMostOne)
                if let Some((runs, quantifier)) = repeated(inner) =>
            {
                self.repeat(runs, quantifier, false)
            }
            Parsed::Repetition(inner, quantifier) => self.repeat(inner, quantifier, true),
            Parsed::Symbol(symbol @ (Symbol::Start | Symbol::End)) => {
                let message = format!(
                    "{symbol} is not supported in a pattern: a stream has no first and no last event"
                );
                self.refuse(&message)
            }
            Parsed::Exclude(_) | Parsed::Permute(_) => {
                let message = format!(
                    "{parsed} is not supported in a pattern; expected variables, groups, |, and the quantifiers \
                     *, +, ?, {{n}}, {{n,}}, {{n,m}}"
                );
                self.refuse(&message)
            }
        }
    }

    fn all(&mut self, parts: &[Parsed]) -> Option<Vec<Runs>> {
        parts.iter().map(|part| self.read(part)).collect()
    }

    /// The number of a variable.
    fn variable(&mut self, name: &Ident) -> usize {
        let known = self.variables.iter().map(|known| known.value.as_str());
        if let Match::One(index) = names::find(name, known) {
            return index;
        }
        self.variables.push(name.clone());
        self.variables.len() - 1
    }

    fn repeat(&mut self, inner: &Parsed, quantifier: &RepetitionQuantifier, is_greedy: bool) -> Option<Runs> {
        use RepetitionQuantifier as Q;
        let (least, most) = match *quantifier {
            Q::ZeroOrMore => (0, None),
            Q::OneOrMore => (1, None),
            Q::AtMostOne => (0, Some(1)),
            Q::Exactly(n) => (n, Some(n)),
            Q::AtLeast(n) => (n, None),
            Q::AtMost(m) => (0, Some(m)),
            Q::Range(n, m) => (n, Some(m)),
        };
        if most == Some(0) || most.is_some_and(|most| most < least) {
            return self.refuse(&format!("found {quantifier}; expected {{n,m}} with 0 < m and n <= m"));
        }
        let runs = Box::new(self.read(inner)?);
        if runs.may_be_empty() {
            return self.refuse("what is repeated may take no event at all; expected a group that takes one");
        }
        if matches!(inner, Parsed::Repetition(..)) {
            return self
                .refuse(&format!("found {inner}{quantifier}; expected one quantifier, or parentheses"));
        }
        Some(Runs::Repeated { runs, least, most, is_greedy })
    }
}

fn repeated(parsed: &Parsed) -> Option<(&Parsed, &RepetitionQuantifier)> {
    match parsed {
        Parsed::Repetition(inner, quantifier) => Some((inner, quantifier)),
        _ => None,
    }
}

/// The first name of a pattern: the parser does not say where the pattern stands.
fn first_name<'p>(parsed: &'p Parsed) -> Option<&'p Ident> {
    let named = |symbol: &'p Symbol| match symbol {
        Symbol::Named(name) => Some(name).filter(|name| name.span != Span::empty()),
        _ => None,
    };
    match parsed {
        Parsed::Symbol(symbol) | Parsed::Exclude(symbol) => named(symbol),
        Parsed::Permute(symbols) => symbols.iter().find_map(named),
        Parsed::Concat(parts) | Parsed::Alternation(parts) => parts.iter().find_map(first_name),
        Parsed::Group(inner) | Parsed::Repetition(inner, _) => first_name(inner),
    }
}
