//! A scanner for JSON text that allocates nothing: it says where values lie and checks their syntax.
//!
//! Payloads and records are read in one pass with it, so that what is not needed is checked but never
//! built. It works on bytes and lets everything from 0x80 up pass inside strings: whoever takes a text
//! out checks its UTF-8. What it accepts is RFC 8259, nested at most [`MAX_DEPTH`] deep.

pub(crate) mod lanes;
mod unescape;

use std::{fmt, ops::Range};

pub(crate) use unescape::unescape;

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;

/// Where a text stops being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Syntax {
    /// The byte, counted from 0.
    pub at: usize,
    /// What stands there; none at the end of the text.
    pub found: Option<u8>,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, found, expected } = self;
        match found {
            None => write!(f, "ends at byte {at}, expected {expected}"),
            Some(byte) if byte.is_ascii_graphic() => {
                write!(f, "found `{}` at byte {at}, expected {expected}", char::from(*byte))
            }
            Some(byte) => write!(f, "found 0x{byte:02x} at byte {at}, expected {expected}"),
        }
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// A number written without fraction and exponent that fits an `i64`.
    Integer(i64),
    /// Any other number.
    Number,
    /// A text; its span lies inside the quotes.
    Text {
        /// Whether it has escapes.
        escaped: bool,
    },
    Array,
    Object,
}

