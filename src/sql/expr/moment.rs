//! Timestamps: reading ISO 8601, and the parts that EXTRACT names. All in UTC.

use std::fmt;

use jiff::{civil, tz::Offset};

use crate::{time::Timestamp, value::Value};

/// What `EXTRACT(part FROM ts)` takes out of a timestamp, as a BIGINT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatePart {
    /// The year.
    Year,
    /// The quarter, 1 to 4.
    Quarter,
    /// The month, 1 to 12.
    Month,
    /// The ISO week, 1 to 53.
    Week,
    /// The day of the month, 1 to 31.
    Day,
    /// The day of the week, 0 (Sunday) to 6.
    DayOfWeek,
    /// The ISO day of the week, 1 (Monday) to 7.
    IsoDayOfWeek,
    /// The day of the year, 1 to 366.
    DayOfYear,
    /// The hour, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
    /// The second, 0 to 59.
    Second,
    /// Milliseconds within the second, 0 to 999.
    Millisecond,
    /// Whole seconds since the Unix epoch, rounded down.
    Epoch,
}

impl DatePart {
    /// All parts with their names in SQL.
    pub const NAMES: [(&'static str, Self); 13] = [
        ("YEAR", Self::Year),
        ("QUARTER", Self::Quarter),
        ("MONTH", Self::Month),
        ("WEEK", Self::Week),
        ("DAY", Self::Day),
        ("DOW", Self::DayOfWeek),
        ("ISODOW", Self::IsoDayOfWeek),
        ("DOY", Self::DayOfYear),
        ("HOUR", Self::Hour),
        ("MINUTE", Self::Minute),
        ("SECOND", Self::Second),
        ("MILLISECOND", Self::Millisecond),
        ("EPOCH", Self::Epoch),
    ];

    /// What `date_trunc` can go back to the beginning of.
    pub const TRUNCATE: [Self; 8] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];
}

impl fmt::Display for DatePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, part)| part == self).map_or("?", |(name, _)| *name);
        f.write_str(name)
    }
}

/// `EXTRACT(part FROM value)`; NULL for a year that the calendar cannot say (beyond +-9999).
pub(super) fn extract(part: DatePart, value: &Value<'_>) -> Value<'static> {
    let Value::Time(Timestamp(ms)) = value else { return Value::Null };
    if part == DatePart::Epoch {
        return Value::Int(ms.div_euclid(1000));
    }
    let Ok(at) = jiff::Timestamp::from_millisecond(*ms) else { return Value::Null };
    Value::Int(part_of(part, Offset::UTC.to_datetime(at), *ms))
}

fn part_of(part: DatePart, at: civil::DateTime, ms: i64) -> i64 {
    match part {
        DatePart::Year => at.year().into(),
        DatePart::Quarter => i64::from((at.month() - 1) / 3 + 1),
        DatePart::Month => at.month().into(),
        DatePart::Week => at.date().iso_week_date().week().into(),
        DatePart::Day => at.day().into(),
        DatePart::DayOfWeek => at.weekday().to_sunday_zero_offset().into(),
        DatePart::IsoDayOfWeek => at.weekday().to_monday_one_offset().into(),
        DatePart::DayOfYear => at.day_of_year().into(),
        DatePart::Hour => at.hour().into(),
        DatePart::Minute => at.minute().into(),
        DatePart::Second => at.second().into(),
        DatePart::Millisecond => at.millisecond().into(),
        DatePart::Epoch => ms.div_euclid(1000),
    }
}

/// `date_trunc(part, value)`; weeks begin on Monday. NULL for a year that the calendar cannot say.
pub(super) fn truncate(part: DatePart, value: &Value<'_>) -> Value<'static> {
    let Value::Time(Timestamp(ms)) = value else { return Value::Null };
    begin_of(part, *ms).map_or(Value::Null, |ms| Value::Time(Timestamp(ms)))
}

fn begin_of(part: DatePart, ms: i64) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let at = |unit: i64, first: i64| ms.checked_sub(ms.checked_sub(first)?.rem_euclid(unit));
    match part {
        DatePart::Second => at(1000, 0),
        DatePart::Minute => at(60_000, 0),
        DatePart::Hour => at(3_600_000, 0),
        DatePart::Day => at(DAY, 0),
        // 1970-01-05 was the first Monday.
        DatePart::Week => at(7 * DAY, 4 * DAY),
        _ => {
            let date = Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(ms).ok()?).date();
            let month = match part {
                DatePart::Year => 1,
                DatePart::Quarter => (date.month() - 1) / 3 * 3 + 1,
                _ => date.month(),
            };
            let first = civil::Date::new(date.year(), month, 1).ok()?.to_datetime(civil::Time::midnight());
            Some(Offset::UTC.to_timestamp(first).ok()?.as_millisecond())
        }
    }
}

