//! What serializers of schema registries put before a value: by which schema it was written.
//!
//! | frame | bytes |
//! | --- | --- |
//! | Confluent (Apicurio, Karapace and Redpanda too) | 0x00, the schema's id in 4 bytes, the highest first |
//! | AWS Glue | 0x03, 0x00 (as it is) or 0x05 (zlib), the schema version's UUID in 16 bytes |
//!
//! No JSON begins with either.

use std::{
    fmt,
    io::{self, Read as _},
};

use flate2::read::ZlibDecoder;
use uuid::Uuid;

use super::RawBatch;

/// The most bytes that a compressed value may have: some times what Kafka and Lambda let through.
pub(crate) const MAX_INFLATED: usize = 16 << 20;

const CONFLUENT: u8 = 0;
const GLUE: u8 = 3;
const PLAIN: u8 = 0;
const ZLIB: u8 = 5;

/// Under what a registry knows a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaId {
    /// A number, as Confluent's registry gives them.
    Number(u32),
    /// The UUID of a schema version, as Glue gives them.
    Uuid(Uuid),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

/// A value in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framed<'a> {
    /// The schema that it was written by.
    pub(crate) schema: SchemaId,
    /// The value, compressed perhaps.
    pub(crate) payload: &'a [u8],
    /// Whether it is compressed by zlib.
    pub(crate) is_compressed: bool,
}

/// Whether a value begins like a frame, as no JSON does.
#[inline]
pub(crate) fn is_framed(value: &[u8]) -> bool {
    matches!(value.first(), Some(&(CONFLUENT | GLUE)))
}

impl<'a> Framed<'a> {
    /// The frame of a value; what is wrong with it where it is none.
    pub(crate) fn read(value: &'a [u8]) -> Result<Self, String> {
        match value.split_first() {
            Some((&CONFLUENT, rest)) => match rest.split_first_chunk() {
                Some((id, payload)) => {
                    let schema = SchemaId::Number(u32::from_be_bytes(*id));
                    Ok(Self { schema, payload, is_compressed: false })
                }
                None => Err(cut_short("a schema registry (0x00)", value.len(), 5)),
            },
            Some((&GLUE, rest)) => glue(rest, value.len()),
            Some((other, _)) => Err(format!(
                "found 0x{other:02x} at byte 0; expected the frame of a schema registry (0x00 or 0x03) or a JSON object"
            )),
            None => Err("empty value (tombstone)".to_owned()),
        }
    }

    /// The value that was compressed.
    pub(crate) fn inflate(&self) -> Result<Vec<u8>, String> {
        let mut value = Vec::with_capacity(self.payload.len().saturating_mul(4).min(MAX_INFLATED));
        let mut from = ZlibDecoder::new(self.payload).take(MAX_INFLATED as u64 + 1);
        match from.read_to_end(&mut value) {
            Ok(length) if length > MAX_INFLATED => {
                Err(format!("more than {MAX_INFLATED} bytes when it is inflated"))
            }
            Ok(_) => Ok(value),
            Err(error) => Err(broken_zlib(&error)),
        }
    }
}

fn glue(rest: &[u8], length: usize) -> Result<Framed<'_>, String> {
    let Some((compression, rest)) = rest.split_first() else {
        return Err(cut_short("Glue's schema registry (0x03)", length, 18));
    };
    if !matches!(*compression, PLAIN | ZLIB) {
        return Err(format!(
            "found 0x{compression:02x} at byte 1 of the frame of Glue's schema registry; expected 0x00 (as it is) or \
             0x05 (zlib)"
        ));
    }
    match rest.split_first_chunk() {
        Some((id, payload)) => Ok(Framed {
            schema: SchemaId::Uuid(Uuid::from_bytes(*id)),
            payload,
            is_compressed: *compression == ZLIB,
        }),
        None => Err(cut_short("Glue's schema registry (0x03)", length, 18)),
    }
}

#[cold]
fn cut_short(whose: &str, length: usize, expected: usize) -> String {
    format!("ends at byte {length} of the frame of {whose}; expected {expected} bytes and a value")
}

