//! The compact binary form of what the store keeps: varints, byte strings and values.
//!
//! Integers are LEB128 varints (unsigned) or zigzag varints (signed), as Protocol Buffers encode
//! them. Every body begins with its format's version, so that an old item can always be told from a
//! new one.

use std::{borrow::Cow, cell::RefCell};

use zstd::zstd_safe::CParameter;

use crate::{
    time::{Offset, Timestamp},
    value::Value,
};

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end too early.
    #[error("{expected} expected, but the bytes end")]
    Truncated {
        /// What should stand there.
        expected: &'static str,
    },
    /// Something else stands there.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The compressed form is broken.
    #[error("failed to decompress: {0}")]
    Compression(String),
}

/// Appends an unsigned varint.
pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

/// Appends a signed varint.
pub fn put_zigzag(out: &mut Vec<u8>, n: i64) {
    put_varint(out, ((n << 1) ^ (n >> 63)).cast_unsigned());
}

/// Appends a byte string with its length before it.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What stands before a sequence number, where else an offset's number stands.
const SEQUENCE: i64 = -1;

/// Appends an offset: its number, or after a negative one the bytes of a sequence number.
pub fn put_offset(out: &mut Vec<u8>, offset: Offset) {
    put_zigzag(out, offset.number().unwrap_or(SEQUENCE));
    out.extend(offset.to_bytes().into_iter().flatten());
}

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TIME: u8 = 5;
const TEXT: u8 = 6;
const JSON: u8 = 7;

/// Appends a value: a tag, then its content. Equal values have equal bytes.
pub fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Int(n) => {
            out.push(INT);
            put_zigzag(out, *n);
        }
        Value::Float(x) => {
            out.push(FLOAT);
            // -0.0 equals 0.0 in SQL, so both are one key.
            out.extend_from_slice(&(if *x == 0.0 { 0.0 } else { *x }).to_le_bytes());
        }
        Value::Time(Timestamp(t)) => {
            out.push(TIME);
            put_zigzag(out, *t);
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Json(text) => {
            out.push(JSON);
            put_bytes(out, text.as_bytes());
        }
    }
}

/// Reads from the front of a byte string.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all has been read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// One byte.
    pub fn byte(&mut self, expected: &'static str) -> Result<u8, CodecError> {
        let (first, rest) = self.0.split_first().ok_or(CodecError::Truncated { expected })?;
        self.0 = rest;
        Ok(*first)
    }

    /// An unsigned varint.
    pub fn varint(&mut self, expected: &'static str) -> Result<u64, CodecError> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(expected)?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(CodecError::Unexpected { found: "a varint of more than ten bytes".into(), expected })
    }

    /// An unsigned varint that counts what follows: at most one a byte that is left, so that a
    /// damaged count cannot ask for memory without bound.
    pub fn count(&mut self, expected: &'static str) -> Result<usize, CodecError> {
        let n = self.varint(expected)?;
        match usize::try_from(n) {
            Ok(n) if n <= self.0.len() => Ok(n),
            _ => Err(CodecError::Truncated { expected }),
        }
    }

    /// A signed varint.
    pub fn zigzag(&mut self, expected: &'static str) -> Result<i64, CodecError> {
        let n = self.varint(expected)?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// An offset.
    pub fn offset(&mut self, expected: &'static str) -> Result<Offset, CodecError> {
        match self.zigzag(expected)? {
            SEQUENCE => {
                let bytes = self.take(Offset::BYTES, expected)?;
                Offset::from_bytes(bytes).ok_or(CodecError::Truncated { expected })
            }
            number => Ok(Offset::at(number)),
        }
    }

    /// This many bytes.
    pub fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CodecError::Truncated { expected })?;
        self.0 = rest;
        Ok(taken)
    }

    /// A byte string with its length before it.
    pub fn bytes(&mut self, expected: &'static str) -> Result<&'a [u8], CodecError> {
        let len = self.count(expected)?;
        self.take(len, expected)
    }

    /// A float.
    pub fn float(&mut self, expected: &'static str) -> Result<f64, CodecError> {
        let bytes = self.take(8, expected)?;
        let bytes = bytes.try_into().map_err(|_| CodecError::Truncated { expected })?;
        Ok(f64::from_le_bytes(bytes))
    }

    /// A value.
    pub fn value(&mut self) -> Result<Value<'a>, CodecError> {
        const EXPECTED: &str = "a value";
        Ok(match self.byte(EXPECTED)? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(self.zigzag(EXPECTED)?),
            FLOAT => Value::Float(self.float(EXPECTED)?),
            TIME => Value::Time(Timestamp(self.zigzag(EXPECTED)?)),
            TEXT => Value::Text(self.text()?),
            JSON => Value::Json(self.text()?),
            tag => return Err(CodecError::Unexpected { found: format!("tag {tag}"), expected: EXPECTED }),
        })
    }

    /// Passes over a value.
    pub fn skip_value(&mut self) -> Result<(), CodecError> {
        const EXPECTED: &str = "a value";
        match self.byte(EXPECTED)? {
            NULL | FALSE | TRUE => Ok(()),
            INT | TIME => self.varint(EXPECTED).map(|_| ()),
            FLOAT => self.take(8, EXPECTED).map(|_| ()),
            TEXT | JSON => self.bytes("a text").map(|_| ()),
            tag => Err(CodecError::Unexpected { found: format!("tag {tag}"), expected: EXPECTED }),
        }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, CodecError> {
        let bytes = self.bytes("a text")?;
        std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| CodecError::Unexpected { found: error.to_string(), expected: "UTF-8" })
    }
}

