//! The names that measures and conditions have.

use sqlparser::ast::{self, Ident};

use super::{super::over::END, parts::Parts};
use crate::{
    sql::{
        aggregates,
        bind::{RowScope, Scope, Typed, plain_arguments},
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        names::{self, Match},
    },
    value::{Type, Value},
};

/// Columns of the events of one variable: `x.col`; or of all events of the match: `col`.
pub(super) struct VariableScope<'a> {
    rows: RowScope<'a>,
    variables: &'a [Ident],
    whose: Whose,
}

/// Whose columns were met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// There were none.
    Unknown,
    /// Those of all events.
    All,
    /// Those of a variable.
    Variable(usize),
}

impl<'a> VariableScope<'a> {
    pub(super) const fn new(rows: RowScope<'a>, variables: &'a [Ident]) -> Self {
        Self { rows, variables, whose: Whose::Unknown }
    }

    /// The variable; none for all events.
    pub(super) const fn variable(&self) -> Option<usize> {
        match self.whose {
            Whose::Variable(variable) => Some(variable),
            Whose::Unknown | Whose::All => None,
        }
    }
}

impl Scope for VariableScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let named = match parts {
            [variable, name] => {
                let known = names::find(variable, self.variables.iter().map(|known| known.value.as_str()));
                if let Match::One(index) = known { Some((index, name)) } else { None }
            }
            _ => None,
        };
        let whose = named.map_or(Whose::All, |(index, _)| Whose::Variable(index));
        if self.whose != Whose::Unknown && self.whose != whose {
            errors.error(place, "found columns of several variables; expected those of one");
            return Typed::UNKNOWN;
        }
        self.whose = whose;
        match named {
            Some((_, name)) => self.rows.column(std::slice::from_ref(name), place, errors),
            None => self.rows.column(parts, place, errors),
        }
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        self.rows.function(call, place, errors)
    }
}

/// DEFINE: what an event has to be like, given those of the match before it. Its own columns are slots of
/// the relation.
pub(super) struct DefineScope<'p, 'a> {
    pub(super) parts: &'p mut Parts<'a>,
    /// The variable that is defined.
    pub(super) variable: usize,
}

impl Scope for DefineScope<'_, '_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        match parts {
            [variable, name] if let Some(index) = self.parts.variable(variable) => {
                if index != self.variable {
                    return self.parts.last_of(index, name, place, errors);
                }
                self.parts.rows("DEFINE").column(std::slice::from_ref(name), place, errors)
            }
            _ => self.parts.rows("DEFINE").column(parts, place, errors),
        }
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        if let Some(typed) = self.parts.pick_call(call, place, errors) {
            return Some(typed);
        }
        let name = call.name.to_string().to_ascii_lowercase();
        aggregates::find(&name)?;
        let message =
            format!("{name} cannot stand in DEFINE; expected columns, FIRST(x.col), LAST(x.col, n)");
        errors.error(place, message);
        Some(Typed::UNKNOWN)
    }
}

/// MEASURES: what a row has of its match.
pub(super) struct MeasureScope<'p, 'a> {
    pub(super) parts: &'p mut Parts<'a>,
}

impl MeasureScope<'_, '_> {
    /// `MATCH_ROWTIME()`: the time of the last event.
    fn row_time() -> Typed {
        let end = Expr::Column(END);
        let one = Expr::Literal(Value::Int(1));
        Typed::new(Expr::call(Function::Subtract, vec![end, one]), Type::Timestamp)
    }
}

impl Scope for MeasureScope<'_, '_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        if let [variable, name] = parts
            && let Some(index) = self.parts.variable(variable)
        {
            return self.parts.last_of(index, name, place, errors);
        }
        let typed = self.parts.rows("MEASURES").column(parts, place, errors);
        let key = self.parts.keys.iter().position(|key| key.expr == typed.expr && key.kind.is_some());
        match (key, parts.last()) {
            (Some(slot), _) => Typed { expr: Expr::Column(slot), kind: typed.kind },
            (None, Some(name)) => self.parts.carry(name.value.clone(), typed),
            (None, None) => Typed::UNKNOWN,
        }
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        if name == "match_rowtime" && plain_arguments(call).is_some_and(|arguments| arguments.is_empty()) {
            return Some(Self::row_time());
        }
        if let Some(typed) = self.parts.pick_call(call, place, errors) {
            return Some(typed);
        }
        self.parts.aggregate(call, place, errors)
    }
}
