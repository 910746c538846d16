//! `DEFAULT` behind a column: what ingest gives an event that lacks it.

use sqlparser::ast::{Expr, Function, FunctionArguments, UnaryOperator, Value as Literal, ValueWithSpan};

use super::{
    error::{Diagnostics, Place},
    plan::{Column, Fallback},
};
use crate::value::Type;

const EXPECTED: &str = "uuidv7() for a TEXT, now() for a TIMESTAMP, or a constant of the column's type";

/// The default that an expression says, where it is one for the column.
pub(super) fn check(
    column: &Column,
    expr: &Expr,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Fallback> {
    let found = read(column.kind, expr);
    if found.is_none() {
        let message = format!(
            "column \"{}\" is {} and has DEFAULT {expr}; expected {EXPECTED}",
            column.name, column.kind
        );
        errors.error(&place.at(expr), message);
    }
    found
}

fn read(kind: Type, expr: &Expr) -> Option<Fallback> {
    match (kind, expr) {
        (_, Expr::Function(function)) => of_function(kind, function),
        (_, Expr::Value(ValueWithSpan { value, .. })) => constant(kind, value).map(Fallback::Constant),
        (Type::BigInt | Type::Double, Expr::UnaryOp { op: UnaryOperator::Minus, expr }) => {
            match expr.as_ref() {
                Expr::Value(ValueWithSpan { value, .. }) => {
                    constant(kind, value).map(|number| Fallback::Constant(format!("-{number}")))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn of_function(kind: Type, function: &Function) -> Option<Fallback> {
    let has_arguments = matches!(&function.args, FunctionArguments::List(list) if !list.args.is_empty() || !list.clauses.is_empty());
    if has_arguments || matches!(function.args, FunctionArguments::Subquery(_)) {
        return None;
    }
    match (kind, function.name.to_string().to_ascii_lowercase().as_str()) {
        (Type::Text, "uuidv7" | "uuid" | "gen_random_uuid") => Some(Fallback::Uuid),
        (Type::Timestamp | Type::BigInt, "now" | "current_timestamp") => Some(Fallback::Now),
        _ => None,
    }
}

/// A constant as JSON.
fn constant(kind: Type, literal: &Literal) -> Option<String> {
    match (kind, literal) {
        (Type::Text, Literal::SingleQuotedString(text)) => serde_json::to_string(text).ok(),
        (Type::Json, Literal::SingleQuotedString(text)) => {
            serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok().then(|| text.clone())
        }
        (Type::BigInt, Literal::Number(number, _)) => {
            number.parse::<i64>().ok().map(|number| number.to_string())
        }
        (Type::Double, Literal::Number(number, _)) => {
            let number = number.parse::<f64>().ok().filter(|number| number.is_finite())?;
            serde_json::to_string(&number).ok()
        }
        (Type::Boolean, Literal::Boolean(boolean)) => Some(boolean.to_string()),
        _ => None,
    }
}
