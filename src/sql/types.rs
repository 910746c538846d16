//! The names of types.

use sqlparser::ast::DataType;

use crate::value::Type;

/// What may stand where a type is expected, for errors.
pub(super) const EXPECTED: &str = "TEXT, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or JSON";

/// The type of a name or a usual synonym of it.
pub(super) fn of(name: &DataType) -> Option<Type> {
    Some(match name {
        DataType::Text
        | DataType::String(_)
        | DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Nvarchar(_)
        | DataType::Uuid => Type::Text,
        DataType::BigInt(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::SmallInt(_)
        | DataType::TinyInt(_)
        | DataType::Int2(_)
        | DataType::Int4(_)
        | DataType::Int8(_)
        | DataType::Int32
        | DataType::Int64 => Type::BigInt,
        DataType::Double(_)
        | DataType::DoublePrecision
        | DataType::Float(_)
        | DataType::Real
        | DataType::Float4
        | DataType::Float8
        | DataType::Float32
        | DataType::Float64 => Type::Double,
        DataType::Boolean | DataType::Bool => Type::Boolean,
        DataType::Timestamp(..) | DataType::TimestampNtz(_) | DataType::Datetime(_) => Type::Timestamp,
        DataType::JSON | DataType::JSONB => Type::Json,
        DataType::Custom(name, _) => of_custom(&name.to_string())?,
        _ => return None,
    })
}

fn of_custom(name: &str) -> Option<Type> {
    match name.to_ascii_uppercase().as_str() {
        "TIMESTAMP_LTZ" => Some(Type::Timestamp),
        "STRING" => Some(Type::Text),
        "LONG" => Some(Type::BigInt),
        _ => None,
    }
}
