//! A route and its description, in one place: what is not described is not routed.

use axum::{Router, routing::MethodRouter};
use serde_json::Value as Json;

use crate::sql::Catalog;

/// What stands at one path of the API, for one method.
#[derive(Debug)]
pub(super) struct Operation {
    /// The path as `OpenAPI` writes it: `/ctr/{product_id}`.
    pub(super) path: String,
    /// An Operation Object.
    pub(super) object: Json,
}

/// What a route is for the tables and views that there are.
pub(super) type Describe = fn(&Catalog) -> Vec<Operation>;

/// A route that is described.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) method: &'static str,
    pub(super) describe: Describe,
}

/// Routes with their descriptions.
pub(super) struct Routes<S = ()> {
    router: Router<S>,
    described: Vec<Described>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(super) fn new() -> Self {
        Self { router: Router::new(), described: Vec::new() }
    }

    /// A route for GET, and so for HEAD.
    pub(super) fn get(self, path: &str, describe: Describe, handler: MethodRouter<S>) -> Self {
        self.route("get", path, describe, handler)
    }

    /// A route for POST.
    pub(super) fn post(self, path: &str, describe: Describe, handler: MethodRouter<S>) -> Self {
        self.route("post", path, describe, handler)
    }

    fn route(
        mut self,
        method: &'static str,
        path: &str,
        describe: Describe,
        handler: MethodRouter<S>,
    ) -> Self {
        self.described.push(Described { method, describe });
        Self { router: self.router.route(path, handler), ..self }
    }

    pub(super) fn with_state(self, state: S) -> Routes {
        Routes { router: self.router.with_state(state), described: self.described }
    }

    pub(super) fn described(&self) -> &[Described] {
        &self.described
    }
}

impl Routes {
    /// These and others.
    pub(super) fn merge(mut self, others: impl Into<Self>) -> Self {
        let others = others.into();
        self.described.extend(others.described);
        Self { router: self.router.merge(others.router), ..self }
    }

    /// The same routes behind something.
    pub(super) fn map(self, change: impl FnOnce(Router) -> Router) -> Self {
        Self { router: change(self.router), ..self }
    }

    pub(super) fn into_router(self) -> Router {
        self.router
    }
}

/// Routes for which a description has yet to be written: `tests/api_contract` finds them.
impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        Self { router, described: Vec::new() }
    }
}
