//! The paths that take events over HTTP.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri},
    middleware,
    response::Response,
    routing::post,
};
use percent_encoding::percent_decode_str;

use super::{Address, Gateway, MAX_BODY, Name, Problem, once, unpack::unpack};
use crate::{
    api::{
        access::{self, Caller, Right},
        openapi::sending,
        routes::{Describe, Described, Routes},
    },
    publish::Publisher,
    sql::{Catalog, Table},
    state::Requests,
    time::Clock,
};

/// The paths that every catalog has.
const PATHS: [(&str, Describe); 3] = [
    ("/events", sending::mixed),
    ("/events/{table}", sending::one),
    ("/events/{table}/batch", sending::batch),
];

/// The routes for producers, where they are another function's.
pub(in crate::api) fn described() -> Vec<Described> {
    PATHS.map(|(_, describe)| Described { method: "post", describe }).to_vec()
}

/// The routes for producers.
pub(in crate::api) fn routes<P, C, R>(gateway: Arc<Gateway<P, C, R>>) -> Routes
where
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    let guard = (gateway.settings().access.clone(), Right::Write);
    let own = gateway.catalog().tables.iter().filter_map(|table| table.entrance.route.clone());
    let own: Vec<String> = own.collect();
    let take = || post(take::<P, C, R>);
    let mut routes = Routes::new();
    for (path, describe) in PATHS {
        routes = routes.post(path, describe, take());
    }
    for route in own {
        // What they take is described with the table's other paths.
        routes = routes.post(&format!("{route}/batch"), sending::elsewhere, take());
        routes = routes.post(&route, sending::elsewhere, take());
    }
    let routes = routes.with_state(gateway.clone()).map(|router| {
        let guard = middleware::from_fn_with_state(guard, access::guard);
        router.route_layer(guard).layer(DefaultBodyLimit::max(MAX_BODY))
    });
    routes.merge(sockets(gateway))
}

/// Connections look at keys themselves: a browser can send them in other places only.
#[cfg(feature = "websocket")]
fn sockets<P, C, R>(gateway: Arc<Gateway<P, C, R>>) -> Routes
where
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    let open = axum::routing::get(super::upgrade::open::<P, C, R>);
    Routes::new().get("/ws/events", sending::socket, open).with_state(gateway)
}

/// Where an API Gateway keeps the connections, there are none here.
#[cfg(not(feature = "websocket"))]
fn sockets<P, C, R>(_: Arc<Gateway<P, C, R>>) -> Routes {
    Routes::new()
}

async fn take<P: Publisher, C: Clock, R: Requests>(
    State(gateway): State<Arc<Gateway<P, C, R>>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let address = address(gateway.catalog(), uri.path())?;
    let body = unpack(&headers, body.map_err(|rejection| of_body(&rejection))?)?;
    let Some(name) = name(&headers, caller)? else {
        return gateway.take(address, &body).await?.respond();
    };
    let digest = once::digest(uri.path(), &body);
    let (answer, is_repeated) = gateway.take_once(address, &body, (&name, digest)).await?;
    let mut response = answer.respond()?;
    if is_repeated {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The name that a request has, if it has one.
fn name(headers: &HeaderMap, caller: Caller) -> Result<Option<Name>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => Name::new(caller, key.to_str().unwrap_or_default()).map(Some),
        (Some(_), Some(_)) => Name::new(caller, "").map(Some),
    }
}

/// Whose events a path takes: those of the table that it names behind `/events/`, or whose route it is.
fn address<'c>(catalog: &'c Catalog, path: &str) -> Result<Address<'c>, Problem> {
    let path = path.trim_end_matches('/');
    if path == "/events" {
        return Ok(Address::Each(None));
    }
    let bare = path.strip_suffix("/batch").unwrap_or(path);
    let is_route = |table: &&Table| table.entrance.route.as_deref() == Some(bare);
    if let Some(table) = catalog.tables.iter().find(is_route) {
        return Ok(Address::Table(table));
    }
    let name = path.split('/').nth(2).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8_lossy();
    let table = catalog.table(&name).ok_or_else(|| Problem::unknown_table(catalog, &name))?;
    Ok(Address::Table(table))
}

fn of_body(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(format!("a body has at most {MAX_BODY} bytes; send the events in several"))
        }
        _ => Problem::malformed_body(rejection.body_text()),
    }
}
