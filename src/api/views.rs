//! What the API needs of the views.

use std::future::Future;

use crate::{
    engine::{EngineError, HistoryPage, HistoryQuery, Key, KeyRows, Reader, ViewStatus},
    sql::{Catalog, View},
    state::Store,
    value::Value,
};

/// Reads the rows of a catalog's views.
pub trait Views: Send + Sync + 'static {
    /// The catalog that they are of.
    fn catalog(&self) -> &Catalog;

    /// All keys of a view with their rows, in any order.
    fn latest(&self, view: &View) -> impl Future<Output = Result<Vec<(Key, KeyRows)>, EngineError>> + Send;

    /// The rows of one key; none where it never had one. The key has a value for each of
    /// [`View::keys`], of that key's type.
    fn key(
        &self,
        view: &View,
        key: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<KeyRows>, EngineError>> + Send;

    /// A page of a view's closed rows, in the order that [`HistoryPage`] has.
    fn history(
        &self,
        view: &View,
        query: &HistoryQuery,
    ) -> impl Future<Output = Result<HistoryPage, EngineError>> + Send;

    /// How far a view has come. Whoever tells by it which rows are final asks for it before the rows.
    fn status(&self, view: &View) -> impl Future<Output = Result<ViewStatus, EngineError>> + Send;

    /// Asks the store for something small, to see whether it is there.
    fn ping(&self) -> impl Future<Output = Result<(), EngineError>> + Send;
}

impl<S: Store + 'static> Views for Reader<S> {
    fn catalog(&self) -> &Catalog {
        Reader::catalog(self)
    }

    async fn latest(&self, view: &View) -> Result<Vec<(Key, KeyRows)>, EngineError> {
        self.all(view).await
    }

    async fn key(&self, view: &View, key: &[Value<'_>]) -> Result<Option<KeyRows>, EngineError> {
        Reader::key(self, view, key).await
    }

    async fn history(&self, view: &View, query: &HistoryQuery) -> Result<HistoryPage, EngineError> {
        Reader::history(self, view, query).await
    }

    async fn status(&self, view: &View) -> Result<ViewStatus, EngineError> {
        Reader::status(self, view).await
    }

    async fn ping(&self) -> Result<(), EngineError> {
        Reader::ping(self).await
    }
}
