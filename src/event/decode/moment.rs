//! The ways to write a TIMESTAMP.
//!
//! - An integer is milliseconds since the epoch.
//! - Any other number (`1699999999.811`, `1.7e9`) is seconds, rounded to the millisecond.
//! - A text is RFC 3339 or ISO 8601: a date, or a date and a time, with or without a zone (then it is
//!   UTC), cut off behind the millisecond; or one of the numbers above in quotes.

use jiff::{
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use crate::{
    event::json::{Cursor, Kind},
    time::Timestamp,
};

/// The moment so many seconds after the epoch, as a number is written.
pub(crate) fn from_seconds(number: &str) -> Option<Timestamp> {
    of_seconds(number.parse().ok()?)
}

/// The moment so many seconds after the epoch.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
pub(super) fn of_seconds(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    // 2^63 is a float, the largest i64 is not.
    (millis.abs() < 9_223_372_036_854_775_808.0).then_some(Timestamp(millis as i64))
}

/// The moment that a text names.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor::new(text.as_bytes());
    if let Ok(kind) = cursor.number()
        && cursor.rest().is_empty()
    {
        return match kind {
            Kind::Integer(millis) => Some(Timestamp(millis)),
            _ => from_seconds(text),
        };
    }
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => TimeZone::fixed(Offset::UTC).to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    let millis = at.as_nanosecond().div_euclid(1_000_000);
    i64::try_from(millis).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_moments() {
        let cases = [
            ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
            ("2023-11-14T22:13:20.123999999Z", 1_700_000_000_123),
            ("2023-11-14T23:13:20+01:00", 1_700_000_000_000),
            ("2023-11-14t22:13:20", 1_700_000_000_000),
            ("2023-11-14 22:13", 1_699_999_980_000),
            ("2023-11-14", 1_699_920_000_000),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("1700000000123", 1_700_000_000_123),
            ("1700000000.1234", 1_700_000_000_123),
            ("-5", -5),
        ];
        for (text, millis) in cases {
            assert_eq!(from_text(text), Some(Timestamp(millis)), "{text}");
        }
    }

    #[test]
    fn other_texts_name_none() {
        for text in ["", " ", "abc", "2023-13-01", "22:13:20", "1e400", "99999999999999999999", "0x10", "1 "]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_keep_their_milliseconds() {
        for millis in 1_699_999_999_000..1_700_000_000_000_i64 {
            let text = format!("{}.{:03}", millis / 1000, millis % 1000);
            assert_eq!(from_seconds(&text), Some(Timestamp(millis)), "{text}");
        }
        assert_eq!(from_seconds("1.7e9"), Some(Timestamp(1_700_000_000_000)));
        assert_eq!(from_seconds("-0.001"), Some(Timestamp(-1)));
    }
}
