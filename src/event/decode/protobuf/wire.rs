//! The binary encoding of a message: fields in any order, each as a number and a value.

use smallvec::SmallVec;

use crate::{
    event::decode::bytes::{Broken, Bytes, MAX_DEPTH, signed},
    protobuf::{EnumId, Kind, Message},
};

/// A value as it is written. What it is, only its field says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(&'a [u8]),
    Group(&'a [u8]),
}

/// A value that is no message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Integer(i64),
    /// An integer that may be larger than any of SQL's.
    Unsigned(u64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    Symbol(EnumId, i32),
}

/// The values that a message has of the fields that its schema knows, by their places in the message, each field's
/// in the order in which they came.
#[derive(Debug)]
pub(super) struct Fields<'a>(SmallVec<[(usize, Wire<'a>); 16]>);

impl<'a> Fields<'a> {
    /// Reads what is left. Each value takes one off the budget.
    pub(super) fn read(message: &Message, bytes: &mut Bytes<'a>, budget: &mut usize) -> Result<Self, Broken> {
        let mut found: SmallVec<[(usize, Wire<'a>); 16]> = SmallVec::new();
        // Of each `oneof` the field that came last, and how many values came before it did.
        let mut chosen: SmallVec<[(u32, usize, usize); 4]> = SmallVec::new();
        let mut is_sorted = true;
        while !bytes.0.is_empty() {
            let (number, wire) = value(bytes)?;
            let Some((index, field)) = message.field(number) else { continue };
            *budget = budget.checked_sub(1).ok_or(Broken::Many)?;
            if let Some(oneof) = field.oneof {
                match chosen.iter_mut().find(|(known, ..)| *known == oneof) {
                    Some((_, last, _)) if *last == index => {}
                    Some(choice) => *choice = (oneof, index, found.len()),
                    None => chosen.push((oneof, index, found.len())),
                }
            }
            is_sorted &= found.last().is_none_or(|(last, _)| *last <= index);
            found.push((index, wire));
        }
        if !chosen.is_empty() {
            let mut at = 0;
            found.retain(|(index, _)| {
                let oneof = message.fields.get(*index).and_then(|field| field.oneof);
                let choice = chosen.iter().find(|(known, ..)| Some(*known) == oneof);
                let stays = choice.is_none_or(|(_, last, from)| last == index && at >= *from);
                at += 1;
                stays
            });
        }
        if !is_sorted {
            found.sort_by_key(|(index, _)| *index);
        }
        Ok(Self(found))
    }

    /// The values of the field at a place.
    pub(super) fn of(&self, index: usize) -> &[(usize, Wire<'a>)] {
        let from = self.0.partition_point(|(other, _)| *other < index);
        let rest = self.0.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|(other, _)| *other == index).count();
        rest.get(..count).unwrap_or_default()
    }
}

/// The next value, and the number of its field.
fn value<'a>(bytes: &mut Bytes<'a>) -> Result<(u32, Wire<'a>), Broken> {
    let (number, kind) = tag(bytes)?;
    let wire = match kind {
        VARINT => Wire::Varint(bytes.varint()?),
        EIGHT => Wire::Eight(bytes.array()?),
        BYTES => Wire::Bytes(bytes.delimited()?),
        GROUP => Wire::Group(group(bytes, number)?),
        FOUR => Wire::Four(bytes.array()?),
        _ => return Err(Broken::Tag(u64::from(number) << 3 | kind)),
    };
    Ok((number, wire))
}

const VARINT: u64 = 0;
const EIGHT: u64 = 1;
const BYTES: u64 = 2;
const GROUP: u64 = 3;
const GROUP_END: u64 = 4;
const FOUR: u64 = 5;
/// The highest number of a field.
const MAX_NUMBER: u64 = (1 << 29) - 1;

fn tag(bytes: &mut Bytes<'_>) -> Result<(u32, u64), Broken> {
    let tag = bytes.varint()?;
    let number = u32::try_from(tag >> 3).ok().filter(|number| (1..=MAX_NUMBER).contains(&u64::from(*number)));
    Ok((number.ok_or(Broken::Tag(tag))?, tag & 7))
}

/// What stands before the end of the group of a number.
fn group<'a>(bytes: &mut Bytes<'a>, number: u32) -> Result<&'a [u8], Broken> {
    let all = bytes.0;
    let mut open: SmallVec<[u32; 4]> = smallvec::smallvec![number];
    while let Some(last) = open.last().copied() {
        let within = all.len() - bytes.0.len();
        let (number, kind) = tag(bytes)?;
        match kind {
            VARINT => bytes.varint().map(drop)?,
            EIGHT => bytes.take(8).map(drop)?,
            BYTES => bytes.delimited().map(drop)?,
            FOUR => bytes.take(4).map(drop)?,
            GROUP if open.len() < MAX_DEPTH => open.push(number),
            GROUP => return Err(Broken::Depth),
            GROUP_END if number == last => {
                open.pop();
                if open.is_empty() {
                    return Ok(all.get(..within).unwrap_or_default());
                }
            }
            _ => return Err(Broken::Tag(u64::from(number) << 3 | kind)),
        }
    }
    Err(Broken::Ends)
}

