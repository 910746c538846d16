//! Evaluation.

use std::cmp::Ordering;

use super::{Comparison, Expr, Function, cast, json, like, moment, number, regexp, text};
use crate::value::Value;

impl Expr {
    /// Its value on a row. What cannot be computed (x / 0, a cast that fails) is NULL.
    ///
    /// Columns, literals and comparisons of these never allocate.
    pub fn eval<'r>(&'r self, row: &'r [Value<'r>]) -> Value<'r> {
        match self {
            Self::Column(slot) => row.get(*slot).map_or(Value::Null, Value::borrowed),
            Self::Literal(value) => value.borrowed(),
            Self::Regexp(regexp) => Value::text(regexp.as_str()),
            Self::Compare { op, left, right } => boolean(compare(*op, left, right, row)),
            Self::Call { function, arguments } => call(*function, arguments, row),
        }
    }

    /// Whether it is true on a row; NULL is not.
    #[inline]
    pub fn test(&self, row: &[Value<'_>]) -> bool {
        match self {
            Self::Compare { op, left, right } => compare(*op, left, right, row) == Some(true),
            // True exactly if all (any) are true, whatever of the rest is NULL.
            Self::Call { function: Function::And, arguments } => arguments.iter().all(|each| each.test(row)),
            Self::Call { function: Function::Or, arguments } => arguments.iter().any(|each| each.test(row)),
            _ => self.truth(row) == Some(true),
        }
    }

    /// What `take` makes of its value on a row. A value that stands there already is not copied.
    #[inline]
    pub(crate) fn with<T>(&self, row: &[Value<'_>], take: impl FnOnce(&Value<'_>) -> T) -> T {
        match self.place(row) {
            Some(value) => take(value),
            None => take(&self.eval(row)),
        }
    }

    /// Its value as a truth value; `None` for NULL.
    fn truth(&self, row: &[Value<'_>]) -> Option<bool> {
        match self.eval(row) {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value itself where it stands somewhere and need not be computed.
    fn place<'r>(&'r self, row: &'r [Value<'r>]) -> Option<&'r Value<'r>> {
        match self {
            Self::Column(slot) => row.get(*slot),
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}

#[inline]
fn compare(op: Comparison, left: &Expr, right: &Expr, row: &[Value<'_>]) -> Option<bool> {
    match (left.place(row), right.place(row)) {
        (Some(a), Some(b)) => op.holds(a, b),
        _ => op.holds(&left.eval(row), &right.eval(row)),
    }
}

fn boolean<'r>(truth: Option<bool>) -> Value<'r> {
    truth.map_or(Value::Null, Value::Bool)
}

fn call<'r>(function: Function, arguments: &'r [Expr], row: &'r [Value<'r>]) -> Value<'r> {
    use Function as F;
    let at = |index: usize| arguments.get(index).map_or(Value::Null, |each: &Expr| each.eval(row));
    match function {
        F::And => boolean(junction(arguments, row, false)),
        F::Or => boolean(junction(arguments, row, true)),
        F::Not => boolean(first_truth(arguments, row).map(|truth| !truth)),
        F::IsNull => at(0).is_null().into(),
        F::IsTrue => (first_truth(arguments, row) == Some(true)).into(),
        F::IsFalse => (first_truth(arguments, row) == Some(false)).into(),
        F::IsDistinct => is_distinct(&at(0), &at(1)).into(),
        F::In => boolean(is_in(&at(0), arguments.get(1..).unwrap_or_default(), row)),
        F::Like => boolean(like::matches(&at(0), &at(1), like::Case::Sensitive)),
        F::ILike => boolean(like::matches(&at(0), &at(1), like::Case::Insensitive)),
        F::Case => case(arguments, row),
        F::Coalesce => {
            arguments.iter().map(|each| each.eval(row)).find(|value| !value.is_null()).unwrap_or_default()
        }
        F::NullIf => {
            let value = at(0);
            if value.compare(&at(1)) == Some(Ordering::Equal) { Value::Null } else { value }
        }
        F::Greatest => extreme(arguments, row, Ordering::Greater),
        F::Least => extreme(arguments, row, Ordering::Less),
        F::Add => number::add(&at(0), &at(1)),
        F::Subtract => number::subtract(&at(0), &at(1)),
        F::Multiply => number::multiply(&at(0), &at(1)),
        F::Divide => number::divide(&at(0), &at(1)),
        F::Remainder => number::remainder(&at(0), &at(1)),
        F::Negate => number::negate(&at(0)),
        F::Abs => number::abs(&at(0)),
        F::Round => match arguments.get(1) {
            Some(digits) => number::round(&at(0), &digits.eval(row)),
            None => number::round(&at(0), &Value::Int(0)),
        },
        F::Floor => number::whole(&at(0), f64::floor),
        F::Ceil => number::whole(&at(0), f64::ceil),
        F::Sign => number::sign(&at(0)),
        F::Sqrt => number::real(&at(0), f64::sqrt),
        F::Power => number::power(&at(0), &at(1)),
        F::Exp => number::real(&at(0), f64::exp),
        F::Ln => number::real(&at(0), f64::ln),
        F::Log10 => number::real(&at(0), f64::log10),
        F::Lower => text::map(at(0), str::to_lowercase),
        F::Upper => text::map(at(0), str::to_uppercase),
        F::Length => text::length(&at(0)),
        F::Substring => {
            text::substring(at(0), &at(1), arguments.get(2).map(|count| count.eval(row)).as_ref())
        }
        F::Replace => text::replace(at(0), &at(1), &at(2)),
        F::RegexpLike => of_regexp(arguments, |regexp| regexp::like(&at(0), regexp)),
        F::RegexpExtract => of_regexp(arguments, |regexp| regexp::extract(at(0), regexp, &at(2))),
        F::RegexpReplace => of_regexp(arguments, |regexp| regexp::replace(at(0), regexp, &at(2))),
        F::SplitPart => text::split_part(at(0), &at(1), &at(2)),
        F::StartsWith => text::compare(&at(0), &at(1), |text, part| text.starts_with(part)),
        F::EndsWith => text::compare(&at(0), &at(1), |text, part| text.ends_with(part)),
        F::Position => text::position(&at(0), &at(1)),
        F::Left | F::Right => text::side(at(0), &at(1), function),
        F::PadStart | F::PadEnd => {
            text::pad(&at(0), &at(1), arguments.get(2).map(|fill| fill.eval(row)), function)
        }
        F::ArrayLength => json::length(&at(0)),
        F::ArrayToString => json::join(&at(0), &at(1)),
        F::Steps => steps(arguments, row),
        F::Concat => text::concat(arguments.iter().map(|each| each.eval(row))),
        F::Join => text::join(&at(0), &at(1)),
        F::Trim | F::TrimStart | F::TrimEnd => {
            text::trim(at(0), arguments.get(1).map(|set| set.eval(row)), function)
        }
        F::Json | F::JsonText => {
            let steps = arguments.get(1..).unwrap_or_default().iter().map(|step| step.eval(row));
            let found = json::get(at(0), steps);
            if function == F::Json { found } else { json::into_text(found) }
        }
        F::Cast(kind) => cast::cast(at(0), kind),
        F::Extract(part) => moment::extract(part, &at(0)),
        F::Truncate(part) => moment::truncate(part, &at(0)),
    }
}

/// What is made of the second argument, which is a regular expression.
fn of_regexp<'r>(arguments: &'r [Expr], then: impl FnOnce(&'r regexp::Regexp) -> Value<'r>) -> Value<'r> {
    match arguments.get(1) {
        Some(Expr::Regexp(regexp)) => then(regexp),
        _ => Value::Null,
    }
}

