//! Records of Avro: straight from a value's bytes to the columns, by the schema that they were written by.
//!
//! A schema and a table become a [`Plan`] once: for each field of the record the column that it feeds, or none.
//! Texts are borrowed from the record. Nothing is built in between but the text of a JSON column.

mod json;
mod scalar;
#[cfg(test)]
mod tests;

use super::{
    Target,
    bytes::{Broken, Bytes, MAX_DEPTH},
    notes::Notes,
    target,
};
use crate::{
    avro::{Node, NodeId, Schema},
    sql::Table,
    value::Value,
};

/// What a writer's schema is to a table.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    schema: &'a Schema,
    /// The fields of the record, in their order, with the columns that they feed.
    steps: Vec<(NodeId, Option<Target>)>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(schema: &'a Schema, table: &Table) -> Self {
        let steps = schema.fields().iter().map(|field| (field.node, target(table, &field.name)));
        Self { schema, steps: steps.collect() }
    }

    /// Fills a row, which has to be all NULL. A value that its column does not take is a problem, not an error.
    pub(super) fn fill(
        &self,
        value: &'a [u8],
        row: &mut [Value<'a>],
        mut notes: Notes<'_>,
    ) -> Result<(), String> {
        let mut reader = Reader::new(self.schema, value);
        for (step, (node, target)) in self.steps.iter().enumerate() {
            let read = match target {
                None => reader.skip(*node, 0),
                Some(target) => match row.get_mut(target.index) {
                    Some(place) => notes.take(*target, place, |kind, place| reader.take(*node, kind, place)),
                    None => Ok(()),
                },
            };
            read.map_err(|broken| self.reason(step, broken, value.len() - reader.bytes.0.len()))?;
        }
        let left = reader.bytes.0.len();
        if left == 0 { Ok(()) } else { Err(format!("not Avro of its schema: {left} bytes are left over")) }
    }

    #[cold]
    fn reason(&self, step: usize, broken: Broken, at: usize) -> String {
        let name = self.schema.fields().get(step).map_or("", |field| field.name.as_str());
        format!("not Avro of its schema: field \"{name}\", before byte {at}: {broken}")
    }
}

/// Reads one value.
struct Reader<'a> {
    schema: &'a Schema,
    bytes: Bytes<'a>,
    /// How many more values within values it will look at.
    budget: usize,
}

/// How many values within values a record may have besides those that its length explains: items of an array may
/// take no bytes at all.
const FREE: usize = 1 << 16;

impl<'a> Reader<'a> {
    fn new(schema: &'a Schema, value: &'a [u8]) -> Self {
        Self { schema, bytes: Bytes(value), budget: value.len().saturating_mul(16).saturating_add(FREE) }
    }

    /// Enters a value within a value.
    fn enter(&mut self, depth: usize) -> Result<(), Broken> {
        self.budget = self.budget.checked_sub(1).ok_or(Broken::Count)?;
        if depth > MAX_DEPTH { Err(Broken::Depth) } else { Ok(()) }
    }

    /// Passes over a value.
    fn skip(&mut self, node: NodeId, depth: usize) -> Result<(), Broken> {
        match self.schema.node(node) {
            Node::Null => {}
            Node::Boolean => self.bytes.boolean().map(drop)?,
            Node::Int | Node::Date => self.bytes.int().map(drop)?,
            Node::Long | Node::Timestamp(_) => self.bytes.long().map(drop)?,
            Node::Float => self.bytes.take(4).map(drop)?,
            Node::Double => self.bytes.take(8).map(drop)?,
            Node::Bytes | Node::String | Node::Decimal { size: None, .. } => self.bytes.bytes().map(drop)?,
            Node::Decimal { size: Some(size), .. } | Node::Fixed(size) => self.bytes.take(*size).map(drop)?,
            Node::Uuid => self.bytes.take(16).map(drop)?,
            Node::Enum(symbols) => self.bytes.choice(symbols).map(drop)?,
            Node::Array(item) => self.skip_items(*item, false, depth + 1)?,
            Node::Map(item) => self.skip_items(*item, true, depth + 1)?,
            Node::Union(branches) => {
                let branch = *self.bytes.choice(branches)?;
                self.skip(branch, depth)?;
            }
            Node::Record(fields) => {
                for field in fields {
                    self.enter(depth)?;
                    self.skip(field.node, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn skip_items(&mut self, item: NodeId, has_keys: bool, depth: usize) -> Result<(), Broken> {
        while let Some((count, size)) = self.bytes.block()? {
            if let Some(size) = size {
                self.bytes.take(size)?;
                continue;
            }
            for _ in 0..count {
                self.enter(depth)?;
                if has_keys {
                    self.bytes.bytes()?;
                }
                self.skip(item, depth)?;
            }
        }
        Ok(())
    }
}
