//! What many operations have: problems, parameters, answers.

use serde_json::{Map, Value as Json, json};

use super::schema::reference;

/// The problems by name: status and what they mean. `docs/api.md` has a section for each.
const PROBLEMS: [(&str, u16, &str); 26] = [
    ("malformed-body", 400, "The body is empty, or begins like an array and is none"),
    ("malformed-idempotency-key", 400, "The Idempotency-Key is none"),
    ("malformed-key", 400, "A part of the key is not of its column's type"),
    ("malformed-query", 400, "The route does not take a parameter, or cannot read it"),
    ("rejected-events", 400, "No event fits its table"),
    ("unauthorized", 401, "There is no API key, or an unknown one"),
    ("forbidden", 403, "The API key does not give the right"),
    ("foreign-origin", 403, "The page's origin may not connect"),
    ("unknown-key", 404, "The view has no row for this key yet"),
    ("unknown-path", 404, "Nothing stands at this path"),
    ("unknown-table", 404, "No table has this name"),
    ("unknown-view", 404, "No view has this name"),
    ("request-under-way", 409, "A request with this Idempotency-Key is under way"),
    ("too-large", 413, "The body is too large: send the events in several"),
    ("unsupported-encoding", 415, "The Content-Encoding is not gzip"),
    ("wrong-media-type", 415, "The body is not said to be application/json"),
    ("idempotency-key-reused", 422, "Another request came with this Idempotency-Key"),
    ("wrong-sql", 422, "The SQL has mistakes"),
    ("no-websocket", 426, "The request is no WebSocket handshake"),
    ("busy", 429, "Too many drafts are tried already"),
    ("too-many-events", 429, "Too many events are on their way to the broker"),
    ("failed-draft", 500, "The draft failed over these records"),
    ("not-here", 501, "This process has no broker to read"),
    ("broker-unavailable", 503, "The broker does not take events now"),
    ("store-unavailable", 503, "The store does not answer"),
    ("too-many-listeners", 503, "Too many listen already"),
];

/// A reference to a problem.
pub(super) fn problem(name: &str) -> Json {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

/// The problems as components.
pub(super) fn problems() -> Map<String, Json> {
    let response = |(name, status, description): &(&str, u16, &str)| {
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": reference("Problem"), "example": {
                "type": format!("urn:weir:problem:{name}"), "title": description, "status": status,
                "detail": "What was found, and what was expected", "instance": "/path",
            } } },
        });
        if let (Json::Object(response), 409 | 429 | 503) = (&mut response, status) {
            let seconds =
                json!({ "description": "Seconds to wait", "schema": { "type": "integer", "minimum": 1 } });
            response.insert("headers".to_owned(), json!({ "Retry-After": seconds }));
        }
        ((*name).to_owned(), response)
    };
    PROBLEMS.iter().map(response).collect()
}

/// An operation's answers: that of success, and the problems that it may have. Where several have one
/// status the document tells what they have in common.
pub(super) fn answers(success: impl IntoIterator<Item = (&'static str, Json)>, problems: &[&str]) -> Json {
    let mut answers: Map<String, Json> =
        success.into_iter().map(|(status, answer)| (status.to_owned(), answer)).collect();
    for name in problems {
        let known = PROBLEMS.iter().find(|(known, ..)| known == name);
        let Some((_, status, _)) = known else { continue };
        answers.entry(status.to_string()).or_insert_with(|| problem(name));
    }
    answers.into()
}

/// An answer of JSON.
pub(super) fn json_answer(description: &str, schema: &Json) -> Json {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// A parameter of a query.
pub(super) fn query(name: &str, description: &str, schema: &Json) -> Json {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// The schemas that do not depend on tables and views.
pub(super) fn schemas() -> Map<String, Json> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let fault = json!({
        "title": "What is wrong with one field", "type": "object",
        "required": ["path", "type", "found", "expected"],
        "properties": {
            "path": { "type": "string", "description": "A JSON pointer into the event" },
            "type": { "type": "string", "description": "The JSON type that was found; missing; or text, for no JSON" },
            "found": text, "expected": text,
        },
    });
    let rejected = json!({
        "title": "An event that was rejected", "type": "object", "required": ["index", "reason"],
        "properties": {
            "index": { "type": "integer", "minimum": 0, "description": "Its place among the events, from 0" },
            "reason": text,
            "errors": { "type": "array", "items": fault },
        },
    });
    let ids = json!({
        "type": "array", "items": { "type": ["string", "null"] },
        "description": "The ids of the accepted events, in their order, where their tables have any",
    });
    let accepted = json!({
        "title": "What became of the events", "type": "object", "required": ["accepted"],
        "properties": {
            "accepted": count, "ids": ids,
            "rejected": { "type": "array", "items": reference("Rejected") },
        },
    });
    let problem = json!({
        "title": "A problem (RFC 9457)", "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": { "type": "string", "format": "uri" }, "title": text,
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text, "instance": text,
            "rejected": { "type": "array", "items": reference("Rejected") },
        },
    });
    let schemas = [("Problem", problem), ("Accepted", accepted), ("Rejected", rejected)];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
