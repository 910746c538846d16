//! `count`, `sum`, `min`, `max`, `avg`, each perhaps with DISTINCT and FILTER.

use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::{
    sql::{
        bind::{Binder, RowScope},
        error::{Diagnostics, Place},
        plan::{Aggregate, AggregateFunction, Input},
    },
    value::Type,
};

/// The aggregate that a call means, its input over the columns of `rows`; None if a mistake was noted.
pub(super) fn of_call(
    name: &str,
    call: &ast::Function,
    rows: &mut RowScope<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<(Aggregate, Input)> {
    let (argument, distinct) = argument(name, call, place, errors)?;
    let mut binder = Binder::new(rows, errors, place);
    let argument = argument.map(|argument| (binder.bind(argument), argument));
    let filter = call.filter.as_ref().map(|filter| binder.condition(filter));
    let function = match (name, distinct) {
        ("count", true) => AggregateFunction::CountDistinct,
        ("count", false) => AggregateFunction::Count,
        ("sum", _) => AggregateFunction::Sum,
        ("min", _) => AggregateFunction::Min,
        ("max", _) => AggregateFunction::Max,
        _ => AggregateFunction::Avg,
    };
    if distinct && matches!(function, AggregateFunction::Sum | AggregateFunction::Avg) {
        errors.error(place, format!("{name}(DISTINCT ...) is not supported; expected count(DISTINCT ...)"));
        return None;
    }
    let kind = match &argument {
        None => Type::BigInt,
        Some((typed, at)) => argument_type(name, function, typed.kind, &place.at(*at), errors)?,
    };
    let result = match function {
        AggregateFunction::Count | AggregateFunction::CountDistinct => Type::BigInt,
        AggregateFunction::Avg => Type::Double,
        AggregateFunction::Sum | AggregateFunction::Min | AggregateFunction::Max => kind,
    };
    let input = Input { argument: argument.map(|(typed, _)| typed.expr), filter };
    Some((Aggregate { function, argument: kind, result }, input))
}

/// The argument of an aggregate (none for `count(*)`), and whether it is DISTINCT; None, and an
/// error, if it has not one argument.
fn argument<'f>(
    name: &str,
    call: &'f ast::Function,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<(Option<&'f ast::Expr>, bool)> {
    if let FunctionArguments::List(list) = &call.args
        && list.clauses.is_empty()
        && call.within_group.is_empty()
        && call.null_treatment.is_none()
    {
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] if name == "count" && !distinct => {
                return Some((None, false));
            }
            [] if name == "count" && !distinct => return Some((None, false)),
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => return Some((Some(expr), distinct)),
            _ => {}
        }
    }
    let expected = match name {
        "count" => "count(*), count(x) or count(DISTINCT x), each perhaps with FILTER (WHERE ...)".to_owned(),
        other => format!("{other}(x), perhaps with FILTER (WHERE ...)"),
    };
    errors.error(place, format!("found {call}; expected {expected}"));
    None
}

/// The type that the aggregate takes in, if it takes this one.
fn argument_type(
    name: &str,
    function: AggregateFunction,
    kind: Option<Type>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Type> {
    let Some(kind) = kind else { return Some(Type::BigInt) };
    let (fits, expected) = match function {
        AggregateFunction::Count => (true, ""),
        AggregateFunction::Sum | AggregateFunction::Avg => {
            (matches!(kind, Type::BigInt | Type::Double), "BIGINT or DOUBLE")
        }
        AggregateFunction::CountDistinct | AggregateFunction::Min | AggregateFunction::Max => {
            (kind != Type::Json, "any type but JSON (take a text out of it with ->>)")
        }
    };
    if !fits {
        errors.error(place, format!("{name} cannot take {kind}; expected {expected}"));
        return None;
    }
    Some(kind)
}