/// Bodies shorter than this are kept as they are: compressing them costs more than it saves.
const COMPRESS_FROM: usize = 96;
/// No body unpacks to more: memory is not asked for without bound, whatever a damaged frame says.
pub(crate) const MOST: usize = 1 << 30;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const PIECES: u8 = 2;

/// Of zstd's level 1, but for what it looks for repetitions with: a table that fits the first cache, whatever
/// the size of the body, and nothing short. Of counts and of numbers there are few repetitions; sizes stay the same.
const HASH_LOG: u32 = 12;
const MIN_MATCH: u32 = 6;

/// Packs bodies: a byte that tells how, then the body, compressed where that pays.
pub struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    /// The last body and its frame, for their room.
    body: Vec<u8>,
    frame: Vec<u8>,
}

impl Packer {
    /// A packer that is reused: its tables are set up once.
    pub fn new() -> Result<Self, CodecError> {
        let mut compressor = zstd::bulk::Compressor::new(1).map_err(broken)?;
        compressor.set_parameter(CParameter::HashLog(HASH_LOG)).map_err(broken)?;
        compressor.set_parameter(CParameter::MinMatch(MIN_MATCH)).map_err(broken)?;
        Ok(Self { compressor, body: Vec::new(), frame: Vec::new() })
    }

    /// Packs the body that `encode` appends.
    pub fn pack(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, CodecError> {
        let Self { compressor, body, frame } = self;
        body.clear();
        encode(body);
        let (how, content) = if body.len() < COMPRESS_FROM {
            (PLAIN, body)
        } else {
            frame.clear();
            frame.reserve(zstd::zstd_safe::compress_bound(body.len()));
            compressor.compress_to_buffer(body, frame).map_err(broken)?;
            (ZSTD, frame)
        };
        let mut packed = Vec::with_capacity(1 + content.len());
        packed.push(how);
        packed.extend_from_slice(content);
        Ok(packed)
    }
}

/// What stands for a packed body that is kept elsewhere, in pieces: the whole's hash, and how many.
pub fn named_pieces(of: u64, count: u32) -> Vec<u8> {
    let mut body = vec![PIECES];
    body.extend_from_slice(&of.to_le_bytes());
    put_varint(&mut body, u64::from(count));
    body
}

/// What [`named_pieces`] named, if that is what a packed body is.
pub fn pieces_of(packed: &[u8]) -> Result<Option<(u64, u32)>, CodecError> {
    const EXPECTED: &str = "the name of pieces";
    let mut from = Reader::new(packed);
    if packed.first() != Some(&PIECES) {
        return Ok(None);
    }
    from.byte(EXPECTED)?;
    let of = from.take(8, EXPECTED)?.try_into().map_err(|_| CodecError::Truncated { expected: EXPECTED })?;
    let count = from.varint(EXPECTED)?;
    let count = u32::try_from(count)
        .map_err(|_| CodecError::Unexpected { found: format!("{count} pieces"), expected: EXPECTED })?;
    Ok(Some((u64::from_le_bytes(of), count)))
}

thread_local! {
    /// Setting one up costs more than unpacking a page.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Unpacks what [`Packer::pack`] packed.
pub fn unpack(packed: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    match packed.split_first() {
        Some((&PLAIN, body)) => Ok(Cow::Borrowed(body)),
        Some((&ZSTD, frame)) => {
            let size = zstd::bulk::Decompressor::upper_bound(frame).unwrap_or(MOST).min(MOST);
            let body = DECOMPRESSOR.with_borrow_mut(|decompressor| {
                let decompressor = match decompressor {
                    Some(decompressor) => decompressor,
                    none => none.insert(zstd::bulk::Decompressor::new()?),
                };
                decompressor.decompress(frame, size)
            });
            body.map(Cow::Owned).map_err(broken)
        }
        Some((tag, _)) => {
            Err(CodecError::Unexpected { found: format!("packing {tag}"), expected: "packing 0 or 1" })
        }
        None => Err(CodecError::Truncated { expected: "a packed body" }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: std::io::Error) -> CodecError {
    CodecError::Compression(error.to_string())
}

#[cfg(test)]
mod tests;
