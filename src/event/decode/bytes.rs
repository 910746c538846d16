//! The primitive types of binary encodings.

use std::fmt;

use super::json_text::MAX_JSON;

/// What is left of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

/// How deep values within values may be nested.
pub(super) const MAX_DEPTH: usize = crate::avro::MAX_DEPTH;
/// The most values within values of Protobuf, which are kept in lists while it is read.
pub(super) const MAX_VALUES: usize = 1 << 20;

/// Why bytes are no value of their schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// They end in the middle.
    Ends,
    /// A number that its type does not hold.
    Number,
    /// A length or a count that is negative, or that the rest cannot have.
    Length(i64),
    /// A boolean that is neither 0 nor 1.
    Boolean(u8),
    /// A branch of a union, or a symbol of an enum, that the schema does not have.
    Choice(i64),
    /// A text that is no UTF-8.
    Text,
    /// Nested too deep.
    Depth,
    /// More values than so few bytes have any use for.
    Count,
    /// More values than are read.
    Many,
    /// A number before a value that is none of a field.
    Tag(u64),
    /// A field that is written as what it is not.
    Wire(&'static str),
    /// A `Timestamp` or a `Duration` of Protobuf that is none.
    Time,
    /// More JSON than a column takes.
    Json,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends => f.write_str("ends in the middle of a value"),
            Self::Number => f.write_str("a number that is too large for its type"),
            Self::Length(length) => write!(f, "a length of {length}, which the rest does not have"),
            Self::Boolean(byte) => write!(f, "0x{byte:02x} as a boolean, expected 0x00 or 0x01"),
            Self::Choice(choice) => {
                write!(f, "number {choice} of a union or an enum, which the schema does not have")
            }
            Self::Text => f.write_str("a text that is no UTF-8"),
            Self::Depth => write!(f, "nested deeper than {MAX_DEPTH}"),
            Self::Count => f.write_str("more values than so few bytes have any use for"),
            Self::Many => write!(f, "more than {MAX_VALUES} values"),
            Self::Tag(tag) => write!(f, "{tag}, which no field begins with"),
            Self::Wire(found) => write!(f, "written as {found}, which the schema does not say"),
            Self::Time => f.write_str("a Timestamp or Duration out of range"),
            Self::Json => write!(f, "more than {MAX_JSON} bytes as JSON"),
        }
    }
}

impl<'a> Bytes<'a> {
    /// The next so many bytes.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken::Ends)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Broken::Ends)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A long of Avro: a varint with the sign in the lowest bit.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, Broken> {
        self.varint().map(signed)
    }

    /// Seven bits a byte, the lowest first.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Broken> {
        let (first, rest) = self.0.split_first().ok_or(Broken::Ends)?;
        if *first < 0x80 {
            self.0 = rest;
            return Ok(u64::from(*first));
        }
        self.longer()
    }

    #[inline]
    fn longer(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for (index, byte) in self.0.iter().enumerate().take(MAX_LONG) {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.0 = self.0.get(index + 1..).unwrap_or_default();
                // Of the last byte one bit is left.
                let is_long = index + 1 < MAX_LONG || *byte <= 1;
                return if is_long { Ok(number) } else { Err(Broken::Number) };
            }
        }
        Err(if self.0.len() < MAX_LONG { Broken::Ends } else { Broken::Number })
    }

    /// An int: a long of 32 bits.
    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, Broken> {
        i32::try_from(self.long()?).map_err(|_| Broken::Number)
    }

    pub(super) fn float(&mut self) -> Result<f32, Broken> {
        self.array().map(f32::from_le_bytes)
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, Broken> {
        self.array().map(f64::from_le_bytes)
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, Broken> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Broken::Boolean(other)),
        }
    }

    /// Bytes behind their length.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.long()?;
        let count = usize::try_from(length).ok().filter(|count| *count <= self.0.len());
        self.take(count.ok_or(Broken::Length(length))?)
    }

    /// A text behind its length.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Broken> {
        simdutf8::basic::from_utf8(self.bytes()?).map_err(|_| Broken::Text)
    }

    /// Bytes behind their length, which is a plain varint.
    #[inline]
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.varint()?;
        let count = usize::try_from(length).ok().filter(|count| *count <= self.0.len());
        self.take(count.ok_or(Broken::Length(i64::try_from(length).unwrap_or(i64::MAX)))?)
    }

    /// One of some.
    #[inline]
    pub(super) fn choice<'s, T>(&mut self, of: &'s [T]) -> Result<&'s T, Broken> {
        let number = self.long()?;
        usize::try_from(number).ok().and_then(|number| of.get(number)).ok_or(Broken::Choice(number))
    }

    /// How many items the next block of an array or a map has, and in how many bytes where it says so; none at
    /// the end.
    pub(super) fn block(&mut self) -> Result<Option<(u64, Option<usize>)>, Broken> {
        match self.long()? {
            0 => Ok(None),
            count @ 1.. => Ok(Some((count.unsigned_abs(), None))),
            count => {
                let length = self.long()?;
                let size = usize::try_from(length).ok().filter(|size| *size <= self.0.len());
                Ok(Some((count.unsigned_abs(), Some(size.ok_or(Broken::Length(length))?))))
            }
        }
    }
}

/// The most bytes of a long.
const MAX_LONG: usize = 10;

/// The number that is written with its sign in the lowest bit.
#[inline]
pub(super) fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
