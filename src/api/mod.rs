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
mod observed;
mod page;
mod problem;
mod query;
mod read;
mod select;
mod views;
mod windows;

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

pub use ingest::{MAX_BODY, MAX_EVENT};
pub use observed::observed;
pub use views::Views;

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
    page::routes()
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
