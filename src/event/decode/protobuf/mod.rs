//! Records of Protobuf: a value's bytes to the columns, by the schema that they were written by.
//!
//! A message of a schema and a table become a [`Plan`] once: the fields that feed columns. Texts are borrowed from
//! the record. Fields that are no column are passed over by their lengths.

mod json;
mod scalar;
#[cfg(test)]
mod tests;
mod time;
mod wire;

use std::borrow::Cow;

use self::wire::{Fields, Scalar, Wire};
use super::{
    Target,
    bytes::{Broken, Bytes, MAX_DEPTH, MAX_VALUES},
    notes::Notes,
    target,
};
use crate::{
    event::frame::SchemaId,
    protobuf::{Kind, Message, MessageId, Record, Schema},
    sql::Table,
    value::Value,
};

/// What a message of a schema is to a table.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    schema: &'a Schema,
    message: &'a Message,
    /// The places of the fields that feed columns.
    steps: Vec<(usize, Target)>,
}

/// What a schema's messages are to a table. Which of them a value is, its frame says.
#[derive(Debug)]
pub(super) struct Plans<'a> {
    schema: &'a Schema,
    /// Most often there is one.
    known: Vec<(MessageId, Plan<'a>)>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(record: &'a Record, table: &Table) -> Self {
        Self::new(&record.schema, record.message, table)
    }

    fn new(schema: &'a Schema, id: MessageId, table: &Table) -> Self {
        let message = schema.message(id);
        let fields = message.fields.iter().enumerate();
        let steps = fields.filter_map(|(index, field)| {
            let target = target(table, &field.name).or_else(|| target(table, &field.json_name))?;
            Some((index, target))
        });
        Self { schema, message, steps: steps.collect() }
    }

    /// Fills a row, which has to be all NULL. A value that its column does not take is a problem, not an error.
    pub(super) fn fill(
        &self,
        value: &'a [u8],
        row: &mut [Value<'a>],
        mut notes: Notes<'_>,
    ) -> Result<(), String> {
        let mut reader = Reader { schema: self.schema, budget: MAX_VALUES };
        let mut bytes = Bytes(value);
        let fields = Fields::read(self.message, &mut bytes, &mut reader.budget);
        let fields = fields.map_err(|broken| cut(broken, value.len() - bytes.0.len()))?;
        for (index, target) in &self.steps {
            let Some((place, field)) = row.get_mut(target.index).zip(self.message.fields.get(*index)) else {
                continue;
            };
            let found = fields.of(*index);
            notes
                .take(*target, place, |kind, place| reader.take(field, found, kind, place))
                .map_err(|broken| wrong(&field.name, broken))?;
        }
        Ok(())
    }
}

#[cold]
fn cut(broken: Broken, at: usize) -> String {
    format!("not Protobuf of its schema: before byte {at}: {broken}")
}

#[cold]
fn wrong(field: &str, broken: Broken) -> String {
    format!("not Protobuf of its schema: field \"{field}\": {broken}")
}

impl<'a> Plans<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self { schema, known: Vec::new() }
    }

    /// What the message is to a table that the bytes behind a frame name, and what stands behind that name.
    pub(super) fn of(
        &mut self,
        framed_by: SchemaId,
        payload: &'a [u8],
        table: &Table,
    ) -> Result<(&Plan<'a>, &'a [u8]), String> {
        let mut bytes = Bytes(payload);
        let id = match framed_by {
            SchemaId::Number(_) => self.at_path(&mut bytes),
            SchemaId::Uuid(_) => self.at_index(&mut bytes),
        }?;
        let known = self.known.iter().position(|(known, _)| *known == id);
        let index = known.unwrap_or(self.known.len());
        if known.is_none() {
            self.known.push((id, Plan::new(self.schema, id, table)));
        }
        let (_, plan) = self.known.get(index).ok_or_else(String::new)?;
        Ok((plan, bytes.0))
    }

    /// Confluent's: how many places, and the places from the outermost message inwards. No places is the first one.
    fn at_path(&self, bytes: &mut Bytes<'a>) -> Result<MessageId, String> {
        let count = bytes.long().map_err(|broken| nameless(&broken))?;
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_DEPTH);
        let count = count.ok_or_else(|| nameless(&"more places than messages are nested deep"))?;
        let mut path = [0; MAX_DEPTH];
        let path = path.get_mut(..count.max(1)).unwrap_or_default();
        for place in path.iter_mut().take(count) {
            let index = bytes.long().map_err(|broken| nameless(&broken))?;
            *place = usize::try_from(index).unwrap_or(usize::MAX);
        }
        self.schema.at_path(path).ok_or_else(|| nameless(&format_args!("the schema has none at {path:?}")))
    }

    /// Glue's: the place of the message among all.
    fn at_index(&self, bytes: &mut Bytes<'a>) -> Result<MessageId, String> {
        let index = bytes.varint().map_err(|broken| nameless(&broken))?;
        let found = usize::try_from(index).ok().and_then(|index| self.schema.at_index(index));
        found.ok_or_else(|| nameless(&format_args!("the schema has none at {index}")))
    }
}

#[cold]
fn nameless(reason: &dyn std::fmt::Display) -> String {
    format!("no message of its schema is named behind the frame: {reason}")
}

/// Reads the values of one record.
struct Reader<'s> {
    schema: &'s Schema,
    /// How many more values it will look at.
    budget: usize,
}

/// A field's values in a message, with its place.
type Found<'f, 'a> = &'f [(usize, Wire<'a>)];

/// The scalar that a field has, the last of its values counting: zero where it has none, and nothing of messages then.
fn last_scalar<'a>(found: Found<'_, 'a>, kind: Kind) -> Result<Option<Scalar<'a>>, Broken> {
    match found.last() {
        Some((_, wire)) => wire.scalar(kind).map(Some),
        None => Ok(Scalar::zero(kind)),
    }
}

/// The bytes of a message that a field has: of one in several parts all, which is what merges them.
fn merged<'a>(found: Found<'_, 'a>) -> Result<Cow<'a, [u8]>, Broken> {
    match found {
        [] => Ok(Cow::Borrowed(&[])),
        [(_, only)] => only.message().map(Cow::Borrowed),
        parts => {
            let parts: Vec<_> = parts.iter().map(|(_, part)| part.message()).collect::<Result<_, _>>()?;
            Ok(Cow::Owned(parts.concat()))
        }
    }
}