/// Reads ISO 8601: a date and a time with `Z` or an offset; without one it is UTC; a date alone is
/// its midnight. What is finer than a millisecond is cut off.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<civil::DateTime>().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })?;
    Some(Timestamp(at.as_nanosecond().div_euclid(1_000_000).try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_with_and_without_offset() {
        let ms = |text| parse_timestamp(text).map(|at| at.0);
        assert_eq!(ms("2023-11-14T22:13:20.123Z"), Some(1_700_000_000_123));
        assert_eq!(ms("2023-11-14 22:13:20.123"), Some(1_700_000_000_123));
        assert_eq!(ms("2023-11-14T23:13:20.123456+01:00"), Some(1_700_000_000_123));
        assert_eq!(ms("1970-01-02"), Some(86_400_000));
        assert_eq!(ms("1969-12-31T23:59:59.9999Z"), Some(-1));
        assert_eq!(ms("yesterday"), None);
    }

    #[test]
    fn times_are_cut_to_the_beginning_of_a_part() {
        for (at, part, expected) in [
            ("2024-12-29T23:59:58.765Z", DatePart::Second, "2024-12-29T23:59:58Z"),
            ("2024-12-29T23:59:58.765Z", DatePart::Minute, "2024-12-29T23:59:00Z"),
            ("2024-12-29T23:59:58.765Z", DatePart::Hour, "2024-12-29T23:00:00Z"),
            ("2024-12-29T23:59:58.765Z", DatePart::Day, "2024-12-29"),
            ("2024-12-29T23:59:58.765Z", DatePart::Week, "2024-12-23"),
            ("2024-12-30T00:00:00Z", DatePart::Week, "2024-12-30"),
            ("2024-12-29T23:59:58.765Z", DatePart::Month, "2024-12-01"),
            ("2024-12-29T23:59:58.765Z", DatePart::Quarter, "2024-10-01"),
            ("2024-12-29T23:59:58.765Z", DatePart::Year, "2024-01-01"),
            ("1969-12-31T23:59:58.765Z", DatePart::Hour, "1969-12-31T23:00:00Z"),
            ("1969-12-31T23:59:58.765Z", DatePart::Week, "1969-12-29"),
        ] {
            let at = parse_timestamp(at).unwrap();
            let expected = Value::Time(parse_timestamp(expected).unwrap());
            assert_eq!(truncate(part, &Value::Time(at)), expected, "{part} of {at}");
        }
        for part in DatePart::TRUNCATE {
            truncate(part, &Value::Time(Timestamp::MIN));
            truncate(part, &Value::Time(Timestamp::MAX));
        }
    }

    #[test]
    fn parts_are_those_of_utc_before_and_after_1970() {
        let at = |text: &str| Value::Time(parse_timestamp(text).unwrap());
        let sunday = at("2024-12-29T23:59:58.765Z");
        for (part, expected) in [
            (DatePart::Year, 2024),
            (DatePart::Quarter, 4),
            (DatePart::Month, 12),
            (DatePart::Week, 52),
            (DatePart::Day, 29),
            (DatePart::DayOfWeek, 0),
            (DatePart::IsoDayOfWeek, 7),
            (DatePart::DayOfYear, 364),
            (DatePart::Hour, 23),
            (DatePart::Minute, 59),
            (DatePart::Second, 58),
            (DatePart::Millisecond, 765),
            (DatePart::Epoch, 1_735_516_798),
        ] {
            assert_eq!(extract(part, &sunday), Value::Int(expected), "{part}");
        }
        assert_eq!(extract(DatePart::Hour, &at("1969-12-31T23:00:00Z")), Value::Int(23));
        assert_eq!(extract(DatePart::Epoch, &Value::Time(Timestamp(-1))), Value::Int(-1));
        assert_eq!(extract(DatePart::Year, &Value::Time(Timestamp::MAX)), Value::Null);
    }
}
