//! Casts. What cannot be converted is NULL.

use std::borrow::Cow;

use super::{json, moment::parse_timestamp};
use crate::{
    time::Timestamp,
    value::{Type, Value},
};

/// `CAST(value AS kind)`. DOUBLE to BIGINT cuts the fraction off, as Flink does; a number that is
/// cast to TIMESTAMP counts milliseconds.
pub(super) fn cast(value: Value<'_>, kind: Type) -> Value<'_> {
    match kind {
        Type::Text => to_text(value),
        Type::BigInt => to_int(&value).map_or(Value::Null, Value::Int),
        Type::Double => to_float(&value).map_or(Value::Null, Value::Float),
        Type::Boolean => to_bool(&value).map_or(Value::Null, Value::Bool),
        Type::Timestamp => to_time(&value).map_or(Value::Null, Value::Time),
        Type::Json => to_json(value),
    }
}

/// Any value as text.
pub(super) fn to_text(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Null => Value::Null,
        Value::Text(text) | Value::Json(text) => Value::Text(text),
        other => Value::Text(Cow::Owned(other.to_text().into_owned())),
    }
}

fn to_int(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(value) | Value::Time(Timestamp(value)) => Some(*value),
        Value::Float(value) => truncated(*value),
        Value::Bool(value) => Some((*value).into()),
        Value::Text(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| truncated(text.parse().ok()?))
        }
        Value::Json(_) => to_int(&json::into_text(value.borrowed())),
        Value::Null => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is cut off on purpose, the range is checked"
)]
fn truncated(value: f64) -> Option<i64> {
    // 2^63: the first double that is too large. i64::MIN is a double itself.
    const END: f64 = 9_223_372_036_854_775_808.0;
    (-END..END).contains(&value).then_some(value as i64)
}

fn to_float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Text(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
        Value::Json(_) => to_float(&json::into_text(value.borrowed())),
        other => other.as_f64(),
    }
}

fn to_bool(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Int(value) => Some(*value != 0),
        Value::Text(text) => match text.trim() {
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        },
        Value::Json(_) => to_bool(&json::into_text(value.borrowed())),
        _ => None,
    }
}

fn to_time(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(at) => Some(*at),
        Value::Int(ms) => Some(Timestamp(*ms)),
        Value::Float(ms) => truncated(*ms).map(Timestamp),
        Value::Text(text) => parse_timestamp(text),
        Value::Json(_) => to_time(&json::into_text(value.borrowed())),
        _ => None,
    }
}

fn to_json(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Text(text) => match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Value::Json(text),
            Err(_) => Value::Null,
        },
        Value::Json(_) | Value::Null => value,
        other => Value::Json(Cow::Owned(other.to_json().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_convert_or_are_null() {
        for (value, kind, expected) in [
            (Value::text(" 42 "), Type::BigInt, Value::Int(42)),
            (Value::text("4.9"), Type::BigInt, Value::Int(4)),
            (Value::text("x"), Type::BigInt, Value::Null),
            (Value::Float(-1.9), Type::BigInt, Value::Int(-1)),
            (Value::Float(1e19), Type::BigInt, Value::Null),
            (Value::Int(3), Type::Double, Value::Float(3.0)),
            (Value::text("NaN"), Type::Double, Value::Null),
            (Value::text("TRUE"), Type::Boolean, Value::Bool(true)),
            (Value::Int(1_700_000_000_123), Type::Timestamp, Value::Time(Timestamp(1_700_000_000_123))),
            (Value::text("1970-01-01T00:00:01Z"), Type::Timestamp, Value::Time(Timestamp(1000))),
            (Value::Time(Timestamp(0)), Type::Text, Value::text("1970-01-01T00:00:00.000Z")),
            (Value::Float(2.0), Type::Text, Value::text("2.0")),
            (Value::Json("\"7\"".into()), Type::BigInt, Value::Int(7)),
            (Value::Json("null".into()), Type::Double, Value::Null),
            (Value::text("{\"a\":1}"), Type::Json, Value::Json("{\"a\":1}".into())),
            (Value::text("{"), Type::Json, Value::Null),
            (Value::Null, Type::Text, Value::Null),
        ] {
            assert_eq!(cast(value.clone(), kind), expected, "{value:?} as {kind}");
        }
    }
}
