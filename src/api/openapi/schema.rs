//! JSON Schema of rows and events.

use serde_json::{Map, Value as Json, json};

use crate::{
    sql::{Column, Fallback, Field, Format, SOURCE_RECORD, Table, View, Window},
    value::Type,
};

/// What a text has to be to be read as a TIMESTAMP: ISO 8601, or a number in quotes.
const MOMENT: &str = r"^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?|[0-9]{1,15})$";

/// The name of a view's rows among the schemas.
pub(super) fn row_name(view: &View) -> String {
    format!("{}.row", component(&view.name))
}

/// The name of a table's events among the schemas.
pub(super) fn event_name(table: &Table) -> String {
    format!("{}.event", component(&table.name))
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A name as a component's: of letters, digits, `.`, `-` and `_`.
fn component(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    name.chars().map(|c| if plain(c) { c.to_string() } else { format!(".{:x}", u32::from(c)) }).collect()
}

/// A view's row.
pub(super) fn row(view: &View) -> Json {
    let mut properties = Map::new();
    properties.insert("view".to_owned(), json!({ "const": view.name }));
    for output in &view.outputs {
        properties.insert(output.field.name.clone(), nullable(output.field.kind));
    }
    if view.window != Window::Running {
        properties.insert("window_start".to_owned(), moment("Where the window begins"));
        properties.insert("window_end".to_owned(), moment("Where it ends: the first moment behind it"));
    }
    let revision = "How often it was given with other content before";
    properties
        .insert("revision".to_owned(), json!({ "type": "integer", "minimum": 0, "description": revision }));
    let mut required: Vec<String> = properties.keys().cloned().collect();
    if matches!(view.window, Window::Event | Window::Over { .. }) {
        let record = "The record that it is of: topic, partition, offset";
        properties.insert(SOURCE_RECORD.to_owned(), json!({ "type": "string", "description": record }));
    }
    required.push("final".to_owned());
    let is_final = "Whether it stays as it is: no event can change it any more";
    properties.insert("final".to_owned(), json!({ "type": "boolean", "description": is_final }));
    let title = format!("A row of {}", view.name);
    json!({ "title": title, "type": "object", "properties": properties, "required": required })
}

/// A view's row as an alert: with its id, and not yet said to be final.
pub(super) fn alert(view: &View) -> Json {
    let mut alert = row(view);
    if let Some(properties) = alert.get_mut("properties").and_then(Json::as_object_mut) {
        properties.remove("final");
        properties.insert("id".to_owned(), json!({ "type": "string" }));
    }
    if let Some(required) = alert.get_mut("required").and_then(Json::as_array_mut) {
        required.retain(|name| name != "final");
        required.push("id".into());
    }
    alert
}

/// A table's event, as ingest takes it.
pub(super) fn event(table: &Table) -> Json {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    for (slot, column) in table.columns.iter().enumerate() {
        let is_time = slot == table.event_time;
        for field in &column.fields {
            properties.insert(field.clone(), field_schema(table, column, is_time));
        }
        // Where several fields may feed it, JSON Schema is not told which.
        if let [field] = column.fields.as_slice()
            && (column.not_null || is_time)
            && column.fallback.is_none()
        {
            required.push(field);
        }
    }
    let mut event = json!({
        "title": format!("An event of {}", table.name),
        "type": "object",
        "properties": properties,
        "examples": [example(table)],
    });
    if let (Json::Object(event), false) = (&mut event, required.is_empty()) {
        event.insert("required".to_owned(), required.into());
    }
    event
}

fn field_schema(table: &Table, column: &Column, is_time: bool) -> Json {
    let may_be_null = column.fallback.is_some() || !column.not_null && !is_time || column.fields.len() > 1;
    let mut types: Vec<Json> = match column.kind {
        // An empty hole is NULL.
        Type::Text if is_text(table) => vec![json!({ "type": "string", "minLength": 1 })],
        kind => taken(kind),
    };
    if may_be_null && column.kind != Type::Json {
        types.push(json!({ "type": "null" }));
    }
    let mut schema = match types.as_slice() {
        [only] => only.clone(),
        _ => json!({ "anyOf": types }),
    };
    if let Json::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), description(table, column, is_time).into());
        if is_time {
            schema.insert("x-event-time".to_owned(), true.into());
        }
    }
    schema
}

