//! Protobuf schemas: what the bytes of a value are, as its writer's `.proto` file declares them.
//!
//! A Protobuf value says nothing of itself but numbers of fields, so whoever reads it needs the file that it was
//! written by: from the SQL, or from a schema registry under the id that stands before the value. [`Schema`] is
//! such a file with all that it imports, read once. [`Schema::fits`] says which columns a field can feed; the bytes
//! are read in `event`.
//!
//! Files are compiled by `protox`, behind the feature `protobuf`: only what reads records needs it.
//!
//! Source of all rules: the language guides and the encoding at <https://protobuf.dev>.

#[cfg(not(feature = "protobuf"))]
mod absent;
#[cfg(feature = "protobuf")]
mod compile;
mod fits;
#[cfg(feature = "protobuf")]
mod nesting;
#[cfg(test)]
mod tests;

/// A file, and those that it imports, in which all names are resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    /// The messages of the file itself that stand in no other.
    roots: Vec<MessageId>,
    /// All messages that the file declares, by their names.
    by_name: Vec<MessageId>,
}

/// Why a text is no schema that values can be read by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// A message of a [`Schema`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageId(u32);

/// An enum of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumId(u32);

/// A schema and that message of it that all values are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The schema.
    pub schema: Schema,
    /// The message.
    pub message: MessageId,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Its name with that of its package: `shop.Order`.
    pub name: String,
    /// Its fields, by their numbers.
    pub fields: Vec<Field>,
    /// What it is, where Protobuf's JSON has a form of its own for it.
    pub well_known: Option<WellKnown>,
    /// Those that are declared within it, in their order. The entries of maps are such messages, too.
    nested: Vec<MessageId>,
    is_map_entry: bool,
}

/// A message of `google.protobuf` that is more than its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WellKnown {
    /// A moment.
    Timestamp,
    /// A span of time.
    Duration,
    /// Paths to fields.
    FieldMask,
    /// Any JSON object.
    Struct,
    /// Any JSON value.
    Value,
    /// Any JSON array.
    ListValue,
    /// A scalar that may be absent: `StringValue` and its like.
    Wrapper,
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The number that it is written under.
    pub number: u32,
    /// Its name in the file: `user_id`.
    pub name: String,
    /// Its name in JSON: `userId`.
    pub json_name: String,
    /// What its value is, or each of them.
    pub kind: Kind,
    /// How many values it has.
    pub shape: Shape,
    /// Whether a value can lack it. One that cannot is zero or empty where it is not written.
    pub is_optional: bool,
    /// Of which `oneof` it is, by its place in the message.
    pub oneof: Option<u32>,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One, or none.
    One,
    /// Any number.
    List,
    /// Any number, each under a key: messages with the fields 1 and 2.
    Map,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `double`.
    Double,
    /// `float`.
    Float,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `sint32`.
    Sint32,
    /// `sint64`.
    Sint64,
    /// `fixed32`.
    Fixed32,
    /// `fixed64`.
    Fixed64,
    /// `sfixed32`.
    Sfixed32,
    /// `sfixed64`.
    Sfixed64,
    /// `bool`.
    Bool,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// One of some names.
    Enum(EnumId),
    /// A message behind its length.
    Message(MessageId),
    /// A message between two tags: a `group` of proto2.
    Group(MessageId),
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enum {
    /// Its symbols by their numbers, of several with one number the first.
    symbols: Vec<(i32, String)>,
    /// Whether it is `google.protobuf.NullValue`, which is JSON's null.
    pub is_null: bool,
}

impl Schema {
    /// What a message is.
    #[inline]
    pub fn message(&self, id: MessageId) -> &Message {
        static NONE: Message = Message {
            name: String::new(),
            fields: Vec::new(),
            well_known: None,
            nested: Vec::new(),
            is_map_entry: false,
        };
        self.messages.get(id.0 as usize).unwrap_or(&NONE)
    }

    /// What an enum is.
    #[inline]
    pub fn enumeration(&self, id: EnumId) -> &Enum {
        static NONE: Enum = Enum { symbols: Vec::new(), is_null: false };
        self.enums.get(id.0 as usize).unwrap_or(&NONE)
    }

    /// The message of the file at a path as Confluent's serializers write it: a place among its messages, a place
    /// among those that are declared in that one, and so on. Entries of maps are not counted.
    pub fn at_path(&self, path: &[usize]) -> Option<MessageId> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(*self.roots.get(*first)?, |within, index| {
            let mut declared = self.message(within).nested.iter();
            declared.by_ref().filter(|id| !self.message(**id).is_map_entry).nth(*index).copied()
        })
    }

    /// The message of the file at a place as Glue's serializers count them: all that are declared in it, at whatever
    /// depth and with the entries of maps, in the order of their names.
    pub fn at_index(&self, index: usize) -> Option<MessageId> {
        self.by_name.get(index).copied()
    }
}

impl Record {
    /// The fields of the message.
    pub fn fields(&self) -> &[Field] {
        &self.schema.message(self.message).fields
    }
}

impl Message {
    /// The field of a number, and its place.
    #[inline]
    pub fn field(&self, number: u32) -> Option<(usize, &Field)> {
        let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        Some((index, self.fields.get(index)?))
    }
}

impl Field {
    /// The names that it goes by: that of the file, and that of JSON.
    pub fn names(&self) -> [&str; 2] {
        [&self.name, &self.json_name]
    }
}

impl Enum {
    /// The symbol of a number. A newer writer may have others than the file.
    pub fn symbol(&self, number: i32) -> Option<&str> {
        let index = self.symbols.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.symbols.get(index).map(|(_, symbol)| symbol.as_str())
    }
}
