//! Calls of aggregates, each perhaps with DISTINCT and FILTER.

use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::{
    sql::{
        aggregates::{Aggregate, AggregateFunction, Fraction, Kind, MOST_STEPS},
        bind::{Binder, Scope, Typed},
        duration,
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        plan::Input,
    },
    time::Millis,
    value::{Type, Value},
};

/// What a call means.
pub(super) struct Call {
    pub(super) aggregate: Aggregate,
    /// Over the columns of the rows.
    pub(super) input: Input,
    /// `string_agg`: what is put between the values of the array.
    pub(super) joined_by: Option<Expr>,
}

/// A function with its bound argument.
struct Meant<'e> {
    function: AggregateFunction,
    argument: Option<(Typed, &'e ast::Expr)>,
    /// A filter within the parentheses.
    condition: Option<Expr>,
    joined_by: Option<Expr>,
}

impl<'e> Meant<'e> {
    const fn of(function: AggregateFunction, argument: Typed, at: &'e ast::Expr) -> Self {
        Self { function, argument: Some((argument, at)), condition: None, joined_by: None }
    }
}

/// The aggregate that a call means, its input over the columns of `rows`; None if a mistake was noted.
pub(super) fn of_call(
    (name, kind): (&str, Kind),
    call: &ast::Function,
    rows: &mut dyn Scope,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Call> {
    let Some((arguments, distinct)) = arguments(call) else {
        return refuse(place, errors, format!("found {call}; expected {}", kind.usage(name)));
    };
    let mut binder = Binder::new(rows, errors, place);
    let filter = call.filter.as_ref().map(|filter| binder.condition(filter));
    let meant = match arguments.as_slice() {
        [] if kind == Kind::Count && !distinct => {
            Meant { function: AggregateFunction::Count, argument: None, condition: None, joined_by: None }
        }
        [x] if let Some(function) = of_one(kind, distinct) => one(kind, function, x, &mut binder),
        [condition] if kind == Kind::CountIf && !distinct => {
            let condition = Some(binder.condition(condition));
            Meant { function: AggregateFunction::Count, argument: None, condition, joined_by: None }
        }
        [x, condition] if let Some(function) = of_filtered(kind, distinct) => {
            let condition = Some(binder.condition(condition));
            Meant { condition, ..Meant::of(function, binder.bind(x), x) }
        }
        [x, separator] if kind == Kind::Text && distinct => {
            let joined_by = Some(literal_text(separator, &mut binder)?);
            Meant { joined_by, ..Meant::of(AggregateFunction::ArrayDistinct, binder.bind(x), x) }
        }
        [x, at] if kind == Kind::ApproxPercentile && !distinct => {
            let function = AggregateFunction::ApproxPercentile(fraction(at, &mut binder)?);
            Meant::of(function, binder.bind(x), x)
        }
        [span, steps @ ..]
            if kind == Kind::WindowFunnel && !distinct && (1..=MOST_STEPS).contains(&steps.len()) =>
        {
            let function = AggregateFunction::WindowFunnel(positive(span, place, binder.errors)?);
            let steps = steps.iter().map(|step| binder.condition(step)).collect();
            let taken = Typed::new(Expr::call(Function::Steps, steps), Type::BigInt);
            Meant::of(function, taken, span)
        }
        _ => return refuse(place, errors, format!("found {call}; expected {}", kind.usage(name))),
    };
    let Meant { function, argument, condition, joined_by } = meant;
    let kind = match &argument {
        None => Type::BigInt,
        Some((typed, at)) => argument_type(name, function, typed.kind, &place.at(*at), errors)?,
    };
    Some(Call {
        aggregate: Aggregate { function, argument: kind, result: result_type(function, kind) },
        input: Input {
            argument: argument.map(|(typed, _)| typed.expr),
            filter: Expr::both(filter, condition),
        },
        joined_by,
    })
}

fn refuse<T>(place: &Place, errors: &mut Diagnostics, message: String) -> Option<T> {
    errors.error(place, message);
    None
}

/// The arguments between the parentheses (none for `count(*)`), and whether they are DISTINCT.
fn arguments(call: &ast::Function) -> Option<(Vec<&ast::Expr>, bool)> {
    let FunctionArguments::List(list) = &call.args else { return None };
    if !list.clauses.is_empty() || !call.within_group.is_empty() || call.null_treatment.is_some() {
        return None;
    }
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = list.args.as_slice() {
        return Some((Vec::new(), distinct));
    }
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    Some((list.args.iter().map(plain).collect::<Option<_>>()?, distinct))
}

/// The function of a name that takes one value.
const fn of_one(kind: Kind, distinct: bool) -> Option<AggregateFunction> {
    use AggregateFunction as F;
    Some(match (kind, distinct) {
        (Kind::Count, false) => F::Count,
        (Kind::Count, true) => F::CountDistinct,
        (Kind::Sum, false) => F::Sum,
        (Kind::Avg, false) => F::Avg,
        // Of these DISTINCT changes nothing.
        (Kind::Min | Kind::All, _) => F::Min,
        (Kind::Max | Kind::Any, _) => F::Max,
        (Kind::Array, true) => F::ArrayDistinct,
        (Kind::First, false) => F::First,
        (Kind::Last, false) => F::Last,
        (Kind::ApproxCountDistinct, false) => F::ApproxCountDistinct,
        (Kind::Spread(spread), false) => F::Spread(spread),
        _ => return None,
    })
}

/// The function of a name that takes a value and a condition.
const fn of_filtered(kind: Kind, distinct: bool) -> Option<AggregateFunction> {
    match (kind, distinct) {
        (Kind::SumIf, false) => Some(AggregateFunction::Sum),
        (Kind::AvgIf, false) => Some(AggregateFunction::Avg),
        _ => None,
    }
}

fn one<'e>(kind: Kind, function: AggregateFunction, x: &'e ast::Expr, binder: &mut Binder<'_>) -> Meant<'e> {
    let argument = match kind {
        Kind::All | Kind::Any => Typed::new(binder.condition(x), Type::Boolean),
        _ => binder.bind(x),
    };
    Meant::of(function, argument, x)
}

fn literal_text(expr: &ast::Expr, binder: &mut Binder<'_>) -> Option<Expr> {
    let bound = binder.bind(expr).expr;
    if matches!(bound, Expr::Literal(Value::Text(_))) {
        return Some(bound);
    }
    let message = format!("found {expr}; expected a text such as ',' to put between the values");
    refuse(&binder.place.at(expr), binder.errors, message)
}

fn fraction(expr: &ast::Expr, binder: &mut Binder<'_>) -> Option<Fraction> {
    if let Expr::Literal(value) = binder.bind(expr).expr
        && let Some(fraction) = value.as_f64().and_then(Fraction::new)
    {
        return Some(fraction);
    }
    let message = format!("found {expr}; expected a fraction from 0 to 1, such as 0.95");
    refuse(&binder.place.at(expr), binder.errors, message)
}

fn positive(expr: &ast::Expr, place: &Place, errors: &mut Diagnostics) -> Option<Millis> {
    let span = duration::of_expr(expr).filter(|span| *span > Millis(0));
    if span.is_none() {
        errors.error(
            &place.at(expr),
            format!("found {expr}; expected {} of more than 0 ms", duration::EXPECTED_INTERVAL),
        );
    }
    span
}

const fn result_type(function: AggregateFunction, argument: Type) -> Type {
    use AggregateFunction as F;
    match function {
        F::Count | F::CountDistinct | F::ApproxCountDistinct | F::WindowFunnel(_) => Type::BigInt,
        F::Avg | F::ApproxPercentile(_) | F::Spread(_) => Type::Double,
        F::ArrayDistinct => Type::Json,
        F::Sum | F::Min | F::Max | F::First | F::Last => argument,
    }
}

/// The type that the aggregate takes in, if it takes this one.
fn argument_type(
    name: &str,
    function: AggregateFunction,
    kind: Option<Type>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Type> {
    use AggregateFunction as F;
    let Some(kind) = kind else { return Some(Type::BigInt) };
    let (fits, expected) = match function {
        F::Count | F::First | F::Last | F::WindowFunnel(_) => (true, ""),
        F::Sum | F::Avg | F::ApproxPercentile(_) | F::Spread(_) => {
            (matches!(kind, Type::BigInt | Type::Double), "BIGINT or DOUBLE")
        }
        F::CountDistinct | F::ApproxCountDistinct | F::ArrayDistinct | F::Min | F::Max => {
            (kind != Type::Json, "any type but JSON (take a text out of it with ->>)")
        }
    };
    if fits {
        return Some(kind);
    }
    refuse(place, errors, format!("{name} cannot take {kind}; expected {expected}"))
}
