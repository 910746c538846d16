//! The text of a file to its messages.

use std::collections::HashMap;

use protox::{
    Compiler, Error,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver},
    prost_reflect::{self as reflect, DescriptorPool},
};

use super::{
    Enum, EnumId, Field, Kind, Message, MessageId, Record, Schema, SchemaError, Shape, WellKnown,
    nesting::nesting,
};

/// The longest text of a file: what registries take.
const MAX_TEXT: usize = 1 << 20;
/// How deep brackets may be nested in a file.
const MAX_DEPTH: usize = 64;
/// How many messages, fields, enums and symbols a file may have with all that it imports.
const MAX_NODES: usize = 20_000;
/// What a file is called that came without a name; errors begin with it.
const NAME: &str = "schema";

/// What Confluent's tools import without a reference to it, besides Google's well-known types.
const CONFLUENT: [(&str, &str); 2] = [
    ("confluent/meta.proto", include_str!("confluent/meta.proto")),
    ("confluent/type/decimal.proto", include_str!("confluent/decimal.proto")),
];

impl Schema {
    /// Reads a file. `imports` are the files that it may import, by the names that it has for them; those of
    /// `google/protobuf` are known.
    pub fn parse_with<'t>(
        imports: impl IntoIterator<Item = (&'t str, &'t str)>,
        text: &'t str,
    ) -> Result<Self, SchemaError> {
        let own = CONFLUENT.into_iter().chain(imports).chain([(NAME, text)]);
        let files: HashMap<String, String> =
            own.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        for (name, text) in &files {
            bounded(text).map_err(|reason| SchemaError(format!("{name}: {reason}")))?;
        }
        let mut resolver = ChainFileResolver::new();
        resolver.add(Files(files));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(resolver);
        // What it debugs as begins with file, line and column.
        compiler.open_file(NAME).map_err(|error| SchemaError(format!("{error:?}")))?;
        Translation::of(&compiler.descriptor_pool())
    }
}

impl Record {
    /// Reads a file whose message of that name all values are; without a name it has to have one message.
    pub fn parse(text: &str, message: Option<&str>) -> Result<Self, SchemaError> {
        let schema = Schema::parse_with([], text)?;
        let names = || {
            let all: Vec<_> = schema.by_name.iter().map(|id| schema.message(*id).name.as_str()).collect();
            all.join(", ")
        };
        let message = match (message, schema.roots.as_slice()) {
            (Some(name), _) => {
                let named = |id: &MessageId| {
                    let full = &schema.message(*id).name;
                    full == name || full.strip_suffix(name).is_some_and(|before| before.ends_with('.'))
                };
                let found = schema.by_name.iter().copied().find(named);
                found.ok_or_else(|| {
                    SchemaError(format!("it has no message {name}; expected one of {}", names()))
                })?
            }
            (None, [only]) => *only,
            (None, []) => return Err(SchemaError("it has no message".to_owned())),
            (None, _) => {
                let reason =
                    format!("it has several messages; expected message = '...' with one of {}", names());
                return Err(SchemaError(reason));
            }
        };
        Ok(Self { schema, message })
    }
}

fn bounded(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("{} bytes; expected at most {MAX_TEXT}", text.len()));
    }
    if nesting(text) > MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH}"));
    }
    Ok(())
}

/// Files by their names.
struct Files(HashMap<String, String>);

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        let text = self.0.get(name).ok_or_else(|| Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}

/// The compiler's messages and enums to ours, by their names.
struct Translation {
    messages: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
}

