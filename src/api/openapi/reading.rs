//! The routes for readers, described.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use super::{
    schema::{self, reference, row_name},
    shared::{answers, json_answer, query},
};
use crate::{
    api::{query::MOST_ROWS, routes::Operation},
    sql::{Catalog, View},
    value::Type,
};

/// All but what RFC 3986 calls unreserved.
const ESCAPED: percent_encoding::AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names of routes, which go before views of the same name.
const TAKEN: [&str; 11] =
    ["views", "health", "alerts", "events", "docs", "status", "live", "metrics", "sql", "assets", "ws"];

pub(in crate::api) fn openapi(_: &Catalog) -> Vec<Operation> {
    let answer = json_answer("An OpenAPI document", &json!({ "type": "object" }));
    one("/openapi.json", "service", "This document", &json!({ "200": answer }))
}

pub(in crate::api) fn health(_: &Catalog) -> Vec<Operation> {
    let status = json!({
        "type": "object", "required": ["status"], "properties": { "status": { "const": "ok" } },
    });
    let answers = answers([("200", json_answer("It answers", &status))], &["store-unavailable"]);
    one("/health", "service", "Whether the store answers", &answers)
}

pub(in crate::api) fn views(_: &Catalog) -> Vec<Operation> {
    let view = json!({ "type": "object", "required": ["name", "columns", "keys", "window", "links"] });
    let all = json_answer("All views", &json!({ "type": "array", "items": view }));
    one("/views", "rows", "What views there are, with their columns", &json!({ "200": all }))
}

pub(in crate::api) fn alerts(catalog: &Catalog) -> Vec<Operation> {
    let alerting: Vec<&View> = catalog.views.iter().filter(|view| view.options.alert).collect();
    let alert = if alerting.is_empty() { json!({ "type": "object" }) } else { reference("Alert") };
    let rows = paged(&json!({ "type": "array", "items": alert }));
    let names: Vec<&str> = alerting.iter().map(|view| view.name.as_str()).collect();
    let mut parameters = span();
    if !names.is_empty() {
        parameters.push(query(
            "view",
            "Only alerts of this view",
            &json!({ "type": "string", "enum": names }),
        ));
    }
    let has_severity = |view: &&View| view.outputs.iter().any(|output| output.field.name == "severity");
    if alerting.iter().any(has_severity) {
        let severity = json!({ "type": "string", "examples": ["HIGH", "CRITICAL,HIGH"] });
        parameters.push(query("severity", "Only alerts of these severities, with commas between", &severity));
    }
    parameters.push(limit());
    let answers = answers([("200", rows), not_modified()], &["malformed-query", "store-unavailable"]);
    let summary = "The alerts of all alert views, the newest first";
    with(one("/alerts", "rows", summary, &answers), &parameters)
}

pub(in crate::api) fn view(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "", |view| {
        if view.keys.is_empty() {
            return ("Its latest row, and the one before", pair(view), vec![], vec!["unknown-key"]);
        }
        let described = json!({ "type": "object", "required": ["name", "columns", "partitions"] });
        ("What it is, and how far it has come", described, vec![], vec![])
    })
}

pub(in crate::api) fn latest(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "/latest", |view| ("The newest row of every key", rows(view), filters(view), vec![]))
}

pub(in crate::api) fn previous(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "/previous", |view| {
        ("The row of the window before, of every key that has one", rows(view), filters(view), vec![])
    })
}

pub(in crate::api) fn windows(catalog: &Catalog) -> Vec<Operation> {
    each(catalog, "/windows", |view| {
        let keys = view.keys.iter().filter(|_| view.keys.len() == 1);
        let key = keys.map(|key| query(&format!("key.{}", key.name), "Only this key", &schema::key(key)));
        let parameters = span().into_iter().chain(key).chain([limit()]).collect();
        ("Its rows of the past, by window", rows(view), parameters, vec![])
    })
}

pub(in crate::api) fn by_key(catalog: &Catalog) -> Vec<Operation> {
    let keyed = catalog.views.iter().filter(|view| !view.keys.is_empty() && is_reached(view));
    let describe = |view: &View| {
        let names: Vec<String> = view.keys.iter().map(|key| format!("{{{}}}", key.name)).collect();
        let parameters: Vec<Json> = view.keys.iter().map(path_parameter).collect();
        let path = format!("/{}/{}", escaped(&view.name), names.join("/"));
        let problems = ["malformed-key", "unknown-key", "store-unavailable"];
        let answers = answers([("200", json_answer("Its rows", &pair(view))), not_modified()], &problems);
        let summary = format!("{}: the latest row of a key, and the one before", view.name);
        with(one(&path, "rows", &summary, &answers), &parameters)
    };
    keyed.flat_map(describe).collect()
}

