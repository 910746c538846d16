//! What the API needs of the views.

use std::future::Future;

use crate::{
    engine::{ClosedRow, KeyRows},
    sql::{Catalog, View},
    state::StateError,
    time::{Millis, Timestamp},
    value::Value,
};

/// Reads the rows of a catalog's views.
pub trait Views: Send + Sync + 'static {
    /// The catalog that they are of.
    fn catalog(&self) -> &Catalog;

    /// The rows of all keys of a view, in any order.
    fn latest(&self, view: &str) -> impl Future<Output = Result<Vec<KeyRows>, ReadError>> + Send;

    /// The rows of one key; none where it never had one. The key has a value for each of
    /// [`View::keys`], of that key's type.
    fn key(
        &self,
        view: &str,
        key: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<KeyRows>, ReadError>> + Send;

    /// How far a view is.
    fn status(&self, view: &str) -> impl Future<Output = Result<ViewStatus, ReadError>> + Send;

    /// Asks the store for the least it can say, to see whether it is there.
    fn ping(&self) -> impl Future<Output = Result<(), StateError>> + Send;
}

/// How far a view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewStatus {
    /// Its watermark now, idle partitions and a flush by the clock taken into account;
    /// [`Timestamp::MIN`] where nothing was absorbed yet.
    pub watermark: Timestamp,
}

impl ViewStatus {
    /// Whether a row can still change: only events that come after the watermark has passed the
    /// window's end by the allowed lateness are late, and those are not counted.
    pub fn is_final(self, view: &View, row: &ClosedRow) -> bool {
        self.watermark >= row.window_end - Millis(1) + view.options.allowed_lateness
    }
}

/// Rows could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such view.
    #[error("failed to find view {view}")]
    UnknownView {
        /// Its name.
        view: String,
    },
    /// The store failed.
    #[error("failed to read the rows of view {view}")]
    Store {
        /// Whose rows.
        view: String,
        /// What the store said.
        #[source]
        source: StateError,
    },
}
