//! `/views`, `/health` and what stands at a view's own path.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{columns::describe, openapi::reading, problem::Problem, routes::Routes, views::Views};

/// `GET /views` and `GET /health`.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Routes {
    Routes::new().get("/views", reading::views, get(list::<V>)).with_state(views)
}

/// `GET /health`, for which nobody needs a key.
pub(super) fn health_route<V: Views>(views: Arc<V>) -> Routes {
    Routes::new().get("/health", reading::health, get(health::<V>)).with_state(views)
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