#[cold]
fn broken_zlib(error: &io::Error) -> String {
    format!("failed to inflate: {error}")
}

/// The schemas by which the values of a batch were written, each once.
pub(crate) fn schemas(raw: &RawBatch) -> Vec<SchemaId> {
    let values = raw.records.iter().filter(|record| record.damage.is_none());
    let values = values.filter_map(|record| raw.bytes.get(record.value.clone()));
    let mut ids = Vec::new();
    let mut last = None;
    for value in values.filter(|value| is_framed(value)) {
        let id = Framed::read(value).ok().map(|framed| framed.schema);
        // Most often a batch has one.
        if id != last {
            ids.extend(id);
            last = id;
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;
    use crate::event::fixture;

    const ID: [u8; 16] =
        [0xb7, 0xb4, 0xa7, 0xf0, 0x9c, 0x96, 0x4e, 0x4a, 0xa6, 0x87, 0xfb, 0x5d, 0xe9, 0xef, 0x0c, 0x63];

    fn glue_frame(compression: u8, payload: &[u8]) -> Vec<u8> {
        [&[GLUE, compression], &ID[..], payload].concat()
    }

    fn zlib(value: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(value).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_frame_names_the_schema_before_the_value() {
        let framed = Framed::read(&[0, 0, 1, 0, 2, b'x', b'y']).unwrap();
        let expected = Framed { schema: SchemaId::Number(65538), payload: b"xy", is_compressed: false };
        assert_eq!(framed, expected);
        let value = glue_frame(PLAIN, b"xy");
        let framed = Framed::read(&value).unwrap();
        assert_eq!((framed.payload, framed.is_compressed), (&b"xy"[..], false));
        assert_eq!(framed.schema.to_string(), "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63");
        let value = glue_frame(ZLIB, &zlib(b"xyz"));
        assert_eq!(Framed::read(&value).unwrap().inflate().unwrap(), b"xyz");
    }

    #[test]
    fn what_is_no_frame_is_told_from_one_by_its_bytes() {
        let reason = |value: &[u8]| Framed::read(value).unwrap_err();
        let cut = "ends at byte 4 of the frame of a schema registry (0x00); expected 5 bytes and a value";
        assert_eq!(reason(&[0, 0, 0, 1]), cut);
        assert!(reason(&[3]).starts_with("ends at byte 1 of the frame of Glue's"));
        assert!(reason(&glue_frame(PLAIN, b"")[..17]).starts_with("ends at byte 17 of"));
        assert!(reason(&glue_frame(4, b"x")).starts_with("found 0x04 at byte 1 of the frame of Glue's"));
        assert!(reason(b"Obj").starts_with("found 0x4f at byte 0; expected the frame"));
        assert_eq!(reason(b""), "empty value (tombstone)");
    }

    #[test]
    fn a_small_value_inflates_to_no_end_of_memory() {
        let bomb = glue_frame(ZLIB, &zlib(&vec![b' '; MAX_INFLATED + 1]));
        assert!(bomb.len() < MAX_INFLATED / 100);
        let reason = Framed::read(&bomb).unwrap().inflate().unwrap_err();
        assert_eq!(reason, "more than 16777216 bytes when it is inflated");
        let most = glue_frame(ZLIB, &zlib(&vec![b' '; MAX_INFLATED]));
        assert_eq!(Framed::read(&most).unwrap().inflate().unwrap().len(), MAX_INFLATED);
        let broken = glue_frame(ZLIB, b"no zlib");
        assert!(Framed::read(&broken).unwrap().inflate().unwrap_err().starts_with("failed to inflate: "));
    }

    #[test]
    fn a_batch_names_each_schema_once() {
        let number = |id: u8| vec![0, 0, 0, 0, id, b'x'];
        let values =
            [number(7), number(7), b"{}".to_vec(), glue_frame(0, b""), number(2), number(7), vec![0]];
        let ids = schemas(&fixture::batch(&values));
        let uuid = SchemaId::Uuid(Uuid::from_bytes(ID));
        assert_eq!(ids, [SchemaId::Number(2), SchemaId::Number(7), uuid]);
    }
}