impl Translation {
    fn of(pool: &DescriptorPool) -> Result<Schema, SchemaError> {
        let sizes = pool.all_messages().map(|message| 1 + message.fields().len());
        let symbols = pool.all_enums().map(|each| 1 + each.values().len());
        if sizes.chain(symbols).sum::<usize>() > MAX_NODES {
            return Err(SchemaError(format!("more than {MAX_NODES} messages, fields, enums and symbols")));
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let messages = pool.all_messages().enumerate();
        let enums = pool.all_enums().enumerate();
        let all = Self {
            messages: messages
                .map(|(at, each)| (each.full_name().to_owned(), MessageId(number(at))))
                .collect(),
            enums: enums.map(|(at, each)| (each.full_name().to_owned(), EnumId(number(at)))).collect(),
        };
        let file = pool.get_file_by_name(NAME);
        let roots = file
            .iter()
            .flat_map(|file| file.messages().map(|each| all.message_id(&each)).collect::<Vec<_>>());
        let mut schema = Schema {
            messages: pool.all_messages().map(|each| all.message(&each)).collect(),
            enums: pool.all_enums().map(|each| enumeration(&each)).collect(),
            roots: roots.collect(),
            by_name: Vec::new(),
        };
        schema.by_name = by_name(&schema);
        Ok(schema)
    }

    fn message_id(&self, message: &reflect::MessageDescriptor) -> MessageId {
        self.messages.get(message.full_name()).copied().unwrap_or_default()
    }

    fn message(&self, message: &reflect::MessageDescriptor) -> Message {
        let mut fields: Vec<_> = message.fields().map(|field| self.field(&field)).collect();
        fields.sort_by_key(|field| field.number);
        Message {
            name: message.full_name().to_owned(),
            fields,
            well_known: well_known(message.full_name()),
            nested: message.child_messages().map(|each| self.message_id(&each)).collect(),
            is_map_entry: message.is_map_entry(),
        }
    }

    fn field(&self, field: &reflect::FieldDescriptor) -> Field {
        let shape = if field.is_map() {
            Shape::Map
        } else if field.is_list() {
            Shape::List
        } else {
            Shape::One
        };
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let oneof = oneof.and_then(|oneof| u32::try_from(oneof.path().last().copied()?).ok());
        Field {
            number: field.number(),
            name: field.name().to_owned(),
            json_name: field.json_name().to_owned(),
            kind: self.kind(field),
            shape,
            is_optional: field.supports_presence(),
            oneof,
        }
    }

    fn kind(&self, field: &reflect::FieldDescriptor) -> Kind {
        match field.kind() {
            reflect::Kind::Double => Kind::Double,
            reflect::Kind::Float => Kind::Float,
            reflect::Kind::Int32 => Kind::Int32,
            reflect::Kind::Int64 => Kind::Int64,
            reflect::Kind::Uint32 => Kind::Uint32,
            reflect::Kind::Uint64 => Kind::Uint64,
            reflect::Kind::Sint32 => Kind::Sint32,
            reflect::Kind::Sint64 => Kind::Sint64,
            reflect::Kind::Fixed32 => Kind::Fixed32,
            reflect::Kind::Fixed64 => Kind::Fixed64,
            reflect::Kind::Sfixed32 => Kind::Sfixed32,
            reflect::Kind::Sfixed64 => Kind::Sfixed64,
            reflect::Kind::Bool => Kind::Bool,
            reflect::Kind::String => Kind::String,
            reflect::Kind::Bytes => Kind::Bytes,
            reflect::Kind::Message(message) if field.is_group() => Kind::Group(self.message_id(&message)),
            reflect::Kind::Message(message) => Kind::Message(self.message_id(&message)),
            reflect::Kind::Enum(each) => {
                Kind::Enum(self.enums.get(each.full_name()).copied().unwrap_or(EnumId(u32::MAX)))
            }
        }
    }
}

fn by_name(schema: &Schema) -> Vec<MessageId> {
    let mut all = schema.roots.clone();
    let mut next = 0;
    while let Some(id) = all.get(next).copied() {
        all.extend_from_slice(&schema.message(id).nested);
        next += 1;
    }
    all.sort_by(|a, b| schema.message(*a).name.cmp(&schema.message(*b).name));
    all
}

fn enumeration(each: &reflect::EnumDescriptor) -> Enum {
    // As they are declared: the compiler's own lists do not tell which of an alias is the first.
    let declared = each.enum_descriptor_proto().value.iter();
    let mut symbols: Vec<_> = declared.map(|value| (value.number(), value.name().to_owned())).collect();
    // Stable.
    symbols.sort_by_key(|(number, _)| *number);
    symbols.dedup_by_key(|(number, _)| *number);
    Enum { symbols, is_null: each.full_name() == "google.protobuf.NullValue" }
}

fn well_known(name: &str) -> Option<WellKnown> {
    Some(match name.strip_prefix("google.protobuf.")? {
        "Timestamp" => WellKnown::Timestamp,
        "Duration" => WellKnown::Duration,
        "FieldMask" => WellKnown::FieldMask,
        "Struct" => WellKnown::Struct,
        "Value" => WellKnown::Value,
        "ListValue" => WellKnown::ListValue,
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
        | "BoolValue" | "StringValue" | "BytesValue" => WellKnown::Wrapper,
        _ => return None,
    })
}
