//! Which columns a field can feed, and what it is called to a person.

use super::{Node, NodeId, Schema};
use crate::value::Type;

impl Schema {
    /// Whether a column of a type can take a value of a node: of a union one of its branches at least.
    ///
    /// | column | takes |
    /// | --- | --- |
    /// | `TEXT` | string, enum, uuid; bytes and fixed as base64; decimal and date as text |
    /// | `BIGINT` | int, long; timestamps as milliseconds; float and double that are whole |
    /// | `DOUBLE` | int, long, float, double, decimal |
    /// | `BOOLEAN` | boolean |
    /// | `TIMESTAMP` | timestamps, date; long and int as milliseconds; float and double as seconds; string |
    /// | `JSON` | anything |
    pub fn fits(&self, node: NodeId, kind: Type) -> bool {
        match (self.node(node), kind) {
            (Node::Union(branches), _) => {
                branches.iter().any(|branch| *self.node(*branch) != Node::Null && self.fits(*branch, kind))
            }
            (node, kind) => node.fits(kind),
        }
    }

    /// Whether a value of a node may be null.
    pub fn is_nullable(&self, node: NodeId) -> bool {
        match self.node(node) {
            Node::Null => true,
            Node::Union(branches) => branches.iter().any(|branch| *self.node(*branch) == Node::Null),
            _ => false,
        }
    }

    /// What a node is, as a schema would say it: `union of null and string`.
    pub fn name(&self, node: NodeId) -> String {
        let Node::Union(branches) = self.node(node) else { return self.node(node).name().to_owned() };
        let names: Vec<_> = branches.iter().map(|branch| self.node(*branch).name()).collect();
        format!("union of {}", names.join(" and "))
    }
}

impl Node {
    fn fits(&self, kind: Type) -> bool {
        match kind {
            Type::Json => true,
            Type::Boolean => matches!(self, Self::Boolean),
            Type::Text => matches!(
                self,
                Self::String
                    | Self::Enum(_)
                    | Self::Uuid
                    | Self::Bytes
                    | Self::Fixed(_)
                    | Self::Decimal { .. }
                    | Self::Date
            ),
            Type::BigInt => {
                matches!(self, Self::Int | Self::Long | Self::Timestamp(_) | Self::Float | Self::Double)
            }
            Type::Double => {
                matches!(self, Self::Int | Self::Long | Self::Float | Self::Double | Self::Decimal { .. })
            }
            Type::Timestamp => matches!(
                self,
                Self::Timestamp(_)
                    | Self::Date
                    | Self::Int
                    | Self::Long
                    | Self::Float
                    | Self::Double
                    | Self::String
            ),
        }
    }

    /// What it is, as a schema says it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Date => "date",
            Self::Timestamp(_) => "timestamp",
            Self::Decimal { .. } => "decimal",
            Self::Uuid => "uuid",
            Self::Fixed(_) => "fixed",
            Self::Enum(_) => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
        }
    }
}
