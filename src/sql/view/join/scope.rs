//! The scope of SELECT and WHERE over a join: the columns of its views, the window's bounds, earlier columns.

use sqlparser::ast::{self, Ident};

use super::{
    super::{
        list::List,
        over::{END, ListScope, START},
    },
    side::Side,
};
use crate::{
    sql::{
        aggregates,
        bind::{Scope, Typed},
        error::{Diagnostics, Place},
        expr::Expr,
        names::{self, Match},
        plan::{Output, WINDOW_END, WINDOW_START},
    },
    value::Type,
};

/// Where the list's own columns stand until all of them are known.
pub(super) const OUTPUT_SLOTS: usize = 5 << 24;

/// The scope.
pub(super) struct JoinScope<'a> {
    sides: &'a [Side<'a>],
    /// Where in the statement this is, for errors.
    pub(super) clause: &'static str,
    /// The columns so far.
    pub(super) outputs: List,
}

impl<'a> JoinScope<'a> {
    pub(super) const fn new(sides: &'a [Side<'a>]) -> Self {
        Self { sides, clause: "SELECT", outputs: List::new(OUTPUT_SLOTS) }
    }

    /// The key that USING names, which is there whichever view is.
    fn merged(&self, name: &str) -> Option<Typed> {
        let first = self.sides.first()?;
        let is_merged =
            self.sides.iter().skip(1).all(|side| side.merged.iter().any(|key| names::same(key, name)));
        let key = (0..first.keys.len()).find(|key| names::same(first.key_name(*key), name))?;
        let kind = first.view.keys.get(key)?.kind;
        is_merged.then(|| Typed::new(Expr::Column(key), kind))
    }

    /// A name without a view before it.
    fn bare(&self, name: &Ident, place: &Place, errors: &mut Diagnostics) -> Typed {
        if let Some(key) = self.merged(&name.value) {
            return key;
        }
        let mut found = self.sides.iter().filter_map(|side| match names::find(name, side.names()) {
            Match::One(column) => Some((side, column)),
            Match::Several | Match::None => None,
        });
        match (found.next(), found.next()) {
            (Some((side, column)), None) => side.column(column),
            (Some((one, _)), Some((other, _))) => {
                let name = &name.value;
                let message = format!(
                    "\"{name}\" is a column of \"{}\" and of \"{}\"; expected {}.{name} or {}.{name}",
                    one.name, other.name, one.name, other.name
                );
                errors.error(place, message);
                Typed::UNKNOWN
            }
            (None, _) => bound(name).or_else(|| self.outputs.find(name)).unwrap_or_else(|| {
                let columns = self.sides.iter().flat_map(Side::names).chain([WINDOW_START, WINDOW_END]);
                let outputs = self.outputs.iter().map(|output| output.field.name.as_str());
                let mut all: Vec<&str> = Vec::new();
                for name in columns.chain(outputs) {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
                errors.error(place, names::unknown("column", &name.value, all.into_iter()));
                Typed::UNKNOWN
            }),
        }
    }
}

fn bound(name: &Ident) -> Option<Typed> {
    let bounds = [(WINDOW_START, START), (WINDOW_END, END)];
    let found = bounds.iter().find(|(bound, _)| names::same(bound, &name.value));
    found.map(|(_, slot)| Typed::new(Expr::Column(*slot), Type::Timestamp))
}

impl Scope for JoinScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let (qualifier, name) = match parts {
            [name] => return self.bare(name, place, errors),
            [qualifier, name] => (qualifier, name),
            _ => {
                errors.error(place, "expected a column's name, with its view's before the dot or alone");
                return Typed::UNKNOWN;
            }
        };
        let all = self.sides.iter().map(|side| side.name.as_str());
        let Match::One(index) = names::find(qualifier, all.clone()) else {
            let message = names::unknown("view", &qualifier.value, all);
            errors.error(&place.with_span(qualifier.span), message);
            return Typed::UNKNOWN;
        };
        let Some(side) = self.sides.get(index) else { return Typed::UNKNOWN };
        match names::find(name, side.names()) {
            Match::One(column) => side.column(column),
            Match::Several | Match::None => bound(name).unwrap_or_else(|| {
                let all = side.names().chain([WINDOW_START, WINDOW_END]);
                errors.error(place, names::unknown("column", &name.value, all));
                Typed::UNKNOWN
            }),
        }
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        let is_previous = name == "previous";
        if !is_previous && aggregates::find(&name).is_none() {
            return None;
        }
        let message = format!(
            "{name} cannot stand in {} over a join; expected it in the joined views, or in a view over this one",
            self.clause
        );
        errors.error(place, message);
        Some(Typed::UNKNOWN)
    }
}

impl ListScope for JoinScope<'_> {
    /// `*`: all columns of all views; a key that USING names once.
    fn all(&mut self) -> Vec<(String, Typed)> {
        let mut all: Vec<(String, Typed)> = Vec::new();
        for side in self.sides {
            for (column, name) in side.names().enumerate() {
                match self.merged(name) {
                    Some(_) if all.iter().any(|(known, _)| names::same(known, name)) => {}
                    Some(key) => all.push((name.to_owned(), key)),
                    None => all.push((name.to_owned(), side.column(column))),
                }
            }
        }
        all
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn push(&mut self, name: String, typed: Typed) {
        self.outputs.push(name, typed);
    }
}