fn description(table: &Table, column: &Column, is_time: bool) -> String {
    let mut text = format!("{}{}", column.kind, if column.not_null { " NOT NULL" } else { "" });
    if is_time {
        let ahead = table.max_ahead.0.to_string();
        text.extend([". The event time: from the year 1 on, and at most ", &ahead, " ms ahead of the clock"]);
    }
    text.push_str(match &column.fallback {
        None => "",
        Some(Fallback::Uuid) => ". Where it is missing the event gets a new UUID",
        Some(Fallback::Now) => ". Where it is missing the event gets the time at which it was taken",
        Some(Fallback::Constant(_)) => ". Where it is missing the event gets a constant",
    });
    text
}

/// The JSON that a column takes.
fn taken(kind: Type) -> Vec<Json> {
    match kind {
        Type::Text => vec![json!({ "type": "string" })],
        Type::BigInt => {
            vec![json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })]
        }
        Type::Double => vec![json!({ "type": "number", "format": "double" })],
        Type::Boolean => vec![json!({ "type": "boolean" })],
        Type::Timestamp => vec![
            json!({ "type": "number", "description": "Epoch milliseconds; with a fraction epoch seconds" }),
            json!({ "type": "string", "pattern": MOMENT, "description": "ISO 8601, or one of these numbers" }),
        ],
        Type::Json => vec![json!({})],
    }
}

/// An event as it could be.
pub(super) fn example(table: &Table) -> Json {
    let columns = table.columns.iter().filter(|column| column.fallback.is_none());
    let shown = columns.filter_map(|column| {
        let value = match column.kind {
            Type::Text => format!("{}_1", column.name).into(),
            Type::BigInt => 1.into(),
            Type::Double => 9.5.into(),
            Type::Boolean => true.into(),
            Type::Timestamp => "2026-01-01T00:00:00.000Z".into(),
            Type::Json => json!({}),
        };
        Some((column.fields.first()?.clone(), value))
    });
    Json::Object(shown.collect())
}

/// A column of a row.
pub(super) fn nullable(kind: Type) -> Json {
    match kind {
        Type::Text => json!({ "type": ["string", "null"] }),
        Type::BigInt => json!({ "type": ["integer", "null"], "format": "int64" }),
        Type::Double => json!({ "type": ["number", "null"], "format": "double" }),
        Type::Boolean => json!({ "type": ["boolean", "null"] }),
        Type::Timestamp => {
            json!({ "type": ["integer", "null"], "format": "int64", "description": "Epoch milliseconds" })
        }
        Type::Json => json!({}),
    }
}

fn moment(what: &str) -> Json {
    let description = format!("{what}: epoch milliseconds");
    json!({ "type": "integer", "format": "int64", "description": description })
}

/// A key column's text in a path, where there is no empty one.
pub(super) fn path_key(field: &Field) -> Json {
    match field.kind {
        Type::Text | Type::Json => json!({ "type": "string", "minLength": 1 }),
        _ => key(field),
    }
}

/// A column's value as the text of a query.
pub(super) fn key(field: &Field) -> Json {
    match field.kind {
        Type::Text | Type::Json => json!({ "type": "string" }),
        Type::BigInt => {
            json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
        }
        Type::Double => json!({ "type": "number", "format": "double" }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Timestamp => {
            json!({ "type": "integer", "format": "int64", "description": "Epoch milliseconds" })
        }
    }
}

/// Whether the events are texts, not only objects.
pub(super) fn is_text(table: &Table) -> bool {
    matches!(table.format, Format::Text(_))
}
