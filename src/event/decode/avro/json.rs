//! An Avro value as the text of a JSON value, so that JSON paths reach into it.
//!
//! | Avro | JSON |
//! | --- | --- |
//! | record, map | object |
//! | a branch of a union | the value alone, not Avro's `{"string": ...}` |
//! | timestamps | milliseconds since the epoch |
//! | decimal | a number with all of its digits |
//! | date, uuid | text |
//! | bytes, fixed | text: base64 |
//! | a float that is not finite | null |

use super::Reader;
use crate::{
    avro::{Field, Node, NodeId},
    event::decode::{
        bytes::Broken,
        json_text::{MAX_JSON, float, integer, quote},
    },
};

impl Reader<'_> {
    /// Writes a value.
    pub(super) fn json(&mut self, id: NodeId, text: &mut String, depth: usize) -> Result<(), Broken> {
        self.enter(depth)?;
        if text.len() > MAX_JSON {
            return Err(Broken::Json);
        }
        let schema = self.schema;
        let node = schema.node(id);
        match node {
            Node::Null => text.push_str("null"),
            Node::Boolean => text.push_str(if self.bytes.boolean()? { "true" } else { "false" }),
            Node::Int => integer(self.bytes.int()?, text),
            Node::Long => integer(self.bytes.long()?, text),
            Node::Timestamp(unit) => integer(unit.millis(self.bytes.long()?), text),
            Node::Float | Node::Double => float(self.float(node)?, text),
            Node::String => quote(self.bytes.text()?, text),
            Node::Enum(symbols) => quote(self.bytes.choice(symbols)?, text),
            Node::Decimal { .. } => self.decimal(node, text)?,
            Node::Date | Node::Uuid | Node::Bytes | Node::Fixed(_) => {
                text.push('"');
                self.plain(node, text)?;
                text.push('"');
            }
            Node::Array(item) => self.items(*item, false, text, depth + 1)?,
            Node::Map(item) => self.items(*item, true, text, depth + 1)?,
            Node::Union(branches) => {
                let branch = *self.bytes.choice(branches)?;
                self.json(branch, text, depth)?;
            }
            Node::Record(fields) => self.members(fields, text, depth + 1)?,
        }
        Ok(())
    }

    fn members(&mut self, fields: &[Field], text: &mut String, depth: usize) -> Result<(), Broken> {
        text.push('{');
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            quote(&field.name, text);
            text.push(':');
            self.json(field.node, text, depth)?;
        }
        text.push('}');
        Ok(())
    }

    fn items(&mut self, item: NodeId, has_keys: bool, text: &mut String, depth: usize) -> Result<(), Broken> {
        let (open, close) = if has_keys { ('{', '}') } else { ('[', ']') };
        text.push(open);
        let mut is_first = true;
        while let Some((count, _)) = self.bytes.block()? {
            for _ in 0..count {
                if !std::mem::take(&mut is_first) {
                    text.push(',');
                }
                if has_keys {
                    quote(self.bytes.text()?, text);
                    text.push(':');
                }
                self.json(item, text, depth)?;
            }
        }
        text.push(close);
        Ok(())
    }
}
