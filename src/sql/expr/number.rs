//! Arithmetic. BIGINT results that overflow and DOUBLE results that are not finite are NULL.

use crate::{time::Timestamp, value::Value};

type Result = Value<'static>;

fn int(result: Option<i64>) -> Result {
    result.map_or(Value::Null, Value::Int)
}

fn time(result: Option<i64>) -> Result {
    result.map_or(Value::Null, |ms| Value::Time(Timestamp(ms)))
}

fn float(result: f64) -> Result {
    if result.is_finite() { Value::Float(result) } else { Value::Null }
}

fn floats(a: &Value<'_>, b: &Value<'_>, compute: impl FnOnce(f64, f64) -> f64) -> Result {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => float(compute(a, b)),
        _ => Value::Null,
    }
}

pub(super) fn add(a: &Value<'_>, b: &Value<'_>) -> Result {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_add(*b)),
        (Value::Time(Timestamp(a)), Value::Int(b)) | (Value::Int(a), Value::Time(Timestamp(b))) => {
            time(a.checked_add(*b))
        }
        _ => floats(a, b, |a, b| a + b),
    }
}

pub(super) fn subtract(a: &Value<'_>, b: &Value<'_>) -> Result {
    match (a, b) {
        (Value::Int(a) | Value::Time(Timestamp(a)), Value::Time(Timestamp(b)))
        | (Value::Int(a), Value::Int(b)) => int(a.checked_sub(*b)),
        (Value::Time(Timestamp(a)), Value::Int(b)) => time(a.checked_sub(*b)),
        _ => floats(a, b, |a, b| a - b),
    }
}

pub(super) fn multiply(a: &Value<'_>, b: &Value<'_>) -> Result {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_mul(*b)),
        _ => floats(a, b, |a, b| a * b),
    }
}

/// `x / 0` is infinite or no number: NULL either way.
pub(super) fn divide(a: &Value<'_>, b: &Value<'_>) -> Result {
    floats(a, b, |a, b| a / b)
}

pub(super) fn remainder(a: &Value<'_>, b: &Value<'_>) -> Result {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) => Value::Null,
        // i64::MIN % -1 is 0, which the CPU cannot say.
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_rem(*b)),
        _ => floats(a, b, |a, b| a % b),
    }
}

pub(super) fn negate(a: &Value<'_>) -> Result {
    match a {
        Value::Int(a) => int(a.checked_neg()),
        Value::Float(a) => Value::Float(-a),
        _ => Value::Null,
    }
}

pub(super) fn abs(a: &Value<'_>) -> Result {
    match a {
        Value::Int(a) => int(a.checked_abs()),
        Value::Float(a) => Value::Float(a.abs()),
        _ => Value::Null,
    }
}

pub(super) fn sign(a: &Value<'_>) -> Result {
    match a {
        Value::Int(a) => Value::Int(a.signum()),
        Value::Float(a) if *a == 0.0 => Value::Float(0.0),
        Value::Float(a) => float(a.signum()),
        _ => Value::Null,
    }
}

/// A function of DOUBLEs: NULL where it is not defined or not finite.
pub(super) fn real(a: &Value<'_>, compute: impl FnOnce(f64) -> f64) -> Result {
    a.as_f64().map_or(Value::Null, |a| float(compute(a)))
}

pub(super) fn power(a: &Value<'_>, b: &Value<'_>) -> Result {
    floats(a, b, f64::powf)
}

/// `floor` and `ceil`: a BIGINT is whole already.
pub(super) fn whole(a: &Value<'_>, round: impl FnOnce(f64) -> f64) -> Result {
    match a {
        Value::Int(a) => Value::Int(*a),
        Value::Float(a) => Value::Float(round(*a)),
        _ => Value::Null,
    }
}

/// Rounds to `digits` behind the point (before it, if negative).
pub(super) fn round(a: &Value<'_>, digits: &Value<'_>) -> Result {
    match (a, digits) {
        (Value::Int(a), Value::Int(0..)) => Value::Int(*a),
        (Value::Int(a), Value::Int(digits)) => round_int(*a, digits.unsigned_abs()),
        (Value::Float(a), Value::Int(digits)) => float(round_float(*a, *digits)),
        _ => Value::Null,
    }
}

fn round_int(a: i64, zeros: u64) -> Result {
    let Some(unit) = u32::try_from(zeros).ok().and_then(|zeros| 10_i64.checked_pow(zeros)) else {
        return Value::Int(0);
    };
    let (rest, half) = (a % unit, unit / 2);
    let away = if rest >= half {
        unit
    } else if rest <= -half {
        -unit
    } else {
        0
    };
    int((a - rest).checked_add(away))
}

fn round_float(a: f64, digits: i64) -> f64 {
    // Beyond these a double has no digits left to round, or none at all.
    let Ok(digits) = i32::try_from(digits.clamp(-400, 400)) else { return a };
    let unit = 10_f64.powi(digits);
    let scaled = a * unit;
    if digits > 0 && !scaled.is_finite() {
        return a;
    }
    if unit == 0.0 { 0.0 } else { scaled.round() / unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overflows_or_divides_by_zero_is_null() {
        assert_eq!(add(&Value::Int(i64::MAX), &Value::Int(1)), Value::Null);
        assert_eq!(multiply(&Value::Int(i64::MIN), &Value::Int(-1)), Value::Null);
        assert_eq!(negate(&Value::Int(i64::MIN)), Value::Null);
        assert_eq!(divide(&Value::Float(1.0), &Value::Float(0.0)), Value::Null);
        assert_eq!(divide(&Value::Float(0.0), &Value::Float(0.0)), Value::Null);
        assert_eq!(remainder(&Value::Int(1), &Value::Int(0)), Value::Null);
        assert_eq!(remainder(&Value::Int(i64::MIN), &Value::Int(-1)), Value::Int(0));
        assert_eq!(remainder(&Value::Int(-7), &Value::Int(3)), Value::Int(-1));
    }

    #[test]
    fn timestamps_move_by_milliseconds_and_differ_by_them() {
        let (a, b) = (Value::Time(Timestamp(5000)), Value::Time(Timestamp(2000)));
        assert_eq!(subtract(&a, &b), Value::Int(3000));
        assert_eq!(subtract(&a, &Value::Int(1)), Value::Time(Timestamp(4999)));
        assert_eq!(add(&Value::Int(1), &a), Value::Time(Timestamp(5001)));
    }

    #[test]
    fn halves_round_away_from_zero() {
        let round = |a: Value<'_>, digits| round(&a, &Value::Int(digits));
        assert_eq!(round(Value::Float(2.5), 0), Value::Float(3.0));
        assert_eq!(round(Value::Float(-2.5), 0), Value::Float(-3.0));
        assert_eq!(round(Value::Float(0.123_456), 3), Value::Float(0.123));
        assert_eq!(round(Value::Float(1e308), 10), Value::Float(1e308));
        assert_eq!(round(Value::Float(1234.5), -2), Value::Float(1200.0));
        assert_eq!(round(Value::Int(1250), -2), Value::Int(1300));
        assert_eq!(round(Value::Int(-1250), -2), Value::Int(-1300));
        assert_eq!(round(Value::Int(7), -30), Value::Int(0));
        assert_eq!(round(Value::Int(7), 2), Value::Int(7));
    }
}
