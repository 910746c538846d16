//! Typed expressions and their evaluation.

use crate::value::Value;

/// An expression whose names are slots of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// The value in a slot.
    Column(usize),
    /// A constant.
    Literal(Value<'static>),
}

impl Expr {
    /// Its value on a row. What cannot be computed (x / 0, a cast that fails) is NULL.
    pub fn eval<'r>(&'r self, row: &'r [Value<'r>]) -> Value<'r> {
        match self {
            Self::Column(slot) => row.get(*slot).map_or(Value::Null, Value::borrowed),
            Self::Literal(value) => value.borrowed(),
        }
    }

    /// Whether it is true on a row; NULL is not.
    pub fn test(&self, row: &[Value<'_>]) -> bool {
        matches!(self.eval(row), Value::Bool(true))
    }
}
