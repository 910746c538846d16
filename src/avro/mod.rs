//! Avro schemas: what the bytes of a value are, as its writer declared them.
//!
//! An Avro value says nothing of itself, so whoever reads it needs the schema that it was written by: from
//! the SQL, or from a schema registry under the id that stands before the value. [`Schema`] is such a
//! schema, read once. [`Schema::fits`] says which columns a field can feed; the bytes are read in `event`.
//!
//! Source of all rules: the Avro 1.12 specification.

mod fits;
mod read;
#[cfg(test)]
mod tests;

pub use read::{MAX_DEPTH, SchemaError};

/// A schema whose value is a record, in which all names are resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    nodes: Vec<Node>,
    root: NodeId,
}

/// A node of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u32);

/// What a value, or a part of it, is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Nothing, in no bytes.
    Null,
    /// A boolean.
    Boolean,
    /// An integer of 32 bits. `time-millis` is one too.
    Int,
    /// An integer of 64 bits. `time-micros` is one too.
    Long,
    /// A float of 32 bits.
    Float,
    /// A float of 64 bits.
    Double,
    /// Bytes.
    Bytes,
    /// A text. A `uuid` that is written as one is a text.
    String,
    /// Days since the epoch, as an int.
    Date,
    /// A moment, as a long. A `local-timestamp` is taken as UTC.
    Timestamp(Unit),
    /// An integer in so many bytes (or as many as it needs), of which the last `scale` digits stand behind
    /// the point.
    Decimal {
        /// How many digits stand behind the point.
        scale: u32,
        /// How many bytes it has, where that is always the same.
        size: Option<usize>,
    },
    /// A UUID in 16 bytes.
    Uuid,
    /// So many bytes.
    Fixed(usize),
    /// One of these names.
    Enum(Vec<String>),
    /// Any number of these.
    Array(NodeId),
    /// Any number of these, each under a name.
    Map(NodeId),
    /// One of these.
    Union(Vec<NodeId>),
    /// All of these, one after the other.
    Record(Vec<Field>),
}

/// What a timestamp counts since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it is.
    pub node: NodeId,
}

impl Schema {
    /// What a node is.
    #[inline]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&Node::Null)
    }

    /// The fields of the record that a value is.
    pub fn fields(&self) -> &[Field] {
        match self.node(self.root) {
            Node::Record(fields) => fields,
            _ => &[],
        }
    }
}

impl Unit {
    /// Milliseconds since the epoch, rounded down.
    #[inline]
    pub const fn millis(self, count: i64) -> i64 {
        match self {
            Self::Millis => count,
            Self::Micros => count.div_euclid(1000),
            Self::Nanos => count.div_euclid(1_000_000),
        }
    }
}
