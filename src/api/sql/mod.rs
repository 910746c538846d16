//! SQL that is not deployed: `GET /sql/catalog`, `POST /sql/check`, `POST /sql/try`.
//!
//! A draft may read the catalog's tables and views and define them anew. To check it needs nothing; to
//! try it needs the newest records of topics, which only a process with a broker has.

mod sample;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use self::sample::{LogTails, Tails};
use super::{columns, openapi::pages, problem::Problem, routes::Routes, views::Views};
use crate::sql::{self, Catalog, Column, SqlError, SqlErrors, SqlFile, Table};

/// The largest body in bytes.
const MAX_BODY: usize = 256 * 1024;
/// What a draft is called in its mistakes.
const DRAFT: &str = "draft.sql";

/// What a request to check says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// Tables and views.
    sql: String,
}

/// `GET /sql/catalog` and `POST /sql/check`; and `POST /sql/try`, which says that it cannot be done here.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Routes {
    common(views).merge(Routes::new().post("/sql/try", pages::try_out, post(not_here)))
}

/// All three.
pub(super) fn routes_with<V: Views, T: Tails>(views: Arc<V>, tails: T) -> Routes {
    common(Arc::clone(&views))
        .merge(sample::routes(views, tails).map(|router| router.layer(DefaultBodyLimit::max(MAX_BODY))))
}

fn common<V: Views>(views: Arc<V>) -> Routes {
    let routes = Routes::new()
        .get("/sql/catalog", pages::sql_catalog, get(catalog::<V>))
        .post("/sql/check", pages::check, post(check::<V>))
        .with_state(views);
    routes.map(|router| router.layer(DefaultBodyLimit::max(MAX_BODY)))
}

async fn not_here() -> Problem {
    Problem::not_here(
        "this function reads no topics, so SQL cannot be tried on their events; run `weir up`, or \
         `weir run` over a file of events",
    )
}

async fn catalog<V: Views>(State(views): State<Arc<V>>) -> Response {
    let catalog = views.catalog();
    let tables: Vec<Value> = catalog.tables.iter().map(table).collect();
    let views: Vec<Value> =
        catalog.views.iter().map(|view| columns::describe(catalog, view).into()).collect();
    let file = |file: &SqlFile| json!({ "name": file.name, "text": file.text });
    let files: Vec<Value> = catalog.files.iter().map(file).collect();
    Json(json!({ "tables": tables, "views": views, "files": files })).into_response()
}

fn table(table: &Table) -> Value {
    let column = |column: &Column| json!({ "name": column.name, "type": column.kind.to_string(), "not_null": column.not_null });
    let name = |index: usize| table.columns.get(index).map(|column| column.name.as_str());
    json!({
        "name": table.name,
        "topic": table.topic,
        "format": table.format.name(),
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "key": table.key.and_then(name),
        "event_time": name(table.event_time),
        "watermark_delay_ms": table.watermark_delay.0,
    })
}

async fn check<V: Views>(
    State(views): State<Arc<V>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let draft: Draft = request(&headers, body)?;
    let answer = match draft.parse(views.catalog()) {
        Err(mistakes) => json!({ "errors": errors(&mistakes), "views": [], "warnings": [] }),
        Ok(drafted) => {
            json!({ "errors": [], "views": described(&drafted), "warnings": drafted.catalog.warnings() })
        }
    };
    Ok(Json(answer).into_response())
}

/// Reads a request. Its type has to be said, so that no page of elsewhere can send one for a person
/// who only looks at it.
fn request<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        let detail = format!("Content-Type: found {kind:?}; expected application/json");
        return Err(Problem::wrong_media_type(detail));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(format!("a draft has at most {MAX_BODY} bytes"))
        }
        _ => Problem::malformed_body(rejection.body_text()),
    })?;
    let expected = "expected {\"sql\": \"CREATE VIEW ...\"}";
    serde_json::from_slice(&body).map_err(|error| Problem::malformed_body(format!("{error}; {expected}")))
}

impl Draft {
    fn parse(&self, over: &Catalog) -> Result<sql::Draft, SqlErrors> {
        over.parse_draft(&SqlFile { name: DRAFT.to_owned(), text: self.sql.clone() })
    }
}

/// The views that a draft defines itself.
fn described(drafted: &sql::Draft) -> Vec<Value> {
    let own = drafted.views.iter().filter_map(|name| drafted.catalog.view(name));
    own.map(|view| columns::describe(&drafted.catalog, view).into()).collect()
}

/// Mistakes, each with its place.
fn errors(mistakes: &SqlErrors) -> Vec<Value> {
    let error = |error: &SqlError| {
        json!({
            "file": error.file,
            "line": error.line,
            "column": error.column,
            "width": error.width(),
            "message": error.message,
        })
    };
    mistakes.iter().map(error).collect()
}
