//! Requests as they are observed.

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use crate::observe::{HttpAnswered, Observer};

/// The route of a request that none took.
const NO_ROUTE: &str = "none";

/// Counts each request as an invocation of a function: for routers that a Lambda function runs.
pub fn observed(routes: Router, observer: &Observer) -> Router {
    routes.layer(from_fn_with_state(observer.clone(), invocation))
}

async fn invocation(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    observer.request(next.run(request)).await
}

/// Times a request, by its route: a path has as many values as there are keys.
pub(super) async fn time(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    HttpAnswered { route, status: response.status().as_u16(), took: began.elapsed() }.emit();
    response
}
