//! The scope of WHERE, GROUP BY and an aggregate's argument: the columns that FROM gives.

use sqlparser::ast::{self, Ident};

use super::{Scope, Typed};
use crate::{
    sql::{
        aggregates,
        error::{Diagnostics, Place},
        expr::Expr,
        names::{self, Match},
    },
    value::Type,
};

/// A column that FROM gives.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Variable {
    pub(in crate::sql) name: String,
    /// None where it is not known because of a mistake elsewhere.
    pub(in crate::sql) kind: Option<Type>,
}

/// Names are the columns that FROM gives; each is the slot of its index.
pub(in crate::sql) struct RowScope<'a> {
    pub(in crate::sql) columns: &'a [Variable],
    /// What may stand before the dot: FROM's alias, or the table's name.
    pub(in crate::sql) qualifier: Option<&'a str>,
    /// Where in the statement this is, for errors: `WHERE`.
    pub(in crate::sql) clause: &'static str,
}

impl RowScope<'_> {
    /// The slot of a name, if it is one.
    pub(in crate::sql) fn find(&self, name: &Ident) -> Match {
        names::find(name, self.columns.iter().map(|column| column.name.as_str()))
    }

    /// The name behind the qualifier; None, and an error, for a wrong qualifier.
    pub(in crate::sql) fn unqualified<'i>(
        &self,
        parts: &'i [Ident],
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Option<&'i Ident> {
        match parts {
            [name] => return Some(name),
            [qualifier, name] if self.qualifies(qualifier) => return Some(name),
            [qualifier, ..] => {
                let message = names::unknown("table", &qualifier.value, self.qualifier.into_iter());
                errors.error(&place.with_span(qualifier.span), message);
            }
            [] => {}
        }
        None
    }

    fn qualifies(&self, qualifier: &Ident) -> bool {
        matches!(names::find(qualifier, self.qualifier.into_iter()), Match::One(_))
    }
}

impl Scope for RowScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let Some(name) = self.unqualified(parts, place, errors) else { return Typed::UNKNOWN };
        match self.find(name) {
            Match::One(slot) => {
                let kind = self.columns.get(slot).and_then(|column| column.kind);
                Typed { expr: if kind.is_some() { Expr::Column(slot) } else { Expr::NULL }, kind }
            }
            Match::Several => {
                let message = format!(
                    "\"{}\" fits several columns that differ in case; write it in double quotes",
                    name.value
                );
                errors.error(place, message);
                Typed::UNKNOWN
            }
            Match::None => {
                let columns = self.columns.iter().map(|column| column.name.as_str());
                errors.error(place, names::unknown("column", &name.value, columns));
                Typed::UNKNOWN
            }
        }
    }

    fn function(
        &mut self,
        function: &ast::Function,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Option<Typed> {
        let name = function.name.to_string().to_ascii_lowercase();
        let message = match name.as_str() {
            name if aggregates::find(name).is_some() && self.clause == AGGREGATE => {
                format!("{name} cannot stand in another aggregate; expected columns of FROM")
            }
            name if aggregates::find(name).is_some() => {
                format!("{name} cannot stand in {}; expected it in SELECT or HAVING", self.clause)
            }
            "tumble" | "hop" | "session" => format!(
                "{name} cannot stand in {}; expected it in GROUP BY: GROUP BY key, TUMBLE(ts, INTERVAL '10' SECOND)",
                self.clause
            ),
            _ => return None,
        };
        errors.error(place, message);
        Some(Typed::UNKNOWN)
    }
}

/// [`RowScope::clause`] within an aggregate.
pub(in crate::sql) const AGGREGATE: &str = "an aggregate";
