//! The routes for producers, described.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use super::{
    schema::{self, event_name, reference},
    shared::{answers, json_answer},
};
use crate::{
    api::routes::Operation,
    sql::{Catalog, Table},
};

const PROBLEMS: [&str; 9] = [
    "rejected-events",
    "malformed-body",
    "request-under-way",
    "too-large",
    "unsupported-encoding",
    "idempotency-key-reused",
    "too-many-events",
    "broker-unavailable",
    "unknown-path",
];

/// `POST /events`: events of several tables.
pub(in crate::api) fn mixed(catalog: &Catalog) -> Vec<Operation> {
    let addressed = |table: &Table| {
        json!({
            "title": format!("An event of {}, with the name of the table", table.name), "type": "object",
            "required": ["table", "event"], "additionalProperties": false,
            "properties": { "table": { "const": table.name }, "event": reference(&event_name(table)) },
        })
    };
    let kinds: Vec<Json> = catalog.tables.iter().map(addressed).collect();
    let examples = catalog.tables.iter().take(1);
    let examples: Vec<Json> =
        examples.map(|table| json!([{ "table": table.name, "event": schema::example(table) }])).collect();
    let body = several(&json!({ "anyOf": kinds }), &examples, false);
    vec![operation("/events".to_owned(), "Events of several tables, each with its table's name", &body)]
}

/// `POST /events/{table}`: one event.
pub(in crate::api) fn one(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "", |table| {
        let event = reference(&event_name(table));
        let mut content =
            json!({ "application/json": { "schema": event, "example": schema::example(table) } });
        plain(table, &mut content);
        let body = json!({ "required": true, "content": content });
        (format!("{}: an event (an array or lines of them are taken too)", table.name), body)
    })
}

/// `POST /events/{table}/batch`: several events.
pub(in crate::api) fn batch(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "/batch", |table| {
        let example = json!([schema::example(table)]);
        let mut body = several(&reference(&event_name(table)), &[example], true);
        if let Some(content) = body.get_mut("content") {
            plain(table, content);
        }
        (format!("{}: events", table.name), body)
    })
}

/// What is described elsewhere.
pub(in crate::api) fn elsewhere(_: &Catalog) -> Vec<Operation> {
    Vec::new()
}

/// `GET /ws/events`.
#[cfg(feature = "websocket")]
pub(in crate::api) fn socket(_: &Catalog) -> Vec<Operation> {
    use super::shared::query;
    let text = json!({ "type": "string" });
    let object = json!({
        "tags": ["service"],
        "summary": "A WebSocket for events: each message is what POST /events takes, and gets one answer",
        "parameters": [
            query("table", "The table of events that name none", &text),
            query("access_token", "An API key, where no header can be sent", &text),
        ],
        "responses": answers(
            [("101", json!({ "description": "Messages may come" }))],
            &["malformed-query", "unauthorized", "forbidden", "unknown-table", "no-websocket"],
        ),
    });
    vec![Operation { path: "/ws/events".to_owned(), object }]
}

/// A table's paths: that of its name, and its own.
fn each(catalog: &Catalog, suffix: &str, about: impl Fn(&Table) -> (String, Json)) -> Vec<Operation> {
    let describe = |table: &Table| {
        let (summary, body) = about(table);
        let named = format!("/events/{}", utf8_percent_encode(&table.name, NON_ALPHANUMERIC_BUT_UNDERSCORE));
        let paths = [Some(named), table.entrance.route.clone()];
        let operation = |path| operation(format!("{path}{suffix}"), &summary, &body);
        paths.into_iter().flatten().map(operation).collect::<Vec<_>>()
    };
    catalog.tables.iter().flat_map(describe).collect()
}

const NON_ALPHANUMERIC_BUT_UNDERSCORE: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

/// A body of many events: an array, or one a line.
fn several(event: &Json, examples: &[Json], may_be_empty: bool) -> Json {
    let least = usize::from(!may_be_empty);
    let array =
        json!({ "type": "array", "items": event, "minItems": least, "maxItems": crate::api::MAX_EVENTS });
    let mut json = json!({ "schema": array });
    if let (Json::Object(json), Some(example)) = (&mut json, examples.first()) {
        json.insert("example".to_owned(), example.clone());
    }
    json!({
        "required": true,
        "content": {
            "application/json": json,
            "application/x-ndjson": { "schema": event },
        },
    })
}

/// Plain text is taken as it is.
fn plain(table: &Table, content: &mut Json) {
    if let (true, Json::Object(content)) = (schema::is_text(table), content) {
        let text =
            json!({ "schema": { "type": "string", "description": "Lines that fit the table's pattern" } });
        content.insert("text/plain".to_owned(), text);
    }
}

fn operation(path: String, summary: &str, body: &Json) -> Operation {
    let key = json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "The same key, path and body give the same answer; the events are published once",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    });
    let accepted = json_answer("The broker has all events", &reference("Accepted"));
    let partly = json_answer("The broker has some; the others are named", &reference("Accepted"));
    let object = json!({
        "tags": ["events"],
        "summary": summary,
        "description": "May come with Content-Encoding: gzip.",
        "parameters": [key],
        "requestBody": body,
        "responses": answers([("202", accepted), ("207", partly)], &PROBLEMS),
    });
    Operation { path, object }
}
