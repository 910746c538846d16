//! A Protobuf value as the text of a JSON value, so that JSON paths reach into it: Protobuf's own mapping to JSON.
//!
//! | Protobuf | JSON |
//! | --- | --- |
//! | message | object with the names that JSON has for its fields. What is absent is left out; what cannot be absent is there, zero or empty |
//! | map | object, by its keys in order |
//! | integers of 64 bits | text |
//! | enum | its name; its number where the schema has no name for it |
//! | bytes | text: base64 |
//! | a float that is not finite | `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `Timestamp`, `Duration`, `FieldMask` | text |
//! | `Struct`, `Value`, `ListValue`, wrappers | the value that they stand for |
//! | `Any` | an object with `typeUrl` and `value`, as of any other message |

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Found, Reader, last_scalar, merged,
    time::Span,
    wire::{Fields, Scalar, packed},
};
use crate::{
    event::decode::{
        bytes::{Broken, Bytes, MAX_DEPTH},
        json_text::{MAX_JSON, float, integer, quote},
    },
    protobuf::{Field, Kind, Message, MessageId, Shape, WellKnown},
};

/// Of how many of its fields a message takes one off the budget besides its values: each is looked for.
const FREE_FIELDS: usize = 64;

impl Reader<'_> {
    /// Writes what a field has.
    pub(super) fn json(
        &mut self,
        field: &Field,
        found: Found<'_, '_>,
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        match field.shape {
            Shape::One => self.one(field.kind, found, text, depth),
            Shape::List => self.list(field.kind, found, text, depth),
            Shape::Map => self.map(field.kind, found, text, depth),
        }
    }

    fn one(
        &mut self,
        kind: Kind,
        found: Found<'_, '_>,
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        if text.len() > MAX_JSON {
            return Err(Broken::Json);
        }
        if let Kind::Message(id) | Kind::Group(id) = kind {
            return self.message_json(id, &merged(found)?, text, depth + 1);
        }
        if let Some(scalar) = last_scalar(found, kind)? {
            self.scalar(kind, scalar, text);
        }
        Ok(())
    }

    fn list(
        &mut self,
        kind: Kind,
        found: Found<'_, '_>,
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        let is_packable = kind.is_number() || matches!(kind, Kind::Bool | Kind::Enum(_));
        text.push('[');
        let start = text.len();
        for value in found {
            let mut items = match value.1.message() {
                Ok(items) if is_packable => Bytes(items),
                _ => {
                    separate(start, text);
                    self.one(kind, std::slice::from_ref(value), text, depth)?;
                    continue;
                }
            };
            while !items.0.is_empty() {
                self.budget = self.budget.checked_sub(1).ok_or(Broken::Many)?;
                separate(start, text);
                self.one(kind, &[(value.0, packed(kind, &mut items)?)], text, depth)?;
            }
        }
        text.push(']');
        Ok(())
    }

    /// Of a key that stands twice the last counts.
    fn map(
        &mut self,
        kind: Kind,
        found: Found<'_, '_>,
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        let Kind::Message(id) = kind else { return Ok(()) };
        let entry = self.schema.message(id);
        let [key, value] = entry.fields.as_slice() else { return Ok(()) };
        let mut entries = BTreeMap::new();
        for (_, wire) in found {
            let fields = Fields::read(entry, &mut Bytes(wire.message()?), &mut self.budget)?;
            let key = last_scalar(fields.of(0), key.kind)?;
            entries.insert(key.map(name).unwrap_or_default(), fields);
        }
        text.push('{');
        let start = text.len();
        for (name, fields) in &entries {
            separate(start, text);
            quote(name, text);
            text.push(':');
            self.one(value.kind, fields.of(1), text, depth)?;
        }
        text.push('}');
        Ok(())
    }

    fn message_json(
        &mut self,
        id: MessageId,
        bytes: &[u8],
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        if depth > MAX_DEPTH {
            return Err(Broken::Depth);
        }
        let message = self.schema.message(id);
        let cost = 1 + message.fields.len() / FREE_FIELDS;
        self.budget = self.budget.checked_sub(cost).ok_or(Broken::Many)?;
        let fields = Fields::read(message, &mut Bytes(bytes), &mut self.budget)?;
        match message.well_known {
            None => self.members(message, &fields, text, depth),
            Some(WellKnown::Timestamp) => Span::read(message, &fields)?.write_moment(text),
            Some(WellKnown::Duration) => Span::read(message, &fields)?.write_span(text),
            Some(WellKnown::FieldMask) => paths(&fields, text),
            Some(WellKnown::Struct | WellKnown::ListValue | WellKnown::Wrapper) => {
                match message.fields.first() {
                    Some(field) => self.json(field, fields.of(0), text, depth),
                    None => Ok(()),
                }
            }
            Some(WellKnown::Value) => {
                // All are of one `oneof`.
                let mut all = message.fields.iter().enumerate();
                match all.find(|(index, _)| !fields.of(*index).is_empty()) {
                    Some((index, field)) => self.json(field, fields.of(index), text, depth)?,
                    None => text.push_str("null"),
                }
                Ok(())
            }
        }
    }

    fn members(
        &mut self,
        message: &Message,
        fields: &Fields<'_>,
        text: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        text.push('{');
        let start = text.len();
        for (index, field) in message.fields.iter().enumerate() {
            let found = fields.of(index);
            if found.is_empty() && field.is_optional {
                continue;
            }
            separate(start, text);
            quote(&field.json_name, text);
            text.push(':');
            self.json(field, found, text, depth)?;
        }
        text.push('}');
        Ok(())
    }

    /// Writes a scalar.
    pub(super) fn scalar(&self, kind: Kind, scalar: Scalar<'_>, text: &mut String) {
        // Writing to a String cannot fail.
        match scalar {
            Scalar::Integer(number) if matches!(kind, Kind::Int64 | Kind::Sint64 | Kind::Sfixed64) => {
                let _ = write!(text, "\"{number}\"");
            }
            Scalar::Integer(number) => integer(number, text),
            Scalar::Unsigned(number) => {
                let _ = write!(text, "\"{number}\"");
            }
            Scalar::Float(number) if number.is_finite() => {
                let _ = write!(text, "{number:?}");
            }
            Scalar::Float(number) => infinite(number.into(), text),
            Scalar::Double(number) if number.is_finite() => float(number, text),
            Scalar::Double(number) => infinite(number, text),
            Scalar::Bool(boolean) => text.push_str(if boolean { "true" } else { "false" }),
            Scalar::Text(value) => quote(value, text),
            Scalar::Bytes(bytes) => {
                text.push('"');
                base64_simd::STANDARD.encode_append(bytes, text);
                text.push('"');
            }
            Scalar::Symbol(id, number) => {
                let all = self.schema.enumeration(id);
                match all.symbol(number) {
                    _ if all.is_null => text.push_str("null"),
                    Some(symbol) => quote(symbol, text),
                    None => integer(number, text),
                }
            }
        }
    }
}

