//! Swagger UI at `/docs`, served from the binary: nothing is loaded from elsewhere.

use std::{
    io::Read,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::Path,
    http::{
        HeaderMap,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
        },
    },
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use flate2::read::GzDecoder;
use serde_json::json;
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use super::{
    problem::Problem,
    routes::{Operation, Routes},
};
use crate::sql::Catalog;

/// It styles itself inline, and tries the API that it is served from.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/// `GET /docs/`, and its files.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/docs", page, get(async || Redirect::permanent("docs/")))
        .get("/docs/", files, get(async |headers: HeaderMap| file("index.html", &headers)))
        .get(
            "/docs/{file}",
            files,
            get(async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers)),
        )
}

fn file(name: &str, request: &HeaderMap) -> Response {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| Arc::new(Config::from("../openapi.json")));
    match serve(name, Arc::clone(config)) {
        Ok(Some(SwaggerFile { bytes, content_type, gzpipped, .. })) => {
            let headers = [
                (CONTENT_TYPE, content_type.as_str()),
                (CACHE_CONTROL, "max-age=3600"),
                (CONTENT_SECURITY_POLICY, POLICY),
                (VARY, "accept-encoding"),
            ];
            if !gzpipped {
                return (headers, bytes.into_owned()).into_response();
            }
            if takes_gzip(request) {
                return (headers, [(CONTENT_ENCODING, "gzip")], bytes.into_owned()).into_response();
            }
            let mut plain = Vec::new();
            match GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain) {
                Ok(_) => (headers, plain).into_response(),
                Err(_) => Problem::unknown_path(&format!("/docs/{name}")).into_response(),
            }
        }
        Ok(None) => Problem::unknown_path(&format!("/docs/{name}")).into_response(),
        Err(error) => {
            tracing::error!(%error, "failed to make a file of Swagger UI");
            Problem::unknown_path(&format!("/docs/{name}")).into_response()
        }
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let encodings = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    encodings.flat_map(|list| list.split(',')).any(|encoding| {
        let (name, quality) = encoding.split_once(';').unwrap_or((encoding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality.trim() != "q=0"
    })
}

fn page(_: &Catalog) -> Vec<Operation> {
    let object = json!({
        "tags": ["service"],
        "summary": "This document, to read and to try",
        "responses": { "308": { "description": "The page" } },
    });
    vec![Operation { path: "/docs".to_owned(), object }]
}

/// What a page is made of is nobody's API.
fn files(_: &Catalog) -> Vec<Operation> {
    Vec::new()
}
