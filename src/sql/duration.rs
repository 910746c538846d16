//! Spans of time as text: `'2 seconds'`, `'1 hour 30 minutes'`, `'250 ms'`, `'PT5S'`, and INTERVAL.

use sqlparser::ast::{DateTimeField, Expr, Interval, UnaryOperator, Value, ValueWithSpan};

use crate::time::Millis;

/// What a span may look like, for errors.
pub(crate) const EXPECTED: &str = "a span of time such as '10 seconds', '5 min', '250 ms' or '1 hour'";

/// What an INTERVAL may look like, for errors.
pub(super) const EXPECTED_INTERVAL: &str =
    "an interval such as INTERVAL '10' SECOND or INTERVAL '5 minutes' (units up to days)";

/// Reads a span; `None` if it is no such thing. Months and years have no fixed length.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    let text = text.trim();
    if text.starts_with(['P', 'p']) {
        let span = text.parse::<jiff::SignedDuration>().ok()?;
        return Some(Millis(span.as_millis().try_into().ok()?));
    }
    let mut rest = text;
    let mut total: Option<Millis> = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(rest.len());
        let (number, behind) = rest.split_at_checked(digits)?;
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(letters)?;
        let part = times(number, unit_of(unit)?)?;
        total = Some(Millis(total.unwrap_or_default().0.checked_add(part.0)?));
        rest = behind.trim_start();
    }
    total
}

/// Milliseconds of a unit by its name or abbreviation.
fn unit_of(name: &str) -> Option<i64> {
    Some(match name.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 7 * 86_400_000,
        _ => return None,
    })
}

/// `number` units; a fraction must come out as whole milliseconds.
fn times(number: &str, unit: i64) -> Option<Millis> {
    let number = number.trim();
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(unit).map(Millis);
    }
    let (whole, fraction) = number.split_once('.')?;
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i64 = if whole.trim_start_matches(['-', '+']).is_empty() { 0 } else { whole.parse().ok()? };
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = fraction.parse::<i64>().ok()?.checked_mul(unit)?;
    if parts % scale != 0 {
        return None;
    }
    Some(Millis(whole.checked_mul(unit)?.checked_add(sign * (parts / scale))?))
}

/// `INTERVAL '10' SECOND`, `INTERVAL 10 SECOND`, `INTERVAL '10 seconds'`.
pub(super) fn of_interval(interval: &Interval) -> Option<Millis> {
    if interval.last_field.is_some() {
        return None;
    }
    let text = literal(&interval.value)?;
    match &interval.leading_field {
        None => parse(&text),
        Some(field) => times(&text, unit_of_field(field)?),
    }
}

/// A span as a window's or an option's argument: an INTERVAL or a text.
pub(super) fn of_expr(expr: &Expr) -> Option<Millis> {
    match expr {
        Expr::Interval(interval) => of_interval(interval),
        Expr::Nested(inner) => of_expr(inner),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => parse(text),
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text.clone()),
        Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => Some(number.clone()),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(format!("-{}", literal(expr)?)),
        _ => None,
    }
}

fn unit_of_field(field: &DateTimeField) -> Option<i64> {
    Some(match field {
        DateTimeField::Millisecond | DateTimeField::Milliseconds => 1,
        DateTimeField::Second | DateTimeField::Seconds => 1000,
        DateTimeField::Minute | DateTimeField::Minutes => 60_000,
        DateTimeField::Hour | DateTimeField::Hours => 3_600_000,
        DateTimeField::Day | DateTimeField::Days => 86_400_000,
        DateTimeField::Week(None) | DateTimeField::Weeks => 7 * 86_400_000,
        DateTimeField::Custom(name) => unit_of(&name.value)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_all_their_forms() {
        for (text, ms) in [
            ("2 seconds", 2000),
            ("5 s", 5000),
            ("5s", 5000),
            ("10 minutes", 600_000),
            ("1 hour", 3_600_000),
            ("7 days", 604_800_000),
            ("250 ms", 250),
            ("1 hour 30 minutes", 5_400_000),
            ("1h30m", 5_400_000),
            ("0.5 s", 500),
            ("1.5 Minutes", 90_000),
            ("PT5S", 5000),
            ("-5 s", -5000),
            ("-0.5 s", -500),
        ] {
            assert_eq!(parse(text), Some(Millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in
            ["", "10", "seconds", "10 parsecs", "1 month", "0.0001 s", "9999999999999999 days", "5 s x"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