fn path_parameter(key: &crate::sql::Field) -> Json {
    json!({ "name": key.name, "in": "path", "required": true, "schema": schema::path_key(key) })
}

/// What is described of a view: a summary, what is answered, parameters, problems of its own.
type About = (&'static str, Json, Vec<Json>, Vec<&'static str>);

fn each(catalog: &Catalog, path: &str, about: impl Fn(&View) -> About) -> Vec<Operation> {
    let describe = |view: &View| {
        let (summary, answer, parameters, mut problems) = about(view);
        problems.extend(["malformed-query", "store-unavailable"]);
        let answer = if parameters.is_empty() { json_answer("Done", &answer) } else { paged(&answer) };
        let answers = answers([("200", answer), not_modified()], &problems);
        let (path, summary) =
            (format!("/{}{path}", escaped(&view.name)), format!("{}: {summary}", view.name));
        with(one(&path, "rows", &summary, &answers), &parameters)
    };
    catalog.views.iter().filter(|view| is_reached(view)).flat_map(describe).collect()
}

fn is_reached(view: &View) -> bool {
    !TAKEN.contains(&view.name.as_str())
}

fn rows(view: &View) -> Json {
    json!({ "type": "array", "items": reference(&row_name(view)) })
}

fn pair(view: &View) -> Json {
    let row = reference(&row_name(view));
    json!({
        "type": "object", "required": ["latest", "previous"],
        "properties": { "latest": row, "previous": { "anyOf": [row, { "type": "null" }] } },
    })
}

/// Rows, with the link to the next page.
fn paged(schema: &Json) -> Json {
    let mut answer = json_answer("A page of them", schema);
    if let Json::Object(answer) = &mut answer {
        let link = json!({
            "description": "The next page (`rel=\"next\"`), where there is one", "schema": { "type": "string" },
        });
        answer.insert("headers".to_owned(), json!({ "Link": link }));
    }
    answer
}

fn not_modified() -> (&'static str, Json) {
    ("304", json!({ "description": "They are still what If-None-Match names" }))
}

/// The parameters of `latest` and `previous`. Operators (`views.gte=10`) are told in words: they are too
/// many to list.
fn filters(view: &View) -> Vec<Json> {
    let own = view.outputs.iter().map(|output| &output.field);
    let own = own.filter(|field| !["order", "limit", "cursor"].contains(&field.name.as_str()));
    let equal = own.filter(|field| field.kind != Type::Json).map(|field| {
        let description = "Only rows with this value; `.ne`, `.lt`, `.lte`, `.gt`, `.gte`, `.in`, `.null` behind \
                           the name compare otherwise";
        query(&field.name, description, &schema::key(field))
    });
    let names = view.outputs.iter().filter(|output| output.field.kind != Type::Json);
    let names: Vec<String> =
        names.flat_map(|output| [output.field.name.clone(), format!("-{}", output.field.name)]).collect();
    let order = json!({ "type": "array", "items": { "type": "string", "enum": names }, "minItems": 1 });
    let order = json!({
        "name": "order", "in": "query", "style": "form", "explode": false, "schema": order,
        "description": "By these columns, `-` before one that falls",
    });
    equal.chain((!names.is_empty()).then_some(order)).chain([limit()]).collect()
}

fn limit() -> Json {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS });
    query("limit", "At most so many rows", &schema)
}

/// `from` and `to`.
fn span() -> Vec<Json> {
    let moment = json!({ "type": "integer", "format": "int64", "examples": [1_767_225_600_000_i64] });
    let about = |side: &str| format!("Only windows that end {side} this: epoch milliseconds, or ISO 8601");
    vec![query("from", &about("behind"), &moment), query("to", &about("not behind"), &moment)]
}

fn escaped(name: &str) -> String {
    utf8_percent_encode(name, &ESCAPED).to_string()
}

pub(super) fn one(path: &str, tag: &str, summary: &str, responses: &Json) -> Vec<Operation> {
    let object = json!({ "tags": [tag], "summary": summary, "responses": responses });
    vec![Operation { path: path.to_owned(), object }]
}

fn with(mut operations: Vec<Operation>, parameters: &[Json]) -> Vec<Operation> {
    for operation in operations.iter_mut().filter(|_| !parameters.is_empty()) {
        if let Json::Object(object) = &mut operation.object {
            object.insert("parameters".to_owned(), parameters.into());
        }
    }
    operations
}