impl<'a> Wire<'a> {
    /// The scalar that a field of a kind has.
    pub(super) fn scalar(self, kind: Kind) -> Result<Scalar<'a>, Broken> {
        Ok(match (kind, self) {
            (Kind::Int32, Self::Varint(number)) => Scalar::Integer(low(number).cast_signed().into()),
            (Kind::Int64, Self::Varint(number)) => Scalar::Integer(number.cast_signed()),
            (Kind::Uint32, Self::Varint(number)) => Scalar::Integer(low(number).into()),
            (Kind::Uint64, Self::Varint(number)) => Scalar::Unsigned(number),
            (Kind::Sint32, Self::Varint(number)) => Scalar::Integer(signed(low(number).into())),
            (Kind::Sint64, Self::Varint(number)) => Scalar::Integer(signed(number)),
            (Kind::Bool, Self::Varint(number)) => Scalar::Bool(number != 0),
            (Kind::Enum(id), Self::Varint(number)) => Scalar::Symbol(id, low(number).cast_signed()),
            (Kind::Fixed32, Self::Four(bytes)) => Scalar::Integer(u32::from_le_bytes(bytes).into()),
            (Kind::Sfixed32, Self::Four(bytes)) => Scalar::Integer(i32::from_le_bytes(bytes).into()),
            (Kind::Float, Self::Four(bytes)) => Scalar::Float(f32::from_le_bytes(bytes)),
            (Kind::Fixed64, Self::Eight(bytes)) => Scalar::Unsigned(u64::from_le_bytes(bytes)),
            (Kind::Sfixed64, Self::Eight(bytes)) => Scalar::Integer(i64::from_le_bytes(bytes)),
            (Kind::Double, Self::Eight(bytes)) => Scalar::Double(f64::from_le_bytes(bytes)),
            (Kind::String, Self::Bytes(bytes)) => {
                Scalar::Text(simdutf8::basic::from_utf8(bytes).map_err(|_| Broken::Text)?)
            }
            (Kind::Bytes, Self::Bytes(bytes)) => Scalar::Bytes(bytes),
            (_, other) => return Err(Broken::Wire(other.name())),
        })
    }

    /// The bytes of a message.
    pub(super) fn message(self) -> Result<&'a [u8], Broken> {
        match self {
            Self::Bytes(bytes) | Self::Group(bytes) => Ok(bytes),
            other => Err(Broken::Wire(other.name())),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Varint(_) => "a varint",
            Self::Eight(_) => "8 bytes",
            Self::Four(_) => "4 bytes",
            Self::Bytes(_) => "bytes behind their length",
            Self::Group(_) => "a group",
        }
    }
}

/// The lowest 32 bits: what is left of a number that was written by a type of more.
#[expect(clippy::cast_possible_truncation, reason = "Protobuf reads 32 bits this way")]
const fn low(number: u64) -> u32 {
    number as u32
}

impl Scalar<'_> {
    /// What a field has that is not written and cannot be absent; none of messages.
    pub(super) const fn zero(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Uint64 | Kind::Fixed64 => Self::Unsigned(0),
            Kind::Float => Self::Float(0.0),
            Kind::Double => Self::Double(0.0),
            Kind::Bool => Self::Bool(false),
            Kind::String => Self::Text(""),
            Kind::Bytes => Self::Bytes(&[]),
            Kind::Enum(id) => Self::Symbol(id, 0),
            Kind::Message(_) | Kind::Group(_) => return None,
            _ => Self::Integer(0),
        })
    }
}

/// The next of the items that a field has in one value, as lists of numbers have them.
pub(super) fn packed<'a>(kind: Kind, bytes: &mut Bytes<'a>) -> Result<Wire<'a>, Broken> {
    match kind {
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => bytes.array().map(Wire::Four),
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => bytes.array().map(Wire::Eight),
        _ => bytes.varint().map(Wire::Varint),
    }
}
