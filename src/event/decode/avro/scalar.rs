//! One Avro value to a value of a column's type.

use std::fmt::Write as _;

use super::Reader;
use crate::{
    avro::{Node, NodeId},
    event::decode::{
        bytes::Broken,
        column::{approximate, finite, whole_float},
        moment,
        notes::{Stop, misfit},
    },
    time::Timestamp,
    value::{Type, Value},
};

const DAY: i64 = 86_400_000;

impl<'a> Reader<'a> {
    /// Takes a value into its place in the row. See [`Schema::fits`](crate::avro::Schema::fits) for what goes where.
    #[inline]
    pub(super) fn take(&mut self, id: NodeId, kind: Type, place: &mut Value<'a>) -> Result<(), Stop> {
        let schema = self.schema;
        match (schema.node(id), kind) {
            (Node::String, Type::Text) => *place = Value::text(self.bytes.text()?),
            (Node::Long, Type::BigInt) => *place = Value::Int(self.bytes.long()?),
            (Node::Timestamp(unit), Type::Timestamp) => {
                *place = Value::Time(Timestamp(unit.millis(self.bytes.long()?)));
            }
            (Node::Enum(symbols), Type::Text) => *place = Value::text(self.bytes.choice(symbols)?),
            (Node::Union(branches), _) => {
                // No union is a branch of one.
                let branch = *self.bytes.choice(branches)?;
                return self.take_branch(branch, kind, place);
            }
            _ => return self.take_other(id, kind, place),
        }
        Ok(())
    }

    #[inline]
    fn take_branch(&mut self, id: NodeId, kind: Type, place: &mut Value<'a>) -> Result<(), Stop> {
        let schema = self.schema;
        match (schema.node(id), kind) {
            (Node::Null, _) => *place = Value::Null,
            (Node::String, Type::Text) => *place = Value::text(self.bytes.text()?),
            _ => return self.take_other(id, kind, place),
        }
        Ok(())
    }

    fn take_other(&mut self, id: NodeId, kind: Type, place: &mut Value<'a>) -> Result<(), Stop> {
        let schema = self.schema;
        let node = schema.node(id);
        *place = match (node, kind) {
            (Node::Null, _) => Value::Null,
            (Node::String, Type::Text) => Value::text(self.bytes.text()?),
            (Node::Enum(symbols), Type::Text) => Value::text(self.bytes.choice(symbols)?),
            (Node::Boolean, Type::Boolean) => Value::Bool(self.bytes.boolean()?),
            (Node::Int, Type::BigInt) => Value::Int(self.bytes.int()?.into()),
            (Node::Long, Type::BigInt) => Value::Int(self.bytes.long()?),
            (Node::Timestamp(unit), Type::BigInt) => Value::Int(unit.millis(self.bytes.long()?)),
            (Node::Timestamp(unit), Type::Timestamp) => {
                Value::Time(Timestamp(unit.millis(self.bytes.long()?)))
            }
            (Node::Date, Type::Timestamp) => Value::Time(Timestamp(i64::from(self.bytes.int()?) * DAY)),
            (Node::Int | Node::Long, Type::Timestamp) => Value::Time(Timestamp(self.bytes.long()?)),
            (Node::Int | Node::Long, Type::Double) => approximate(self.bytes.long()?),
            (Node::Float | Node::Double, Type::Double) => finite(self.float(node)?),
            (Node::Float | Node::Double, Type::BigInt) => {
                let number = self.float(node)?;
                whole_float(number)
                    .map(Value::Int)
                    .ok_or_else(|| misfit(node.name(), &format!("{number:?}")))?
            }
            (Node::Float | Node::Double, Type::Timestamp) => {
                let seconds = self.float(node)?;
                let at = moment::of_seconds(seconds);
                at.map(Value::Time).ok_or_else(|| misfit(node.name(), &format!("{seconds:?}")))?
            }
            (Node::String, Type::Timestamp) => {
                let text = self.bytes.text()?;
                moment::from_text(text)
                    .map(Value::Time)
                    .ok_or_else(|| misfit(node.name(), &format!("{text:?}")))?
            }
            (Node::Decimal { .. }, Type::Double) => {
                let mut digits = String::new();
                self.decimal(node, &mut digits)?;
                finite(digits.parse().unwrap_or(f64::NAN))
            }
            (Node::Decimal { .. } | Node::Date | Node::Uuid | Node::Bytes | Node::Fixed(_), Type::Text) => {
                let mut text = String::new();
                self.plain(node, &mut text)?;
                Value::Text(text.into())
            }
            (_, Type::Json) => {
                let mut text = String::new();
                self.json(id, &mut text, 0)?;
                Value::Json(text.into())
            }
            _ => return Err(self.refuse(id)),
        };
        Ok(())
    }

