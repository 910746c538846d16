//! The page at `/`: the rows of every view, for a person.

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    response::{Html, IntoResponse},
    routing::get,
};

use super::{openapi::reading, routes::Routes};

/// The page loads nothing from elsewhere, and its browser is told to hold it to that.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// `GET /`.
pub(super) fn routes() -> Routes {
    Routes::new().get("/", reading::page, get(page))
}

async fn page() -> impl IntoResponse {
    let headers = [(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "max-age=60")];
    (headers, Html(include_str!("page.html")))
}
