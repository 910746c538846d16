//! The API describes itself: every route, and nothing else.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value as Json, json};
use weir::{
    api::{Access, Gateway, Settings, router, serve_router},
    engine::Reader,
    publish::MemoryPublisher,
    sql::Catalog,
    state::MemoryStore,
    time::{ManualClock, Timestamp},
};

use crate::gateway::ask;

/// The API of the repository's own SQL.
fn api(settings: Settings) -> Router {
    let catalog = Arc::new(Catalog::load("sql".as_ref()).unwrap());
    let store = Arc::<MemoryStore>::default();
    let reader = Arc::new(Reader::new(catalog.clone(), store.clone()));
    let clock = Arc::new(ManualClock::at(Timestamp(1_767_225_700_000)));
    let gateway = Gateway::new(catalog, Arc::<MemoryPublisher>::default(), clock, store);
    router(reader, Arc::new(gateway.with_settings(settings)))
}

async fn document(api: &Router) -> Json {
    let (head, document) = ask(api, crate::fixture::request("GET", "/openapi.json")).await;
    assert_eq!(head.status(), StatusCode::OK);
    document
}

/// The paths that a router has, as its `Debug` shows them.
fn routed(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let paths = text.split("RouteId(").filter_map(|part| {
        let (_, path) = part.split_once("): \"")?;
        path.split('"').next()
    });
    paths.filter(|path| path.starts_with('/')).map(str::to_owned).collect()
}

/// Whether a described path is one that a route takes: `/ctr/{product_id}` is of `/{view}/{*key}`.
fn takes(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/').peekable(), path.split('/').peekable());
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(_)) if part.starts_with("{*") => return true,
            (Some(part), Some(_)) if part.starts_with('{') => {}
            (Some(part), Some(found)) if part == found => {}
            _ => return false,
        }
    }
}

#[tokio::test]
async fn every_route_is_described() {
    let api = api(Settings::default());
    let document = document(&api).await;
    let described: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let routed = routed(&api);
    assert!(routed.len() > 10, "{routed:?}");
    for route in &routed {
        // The files of pages.
        if route.starts_with("/docs/") || route.starts_with("/assets/") {
            continue;
        }
        assert!(described.iter().any(|path| takes(route, path)), "{route} is not described");
    }
}

/// A described path with something in it.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "7".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn what_is_described_is_there_and_answers_as_it_is_described() {
    let api = api(Settings::default());
    let document = document(&api).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(filled(path));
            let (head, told) = ask(&api, request.body(Body::from("{}")).unwrap()).await;
            let status = head.status().as_u16().to_string();
            assert!(operation["responses"].get(&status).is_some(), "{method} {path}: {status} {told}");
            assert_ne!(told["type"], "urn:weir:problem:unknown-path", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn tables_and_views_are_described_by_their_sql() {
    let document = document(&api(Settings::default())).await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = &document["paths"];
    for path in ["/ctr/{product_id}", "/ctr/latest", "/events/clicks", "/events/clicks/batch", "/events"] {
        assert!(paths.get(path).is_some(), "{path}");
    }
    let schemas = &document["components"]["schemas"];
    let row = &schemas["ctr.row"]["properties"];
    assert_eq!(row["impressions"], json!({ "type": ["integer", "null"], "format": "int64" }));
    assert_eq!(row["ctr"]["type"], json!(["number", "null"]));
    let event = &schemas["raw_events.event"];
    assert_eq!(event["required"], json!(["userId", "event", "page", "timestamp"]));
    assert_eq!(event["properties"]["userId"]["type"], "string");
    let page =
        &paths["/page_views/latest"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(page["items"]["$ref"], "#/components/schemas/page_views.row");
}

/// All references of a document.
fn references<'j>(json: &'j Json, found: &mut Vec<&'j str>) {
    match json {
        Json::Object(object) => {
            found.extend(object.get("$ref").and_then(Json::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Json::Array(array) => array.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document(&api(Settings::default())).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_problem_that_is_described_has_its_section() {
    let document = document(&api(Settings::default())).await;
    let docs = std::fs::read_to_string("docs/api.md").unwrap();
    for name in document["components"]["responses"].as_object().unwrap().keys() {
        assert!(docs.contains(&format!("\n### {name}\n")), "{name}");
    }
}

#[tokio::test]
async fn keys_are_described_where_they_are_needed() {
    let open = document(&api(Settings::default())).await;
    assert!(open["paths"]["/events"]["post"].get("security").is_none());
    for (protects_reads, reading) in [(false, false), (true, true)] {
        let access = Access::parse("0123456789abcdef", protects_reads).unwrap();
        let document = document(&api(Settings { access, ..Settings::default() })).await;
        let needs = |path: &str, method: &str| document["paths"][path][method].get("security").is_some();
        assert!(needs("/events", "post") && needs("/events/clicks/batch", "post"));
        assert_eq!(needs("/ctr/latest", "get"), reading);
        assert!(!needs("/health", "get"));
    }
}

#[tokio::test]
async fn a_function_for_readers_describes_what_producers_have_too() {
    let catalog = Arc::new(Catalog::load("sql".as_ref()).unwrap());
    let api = serve_router(Arc::new(Reader::new(catalog, Arc::<MemoryStore>::default())));
    let document = document(&api).await;
    assert!(document["paths"].get("/events/clicks").is_some());
}

#[cfg(feature = "swagger")]
#[tokio::test]
async fn the_document_can_be_read_and_tried_without_another_server() {
    use axum::{body::to_bytes, http::header};
    use tower::ServiceExt;

    let api = api(Settings::default());
    let get = async |path: &str, encoding: &str| {
        let request =
            Request::get(path).header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).unwrap();
        let (head, body) = api.clone().oneshot(request).await.unwrap().into_parts();
        (head, to_bytes(body, usize::MAX).await.unwrap())
    };
    let (head, _) = get("/docs", "").await;
    assert_eq!(
        (head.status, &head.headers[header::LOCATION]),
        (StatusCode::PERMANENT_REDIRECT, &"docs/".parse().unwrap())
    );
    let (head, page) = get("/docs/", "").await;
    assert_eq!(head.headers[header::CONTENT_TYPE], "text/html");
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(!page.contains("://"), "{page}");
    let named =
        page.split(['"', '\'']).filter(|part| matches!(part.rsplit_once('.'), Some((_, "js" | "css"))));
    for file in named.chain(["swagger-initializer.js"]) {
        let path = format!("/docs/{}", file.trim_start_matches("./"));
        let (plain, content) = get(&path, "").await;
        assert_eq!(plain.status, StatusCode::OK, "{path}");
        assert!(!content.is_empty() && !plain.headers.contains_key(header::CONTENT_ENCODING), "{path}");
        let (packed, _) = get(&path, "gzip").await;
        assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip", "{path}");
    }
    let (_, script) = get("/docs/swagger-initializer.js", "").await;
    assert!(String::from_utf8_lossy(&script).contains("../openapi.json"));
    assert_eq!(get("/docs/nope.js", "").await.0.status, StatusCode::NOT_FOUND);
}
