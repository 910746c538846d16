//! `Timestamp` and `Duration`: seconds and nanoseconds.

use std::fmt::Write as _;

use super::wire::{Fields, Scalar};
use crate::{event::decode::bytes::Broken, protobuf::Message};

const SECOND: i32 = 1_000_000_000;
/// From the beginning of the year 1 to the end of the year 9999.
const MOMENTS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// Ten thousand years.
const MAX_SPAN: i64 = 315_576_000_000;

/// So many seconds and nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    seconds: i64,
    nanos: i32,
}

impl Span {
    /// Reads the fields 1 and 2 of either.
    pub(super) fn read(message: &Message, fields: &Fields<'_>) -> Result<Self, Broken> {
        let number = |index: usize| {
            let last = fields.of(index).last().zip(message.fields.get(index));
            match last.map(|((_, wire), field)| wire.scalar(field.kind)).transpose()? {
                Some(Scalar::Integer(number)) => Ok(number),
                Some(_) => Err(Broken::Time),
                None => Ok(0),
            }
        };
        Ok(Self { seconds: number(0)?, nanos: i32::try_from(number(1)?).map_err(|_| Broken::Time)? })
    }

    /// The milliseconds since the epoch of a moment, rounded down.
    pub(super) fn moment(self) -> Option<i64> {
        let is_one = MOMENTS.contains(&self.seconds) && (0..SECOND).contains(&self.nanos);
        is_one.then(|| self.seconds * 1000 + i64::from(self.nanos / 1_000_000))
    }

    /// Writes a moment as RFC 3339 has it, in quotes.
    pub(super) fn write_moment(self, text: &mut String) -> Result<(), Broken> {
        self.moment().ok_or(Broken::Time)?;
        let second = jiff::Timestamp::from_second(self.seconds).map_err(|_| Broken::Time)?.to_string();
        text.push('"');
        text.push_str(second.trim_end_matches('Z'));
        fraction(self.nanos, text);
        text.push_str("Z\"");
        Ok(())
    }

    /// Writes a span as seconds, in quotes: `"1.500s"`.
    pub(super) fn write_span(self, text: &mut String) -> Result<(), Broken> {
        let is_one = self.seconds.unsigned_abs() <= MAX_SPAN.unsigned_abs()
            && self.nanos.unsigned_abs() < SECOND.unsigned_abs()
            && self.seconds.signum() * i64::from(self.nanos.signum()) >= 0;
        if !is_one {
            return Err(Broken::Time);
        }
        let sign = if self.seconds < 0 || self.nanos < 0 { "-" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "\"{sign}{}", self.seconds.unsigned_abs());
        fraction(self.nanos.abs(), text);
        text.push_str("s\"");
        Ok(())
    }
}

/// Writes nanoseconds behind a point: none, or 3, 6 or 9 digits.
fn fraction(nanos: i32, text: &mut String) {
    let _ = match nanos {
        0 => Ok(()),
        _ if nanos % 1_000_000 == 0 => write!(text, ".{:03}", nanos / 1_000_000),
        _ if nanos % 1000 == 0 => write!(text, ".{:06}", nanos / 1000),
        _ => write!(text, ".{nanos:09}"),
    };
}
