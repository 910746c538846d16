//! SQL values and their types.

use std::{borrow::Cow, cmp::Ordering, fmt};

use crate::time::Timestamp;

/// The type of a column or an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `TEXT`: UTF-8 text.
    Text,
    /// `BIGINT`: a 64-bit signed integer.
    BigInt,
    /// `DOUBLE`: a 64-bit IEEE 754 float.
    Double,
    /// `BOOLEAN`.
    Boolean,
    /// `TIMESTAMP`: milliseconds since the Unix epoch, UTC.
    Timestamp,
    /// `JSON`: any JSON value, kept as its text.
    Json,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "TEXT",
            Self::BigInt => "BIGINT",
            Self::Double => "DOUBLE",
            Self::Boolean => "BOOLEAN",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
        })
    }
}

/// One value. Text borrows from the record it came from wherever it can.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// SQL's NULL.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A timestamp.
    Time(Timestamp),
    /// A text.
    Text(Cow<'a, str>),
    /// The text of a JSON value.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// A text that borrows.
    pub const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Whether this is NULL.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(i) => Value::Int(i),
            Self::Float(x) => Value::Float(x),
            Self::Time(t) => Value::Time(t),
            Self::Text(s) => Value::Text(Cow::Owned(s.into_owned())),
            Self::Json(s) => Value::Json(Cow::Owned(s.into_owned())),
        }
    }

    /// The same value, borrowing from this one.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(x) => Value::Float(*x),
            Self::Time(t) => Value::Time(*t),
            Self::Text(s) => Value::Text(Cow::Borrowed(s)),
            Self::Json(s) => Value::Json(Cow::Borrowed(s)),
        }
    }

    /// The number in it, for arithmetic: integers, floats and timestamps (as milliseconds).
    #[expect(clippy::cast_precision_loss, reason = "SQL converts BIGINT to DOUBLE this way")]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) | Self::Time(Timestamp(i)) => Some(*i as f64),
            Self::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// SQL's comparison: `None` where either side is NULL or the two cannot be compared. Numbers
    /// compare across types; floats in the total order of IEEE 754, so that sorting is defined.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        use Value::{Bool, Int, Json, Null, Text, Time};
        match (self, other) {
            (Null, _) | (_, Null) => None,
            (Bool(a), Bool(b)) => Some(a.cmp(b)),
            (Text(a) | Json(a), Text(b) | Json(b)) => Some(a.as_ref().cmp(b.as_ref())),
            (Int(a) | Time(Timestamp(a)), Int(b) | Time(Timestamp(b))) => Some(a.cmp(b)),
            _ => {
                let (a, b) = (self.as_f64()?, other.as_f64()?);
                // 0.0 and -0.0 are equal; the total order would tell them apart.
                Some(a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b)))
            }
        }
    }

    /// A total order of the values of one type: that of [`Value::compare`], with NULL before all.
    pub fn order(&self, other: &Value<'_>) -> Ordering {
        self.compare(other).unwrap_or_else(|| other.is_null().cmp(&self.is_null()))
    }

    /// The order of rows of values: the first that differ decide.
    pub fn order_all(row: &[Value<'_>], other: &[Value<'_>]) -> Ordering {
        let mut orders = row.iter().zip(other).map(|(a, b)| a.order(b));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The value as a cast to TEXT writes it: timestamps in RFC 3339; NULL is empty.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(format!("{value:?}")),
            Self::Time(at) => Cow::Owned(at.to_string()),
        }
    }

    /// The value as JSON: timestamps as milliseconds, floats that JSON cannot say as null.
    pub fn to_json(&self) -> serde_json::Value {
        // There is nothing in a value that JSON cannot say.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// As [`Value::to_json`].
impl serde::Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(i) | Self::Time(Timestamp(i)) => serializer.serialize_i64(*i),
            Self::Float(x) => serializer.serialize_f64(*x),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Json(text) => match serde_json::from_str::<serde_json::Value>(text) {
                Ok(json) => json.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(i: i64) -> Self {
        Self::Int(i)
    }
}

impl From<f64> for Value<'_> {
    fn from(x: f64) -> Self {
        Self::Float(x)
    }
}

impl From<bool> for Value<'_> {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(t: Timestamp) -> Self {
        Self::Time(t)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(s: &'a str) -> Self {
        Self::text(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_across_types_and_null_with_nothing() {
        assert_eq!(Value::Int(2).compare(&Value::Float(2.5)), Some(Ordering::Less));
        assert_eq!(Value::Float(0.0).compare(&Value::Float(-0.0)), Some(Ordering::Equal));
        assert_eq!(Value::Null.compare(&Value::Int(1)), None);
        assert_eq!(Value::text("1").compare(&Value::Int(1)), None);
    }
}