/// Writes a comma before what is not the first.
fn separate(start: usize, text: &mut String) {
    if text.len() > start {
        text.push(',');
    }
}

fn infinite(number: f64, text: &mut String) {
    text.push_str(if number.is_nan() {
        "\"NaN\""
    } else if number > 0.0 {
        "\"Infinity\""
    } else {
        "\"-Infinity\""
    });
}

/// The key of a map as the name of a member.
fn name(key: Scalar<'_>) -> String {
    match key {
        Scalar::Text(text) => text.to_owned(),
        Scalar::Bool(boolean) => boolean.to_string(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Unsigned(number) => number.to_string(),
        // No other is the key of a map.
        _ => String::new(),
    }
}

/// Writes the paths of a `FieldMask`, by the names that JSON has for fields.
fn paths(fields: &Fields<'_>, text: &mut String) -> Result<(), Broken> {
    let mut all = String::new();
    for (_, wire) in fields.of(0) {
        let Scalar::Text(path) = wire.scalar(Kind::String)? else { continue };
        separate(0, &mut all);
        let mut is_first_letter = false;
        for letter in path.chars() {
            match letter {
                '_' => is_first_letter = true,
                _ if std::mem::take(&mut is_first_letter) => all.push(letter.to_ascii_uppercase()),
                _ => all.push(letter),
            }
        }
    }
    quote(&all, text);
    Ok(())
}