/// A value and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Those of ten.
const POWERS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What lies ahead.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The bytes of a span.
    #[inline]
    pub(crate) fn slice(&self, span: Range<usize>) -> &'a [u8] {
        self.bytes.get(span).unwrap_or_default()
    }

    pub(crate) fn error(&self, expected: &'static str) -> Syntax {
        Syntax { at: self.at, found: self.peek(), expected }
    }

    /// Goes on by `count` bytes that the caller has looked at.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.at += count;
    }

    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(crate) fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest().starts_with(bytes);
        if found {
            self.at += bytes.len();
        }
        found
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Syntax> {
        if self.eat(byte) { Ok(()) } else { Err(self.error(what)) }
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Syntax> {
        self.skip_space();
        if self.at < self.bytes.len() { Err(self.error("the end")) } else { Ok(()) }
    }

    /// Any value, after white space.
    pub(crate) fn value(&mut self) -> Result<Raw, Syntax> {
        self.nested(MAX_DEPTH)
    }

    fn nested(&mut self, depth: usize) -> Result<Raw, Syntax> {
        self.skip_space();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                let (span, escaped) = self.string()?;
                return Ok(Raw { kind: Kind::Text { escaped }, span });
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => {
                let depth = self.deeper(depth)?;
                self.object::<Syntax>(|cursor, _| cursor.nested(depth).map(|_| ()))?;
                Kind::Object
            }
            Some(b'[') => {
                let depth = self.deeper(depth)?;
                if let Some(length) = self.rest().get(1..).and_then(lanes::integers) {
                    self.at += 1 + length;
                } else {
                    self.array::<Syntax>(|cursor| cursor.nested(depth).map(|_| ()))?;
                }
                Kind::Array
            }
            Some(b't') => self.literal(b"true", Kind::Bool(true))?,
            Some(b'f') => self.literal(b"false", Kind::Bool(false))?,
            Some(b'n') => self.literal(b"null", Kind::Null)?,
            _ => return Err(self.error("a value")),
        };
        Ok(Raw { kind, span: start..self.at })
    }

    fn deeper(&self, depth: usize) -> Result<usize, Syntax> {
        depth.checked_sub(1).ok_or_else(|| self.error("less nesting"))
    }

    fn literal(&mut self, text: &[u8], kind: Kind) -> Result<Kind, Syntax> {
        if self.eat_all(text) { Ok(kind) } else { Err(self.error("true, false or null")) }
    }

    /// An object, after white space. `member` is given each name as a text and must take its value.
    pub(crate) fn object<E: From<Syntax>>(
        &mut self,
        mut member: impl FnMut(&mut Self, &Raw) -> Result<(), E>,
    ) -> Result<(), E> {
        self.skip_space();
        self.expect(b'{', "an object")?;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            member(self, &name)?;
            self.skip_space();
            if !self.eat(b',') {
                return Ok(self.expect(b'}', "`,` or `}`")?);
            }
            self.skip_space();
        }
    }

    /// A member's name and the colon behind it.
    pub(crate) fn name(&mut self) -> Result<Raw, Syntax> {
        let (span, escaped) = self.string()?;
        self.skip_space();
        self.expect(b':', "`:`")?;
        Ok(Raw { kind: Kind::Text { escaped }, span })
    }

    /// An array, after white space. `element` must take one value.
    pub(crate) fn array<E: From<Syntax>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.skip_space();
        self.expect(b'[', "an array")?;
        self.skip_space();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            self.skip_space();
            if !self.eat(b',') {
                return Ok(self.expect(b']', "`,` or `]`")?);
            }
            self.skip_space();
        }
    }

    /// A string: where its text lies, and whether it has escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<(Range<usize>, bool), Syntax> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.skip_plain();
        if self.eat(b'"') {
            return Ok((start..self.at - 1, false));
        }
        self.escaped_string(start)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<(Range<usize>, bool), Syntax> {
        loop {
            if !self.eat(b'\\') {
                self.expect(b'"', "`\"`, or an escape for a control character")?;
                return Ok((start..self.at - 1, true));
            }
            match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                Some(b'u') => {
                    self.at += 1;
                    self.four_digits()?;
                }
                _ => return Err(self.error("an escape")),
            }
            self.skip_plain();
        }
    }

    fn four_digits(&mut self) -> Result<(), Syntax> {
        for _ in 0..4 {
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err(self.error("four hexadecimal digits"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Goes to the next quote, backslash or control character: eight bytes at a time, since most
    /// strings are so short that a call of `memchr` would cost more than the search.
    #[inline]
    fn skip_plain(&mut self) {
        while let Some(eight) = self.rest().first_chunk::<8>() {
            let stop = lanes::first(lanes::string_stops(u64::from_le_bytes(*eight)));
            self.at += stop;
            if stop < 8 {
                return;
            }
        }
        while let Some(byte) = self.peek() {
            if byte == b'"' || byte == b'\\' || byte < 0x20 {
                return;
            }
            self.at += 1;
        }
    }

    /// A number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Kind, Syntax> {
        let start = self.at;
        let negative = self.eat(b'-');
        let first = self.at;
        let magnitude = self.digits()?;
        let length = self.at - first;
        if length > 1 && self.bytes.get(first) == Some(&b'0') {
            self.at = first + 1;
            return Err(self.error("a number without leading zeros"));
        }
        if let Some(b'.' | b'e' | b'E') = self.peek() {
            return self.fraction();
        }
        if length > 18 {
            return Ok(self.long_integer(start));
        }
        let magnitude = magnitude.cast_signed();
        Ok(Kind::Integer(if negative { -magnitude } else { magnitude }))
    }

    /// One or more digits, and their number modulo 2^64.
    #[inline]
    fn digits(&mut self) -> Result<u64, Syntax> {
        let (start, mut number) = (self.at, 0_u64);
        while let Some(eight) = self.rest().first_chunk::<8>() {
            let (count, digits) = lanes::leading_digits(u64::from_le_bytes(*eight));
            number = number.wrapping_mul(POWERS.get(count).copied().unwrap_or(0)).wrapping_add(digits);
            self.at += count;
            if count < 8 {
                break;
            }
        }
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start { Err(self.error("a digit")) } else { Ok(number) }
    }

    fn fraction(&mut self) -> Result<Kind, Syntax> {
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    #[cold]
    fn long_integer(&self, start: usize) -> Kind {
        let text = std::str::from_utf8(self.slice(start..self.at)).unwrap_or_default();
        text.parse().map_or(Kind::Number, Kind::Integer)
    }
}

#[cfg(test)]
mod tests;
