//! One JSON value to a value of a column's type.

use std::borrow::Cow;

use super::{moment, part};
use crate::{
    event::json::{Cursor, Kind, Raw, unescape},
    sql::Table,
    time::Timestamp,
    value::{Type, Value},
};

/// What is wrong with a column of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Which column.
    pub(crate) column: usize,
    /// What was found.
    pub(crate) found: String,
}

impl Problem {
    /// What was found and what was expected.
    pub(crate) fn reason(&self, table: &Table) -> String {
        let Some(column) = table.columns.get(self.column) else { return self.found.clone() };
        let null = if self.found == "null" { " NOT NULL" } else { "" };
        format!(
            "column \"{}\": found {}, expected {}{}",
            column.name,
            self.found,
            expected(column.kind),
            null
        )
    }
}

pub(super) fn expected(kind: Type) -> Cow<'static, str> {
    match kind {
        Type::BigInt => "BIGINT (an integer of 64 bits)".into(),
        Type::Timestamp => {
            "TIMESTAMP (epoch milliseconds, epoch seconds with a fraction, or ISO 8601)".into()
        }
        other => other.to_string().into(),
    }
}

/// The largest float up to which every integer has one of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Takes a value of the plainest form of its type into its place in the row; leaves everything else to
/// [`convert`]. Each arm writes the value itself: handed on as a whole it would go through memory twice.
#[inline]
pub(super) fn take_plain<'a>(
    cursor: &mut Cursor<'a>,
    text: &'a str,
    kind: Type,
    place: &mut Value<'a>,
) -> Option<()> {
    let mut ahead = cursor.clone();
    ahead.skip_space();
    match kind {
        Type::Text => match ahead.string().ok()? {
            (span, false) => *place = Value::text(text.get(span)?),
            _ => return None,
        },
        Type::BigInt => match ahead.number().ok()? {
            Kind::Integer(integer) => *place = Value::Int(integer),
            _ => return None,
        },
        Type::Timestamp => match ahead.number().ok()? {
            Kind::Integer(millis) => *place = Value::Time(Timestamp(millis)),
            _ => return None,
        },
        _ => return None,
    }
    *cursor = ahead;
    Some(())
}

/// A JSON value of `text` as a value of a type; what it is instead where it is none.
pub(crate) fn convert<'a>(text: &'a str, raw: &Raw, kind: Type) -> Result<Value<'a>, String> {
    let span = part(text, raw.span.clone());
    let value = match (kind, raw.kind) {
        (_, Kind::Null) => Some(Value::Null),
        (Type::Text, Kind::Text { escaped }) => unescape(span, escaped).map(Value::Text),
        (Type::BigInt, Kind::Integer(integer)) => Some(Value::Int(integer)),
        (Type::BigInt, Kind::Number) => whole(span).map(Value::Int),
        (Type::Double, Kind::Integer(_) | Kind::Number) => float(span).map(Value::Float),
        (Type::Boolean, Kind::Bool(boolean)) => Some(Value::Bool(boolean)),
        (Type::Timestamp, Kind::Integer(millis)) => Some(Value::Time(Timestamp(millis))),
        (Type::Timestamp, Kind::Number) => moment::from_seconds(span).map(Value::Time),
        (Type::Timestamp, Kind::Text { escaped }) => {
            unescape(span, escaped).and_then(|text| moment::from_text(&text)).map(Value::Time)
        }
        (Type::Json, Kind::Text { .. }) => {
            Some(Value::Json(Cow::Borrowed(part(text, raw.span.start - 1..raw.span.end + 1))))
        }
        (Type::Json, _) => Some(Value::Json(Cow::Borrowed(span))),
        _ => None,
    };
    value.ok_or_else(|| found(span, raw.kind))
}

/// The integer that a number with a fraction or an exponent is, where that is exact.
pub(super) fn whole(number: &str) -> Option<i64> {
    float(number).and_then(whole_float)
}

/// The integer that a float is, where that is exact.
#[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
pub(super) fn whole_float(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// The float nearest to an integer.
#[expect(clippy::cast_precision_loss, reason = "SQL converts BIGINT to DOUBLE this way")]
pub(super) fn approximate(integer: i64) -> Value<'static> {
    Value::Float(integer as f64)
}

/// SQL's numbers are finite; what is not, is NULL.
pub(super) fn finite(number: f64) -> Value<'static> {
    if number.is_finite() { Value::Float(number) } else { Value::Null }
}

pub(super) fn float(number: &str) -> Option<f64> {
    number.parse().ok().filter(|x: &f64| x.is_finite())
}

/// How much of a value a reason shows.
const SHOWN: usize = 60;

#[cold]
fn found(span: &str, kind: Kind) -> String {
    let shown: String = span.chars().take(SHOWN).collect();
    let more = if shown.len() < span.len() { "..." } else { "" };
    match kind {
        Kind::Text { .. } => format!("the text \"{shown}{more}\""),
        Kind::Integer(_) | Kind::Number => format!("the number {shown}{more}"),
        Kind::Bool(_) | Kind::Null => shown,
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
    }
}
