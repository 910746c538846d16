//! The HTTP API: rows of views for readers, events of tables for producers.
//!
//! Two routers, because they are two Lambda functions with different rights: [`serve_router`] reads
//! the store, [`ingest_router`] writes to topics. [`router`] is both, for one process.
//!
//! Every failure is a problem document (RFC 9457). Handlers return a `Problem`; one layer around all
//! routes renders it, because only that layer always knows which request it answers.

mod alerts;
mod columns;
mod cursor;
mod describe;
mod ingest;
mod key;
mod live;
mod observed;
mod page;
mod problem;
mod query;
mod read;
mod select;
mod sql;
mod status;
mod views;
mod windows;

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

pub use ingest::{MAX_BODY, MAX_EVENT};
pub use live::Live;
pub use observed::observed;
pub use sql::{LogTails, Tails};
pub use views::Views;

use self::status::Offers;
use crate::{publish::Publisher, sql::Catalog, time::Clock};

/// The routes for readers: rows, what views there are, whether the store is there, the page at `/`.
pub fn serve_router<V: Views>(views: Arc<V>) -> Router {
    finish(serve_routes(views))
}

/// The routes for producers: events of the catalog's tables, to their topics.
pub fn ingest_router<P, C>(catalog: Arc<Catalog>, publisher: Arc<P>, clock: Arc<C>) -> Router
where
    P: Publisher + 'static,
    C: Clock + 'static,
{
    finish(ingest::routes(catalog, publisher, clock))
}

/// Both, in a process that stays and has a broker to read: with live updates, and with SQL that is tried
/// on the newest records. To be called in a runtime; [`Live::close`] comes before the server's end.
pub fn local_router<V, P, C, T>(
    views: Arc<V>,
    publisher: Arc<P>,
    clock: Arc<C>,
    tails: T,
    live: &Live,
) -> Router
where
    V: Views,
    P: Publisher + 'static,
    C: Clock + 'static,
    T: Tails,
{
    let offers = Offers { live: true, sample: true };
    let catalog = Arc::new(views.catalog().clone());
    let readers = read_routes(Arc::clone(&views), offers)
        .merge(live.routes(Arc::clone(&views), offers))
        .merge(sql::routes_with(views, tails));
    finish(readers.merge(ingest::routes(catalog, publisher, clock)))
}

/// Both, for the catalog that the views are of.
pub fn router<V, P, C>(views: Arc<V>, publisher: Arc<P>, clock: Arc<C>) -> Router
where
    V: Views,
    P: Publisher + 'static,
    C: Clock + 'static,
{
    let catalog = Arc::new(views.catalog().clone());
    finish(serve_routes(views).merge(ingest::routes(catalog, publisher, clock)))
}

fn serve_routes<V: Views>(views: Arc<V>) -> Router {
    read_routes(Arc::clone(&views), Offers::default()).merge(sql::routes(views))
}

fn read_routes<V: Views>(views: Arc<V>, offers: Offers) -> Router {
    page::routes()
        .merge(status::routes(views.clone(), offers))
        .merge(describe::routes(views.clone()))
        .merge(alerts::routes(views.clone()))
        .merge(windows::routes(views.clone()))
        .merge(read::routes(views))
}

fn finish(routes: Router) -> Router {
    routes
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn(problem::render))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(observed::time))
}
