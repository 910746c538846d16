//! A schema's JSON to its nodes.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{Field, Node, NodeId, Schema, Unit};

/// How deep a schema, and a value by it, may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many nodes a schema may have.
const MAX_NODES: usize = 20_000;
/// The longest text of a schema: what registries take.
const MAX_TEXT: usize = 1 << 20;
/// The most digits behind the point of a decimal.
const MAX_SCALE: u64 = 1000;

const EXPECTED: &str = "expected null, boolean, int, long, float, double, bytes, string, the name of a type before it, \
                        a union in brackets, or an object with \"type\"";

/// Why a text is no schema that values can be read by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("at {path}: ") })]
pub struct SchemaError {
    /// Where: names of fields with points between; empty for the whole.
    pub path: String,
    /// What was found and what was expected.
    pub reason: String,
}

impl Schema {
    /// Reads a schema, which has to be a record.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Self::parse_with([], text)
    }

    /// Reads a schema that may name types of others, each of which may name those before it.
    pub fn parse_with<'t>(
        others: impl IntoIterator<Item = &'t str>,
        text: &str,
    ) -> Result<Self, SchemaError> {
        let mut parser = Parser::default();
        for other in others {
            parser.whole(other)?;
        }
        let root = parser.whole(text)?;
        let schema = Self { nodes: parser.nodes, root };
        match schema.node(root) {
            Node::Record(_) => Ok(schema),
            other => {
                let reason = format!("found {} {}; expected a record", article(other.name()), other.name());
                Err(SchemaError { path: String::new(), reason })
            }
        }
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

#[derive(Default)]
struct Parser {
    nodes: Vec<Node>,
    /// The named types so far, by their full names.
    names: HashMap<String, NodeId>,
    /// The names of the fields around what is read.
    path: Vec<String>,
    depth: usize,
}

impl Parser {
    fn whole(&mut self, text: &str) -> Result<NodeId, SchemaError> {
        if text.len() > MAX_TEXT {
            return Err(self.error(format!("{} bytes; expected at most {MAX_TEXT}", text.len())));
        }
        let json = serde_json::from_str(text).map_err(|error| self.error(format!("not JSON: {error}")))?;
        self.node(&json, "")
    }

    fn node(&mut self, json: &Json, namespace: &str) -> Result<NodeId, SchemaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH}")));
        }
        let node = match json {
            Json::String(name) => self.named(name, namespace),
            Json::Array(branches) => self.union(branches, namespace),
            Json::Object(object) => self.object(object, namespace),
            other => Err(self.error(format!("found {other}; {EXPECTED}"))),
        };
        self.depth -= 1;
        node
    }

    /// A primitive type, or a type of that name.
    fn named(&mut self, name: &str, namespace: &str) -> Result<NodeId, SchemaError> {
        if let Some(node) = primitive(name) {
            return self.add(node);
        }
        let known = self.names.get(&full_name(name, namespace)).or_else(|| self.names.get(name));
        known.copied().ok_or_else(|| self.error(format!("unknown type \"{name}\"; {EXPECTED}")))
    }

    fn union(&mut self, branches: &[Json], namespace: &str) -> Result<NodeId, SchemaError> {
        let branches: Vec<NodeId> =
            branches.iter().map(|branch| self.node(branch, namespace)).collect::<Result<_, _>>()?;
        let is_union = |id: &NodeId| matches!(self.nodes.get(id.0 as usize), Some(Node::Union(_)));
        if branches.is_empty() || branches.iter().any(is_union) {
            return Err(self.error("a union has branches, none of which is a union"));
        }
        self.add(Node::Union(branches))
    }

    fn object(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<NodeId, SchemaError> {
        match object.get("type") {
            Some(Json::String(kind)) => match kind.as_str() {
                "record" | "error" => self.record(object, namespace),
                "enum" => self.enumeration(object, namespace),
                "fixed" => self.fixed(object, namespace),
                "array" => self.items(object, "items", namespace, Node::Array),
                "map" => self.items(object, "values", namespace, Node::Map),
                name => match logical(name, object) {
                    Some(node) => self.add(node),
                    None => self.named(name, namespace),
                },
            },
            Some(inner) => self.node(inner, namespace),
            None => Err(self.error("an object without \"type\"")),
        }
    }

    fn items(
        &mut self,
        object: &Map<String, Json>,
        member: &str,
        namespace: &str,
        make: fn(NodeId) -> Node,
    ) -> Result<NodeId, SchemaError> {
        let Some(inner) = object.get(member) else {
            return Err(self.error(format!("no \"{member}\"; expected a schema there")));
        };
        let inner = self.node(inner, namespace)?;
        self.add(make(inner))
    }

    fn record(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<NodeId, SchemaError> {
        // Known by its name before its fields are, which may be of its own type.
        let id = self.add(Node::Null)?;
        let namespace = self.declare(object, namespace, id)?;
        let Some(Json::Array(fields)) = object.get("fields") else {
            return Err(self.error("a record without \"fields\""));
        };
        let mut found: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            let (Some(Json::String(name)), Some(kind)) = (field.get("name"), field.get("type")) else {
                return Err(self.error("a field without \"name\" or \"type\""));
            };
            if found.iter().any(|other| other.name == *name) {
                return Err(self.error(format!("field \"{name}\" stands twice")));
            }
            self.path.push(name.clone());
            // `{"name": "n", "type": "long", "logicalType": "..."}` is written too, and means nothing.
            let node = self.node(kind, &namespace)?;
            self.path.pop();
            found.push(Field { name: name.clone(), node });
        }
        self.put(id, Node::Record(found));
        Ok(id)
    }

    fn enumeration(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<NodeId, SchemaError> {
        let Some(Json::Array(symbols)) = object.get("symbols") else {
            return Err(self.error("an enum without \"symbols\""));
        };
        let symbols = symbols.iter().map(|symbol| symbol.as_str().map(str::to_owned));
        let Some(symbols) = symbols.collect::<Option<Vec<_>>>() else {
            return Err(self.error("the symbols of an enum are texts"));
        };
        let id = self.add(Node::Enum(symbols))?;
        self.declare(object, namespace, id)?;
        Ok(id)
    }

    fn fixed(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<NodeId, SchemaError> {
        let size = object.get("size").and_then(Json::as_u64).and_then(|size| usize::try_from(size).ok());
        let Some(size) = size.filter(|size| *size <= MAX_TEXT) else {
            return Err(self.error(format!("a fixed without a \"size\" from 0 to {MAX_TEXT}")));
        };
        let node = match logical_name(object) {
            "decimal" => decimal(object, Some(size)),
            "uuid" if size == 16 => Some(Node::Uuid),
            _ => None,
        };
        let id = self.add(node.unwrap_or(Node::Fixed(size)))?;
        self.declare(object, namespace, id)?;
        Ok(id)
    }

    /// Notes a type under its name; gives the namespace of what stands within it.
    fn declare(
        &mut self,
        object: &Map<String, Json>,
        namespace: &str,
        id: NodeId,
    ) -> Result<String, SchemaError> {
        let Some(Json::String(name)) = object.get("name") else {
            return Err(self.error("a record, enum or fixed without \"name\""));
        };
        let namespace = object.get("namespace").and_then(Json::as_str).unwrap_or(namespace);
        let full = full_name(name, namespace);
        let within = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        if self.names.insert(full, id).is_some() {
            return Err(self.error(format!("type \"{name}\" is declared twice")));
        }
        Ok(within)
    }

    fn add(&mut self, node: Node) -> Result<NodeId, SchemaError> {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        if self.nodes.len() >= MAX_NODES {
            return Err(self.error(format!("more than {MAX_NODES} types")));
        }
        self.nodes.push(node);
        Ok(id)
    }

    fn put(&mut self, id: NodeId, node: Node) {
        if let Some(place) = self.nodes.get_mut(id.0 as usize) {
            *place = node;
        }
    }

    fn error(&self, reason: impl Into<String>) -> SchemaError {
        SchemaError { path: self.path.join("."), reason: reason.into() }
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn primitive(name: &str) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Int,
        "long" => Node::Long,
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes,
        "string" => Node::String,
        _ => return None,
    })
}

fn logical_name(object: &Map<String, Json>) -> &str {
    object.get("logicalType").and_then(Json::as_str).unwrap_or_default()
}

/// What a primitive type is by its `logicalType`. One that is unknown, or does not fit, is to be ignored.
fn logical(primitive: &str, object: &Map<String, Json>) -> Option<Node> {
    Some(match (primitive, logical_name(object)) {
        ("int", "date") => Node::Date,
        ("long", "timestamp-millis" | "local-timestamp-millis") => Node::Timestamp(Unit::Millis),
        ("long", "timestamp-micros" | "local-timestamp-micros") => Node::Timestamp(Unit::Micros),
        ("long", "timestamp-nanos" | "local-timestamp-nanos") => Node::Timestamp(Unit::Nanos),
        ("bytes", "decimal") => return decimal(object, None),
        _ => return None,
    })
}

fn decimal(object: &Map<String, Json>, size: Option<usize>) -> Option<Node> {
    let precision = object.get("precision")?.as_u64()?;
    let scale = object.get("scale").map_or(Some(0), Json::as_u64)?;
    let is_valid = precision > 0 && scale <= precision && scale <= MAX_SCALE;
    is_valid.then_some(Node::Decimal { scale: u32::try_from(scale).ok()?, size })
}
