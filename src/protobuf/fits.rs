//! Which columns a field can feed, and what it is called to a person.

use super::{Field, Kind, Schema, Shape, WellKnown};
use crate::value::Type;

impl Schema {
    /// Whether a column of a type can take a field's value.
    ///
    /// | column | takes |
    /// | --- | --- |
    /// | `TEXT` | string, enums; bytes as base64 |
    /// | `BIGINT` | all integers; `Timestamp` as milliseconds; float and double that are whole |
    /// | `DOUBLE` | all numbers |
    /// | `BOOLEAN` | bool |
    /// | `TIMESTAMP` | `Timestamp`; integers as milliseconds; float and double as seconds; string |
    /// | `JSON` | anything |
    ///
    /// A wrapper goes where its value does.
    pub fn fits(&self, field: &Field, kind: Type) -> bool {
        if kind == Type::Json {
            return true;
        }
        if field.shape != Shape::One {
            return false;
        }
        match (field.kind, kind) {
            (Kind::String, Type::Text | Type::Timestamp)
            | (Kind::Bytes | Kind::Enum(_), Type::Text)
            | (Kind::Bool, Type::Boolean) => true,
            (Kind::Message(id), _) => {
                let message = self.message(id);
                match message.well_known {
                    Some(WellKnown::Timestamp) => matches!(kind, Type::Timestamp | Type::BigInt),
                    Some(WellKnown::Wrapper) => message.fields.iter().any(|value| self.fits(value, kind)),
                    _ => false,
                }
            }
            (number, Type::BigInt | Type::Double | Type::Timestamp) => number.is_number(),
            _ => false,
        }
    }

    /// What a field is, as a file would say it: `repeated string`.
    pub fn name(&self, field: &Field) -> String {
        let name = self.kind_name(field.kind);
        match (field.shape, field.kind) {
            (Shape::One, _) => name.to_owned(),
            (Shape::Map, Kind::Message(entry)) => {
                let entry = &self.message(entry).fields;
                let names: Vec<_> = entry.iter().map(|field| self.kind_name(field.kind)).collect();
                format!("map<{}>", names.join(", "))
            }
            _ => format!("repeated {name}"),
        }
    }

    /// What a value is, as a file says it.
    pub fn kind_name(&self, kind: Kind) -> &str {
        match kind {
            Kind::Double => "double",
            Kind::Float => "float",
            Kind::Int32 => "int32",
            Kind::Int64 => "int64",
            Kind::Uint32 => "uint32",
            Kind::Uint64 => "uint64",
            Kind::Sint32 => "sint32",
            Kind::Sint64 => "sint64",
            Kind::Fixed32 => "fixed32",
            Kind::Fixed64 => "fixed64",
            Kind::Sfixed32 => "sfixed32",
            Kind::Sfixed64 => "sfixed64",
            Kind::Bool => "bool",
            Kind::String => "string",
            Kind::Bytes => "bytes",
            Kind::Enum(_) => "enum",
            Kind::Message(id) | Kind::Group(id) => &self.message(id).name,
        }
    }
}

impl Kind {
    /// Whether it is a number. That of an enum is not told.
    pub const fn is_number(self) -> bool {
        !matches!(
            self,
            Self::Bool | Self::String | Self::Bytes | Self::Enum(_) | Self::Message(_) | Self::Group(_)
        )
    }
}
