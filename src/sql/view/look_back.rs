//! Columns of other rows: those of the window before (`previous`), and those of the one row below that a
//! row is made of.

use sqlparser::ast;

use super::result::{PREVIOUS_SLOTS, ResultScope};
use crate::{
    sql::{
        aggregates::{Aggregate, AggregateFunction},
        bind::{Typed, plain_arguments},
        error::{Diagnostics, Place},
        expr::Expr,
        names::{self, Match},
        plan::{Earlier, Input, WINDOW_END, WINDOW_START, WINDOW_TIME},
    },
    value::Type,
};

impl ResultScope<'_> {
    /// `*`: all columns of the one row that a row is made of, apart from its window, which it keeps.
    pub(super) fn push_all(&mut self) {
        for (slot, column) in self.relation.columns.iter().enumerate() {
            if [WINDOW_START, WINDOW_END, WINDOW_TIME].contains(&column.name.as_str()) {
                continue;
            }
            let typed = Typed { expr: Expr::Column(slot), kind: column.kind };
            let typed = self.key_of(&typed).unwrap_or_else(|| self.of_row(typed));
            self.outputs.push(column.name.clone(), typed);
        }
    }

    /// What `previous` names, once all columns are known.
    pub(super) fn earlier(&self) -> Vec<Earlier> {
        let of_name = |name: &String| match name.as_str() {
            WINDOW_START => Earlier::Start,
            WINDOW_END => Earlier::End,
            name => {
                let named = self.outputs.iter().position(|output| output.field.name == name);
                Earlier::Output(named.unwrap_or_default())
            }
        };
        self.previous.iter().map(of_name).collect()
    }

    /// `previous(x)`: column x of the same key's row of the window before; NULL before the first.
    pub(super) fn previous(
        &mut self,
        call: &ast::Function,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Typed {
        let arguments = plain_arguments(call);
        let Some([ast::Expr::Identifier(name)]) = arguments.as_deref() else {
            let message = format!("found {call}; expected the name of a column of this view: previous(ctr)");
            errors.error(place, message);
            return Typed::UNKNOWN;
        };
        if !self.has_windows() {
            errors.error(place, "previous(x) is of the window before, and this view has no windows");
            return Typed::UNKNOWN;
        }
        let bounds = [WINDOW_START, WINDOW_END].map(|bound| (bound.to_owned(), Type::Timestamp));
        let known: Vec<&(String, Type)> = self.kinds.iter().chain(&bounds).collect();
        let Match::One(index) = names::find(name, known.iter().map(|(name, _)| name.as_str())) else {
            let message = if self.is_alias(name) {
                format!(
                    "the type of \"{}\" follows from its own previous value; expected a CAST around what computes it",
                    name.value
                )
            } else {
                names::unknown("column", &name.value, known.iter().map(|(name, _)| name.as_str()))
            };
            errors.error(place, message);
            return Typed::UNKNOWN;
        };
        let Some((name, kind)) = known.get(index) else { return Typed::UNKNOWN };
        let slot = self.previous.iter().position(|other| other == name).unwrap_or(self.previous.len());
        if slot == self.previous.len() {
            self.previous.push(name.clone());
        }
        Typed::new(Expr::Column(PREVIOUS_SLOTS + slot), *kind)
    }

    /// A column of the one row that a row is made of.
    pub(super) fn of_row(&mut self, typed: Typed) -> Typed {
        let Some(kind) = typed.kind else { return typed };
        let aggregate = Aggregate { function: AggregateFunction::First, argument: kind, result: kind };
        Typed::new(self.share(aggregate, Input { argument: Some(typed.expr), filter: None }), kind)
    }
}
