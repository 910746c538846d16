//! A record's place in its partition.

use std::fmt;

use serde::{Serialize, Serializer};

/// A record's place in its partition. The *next offset* of a partition is the first that has not
/// been taken yet.
///
/// Kafka numbers the records of a partition, [`Offset::at`]. Kinesis gives those of a shard *sequence
/// numbers*, which rise and have gaps of any size; a record may hold several events, which its producer
/// put together: [`Offset::in_sequence`] says which. The last event of a record stands at the end of it, so
/// that what lies behind it is the next record: [`Offset::resume`].
///
/// Both are one order, in which every sequence number stands behind every number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    /// Of a sequence number: [`SEQUENCE`] and its upper bits.
    high: u128,
    /// A number. Of a sequence number: its lower bits, and behind them the event.
    low: u128,
}

/// What tells a sequence number.
const SEQUENCE: u128 = 1 << 127;
/// How many bits say which event of a record it is: more than a record of 10 MiB has.
const EVENT_BITS: u32 = 24;
/// The last event of a record.
const LAST: u32 = (1 << EVENT_BITS) - 1;
/// How many bits a sequence number may have. The ones of Kinesis have 186, or 56 digits.
const MOST_BITS: u32 = 192;
/// How many of its bits are in [`Offset::high`].
const HIGH_BITS: u32 = MOST_BITS + EVENT_BITS - 128;

/// Where a shard is to be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// At its first record.
    Start,
    /// At this sequence number, of whose record something was taken.
    At(String),
    /// Behind this sequence number.
    After(String),
}

impl Offset {
    /// How many bytes a sequence number with its event has.
    pub const BYTES: usize = ((MOST_BITS + EVENT_BITS) / 8) as usize;

    /// Before every record.
    pub const FIRST: Self = Self { high: 0, low: 0 };

    /// Behind every record.
    pub const BEYOND: Self = Self { high: u128::MAX, low: u128::MAX };

    /// The record of a number.
    pub const fn at(number: i64) -> Self {
        Self { high: 0, low: number.cast_unsigned() as u128 }
    }

    /// The event of a record by its sequence number: the `event`th, or the last. None where the text is no
    /// number of at most 192 bits, or the event's is beyond what a record may hold.
    pub fn in_sequence(number: &str, event: Option<u32>) -> Option<Self> {
        let event = event.map_or(Some(LAST), |event| (event < LAST).then_some(event))?;
        let wide =
            number.chars().try_fold(Wide::default(), |wide, char| wide.push(char.to_digit(10)?.into()));
        let wide = wide.filter(|wide| !number.is_empty() && wide.high >> (MOST_BITS - 128) == 0)?;
        let high = SEQUENCE | wide.high << EVENT_BITS | wide.low >> (128 - EVENT_BITS);
        Some(Self { high, low: wide.low << EVENT_BITS | u128::from(event) })
    }

    /// The number, if it is one.
    #[expect(clippy::cast_possible_truncation, reason = "no number has more bits")]
    pub const fn number(self) -> Option<i64> {
        if self.high == 0 { Some((self.low as u64).cast_signed()) } else { None }
    }

    /// The sequence number and, unless it is the last one, the event, if it has any.
    pub fn sequence(self) -> Option<(String, Option<u32>)> {
        self.number().is_none().then(|| {
            let event = self.event();
            (self.wide().to_string(), (event != LAST).then_some(event))
        })
    }

    /// The offset behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        let (low, is_over) = self.low.overflowing_add(1);
        Self { high: self.high + is_over as u128, low }
    }

    /// So many numbers before this one, but none below 0. There is no counting among sequence numbers.
    #[must_use]
    pub fn less(self, count: usize) -> Self {
        let number = |number: i64| number.saturating_sub_unsigned(count as u64).max(0);
        self.number().map_or(self, |own| Self::at(number(own)))
    }

    /// How many numbers there are from another one to this one; 0 where that one is not before it.
    pub fn since(self, other: Self) -> u64 {
        let distance = self.number().zip(other.number()).map(|(own, other)| own.saturating_sub(other));
        distance.map_or(0, |distance| u64::try_from(distance).unwrap_or(0))
    }

    /// Where to read on if this is the next offset of a shard.
    pub fn resume(self) -> Resume {
        match (self.number(), self.event()) {
            (Some(_), _) => Resume::Start,
            (None, 0) => Resume::After(self.wide().before().to_string()),
            (None, _) => Resume::At(self.wide().to_string()),
        }
    }

    /// A sequence number with its event in bytes that compare as it does; none of a number.
    pub fn to_bytes(self) -> Option<[u8; Self::BYTES]> {
        let (high, low) = ((self.high ^ SEQUENCE).to_be_bytes(), self.low.to_be_bytes());
        let mut bytes = [0; Self::BYTES];
        let written = high.iter().skip(16 - HIGH_BITS as usize / 8).chain(&low);
        bytes.iter_mut().zip(written).for_each(|(to, from)| *to = *from);
        self.number().is_none().then_some(bytes)
    }

    /// Reads [`Offset::to_bytes`] back.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (high, low) = bytes.split_at_checked(HIGH_BITS as usize / 8)?;
        let high = high.iter().fold(0, |high, byte| high << 8 | u128::from(*byte));
        Some(Self { high: SEQUENCE | high, low: u128::from_be_bytes(low.try_into().ok()?) })
    }

    /// Of a sequence number: which event of the record.
    #[expect(clippy::cast_possible_truncation, reason = "the upper bits are cut off")]
    const fn event(self) -> u32 {
        self.low as u32 & LAST
    }

    /// Of a sequence number: it alone.
    const fn wide(self) -> Wide {
        let high = self.high & !SEQUENCE;
        Wide { high: high >> EVENT_BITS, low: self.low >> EVENT_BITS | high << (128 - EVENT_BITS) }
    }
}

