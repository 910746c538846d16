//! The HTTP API: rows of views for readers, events of tables for producers.
//!
//! Two routers, because they are two Lambda functions with different rights: [`serve_router`] reads
//! the store, [`ingest_router`] writes to topics. [`router`] is both, for one process.
//!
//! Every failure is a problem document (RFC 9457). Handlers return a `Problem`; one layer around all
//! routes renders it, because only that layer always knows which request it answers. A route is made
//! together with its description, from which `/openapi.json` is put together.

mod access;
mod alerts;
mod columns;
mod cursor;
mod describe;
mod ingest;
mod key;
mod live;
mod observed;
mod openapi;
mod origins;
mod page;
mod problem;
mod query;
mod read;
mod routes;
mod select;
mod sql;
mod status;
#[cfg(feature = "swagger")]
mod swagger;
mod views;
mod windows;

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

pub use access::{Access, KeyError};
pub use ingest::{Connection, Gateway, Limits, MAX_BODY, MAX_EVENT, MAX_EVENTS, MAX_UNPACKED, SocketEvent};
pub use live::Live;
pub use observed::observed;
pub use origins::{OriginError, Origins};
pub use sql::{LogTails, Tails};
pub use views::Views;

use self::{access::Right, routes::Routes, status::Offers};
use crate::{publish::Publisher, state::Requests, time::Clock};

/// Who may use the API.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// With which keys.
    pub access: Access,
    /// From which pages of other origins.
    pub origins: Origins,
}

/// The routes for readers: rows, what views there are, whether the store is there, the page at `/`. For
/// everybody, and from its own origin alone.
pub fn serve_router<V: Views>(views: Arc<V>) -> Router {
    serve_router_with(views, &Settings::default())
}

/// The routes for readers, for those whom the settings let in. The API that they describe has the routes
/// for producers too, which stand beside them.
pub fn serve_router_with<V: Views>(views: Arc<V>, settings: &Settings) -> Router {
    let catalog = Arc::new(views.catalog().clone());
    let routes = guard(lambda_routes(&views), views, settings);
    let described = [routes.described(), &ingest::described()].concat();
    finish(routes.merge(openapi::routes(catalog, described, settings)), settings)
}

/// The routes for producers: events of the catalog's tables, to their topics.
pub fn ingest_router<P, C, R>(gateway: Arc<Gateway<P, C, R>>) -> Router
where
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    let settings = gateway.settings().clone();
    finish(ingest::routes(gateway), &settings)
}

/// Both, in a process that stays and has a broker to read: with live updates, and with SQL that is tried
/// on the newest records. To be called in a runtime; [`Live::close`] comes before the server's end.
pub fn local_router<V, P, C, R, T>(
    views: Arc<V>,
    gateway: Arc<Gateway<P, C, R>>,
    tails: T,
    live: &Live,
) -> Router
where
    V: Views,
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
    T: Tails,
{
    let offers = Offers { live: true, sample: true };
    let readers = read_routes(&views, offers)
        .merge(live.routes(Arc::clone(&views), offers))
        .merge(sql::routes_with(Arc::clone(&views), tails));
    with_gateway(readers, views, gateway)
}

/// Both, for the catalog that the views and the gateway are of.
pub fn router<V, P, C, R>(views: Arc<V>, gateway: Arc<Gateway<P, C, R>>) -> Router
where
    V: Views,
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    with_gateway(lambda_routes(&views), views, gateway)
}

fn with_gateway<V, P, C, R>(readers: Routes, views: Arc<V>, gateway: Arc<Gateway<P, C, R>>) -> Router
where
    V: Views,
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    let settings = gateway.settings().clone();
    let catalog = Arc::new(views.catalog().clone());
    let routes = guard(readers, views, &settings).merge(ingest::routes(gateway));
    let described = routes.described().to_vec();
    finish(routes.merge(openapi::routes(catalog, described, &settings)), &settings)
}

/// What a function has for readers, which does not stay and has no broker to read.
fn lambda_routes<V: Views>(views: &Arc<V>) -> Routes {
    read_routes(views, Offers::default()).merge(sql::routes(Arc::clone(views)))
}

fn read_routes<V: Views>(views: &Arc<V>, offers: Offers) -> Routes {
    describe::routes(Arc::clone(views))
        .merge(status::routes(Arc::clone(views), offers))
        .merge(alerts::routes(Arc::clone(views)))
        .merge(windows::routes(Arc::clone(views)))
        .merge(read::routes(Arc::clone(views)))
}

/// What may need a key, and beside it what never does: pages without any data, and whether all is well.
fn guard<V: Views>(readers: Routes, views: Arc<V>, settings: &Settings) -> Routes {
    let guard = (settings.access.clone(), Right::Read);
    readers
        .map(|router| router.route_layer(middleware::from_fn_with_state(guard, access::guard)))
        .merge(page::routes())
        .merge(describe::health_route(views))
}

fn finish(routes: Routes, settings: &Settings) -> Router {
    routes
        .into_router()
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn(problem::render))
        .layer(CompressionLayer::new())
        .layer(settings.origins.layer())
        .layer(middleware::from_fn(observed::time))
}
