//! Problem documents: how every failure is told (RFC 9457).

use axum::{
    extract::Request,
    http::{
        HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::access::Right;

use crate::{engine::EngineError, error::causes, publish::PublishError, sql::Catalog, state::StateError};

/// What the names of problem types begin with; `docs/api.md` has a section for each.
const TYPES: &str = "urn:weir:problem:";

/// How many seconds a client should wait for what is away.
const RETRY_SECONDS: u32 = 1;

/// Why a request was not answered as it hoped.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    kind: &'static str,
    title: &'static str,
    status: StatusCode,
    detail: String,
    more: Map<String, Json>,
    retry: bool,
    /// What `WWW-Authenticate` says (RFC 6750).
    challenge: Option<&'static str>,
}

impl Problem {
    fn new(kind: &'static str, title: &'static str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            kind,
            title,
            status,
            detail: detail.into(),
            more: Map::new(),
            retry: false,
            challenge: None,
        }))
    }

    /// Adds a member.
    fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.more.insert(name.to_owned(), value.into());
        self
    }

    /// Asks the client to try again.
    fn with_retry(mut self) -> Self {
        self.0.retry = true;
        self
    }

    /// Says what kind of key is missing.
    fn with_challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    pub(super) fn unknown_view(catalog: &Catalog, view: &str) -> Self {
        let names: Vec<&str> = catalog.views.iter().map(|view| view.name.as_str()).collect();
        Self::new("unknown-view", "Unknown view", StatusCode::NOT_FOUND, format!("there is no view {view:?}"))
            .with("views", names)
    }

    pub(super) fn unknown_table(catalog: &Catalog, table: &str) -> Self {
        let names: Vec<&str> = catalog.tables.iter().map(|table| table.name.as_str()).collect();
        Self::new(
            "unknown-table",
            "Unknown table",
            StatusCode::NOT_FOUND,
            format!("there is no table {table:?}"),
        )
        .with("tables", names)
    }

    pub(super) fn unknown_path(path: &str) -> Self {
        let detail = format!("nothing stands at {path}");
        Self::new("unknown-path", "Unknown path", StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn unknown_key(detail: impl Into<String>) -> Self {
        Self::new("unknown-key", "Unknown key", StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn malformed_key(detail: impl Into<String>) -> Self {
        Self::new("malformed-key", "Malformed key", StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn malformed_query(detail: impl Into<String>) -> Self {
        Self::new("malformed-query", "Malformed query", StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn malformed_body(detail: impl Into<String>) -> Self {
        Self::new("malformed-body", "Malformed body", StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new("too-large", "Body too large", StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn too_many_listeners(most: usize) -> Self {
        let detail = format!("{most} listen already; ask for /status instead");
        Self::new("too-many-listeners", "Too many listeners", StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_retry()
    }

    pub(super) fn not_here(detail: impl Into<String>) -> Self {
        Self::new("not-here", "Not available here", StatusCode::NOT_IMPLEMENTED, detail)
    }

    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new("busy", "Busy", StatusCode::TOO_MANY_REQUESTS, detail).with_retry()
    }

    pub(super) fn wrong_sql(errors: impl Into<Json>) -> Self {
        let detail = "the SQL has mistakes; errors names each with its place";
        Self::new("wrong-sql", "Wrong SQL", StatusCode::UNPROCESSABLE_ENTITY, detail).with("errors", errors)
    }

    pub(super) fn failed_draft(detail: impl Into<String>) -> Self {
        Self::new("failed-draft", "The draft failed", StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    pub(super) fn wrong_media_type(detail: impl Into<String>) -> Self {
        Self::new("wrong-media-type", "Wrong media type", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn rejected_events(rejected: &impl Serialize) -> Self {
        let detail = "no event fits its table";
        // Texts and numbers are always JSON.
        let rejected = serde_json::to_value(rejected).unwrap_or_default();
        Self::new("rejected-events", "Events rejected", StatusCode::BAD_REQUEST, detail)
            .with("accepted", 0)
            .with("rejected", rejected)
    }

    pub(super) fn unsupported_encoding(found: &str) -> Self {
        let detail = format!("Content-Encoding: found {found:?}; expected gzip or none");
        Self::new("unsupported-encoding", "Unsupported encoding", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn malformed_request_key(longest: usize) -> Self {
        let detail = format!(
            "Idempotency-Key: expected one text of 1 to {longest} visible ASCII characters, such as a UUID"
        );
        Self::new("malformed-idempotency-key", "Malformed idempotency key", StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn request_key_reused() -> Self {
        let detail =
            "another request came with this Idempotency-Key; expected the same path and body, or a new key";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new("idempotency-key-reused", "Idempotency key reused", status, detail)
    }

    pub(super) fn request_under_way() -> Self {
        let detail = "a request with this Idempotency-Key is under way";
        Self::new("request-under-way", "Request under way", StatusCode::CONFLICT, detail).with_retry()
    }

    pub(super) fn no_api_key() -> Self {
        Self::new("unauthorized", "Unauthorized", StatusCode::UNAUTHORIZED, "no API key was given")
            .with_challenge("Bearer realm=\"weir\"")
    }

    pub(super) fn unknown_api_key() -> Self {
        let detail = "the API key is none of those that are known";
        Self::new("unauthorized", "Unauthorized", StatusCode::UNAUTHORIZED, detail)
            .with_challenge("Bearer realm=\"weir\", error=\"invalid_token\"")
    }

    pub(super) fn forbidden(needed: Right) -> Self {
        let may = if needed == Right::Read { "read" } else { "send events" };
        let detail = format!("this API key does not let one {may}");
        Self::new("forbidden", "Forbidden", StatusCode::FORBIDDEN, detail)
            .with_challenge("Bearer realm=\"weir\", error=\"insufficient_scope\"")
    }

    pub(super) fn foreign_origin(origin: &str) -> Self {
        let detail = format!("pages of {origin} may not connect; WEIR_CORS_ORIGINS lists those that may");
        Self::new("foreign-origin", "Foreign origin", StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn no_table_a_connection(table: &str) -> Self {
        Self::malformed_query(format!(
            "table: connections here remember no table; found {table:?}, expected it in each message: \
             {{\"table\": {table:?}, \"event\": {{...}}}}"
        ))
    }

    #[cfg(feature = "websocket")]
    pub(super) fn no_upgrade(detail: impl Into<String>) -> Self {
        Self::new("no-websocket", "No WebSocket handshake", StatusCode::UPGRADE_REQUIRED, detail)
    }

    pub(super) fn too_many_events(most: u32) -> Self {
        let detail = format!("{most} events are on their way to the broker; send these again later");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new("too-many-events", "Too many events", status, detail).with_retry()
    }

    pub(super) fn broker_unavailable(topic: &str) -> Self {
        let detail = format!("topic {topic} does not take events now; none may count as accepted");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new("broker-unavailable", "Broker unavailable", status, detail).with_retry()
    }

    /// The status that it is told with.
    #[cfg(test)]
    pub(super) const fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// Of a read: the client learns what it can do; the log has the causes, which may name what is not
/// for it.
impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        tracing::error!(error = causes(&error), "failed to read the store");
        if matches!(error, EngineError::State(StateError::Call { .. })) {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Self::new("store-unavailable", "Store unavailable", status, "the store does not answer")
                .with_retry()
        } else {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Self::new("store-damaged", "Store damaged", status, "what the store holds cannot be read")
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        tracing::error!(error = causes(&error), "failed to publish events");
        Self::broker_unavailable(&error.topic)
    }
}

/// Leaves the document to [`render`], which knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        if self.0.retry {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        if let Some(challenge) = self.0.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a problem its document. What no handler has said otherwise about is not cached.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let document = problem.document(uri.path());
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        *response.body_mut() = document.into();
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Problem {
    /// The document, for a request of some path.
    pub(super) fn document(self, instance: &str) -> String {
        let content = *self.0;
        let mut document = Map::new();
        document.insert("type".into(), format!("{TYPES}{}", content.kind).into());
        document.insert("title".into(), content.title.into());
        document.insert("status".into(), content.status.as_u16().into());
        document.insert("detail".into(), content.detail.into());
        document.insert("instance".into(), instance.into());
        document.extend(content.more);
        Json::Object(document).to_string()
    }
}

pub(super) async fn no_such_path(uri: Uri) -> Problem {
    Problem::unknown_path(uri.path())
}

pub(super) async fn no_such_method(request: Request) -> Problem {
    let detail = format!("{} does not take {}", request.uri().path(), request.method());
    Problem::new("unknown-method", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED, detail)
}