    pub(super) fn float(&mut self, node: &Node) -> Result<f64, Broken> {
        match node {
            Node::Float => self.bytes.float().map(f64::from),
            _ => self.bytes.double(),
        }
    }

    /// Writes what is a text in a column of text, though it is none in Avro; without quotes.
    pub(super) fn plain(&mut self, node: &Node, text: &mut String) -> Result<(), Broken> {
        match node {
            Node::Date => {
                let at = Timestamp(i64::from(self.bytes.int()?) * DAY).to_string();
                text.push_str(at.split_once('T').map_or(at.as_str(), |(date, _)| date));
            }
            Node::Uuid => {
                let bytes = self.bytes.take(16)?;
                // Writing to a String cannot fail.
                let _ = uuid::Uuid::from_slice(bytes).map(|uuid| write!(text, "{uuid}"));
            }
            Node::Fixed(size) => base64_simd::STANDARD.encode_append(self.bytes.take(*size)?, text),
            Node::Decimal { .. } => self.decimal(node, text)?,
            _ => base64_simd::STANDARD.encode_append(self.bytes.bytes()?, text),
        }
        Ok(())
    }

    /// Writes the digits of a decimal.
    pub(super) fn decimal(&mut self, node: &Node, digits: &mut String) -> Result<(), Broken> {
        let Node::Decimal { scale, size } = node else { return Ok(()) };
        let bytes = match size {
            Some(size) => self.bytes.take(*size)?,
            None => self.bytes.bytes()?,
        };
        let unscaled = integer(bytes).ok_or(Broken::Number)?;
        let (sign, scale) = (if unscaled < 0 { "-" } else { "" }, *scale as usize);
        let all = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = all.split_at_checked(all.len() - scale).unwrap_or((&all, ""));
        digits.push_str(sign);
        digits.push_str(whole);
        if !fraction.is_empty() {
            digits.push('.');
            digits.push_str(fraction);
        }
        Ok(())
    }

    /// Passes over a value that its column does not take, and says what it was.
    #[cold]
    fn refuse(&mut self, id: NodeId) -> Stop {
        let node = self.schema.node(id);
        if matches!(node, Node::Array(_) | Node::Map(_) | Node::Record(_)) {
            let found = if matches!(node, Node::Array(_)) { "an array" } else { node_with_article(node) };
            return self.skip(id, 0).map_or_else(Stop::Broken, |()| Stop::Misfit(found.to_owned()));
        }
        let mut text = String::new();
        self.json(id, &mut text, 0).map_or_else(Stop::Broken, |()| misfit(node.name(), &text))
    }
}

const fn node_with_article(node: &Node) -> &'static str {
    if matches!(node, Node::Map(_)) { "a map" } else { "a record" }
}

/// A two's complement number, the highest byte first, if it has no more than 128 bits.
fn integer(bytes: &[u8]) -> Option<i128> {
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let fill = if is_negative { 0xff } else { 0 };
    let (extra, last) = bytes.split_at_checked(bytes.len().saturating_sub(16))?;
    let mut all = [fill; 16];
    all.get_mut(16 - last.len()..)?.copy_from_slice(last);
    let number = i128::from_be_bytes(all);
    let is_whole = extra.iter().all(|byte| *byte == fill) && (number < 0) == is_negative;
    is_whole.then_some(number)
}
