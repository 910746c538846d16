//! What conditions and measures are made of: values of single events of a match, and aggregates over them.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

use super::{
    super::{aggregate, default_name, group::Key},
    scopes::VariableScope,
};
use crate::{
    sql::{
        aggregates::{self, Aggregate, AggregateFunction, Kind},
        bind::{AGGREGATE, Binder, RowScope, Scope, Typed, plain_arguments},
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        names::{self, Match},
        pattern::Pick,
        plan::{Field, Input},
        relation::Relation,
    },
    value::Type,
};

/// While it is not known how many there are of each, slots stand far apart; `Layout` puts them where
/// `Output` says. (The bounds are those of rows of single events.)
pub(super) const AGGREGATE_SLOTS: usize = 1 << 24;
pub(super) const CARRIED_SLOTS: usize = 3 << 24;
pub(super) const PICK_SLOTS: usize = 4 << 24;
pub(super) const OUTPUT_SLOTS: usize = 5 << 24;

/// An event is at most so many away from the first or the last.
const MOST_AWAY: i64 = 1000;

/// What is read of the events of a match.
pub(super) struct Parts<'a> {
    pub(super) relation: &'a Relation,
    pub(super) variables: &'a [Ident],
    pub(super) keys: &'a [Key],
    /// What is kept of each event, over the relation's columns. The first is which variables it fits.
    pub(super) carried: Vec<(Field, Expr)>,
    pub(super) picks: Vec<Pick>,
    /// Aggregates with what they take in, over the relation's columns, of which variable.
    pub(super) aggregates: Vec<(Aggregate, Input, Option<usize>)>,
}

impl Parts<'_> {
    /// The variable of a name.
    pub(super) fn variable(&self, name: &Ident) -> Option<usize> {
        match names::find(name, self.variables.iter().map(|known| known.value.as_str())) {
            Match::One(index) => Some(index),
            _ => None,
        }
    }

    /// The slot of something of the match's last event.
    pub(super) fn carry(&mut self, name: String, typed: Typed) -> Typed {
        let Some(kind) = typed.kind else { return Typed::UNKNOWN };
        let index = self.carried.iter().position(|(_, known)| *known == typed.expr).unwrap_or_else(|| {
            self.carried.push((Field { name, kind }, typed.expr));
            self.carried.len() - 1
        });
        Typed::new(Expr::Column(CARRIED_SLOTS + index), kind)
    }

    /// The slot of something of another event.
    pub(super) fn pick(&mut self, name: String, typed: Typed, of: impl Fn(usize) -> Pick) -> Typed {
        let carried = self.carry(name, typed);
        let (Some(kind), Expr::Column(slot)) = (carried.kind, carried.expr) else { return Typed::UNKNOWN };
        let pick = of(slot - CARRIED_SLOTS);
        let index = self.picks.iter().position(|known| *known == pick).unwrap_or_else(|| {
            self.picks.push(pick);
            self.picks.len() - 1
        });
        Typed::new(Expr::Column(PICK_SLOTS + index), kind)
    }

    /// `x.col`: of the last event of a variable.
    pub(super) fn last_of(
        &mut self,
        variable: usize,
        name: &Ident,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Typed {
        let typed = self.rows("MATCH_RECOGNIZE").column(std::slice::from_ref(name), place, errors);
        let of = |carried| Pick { variable: Some(variable), from_first: false, away: 0, carried };
        self.pick(name.value.clone(), typed, of)
    }

    pub(super) fn rows(&self, clause: &'static str) -> RowScope<'_> {
        self.relation.scope(clause)
    }

    /// `FIRST(x.col)`, `LAST(x.col, 1)`; none if it is neither.
    pub(super) fn pick_call(
        &mut self,
        call: &ast::Function,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        let from_first = match name.as_str() {
            "first" | "first_value" => true,
            "last" | "last_value" => false,
            "prev" | "next" => {
                let message = format!(
                    "{name} would reach beyond the match; expected LAST(col, 1), the event of the match before this one, \
                     or LAST(x.col, 1)"
                );
                errors.error(place, message);
                return Some(Typed::UNKNOWN);
            }
            _ => return None,
        };
        let arguments = plain_arguments(call).filter(|_| call.filter.is_none());
        let (column, away) = match arguments.as_deref() {
            Some([column]) => (*column, Some(0)),
            Some([column, away]) => (*column, distance(away)),
            _ => (&ast::Expr::Identifier(Ident::new("")), None),
        };
        let Some(away) = away else {
            let message = format!(
                "found {call}; expected {name}(x.column), or {name}(x.column, n) with n from 0 to {MOST_AWAY}"
            );
            errors.error(place, message);
            return Some(Typed::UNKNOWN);
        };
        let mut scope = VariableScope::new(self.rows("MATCH_RECOGNIZE"), self.variables);
        let typed = Binder::new(&mut scope, errors, place).bind(column);
        let variable = scope.variable();
        let of = |carried| Pick { variable, from_first, away, carried };
        Some(self.pick(default_name(column, self.carried.len()), typed, of))
    }

    /// The slot of an aggregate over the match, or over the events of a variable; none if it is none.
    pub(super) fn aggregate(
        &mut self,
        call: &ast::Function,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        let kind = aggregates::find(&name)?;
        if let (Kind::Count, Some(variable)) = (kind, self.counted(call)) {
            let aggregate = Aggregate {
                function: AggregateFunction::Count,
                argument: Type::BigInt,
                result: Type::BigInt,
            };
            let slot = self.share(aggregate, Input { argument: None, filter: None }, Some(variable));
            return Some(Typed::new(slot, Type::BigInt));
        }
        let mut scope = VariableScope::new(self.rows(AGGREGATE), self.variables);
        let meant = aggregate::of_call((&name, kind), call, &mut scope, place, errors);
        let variable = scope.variable();
        let Some(meant) = meant else { return Some(Typed::UNKNOWN) };
        let slot = self.share(meant.aggregate, meant.input, variable);
        Some(match meant.joined_by {
            Some(by) => Typed::new(Expr::call(Function::ArrayToString, vec![slot, by]), Type::Text),
            None => Typed::new(slot, meant.aggregate.result),
        })
    }

    /// The variable in `count(x.*)`.
    fn counted(&self, call: &ast::Function) -> Option<usize> {
        let FunctionArguments::List(list) = &call.args else { return None };
        match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name))]
                if list.duplicate_treatment.is_none() && list.clauses.is_empty() && call.filter.is_none() =>
            {
                self.variable(names::single(name)?)
            }
            _ => None,
        }
    }

    fn share(&mut self, aggregate: Aggregate, input: Input, variable: Option<usize>) -> Expr {
        let same = |(known, other, of): &(Aggregate, Input, Option<usize>)| {
            *known == aggregate
                && other.argument == input.argument
                && other.filter == input.filter
                && *of == variable
        };
        let index = self.aggregates.iter().position(same).unwrap_or_else(|| {
            self.aggregates.push((aggregate, input, variable));
            self.aggregates.len() - 1
        });
        Expr::Column(AGGREGATE_SLOTS + index)
    }
}

fn distance(expr: &ast::Expr) -> Option<u32> {
    let text = expr.to_string();
    let away = text.parse::<i64>().ok().filter(|away| (0..=MOST_AWAY).contains(away));
    away.and_then(|away| u32::try_from(away).ok())
}