impl fmt::Display for Offset {
    /// `17`; or the digits of a sequence number, and `:3` for an event of its record that is not the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number(), self.event()) {
            (Some(number), _) => number.fmt(f),
            (None, LAST) => self.wide().fmt(f),
            (None, event) => write!(f, "{}:{event}", self.wide()),
        }
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offset({self})")
    }
}

impl Serialize for Offset {
    /// A number as a number, a sequence number as text.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.number() {
            Some(number) => to.serialize_i64(number),
            None => to.collect_str(self),
        }
    }
}

/// An integer of 256 bits.
#[derive(Clone, Copy, Default)]
struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// With a decimal digit behind it.
    fn push(self, digit: u128) -> Option<Self> {
        let half = u128::from(u64::MAX);
        let lower = (self.low & half) * 10 + digit;
        let upper = (self.low >> 64) * 10 + (lower >> 64);
        let high = self.high.checked_mul(10)?.checked_add(upper >> 64)?;
        Some(Self { high, low: upper << 64 | lower & half })
    }

    /// Without its last decimal digit, and that.
    const fn pop(self) -> (Self, u128) {
        let half = u64::MAX as u128;
        let upper = (self.high % 10) << 64 | self.low >> 64;
        let lower = (upper % 10) << 64 | self.low & half;
        (Self { high: self.high / 10, low: ((upper / 10) << 64) | (lower / 10) }, lower % 10)
    }

    /// One less.
    const fn before(self) -> Self {
        let (low, is_over) = self.low.overflowing_sub(1);
        Self { high: self.high.saturating_sub(is_over as u128), low }
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut digits) = (*self, Vec::new());
        while rest.high != 0 || rest.low != 0 || digits.is_empty() {
            let (shorter, digit) = rest.pop();
            digits.extend(char::from_digit(u32::try_from(digit).unwrap_or(0), 10));
            rest = shorter;
        }
        f.write_str(&digits.iter().rev().collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NUMBER: &str = "49590338271490256608559692538361571095921575989136588898";

    fn of(number: &str, event: Option<u32>) -> Offset {
        Offset::in_sequence(number, event).unwrap()
    }

    #[test]
    fn a_sequence_number_comes_back() {
        let most = "6277101735386680763835789423207666416102355444464034512895";
        for number in ["0", "7", NUMBER, most] {
            assert_eq!(of(number, None).sequence(), Some((number.to_owned(), None)));
            assert_eq!(of(number, Some(3)).to_string(), format!("{number}:3"));
        }
        let beyond = "6277101735386680763835789423207666416102355444464034512896";
        for text in ["", "-1", "1.0", " 1", beyond, &"9".repeat(100)] {
            assert_eq!(Offset::in_sequence(text, None), None, "{text}");
        }
        assert_eq!(Offset::in_sequence("1", Some(LAST)), None);
    }

    #[test]
    fn what_lies_behind_the_last_event_is_the_next_record() {
        assert_eq!(of(NUMBER, None).next().resume(), Resume::After(NUMBER.to_owned()));
        assert_eq!(of(NUMBER, Some(0)).next().resume(), Resume::At(NUMBER.to_owned()));
        assert_eq!(Offset::FIRST.resume(), Resume::Start);
        let carry = "340282366920938463463374607431768211455";
        assert_eq!(of(carry, None).next().resume(), Resume::After(carry.to_owned()));
    }

    #[test]
    fn all_numbers_stand_before_all_sequence_numbers() {
        let sorted = [Offset::FIRST, Offset::at(1), Offset::at(i64::MAX), of("0", Some(0)), of("0", None)];
        assert!(sorted.is_sorted());
        assert_eq!(Offset::at(17).number(), Some(17));
        assert_eq!((Offset::at(17).to_bytes(), of("0", None).number()), (None, None));
        assert_eq!(serde_json::to_string(&[Offset::at(5), of("5", None)]).unwrap(), r#"[5,"5"]"#);
    }

    #[test]
    fn numbers_can_be_counted() {
        let (five, sequence) = (Offset::at(5), of(NUMBER, None));
        assert_eq!((five.less(2), five.less(9), sequence.less(1)), (Offset::at(3), Offset::FIRST, sequence));
        assert_eq!((five.since(Offset::at(2)), Offset::at(2).since(five), sequence.since(five)), (3, 0, 0));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_numbers_and_of_their_bytes(
            a: u128, b: u128, shift in 0..60_u32, x in 0..9_u32, y in 0..9_u32,
        ) {
            // Of up to 58 digits.
            let text = |n: u128| format!("{n}{}", "0".repeat((shift / 4) as usize));
            let (of_a, of_b) = (of(&text(a), Some(x)), of(&text(b), Some(y)));
            prop_assert_eq!(of_a.cmp(&of_b), (a, x).cmp(&(b, y)));
            prop_assert_eq!(of_a.to_bytes().cmp(&of_b.to_bytes()), of_a.cmp(&of_b));
            prop_assert_eq!(Offset::from_bytes(&of_a.to_bytes().unwrap()), Some(of_a));
            prop_assert_eq!(of_a.sequence(), Some((text(a), Some(x))));
            prop_assert!(of_a < of_a.next() && of_a.next() < of(&text(a), None));
        }
    }
}
