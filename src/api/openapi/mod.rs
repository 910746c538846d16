//! The API's description (`OpenAPI` 3.1), put together from its routes and from the tables and views that
//! there are: a new view is in it without anybody having written about it.
//!
//! | file | describes |
//! | --- | --- |
//! | `reading` | the routes for readers |
//! | `sending` | the routes for producers |
//! | `pages` | the pages, and what they ask for |
//! | `schema` | rows and events, by the types of their columns |
//! | `shared` | answers, problems and parameters that many have |

pub(super) mod pages;
pub(super) mod reading;
mod schema;
pub(super) mod sending;
mod shared;

use std::sync::{Arc, OnceLock};

use axum::{
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Map, Value as Json, json};

use super::{
    Settings,
    routes::{Described, Operation, Routes},
};
use crate::sql::Catalog;

/// The document, made when it is first asked for.
struct Document {
    catalog: Arc<Catalog>,
    described: Vec<Described>,
    needs_key: [bool; 2],
    text: OnceLock<String>,
}

/// `GET /openapi.json`, and what shows it.
pub(super) fn routes(catalog: Arc<Catalog>, mut described: Vec<Described>, settings: &Settings) -> Routes {
    let own = Routes::new().get("/openapi.json", reading::openapi, get(document));
    #[cfg(feature = "swagger")]
    let shown = super::swagger::routes();
    #[cfg(not(feature = "swagger"))]
    let shown = Routes::new();
    described.extend(own.described().iter().chain(shown.described()).cloned());
    let needs_key = [settings.access.protects_reads(), !settings.access.is_open()];
    let document = Document { catalog, described, needs_key, text: OnceLock::new() };
    own.with_state(Arc::new(document)).merge(shown)
}

async fn document(State(document): State<Arc<Document>>) -> impl IntoResponse {
    let text = document.text.get_or_init(|| document.json().to_string());
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=60")], text.clone())
}

impl Document {
    fn json(&self) -> Json {
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Weir",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Rows of SQL views for readers, events of tables for producers. Every failure is \
                                a problem document (RFC 9457).",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "." }],
            "tags": [
                { "name": "rows", "description": "What the views have computed" },
                { "name": "events", "description": "What the tables take" },
                { "name": "service", "description": "The API itself" },
            ],
            "paths": self.paths(),
            "components": self.components(),
        })
    }

    fn paths(&self) -> Map<String, Json> {
        let mut paths: Map<String, Json> = Map::new();
        for route in &self.described {
            for Operation { path, mut object } in (route.describe)(&self.catalog) {
                self.secure(&mut object);
                let item = paths.entry(path).or_insert_with(|| Map::new().into());
                if let Json::Object(item) = item {
                    item.insert(route.method.to_owned(), object);
                }
            }
        }
        paths
    }

    /// Says that an operation needs a key where it does, and how it is refused without.
    fn secure(&self, operation: &mut Json) {
        let [reads, writes] = self.needs_key;
        let tag = operation.pointer("/tags/0").and_then(Json::as_str);
        let needs_key = matches!(tag, Some("rows")) && reads || matches!(tag, Some("events")) && writes;
        let Json::Object(operation) = operation else { return };
        if !needs_key {
            return;
        }
        operation.insert("security".to_owned(), json!([{ "bearer": [] }, { "key": [] }]));
        if let Some(Json::Object(answers)) = operation.get_mut("responses") {
            answers.insert("401".to_owned(), shared::problem("unauthorized"));
            answers.insert("403".to_owned(), shared::problem("forbidden"));
        }
    }

    fn components(&self) -> Json {
        let rows = self.catalog.views.iter().map(|view| (schema::row_name(view), schema::row(view)));
        let events =
            self.catalog.tables.iter().map(|table| (schema::event_name(table), schema::event(table)));
        let mut schemas: Map<String, Json> = rows.chain(events).collect();
        schemas.extend(shared::schemas());
        let alerts = self.catalog.views.iter().filter(|view| view.options.alert);
        let alerts: Vec<Json> = alerts.map(schema::alert).collect();
        if !alerts.is_empty() {
            schemas.insert("Alert".to_owned(), json!({ "anyOf": alerts }));
        }
        json!({
            "schemas": schemas,
            "responses": shared::problems(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key" },
                "key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
            },
        })
    }
}
