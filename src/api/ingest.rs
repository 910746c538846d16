//! `POST /events/{table}`: events to the topic of their table.
//!
//! An event is accepted when it fits its table and the broker has it, not before. What does not fit
//! is named by its index and its reason, and takes nothing else with it. JSON for a table of plain text
//! becomes text on the way; text for it is taken as it is.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
};
use percent_encoding::percent_decode_str;
use serde_json::{json, value::RawValue};

use super::problem::Problem;
use crate::{
    event,
    publish::{Message, Publisher},
    sql::{Catalog, Format, Table},
    time::{Clock, Timestamp},
};

/// The largest body in bytes: what a synchronous Lambda invocation may carry.
pub const MAX_BODY: usize = 6 * 1024 * 1024;

/// The largest event in bytes: what brokers take by default is 1 MiB, with the record's frame.
pub const MAX_EVENT: usize = 1_000_000;

struct Ingest<P, C> {
    catalog: Arc<Catalog>,
    publisher: Arc<P>,
    clock: Arc<C>,
}

/// The routes for producers.
pub(super) fn routes<P, C>(catalog: Arc<Catalog>, publisher: Arc<P>, clock: Arc<C>) -> Router
where
    P: Publisher + 'static,
    C: Clock + 'static,
{
    Router::new()
        .route("/events/{table}", post(accept::<P, C>))
        .route("/events/{table}/batch", post(accept::<P, C>))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Ingest { catalog, publisher, clock }))
}

async fn accept<P: Publisher, C: Clock>(
    State(ingest): State<Arc<Ingest<P, C>>>,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let table = table(&ingest.catalog, &uri)?;
    let body = body.map_err(|rejection| of_body(&rejection))?;
    let events = split(table, &body)?;
    let checked = check(table, &events, ingest.clock.now());
    if !checked.messages.is_empty() {
        ingest.publisher.publish(checked.messages).await?;
    }
    answer(events.len() - checked.rejected.len(), checked.rejected)
}

/// The table that the path names behind `/events/`.
fn table<'a>(catalog: &'a Catalog, uri: &Uri) -> Result<&'a Table, Problem> {
    let name = uri.path().split('/').nth(2).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8_lossy();
    catalog.table(&name).ok_or_else(|| Problem::unknown_table(catalog, &name))
}

fn of_body(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(format!("a body has at most {MAX_BODY} bytes; send the events in several"))
        }
        _ => Problem::malformed_body(rejection.body_text()),
    }
}

/// The events of a body: one object, an array of them, or one a line.
fn split<'b>(table: &Table, body: &'b [u8]) -> Result<Vec<&'b [u8]>, Problem> {
    let body = body.trim_ascii();
    match body.first() {
        None => Err(Problem::malformed_body("the body is empty")),
        Some(b'[') => match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(events) => Ok(events.into_iter().map(|event| event.get().as_bytes()).collect()),
            // Plain text may begin with a bracket too.
            Err(_) if table.format != Format::Json => Ok(lines(body)),
            Err(error) => Err(Problem::malformed_body(format!("the body is no JSON array: {error}"))),
        },
        // An object may itself have line breaks, so lines are what remains when it is not one.
        Some(_) if serde_json::from_slice::<&RawValue>(body).is_ok() => Ok(vec![body]),
        Some(_) => Ok(lines(body)),
    }
}

fn lines(body: &[u8]) -> Vec<&[u8]> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).collect()
}

#[derive(Default)]
struct Checked {
    messages: Vec<Message>,
    rejected: Vec<serde_json::Value>,
}

fn check(table: &Table, events: &[&[u8]], now: Timestamp) -> Checked {
    let mut checked = Checked::default();
    for (index, event) in events.iter().enumerate() {
        match message(table, event, now) {
            Ok(message) => checked.messages.push(message),
            Err(reason) => checked.rejected.push(json!({ "index": index, "reason": reason })),
        }
    }
    checked
}

fn message(table: &Table, event: &[u8], now: Timestamp) -> Result<Message, String> {
    if event.len() > MAX_EVENT {
        return Err(format!("an event has at most {MAX_EVENT} bytes, this one has {}", event.len()));
    }
    let (record, valid) = event::compose(table, event, now).map_err(|rejection| rejection.reason)?;
    let payload = record.into_owned();
    Ok(Message { topic: table.topic.clone(), key: valid.key, payload, headers: Vec::new() })
}

fn answer(accepted: usize, rejected: Vec<serde_json::Value>) -> Result<Response, Problem> {
    match (accepted, rejected.is_empty()) {
        (_, true) => Ok((StatusCode::ACCEPTED, Json(json!({ "accepted": accepted }))).into_response()),
        (0, false) => Err(Problem::rejected_events(rejected.into())),
        (_, false) => {
            let report = json!({ "accepted": accepted, "rejected": rejected });
            Ok((StatusCode::MULTI_STATUS, Json(report)).into_response())
        }
    }
}
