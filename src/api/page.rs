//! The pages for a person: the dashboard at `/`, SQL at `/sql`, and the files that they are made of.
//!
//! The files are part of the binary. They load nothing from elsewhere, have no inline scripts or styles,
//! and the browser is told to hold them to that. Addresses in them are relative, so that they work
//! behind a path prefix too.

use std::sync::OnceLock;

use axum::{
    Router,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};

use super::{openapi::pages, routes::Routes};

/// What the pages may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// Where a file is, what it is, and what is in it.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
    tag: OnceLock<String>,
}

macro_rules! files {
    ($($path:literal: $kind:ident = $file:literal,)*) => {
        [$(File { path: $path, kind: $kind, text: include_str!(concat!("dashboard/", $file)), tag: OnceLock::new() }),*]
    };
}

static FILES: [File; 18] = files! {
    "/": HTML = "index.html",
    "/sql": HTML = "sql.html",
    "/assets/style.css": STYLE = "style.css",
    "/assets/icon.svg": IMAGE = "icon.svg",
    "/assets/theme.js": SCRIPT = "theme.js",
    "/assets/dom.js": SCRIPT = "dom.js",
    "/assets/format.js": SCRIPT = "format.js",
    "/assets/api.js": SCRIPT = "api.js",
    "/assets/feed.js": SCRIPT = "feed.js",
    "/assets/series.js": SCRIPT = "series.js",
    "/assets/charts.js": SCRIPT = "charts.js",
    "/assets/table.js": SCRIPT = "table.js",
    "/assets/panels.js": SCRIPT = "panels.js",
    "/assets/health.js": SCRIPT = "health.js",
    "/assets/dashboard.js": SCRIPT = "dashboard.js",
    "/assets/shell.js": SCRIPT = "shell.js",
    "/assets/editor.js": SCRIPT = "editor.js",
    "/assets/sql.js": SCRIPT = "sql.js",
};

/// A route for each file. The pages are described, what they are made of is not.
pub(super) fn routes() -> Routes {
    let add = |routes: Routes, file: &'static File| {
        let handler = get(move |headers: HeaderMap| async move { file.answer(&headers) });
        match file.path {
            "/" => routes.get("/", pages::dashboard, handler),
            "/sql" => routes.get("/sql", pages::sql, handler),
            path => routes.merge(Router::new().route(path, handler)),
        }
    };
    FILES.iter().fold(Routes::new(), add)
}

impl File {
    /// The file, unless the browser has it. It asks each time: the files of one version belong together.
    fn answer(&self, request: &HeaderMap) -> Response {
        let tag = self
            .tag
            .get_or_init(|| format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(self.text.as_bytes())));
        let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
        let mut headers =
            HeaderMap::from_iter(FIXED.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.extend(HeaderValue::from_str(tag).map(|tag| (ETAG, tag)));
        if known.split(',').any(|known| known.trim() == tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        (headers, self.text).into_response()
    }
}

const FIXED: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
