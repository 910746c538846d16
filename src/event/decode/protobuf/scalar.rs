//! A field's value to a value of a column's type.

use std::borrow::Cow;

use super::{
    Found, Reader, last_scalar, merged, time,
    wire::{Fields, Scalar},
};
use crate::{
    event::decode::{
        bytes::{Broken, Bytes},
        column::{approximate, finite, whole_float},
        moment,
        notes::{Stop, misfit},
    },
    protobuf::{Field, Kind, Message, Shape, WellKnown},
    time::Timestamp,
    value::{Type, Value},
};

impl<'s> Reader<'s> {
    /// Takes a field's value into its place in the row. See [`Schema::fits`](crate::protobuf::Schema::fits) for what
    /// goes where.
    #[inline]
    pub(super) fn take<'a>(
        &mut self,
        field: &Field,
        found: Found<'_, 'a>,
        kind: Type,
        place: &mut Value<'a>,
    ) -> Result<(), Stop>
    where
        's: 'a,
    {
        if kind == Type::Json || field.shape != Shape::One {
            return self.take_json(field, found, kind, place);
        }
        if let (Kind::Message(id) | Kind::Group(id), [_, ..]) = (field.kind, found) {
            let message = self.schema.message(id);
            *place = match merged(found)? {
                Cow::Borrowed(bytes) => self.message(message, bytes, kind)?,
                // It has to own its text.
                Cow::Owned(bytes) => self.message(message, &bytes, kind)?.into_owned(),
            };
            return Ok(());
        }
        let is_absent = found.is_empty() && field.is_optional;
        let scalar = if is_absent { None } else { last_scalar(found, field.kind)? };
        *place = match scalar {
            Some(scalar) => self.convert(field.kind, scalar, kind)?,
            None => Value::Null,
        };
        Ok(())
    }

    #[inline(never)]
    fn take_json(
        &mut self,
        field: &Field,
        found: Found<'_, '_>,
        kind: Type,
        place: &mut Value<'_>,
    ) -> Result<(), Stop> {
        if kind != Type::Json {
            let what = if field.shape == Shape::Map { "a map" } else { "a list" };
            return Err(Stop::Misfit(what.to_owned()));
        }
        if found.is_empty() && field.is_optional {
            return Ok(());
        }
        let mut text = String::new();
        self.json(field, found, &mut text, 0)?;
        if text != "null" {
            *place = Value::Json(text.into());
        }
        Ok(())
    }

    /// What a message is in a column that takes no JSON.
    fn message<'a>(&mut self, message: &Message, bytes: &'a [u8], kind: Type) -> Result<Value<'a>, Stop>
    where
        's: 'a,
    {
        let fields = Fields::read(message, &mut Bytes(bytes), &mut self.budget)?;
        match (message.well_known, kind) {
            (Some(WellKnown::Timestamp), Type::Timestamp | Type::BigInt) => {
                let millis = time::Span::read(message, &fields)?.moment().ok_or(Broken::Time)?;
                Ok(if kind == Type::BigInt { Value::Int(millis) } else { Value::Time(Timestamp(millis)) })
            }
            (Some(WellKnown::Wrapper), _) => {
                let Some(inner) = message.fields.first() else { return Ok(Value::Null) };
                let scalar = last_scalar(fields.of(0), inner.kind)?;
                scalar.map_or(Ok(Value::Null), |scalar| self.convert(inner.kind, scalar, kind))
            }
            _ => Err(Stop::Misfit(format!("a message {}", message.name))),
        }
    }

    #[inline]
    fn convert<'a>(&self, of: Kind, scalar: Scalar<'a>, kind: Type) -> Result<Value<'a>, Stop>
    where
        's: 'a,
    {
        let schema = self.schema;
        let value = match (scalar, kind) {
            (Scalar::Text(text), Type::Text) => Some(Value::text(text)),
            (Scalar::Integer(number), Type::BigInt) => Some(Value::Int(number)),
            (Scalar::Integer(millis), Type::Timestamp) => Some(Value::Time(Timestamp(millis))),
            (Scalar::Integer(number), Type::Double) => Some(approximate(number)),
            (Scalar::Unsigned(number), Type::BigInt) => i64::try_from(number).ok().map(Value::Int),
            (Scalar::Unsigned(millis), Type::Timestamp) => {
                i64::try_from(millis).ok().map(|millis| Value::Time(Timestamp(millis)))
            }
            (Scalar::Unsigned(number), Type::Double) => Some(unsigned(number)),
            (Scalar::Bool(boolean), Type::Boolean) => Some(Value::Bool(boolean)),
            (Scalar::Float(number), _) => real(number.into(), kind),
            (Scalar::Double(number), _) => real(number, kind),
            (Scalar::Text(text), Type::Timestamp) => moment::from_text(text).map(Value::Time),
            (Scalar::Bytes(bytes), Type::Text) => {
                Some(Value::Text(base64_simd::STANDARD.encode_to_string(bytes).into()))
            }
            (Scalar::Symbol(id, number), Type::Text) => {
                let symbol = schema.enumeration(id).symbol(number);
                Some(symbol.map_or_else(|| Value::Text(number.to_string().into()), Value::text))
            }
            _ => None,
        };
        value.ok_or_else(|| self.refuse(of, scalar))
    }

    #[cold]
    fn refuse(&self, of: Kind, scalar: Scalar<'_>) -> Stop {
        let mut text = String::new();
        self.scalar(of, scalar, &mut text);
        // 64 bits are a text in JSON, which says nothing here.
        let text = if of.is_number() { text.trim_matches('"') } else { &text };
        misfit(self.schema.kind_name(of), text)
    }
}

fn real(number: f64, kind: Type) -> Option<Value<'static>> {
    match kind {
        Type::Double => Some(finite(number)),
        Type::BigInt => whole_float(number).map(Value::Int),
        Type::Timestamp => moment::of_seconds(number).map(Value::Time),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "SQL converts BIGINT to DOUBLE this way")]
fn unsigned(number: u64) -> Value<'static> {
    Value::Float(number as f64)
}
