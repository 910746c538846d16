//! `/views`, `/health` and what stands at a view's own path.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{columns::describe, problem::Problem, views::Views};

/// `GET /views` and `GET /health`.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Router {
    Router::new().route("/views", get(list::<V>)).route("/health", get(health::<V>)).with_state(views)
}

async fn list<V: Views>(State(views): State<Arc<V>>) -> Response {
    let catalog = views.catalog();
    let all: Vec<Value> = catalog.views.iter().map(|view| describe(catalog, view).into()).collect();
    Json(all).into_response()
}

async fn health<V: Views>(State(views): State<Arc<V>>) -> Result<Response, Problem> {
    views.ping().await?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}
