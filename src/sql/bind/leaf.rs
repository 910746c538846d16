//! Literals, intervals.

use std::borrow::Cow;

use sqlparser::ast::{self, DataType};

use super::{Binder, Typed};
use crate::{
    sql::{
        duration,
        expr::{Expr, parse_timestamp},
        types,
    },
    value::{Type, Value},
};

impl Binder<'_> {
    pub(super) fn literal(&mut self, value: &ast::Value) -> Typed {
        use ast::Value as V;
        match value {
            V::Number(text, _) => match number(text) {
                Some(typed) => typed,
                None => self.fail(format!("{text} is no BIGINT and no DOUBLE")),
            },
            V::SingleQuotedString(text)
            | V::EscapedStringLiteral(text)
            | V::UnicodeStringLiteral(text)
            | V::NationalStringLiteral(text)
            | V::TripleSingleQuotedString(text) => {
                Typed::new(Expr::Literal(Value::Text(Cow::Owned(text.clone()))), Type::Text)
            }
            V::Boolean(value) => Typed::new(Expr::Literal(Value::Bool(*value)), Type::Boolean),
            V::Null => Typed::UNKNOWN,
            other => self.fail(format!(
                "{other} is not supported; expected a number, a text in single quotes, TRUE, FALSE or NULL"
            )),
        }
    }

    /// `TIMESTAMP '2026-01-31 12:00:00'`.
    pub(super) fn typed_string(&mut self, typed: &ast::TypedString) -> Typed {
        let text = match &typed.value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            other => return self.fail(format!("found {other}; expected a text in single quotes")),
        };
        let kind = if typed.data_type == DataType::Date {
            Some(Type::Timestamp)
        } else {
            types::of(&typed.data_type)
        };
        match kind {
            Some(Type::Timestamp) => match parse_timestamp(&text) {
                Some(at) => Typed::new(Expr::Literal(Value::Time(at)), Type::Timestamp),
                None => self.fail(not_a_timestamp(&text)),
            },
            Some(kind) => {
                let literal = Expr::Literal(Value::Text(Cow::Owned(text)));
                Typed::call(crate::sql::expr::Function::Cast(kind), vec![literal], kind)
            }
            None => self.fail(format!("unknown type {}; expected {}", typed.data_type, types::EXPECTED)),
        }
    }

    /// An interval is its milliseconds.
    pub(super) fn interval(&mut self, interval: &ast::Interval) -> Typed {
        match duration::of_interval(interval) {
            Some(span) => Typed::new(Expr::Literal(Value::Int(span.0)), Type::BigInt),
            None => self.fail(format!("found {interval}; expected {}", duration::EXPECTED_INTERVAL)),
        }
    }
}

/// What to say of a text that stands where a timestamp is expected.
pub(super) fn not_a_timestamp(text: &str) -> String {
    format!("'{text}' is no TIMESTAMP; expected ISO 8601 such as '2026-01-31T12:00:00Z'")
}

/// A number: BIGINT where it is whole and fits, else DOUBLE.
pub(super) fn number(text: &str) -> Option<Typed> {
    if let Ok(whole) = text.parse() {
        return Some(Typed::new(Expr::Literal(Value::Int(whole)), Type::BigInt));
    }
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    Some(Typed::new(Expr::Literal(Value::Float(float)), Type::Double))
}
