//! State of views that no catalog has any more: found by a scan of the table, and removed.
//!
//! Slabs and history of a deleted view expire by themselves. Its head does not, nor do pages and slabs of
//! a view without a window, which are good for ever.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Attributes, DynamoStore, failed, items::attributes_of, keys::RawKey};
use crate::state::{ItemKey, StateError, ViewId};

/// How many items are removed at once.
const CONCURRENT: usize = 16;

/// Where the items of one view stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    has_head: bool,
    items: Vec<RawKey>,
}

impl Remains {
    /// How many items there are, the head among them.
    pub fn len(&self) -> usize {
        self.items.len() + usize::from(self.has_head)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl DynamoStore {
    /// Where items of views stand that are not among `live`. Reads the whole table, and is billed so.
    pub async fn remains(&self, live: &HashSet<ViewId>) -> Result<BTreeMap<ViewId, Remains>, StateError> {
        let request = self.client.scan().table_name(&self.table).projection_expression("pk, sk");
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut pages = request.into_paginator().send();
        let mut found = BTreeMap::<ViewId, Remains>::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("read", &self.table, error))?;
            self.meter.read(&page.consumed_capacity);
            for key in page.items.unwrap_or_default().into_iter().filter_map(to_key) {
                let Some(view) = view_of(&key).filter(|view| !live.contains(view)) else { continue };
                let remains = found.entry(view).or_default();
                if is_head(&key) { remains.has_head = true } else { remains.items.push(key) }
            }
        }
        Ok(found)
    }

    /// Removes what is left of a view. The head goes first: if this stops halfway and the view comes back, it
    /// begins anew, and not where slabs are missing.
    pub async fn remove(&self, view: &ViewId, remains: &Remains) -> Result<(), StateError> {
        if remains.has_head {
            self.delete(&RawKey::of_head(view)).await?;
        }
        let items: Vec<_> = remains.items.iter().map(|key| self.delete(key)).collect();
        stream::iter(items).buffer_unordered(CONCURRENT).try_collect().await
    }

    async fn delete(&self, key: &RawKey) -> Result<(), StateError> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(attributes_of(key)));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| failed("remove", key, error))?;
        self.meter.wrote(&answer.consumed_capacity);
        Ok(())
    }
}

fn to_key(mut attributes: Attributes) -> Option<RawKey> {
    let mut text = |name| match attributes.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    Some(RawKey { pk: text("pk")?, sk: text("sk")? })
}

fn is_head(key: &RawKey) -> bool {
    key.sk == "head"
}

/// The view whose item it is; none where it is no view's.
fn view_of(key: &RawKey) -> Option<ViewId> {
    if is_head(key) {
        return ViewId::parse(&key.pk);
    }
    ItemKey::from_keys(&key.pk, &key.sk).ok().map(|item| match item {
        ItemKey::Slab { view, .. }
        | ItemKey::Page { view, .. }
        | ItemKey::History { view, .. }
        | ItemKey::Piece { view, .. } => view,
    })
}
