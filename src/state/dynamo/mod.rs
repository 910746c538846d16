//! The store in DynamoDB: one table, a partition key and a sort key, both text.
//!
//! | file | is |
//! | --- | --- |
//! | `keys` | item keys as `pk` and `sk`, and back |
//! | `head` | the head's item: an attribute a partition, updated in place |
//! | `items` | slabs, pages, history: reads, and puts on a condition |
//! | `prune` | what is left of deleted views |
//! | `table` | creates the table and checks it |
//! | `client` | the SDK's client: timeouts, retries, the endpoint |
//! | `usage` | request units, counted |
//!
//! `docs/state.md` shows the layout and what it costs.

mod client;
mod head;
mod items;
mod keys;
mod prune;
mod table;
mod usage;

use std::{collections::HashMap, error::Error};

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use super::{Advance, Head, Item, ItemKey, Partition, Scope, Span, StateError, Store, ViewId, Written};
use crate::time::{Offset, Timestamp};

pub use client::{ClientOptions, client};
pub use keys::RawKey;
pub use prune::Remains;
pub use table::TableError;
pub use usage::Usage;

/// The attributes of an item.
type Attributes = HashMap<String, AttributeValue>;

/// Keeps everything in one table.
#[derive(Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
    meter: usage::Meter,
}

impl DynamoStore {
    /// A store in a table that exists; see [`DynamoStore::create_table`].
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), meter: usage::Meter::default() }
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// What the calls so far cost.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// Opens the connection and finds the credentials, so that the first batch does not wait for
    /// them: for a function's init. Costs half a read unit.
    pub async fn warm(&self) -> Result<(), StateError> {
        let key = RawKey { pk: "warm".to_owned(), sk: "warm".to_owned() };
        self.read(&key, false, &"the table").await.map(drop)
    }
}

impl Store for DynamoStore {
    async fn head(&self, view: &ViewId) -> Result<Head, StateError> {
        self.read_head(view).await
    }

    async fn advance(&self, view: &ViewId, step: Advance) -> Result<Head, StateError> {
        self.advance_head(view, step).await
    }

    async fn begin_backfill(
        &self,
        view: &ViewId,
        partition: &Partition,
        from: Offset,
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.begin_backfill_in_head(view, partition, from, now).await
    }

    async fn mark_idle(&self, view: &ViewId, partition: &Partition, next: Offset) -> Result<(), StateError> {
        self.mark_idle_in_head(view, partition, next).await
    }

    async fn restart(&self, view: &ViewId, partition: &Partition, epoch: u32) -> Result<(), StateError> {
        self.restart_in_head(view, partition, epoch).await
    }

    async fn set_closed(&self, view: &ViewId, scope: Scope, through: Timestamp) -> Result<(), StateError> {
        self.set_closed_in_head(view, scope, through).await
    }

    async fn set_page_depth(&self, view: &ViewId, depth: u8) -> Result<(), StateError> {
        self.set_page_depth_in_head(view, depth).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        self.get_item(key).await
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Result<Vec<(ItemKey, Item)>, StateError> {
        self.get_items(keys).await
    }

    async fn scan(&self, span: &Span) -> Result<Vec<(ItemKey, Item)>, StateError> {
        self.query(span, usize::MAX).await
    }

    async fn scan_first(&self, span: &Span, most: usize) -> Result<Vec<(ItemKey, Item)>, StateError> {
        self.query(span, most).await
    }

    async fn put(&self, key: &ItemKey, item: Item, expected: Option<i64>) -> Result<Written, StateError> {
        self.put_item(key, item, expected).await
    }
}

/// The error of a call that failed.
fn failed(
    action: &'static str,
    subject: &impl ToString,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> StateError {
    StateError::Call { action, subject: subject.to_string(), source: source.into() }
}

/// The error of an item that cannot be read.
fn damaged(subject: &impl ToString, reason: impl Into<String>) -> StateError {
    StateError::Damaged { subject: subject.to_string(), reason: reason.into() }
}

/// A number as DynamoDB takes it.
fn number(n: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(n.into().to_string())
}

/// The integer in an attribute.
fn integer<T: std::str::FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}
