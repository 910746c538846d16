//! What is remembered of requests that may come again.

use std::{future::Future, sync::Arc};

use super::{Item, StateError, Written};

/// Remembers requests under ids of their own, beside a store's items. Reads are strongly consistent.
pub trait Requests: Send + Sync {
    /// What is remembered of a request. It may have expired.
    fn request(&self, id: &str) -> impl Future<Output = Result<Option<Item>, StateError>> + Send;

    /// Remembers a request if the version that stands there is `expected` (none: if nothing stands
    /// there). A write that finds itself there already is stored.
    fn put_request(
        &self,
        id: &str,
        item: Item,
        expected: Option<i64>,
    ) -> impl Future<Output = Result<Written, StateError>> + Send;
}

impl<R: Requests> Requests for Arc<R> {
    fn request(&self, id: &str) -> impl Future<Output = Result<Option<Item>, StateError>> + Send {
        R::request(self, id)
    }

    fn put_request(
        &self,
        id: &str,
        item: Item,
        expected: Option<i64>,
    ) -> impl Future<Output = Result<Written, StateError>> + Send {
        R::put_request(self, id, item, expected)
    }
}
