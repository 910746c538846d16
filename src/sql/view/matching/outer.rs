//! SELECT and WHERE over matches.

use sqlparser::ast::{self, GroupByExpr, Ident, Select};

use super::{
    super::{
        list::List,
        over::{END, ListScope, START},
    },
    parts::OUTPUT_SLOTS,
};
use crate::{
    sql::{
        aggregates,
        bind::{Binder, Scope, Typed},
        error::{Diagnostics, Place},
        expr::Expr,
        names::{self, Match},
        pattern::Skip,
        plan::{Output, WINDOW_END, WINDOW_START},
    },
    value::Type,
};

/// The key and the measures, the bounds of the match, and the columns so far.
pub(super) struct OuterScope<'a> {
    columns: Vec<(String, Typed)>,
    qualifier: Option<&'a str>,
    pub(super) outputs: List,
}

impl<'a> OuterScope<'a> {
    pub(super) const fn new(columns: Vec<(String, Typed)>, qualifier: Option<&'a str>) -> Self {
        Self { columns, qualifier, outputs: List::new(OUTPUT_SLOTS) }
    }
}

impl Scope for OuterScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let name = match parts {
            [name] => name,
            [qualifier, name] if self.qualifier.is_some_and(|known| names::same(known, &qualifier.value)) => {
                name
            }
            [qualifier, ..] => {
                let message = names::unknown("table", &qualifier.value, self.qualifier.into_iter());
                errors.error(&place.with_span(qualifier.span), message);
                return Typed::UNKNOWN;
            }
            [] => return Typed::UNKNOWN,
        };
        let all = self.columns.iter().map(|(name, _)| name.as_str());
        if let Match::One(index) = names::find(name, all) {
            return self.columns.get(index).map_or(Typed::UNKNOWN, |(_, typed)| typed.clone());
        }
        let bound = [(WINDOW_START, START), (WINDOW_END, END)];
        let bound = bound.iter().find(|(bound, _)| names::same(&name.value, bound));
        if let Some((_, slot)) = bound {
            return Typed::new(Expr::Column(*slot), Type::Timestamp);
        }
        self.outputs.find(name).unwrap_or_else(|| {
            let all: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
            errors.error(place, names::unknown("key or measure", &name.value, all.into_iter()));
            Typed::UNKNOWN
        })
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        aggregates::find(&name)?;
        errors.error(place, format!("{name} cannot stand over matches; expected it in MEASURES"));
        Some(Typed::UNKNOWN)
    }
}

impl ListScope for OuterScope<'_> {
    fn all(&mut self) -> Vec<(String, Typed)> {
        self.columns.clone()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn push(&mut self, name: String, typed: Typed) {
        self.outputs.push(name, typed);
    }
}

/// WHERE over matches, and what cannot stand there.
pub(super) fn filter(
    select: &Select,
    skip: Skip,
    scope: &mut OuterScope<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Expr> {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    if is_grouped || select.having.is_some() {
        errors.error(place, "matches cannot be grouped; expected no GROUP BY and no HAVING");
    }
    let condition = select.selection.as_ref()?;
    if skip == Skip::PastLastRow {
        let message = "WHERE cannot leave out a match that the search has gone on behind; expected the condition in \
                       DEFINE, or AFTER MATCH SKIP TO NEXT ROW";
        errors.error(&place.at(condition), message);
    }
    Some(Binder::new(scope, errors, place).condition(condition))
}