fn first_truth(arguments: &[Expr], row: &[Value<'_>]) -> Option<bool> {
    arguments.first().and_then(|each| each.truth(row))
}

/// AND (`decisive` is false) and OR (true): one decisive part decides, else a NULL makes it NULL.
fn junction(arguments: &[Expr], row: &[Value<'_>], decisive: bool) -> Option<bool> {
    let mut known = true;
    for each in arguments {
        match each.truth(row) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decisive)
}

fn is_distinct(left: &Value<'_>, right: &Value<'_>) -> bool {
    if left.is_null() || right.is_null() {
        return left.is_null() != right.is_null();
    }
    left.compare(right) != Some(Ordering::Equal)
}

fn is_in(value: &Value<'_>, list: &[Expr], row: &[Value<'_>]) -> Option<bool> {
    let mut known = !value.is_null() || list.is_empty();
    for each in list {
        match compare_one(value, each, row) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = false,
        }
    }
    known.then_some(false)
}

fn compare_one(value: &Value<'_>, other: &Expr, row: &[Value<'_>]) -> Option<bool> {
    match other.place(row) {
        Some(place) => Comparison::Equal.holds(value, place),
        None => Comparison::Equal.holds(value, &other.eval(row)),
    }
}

fn case<'r>(arguments: &'r [Expr], row: &'r [Value<'r>]) -> Value<'r> {
    let mut rest = arguments;
    while let [condition, result, others @ ..] = rest {
        if condition.test(row) {
            return result.eval(row);
        }
        rest = others;
    }
    rest.first().map_or(Value::Null, |otherwise| otherwise.eval(row))
}

fn steps(conditions: &[Expr], row: &[Value<'_>]) -> Value<'static> {
    let bits = conditions.iter().rev().fold(0, |bits, each| bits << 1 | i64::from(each.test(row)));
    if bits == 0 { Value::Null } else { Value::Int(bits) }
}

fn extreme<'r>(arguments: &'r [Expr], row: &'r [Value<'r>], wanted: Ordering) -> Value<'r> {
    let values = arguments.iter().map(|each| each.eval(row)).filter(|value| !value.is_null());
    values
        .reduce(|best, value| if value.compare(&best) == Some(wanted) { value } else { best })
        .unwrap_or_default()
}
