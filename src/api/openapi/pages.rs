//! The pages for a person, and what they ask for, described.

use serde_json::{Value as Json, json};

use super::{
    reading::one,
    shared::{answers, json_answer},
};
use crate::{api::routes::Operation, sql::Catalog};

pub(in crate::api) fn dashboard(_: &Catalog) -> Vec<Operation> {
    page("/", "The dashboard")
}

pub(in crate::api) fn sql(_: &Catalog) -> Vec<Operation> {
    page("/sql", "SQL to write and to try")
}

fn page(path: &str, summary: &str) -> Vec<Operation> {
    let answer =
        json!({ "description": "A page", "content": { "text/html": { "schema": { "type": "string" } } } });
    let unchanged = json!({ "description": "It is still what If-None-Match names" });
    one(path, "service", summary, &json!({ "200": answer, "304": unchanged }))
}

pub(in crate::api) fn status(_: &Catalog) -> Vec<Operation> {
    let answers = answers([("200", json_answer("How far they are", &progress()))], &["store-unavailable"]);
    one("/status", "rows", "How far every view has come", &answers)
}

pub(in crate::api) fn live(_: &Catalog) -> Vec<Operation> {
    let events = json!({
        "description": "Server-sent events: `status`, each with what `/status` says",
        "content": { "text/event-stream": { "schema": { "type": "string" } } },
    });
    let answers = answers([("200", events)], &["too-many-listeners"]);
    one("/live", "rows", "The same, whenever it is another", &answers)
}

fn progress() -> Json {
    let view = json!({
        "type": "object", "required": ["name", "state", "version", "partitions", "idle"],
        "properties": {
            "name": { "type": "string" },
            "state": { "enum": ["live", "idle", "empty"] },
            "version": { "type": "string", "description": "Another one whenever rows may be others" },
        },
    });
    json!({
        "type": "object", "required": ["now", "views", "topics"],
        "properties": {
            "now": { "type": "integer", "format": "int64" },
            "views": { "type": "array", "items": view },
            "topics": { "type": "object", "additionalProperties": { "type": "integer" } },
        },
    })
}

pub(in crate::api) fn sql_catalog(_: &Catalog) -> Vec<Operation> {
    let list = json!({ "type": "array", "items": { "type": "object" } });
    let catalog = json!({
        "type": "object", "required": ["tables", "views", "files"],
        "properties": { "tables": list, "views": list, "files": list },
    });
    let answers = json!({ "200": json_answer("What SQL may read", &catalog) });
    one("/sql/catalog", "rows", "Tables, views and the SQL that made them", &answers)
}

pub(in crate::api) fn check(_: &Catalog) -> Vec<Operation> {
    let list = json!({ "type": "array", "items": { "type": "object" } });
    let checked = json!({
        "type": "object", "required": ["errors", "views", "warnings"],
        "properties": { "errors": list, "views": list },
    });
    let answers = answers([("200", json_answer("Its mistakes, or its views", &checked))], &REFUSED);
    drafted("/sql/check", "The mistakes of SQL that is not deployed", &json!({}), &answers)
}

pub(in crate::api) fn try_out(_: &Catalog) -> Vec<Operation> {
    let tried = json!({ "type": "object", "required": ["views", "records"] });
    let problems = [&REFUSED[..], &["wrong-sql", "busy", "failed-draft", "not-here", "broker-unavailable"]];
    let answers = answers([("200", json_answer("Its rows", &tried))], &problems.concat());
    let records = json!({ "records": { "type": ["integer", "null"], "minimum": 1, "maximum": 100_000 } });
    drafted("/sql/try", "The rows of SQL that is not deployed, over the newest records", &records, &answers)
}

const REFUSED: [&str; 3] = ["malformed-body", "too-large", "wrong-media-type"];

/// An operation that takes a draft, and what else there is about it.
fn drafted(path: &str, summary: &str, about: &Json, answers: &Json) -> Vec<Operation> {
    let mut properties =
        json!({ "sql": { "type": "string", "examples": ["CREATE VIEW mine AS SELECT * FROM ctr"] } });
    if let (Json::Object(properties), Json::Object(about)) = (&mut properties, about) {
        properties.extend(about.clone());
    }
    let draft = json!({
        "type": "object", "required": ["sql"], "additionalProperties": false, "properties": properties,
    });
    let body = json!({ "required": true, "content": { "application/json": { "schema": draft } } });
    let mut operations = one(path, "rows", summary, answers);
    for operation in &mut operations {
        if let Json::Object(object) = &mut operation.object {
            object.insert("requestBody".to_owned(), body.clone());
        }
    }
    operations
}
