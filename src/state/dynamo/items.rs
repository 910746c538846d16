//! Slabs, pages and history: consistent reads, and puts on the condition of a version.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Attributes, DynamoStore, damaged, failed, integer, keys::Range, keys::RawKey, number, table::TTL,
};
use crate::{
    observe::ItemKind,
    state::{Item, ItemKey, Requests, Span, StateError, Written},
    time::Timestamp,
};

/// How many keys one batch read takes.
const BATCH: usize = 100;
/// How many batch reads run at once.
const CONCURRENT: usize = 4;
/// How often a batch read that brings nothing is asked again.
const ATTEMPTS: u32 = 8;
/// The first pause between them; it doubles.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

const BODY: &str = "b";
const VERSION: &str = "v";

/// A batch read was answered without its items again and again.
#[derive(Debug, thiserror::Error)]
#[error("{left} keys were left unprocessed {ATTEMPTS} times in a row: the table is throttled")]
struct Unprocessed {
    left: usize,
}

impl DynamoStore {
    pub(super) async fn get_item(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        let raw = key.to_keys();
        let found = self.read(&raw, true, &raw).await?;
        found.map(|attributes| to_item(&raw, attributes)).transpose()
    }

    /// Reads what stands under a key.
    pub(super) async fn read(
        &self,
        key: &RawKey,
        consistent: bool,
        subject: &(impl ToString + Sync),
    ) -> Result<Option<Attributes>, StateError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(attributes_of(key)));
        let request = request.consistent_read(consistent);
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| failed("read", subject, error))?;
        self.meter.read(&answer.consumed_capacity);
        Ok(answer.item)
    }

    pub(super) async fn get_items(&self, keys: &[ItemKey]) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let mut raw: Vec<_> = keys.iter().map(ItemKey::to_keys).collect();
        raw.sort_unstable();
        // A batch read refuses a key that is named twice.
        raw.dedup();
        let batches: Vec<_> = raw.chunks(BATCH).map(|batch| self.get_batch(batch)).collect();
        stream::iter(batches).buffer_unordered(CONCURRENT).try_concat().await
    }

    /// At most [`BATCH`] items. DynamoDB answers with as many as it can, so it is asked until none
    /// is left; with pauses where it brought nothing at all.
    async fn get_batch(&self, keys: &[RawKey]) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut left: Vec<_> = keys.iter().map(attributes_of).collect();
        let mut idle = 0;
        while !left.is_empty() {
            let (items, unprocessed) = self.batch_read(left).await?;
            idle = if items.is_empty() && !unprocessed.is_empty() { idle + 1 } else { 0 };
            if idle >= ATTEMPTS {
                let error = Unprocessed { left: unprocessed.len() };
                return Err(failed("read", &subject_of(keys), Box::new(error)));
            }
            if idle > 0 {
                tokio::time::sleep(pause(idle)).await;
            }
            for attributes in items {
                found.push(to_entry(attributes)?);
            }
            left = unprocessed;
        }
        Ok(found)
    }

    /// One batch read: the items that it brought, and the keys that it left.
    async fn batch_read(
        &self,
        keys: Vec<Attributes>,
    ) -> Result<(Vec<Attributes>, Vec<Attributes>), StateError> {
        let subject = format!("{} items of the table {}", keys.len(), self.table);
        let asked = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
        let asked = asked.map_err(|error| failed("read", &subject, error))?;
        let request = self.client.batch_get_item().request_items(&self.table, asked);
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let mut answer = answer.map_err(|error| failed("read", &subject, error))?;
        self.meter.read(answer.consumed_capacity());
        let take = |tables: Option<HashMap<String, _>>| tables.and_then(|mut t| t.remove(&self.table));
        let items = take(answer.responses.take()).unwrap_or_default();
        let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
        Ok((items, left.map_or_else(Vec::new, |left| left.keys)))
    }

    /// At most so many items of a span.
    pub(super) async fn query(&self, span: &Span, most: usize) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let Some(Range { pk, between }) = Range::of(span) else { return Ok(Vec::new()) };
        let subject = format!("the items of {pk}");
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let request = request.expression_attribute_values(":pk", AttributeValue::S(pk));
        let request = match between {
            None => request.key_condition_expression("pk = :pk"),
            Some((from, to)) => request
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", AttributeValue::S(from))
                .expression_attribute_values(":to", AttributeValue::S(to)),
        };
        let limit = i32::try_from(most).ok();
        let mut pages = request.set_limit(limit).into_paginator().send();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| failed("read", &subject, error))?;
            self.meter.read(&page.consumed_capacity);
            for attributes in page.items.unwrap_or_default() {
                found.push(to_entry(attributes)?);
            }
        }
        found.truncate(most);
        Ok(found)
    }

    pub(super) async fn put_item(
        &self,
        key: &ItemKey,
        item: Item,
        expected: Option<i64>,
    ) -> Result<Written, StateError> {
        self.put_raw(key.kind(), &key.to_keys(), item, expected).await
    }

    /// Writes what is to stand under a key, on the condition of the version that stands there.
    async fn put_raw(
        &self,
        kind: ItemKind,
        raw: &RawKey,
        item: Item,
        expected: Option<i64>,
    ) -> Result<Written, StateError> {
        let request = self.client.put_item().table_name(&self.table);
        let request = match expected {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(version) => request
                .condition_expression("#v = :expected")
                .expression_attribute_names("#v", VERSION)
                .expression_attribute_values(":expected", number(version)),
        };
        let answer = request
            .set_item(Some(to_attributes(raw, &item)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match answer {
            Ok(answer) => {
                self.meter.wrote(&answer.consumed_capacity);
                return Ok(Written::Stored);
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(service) if service.is_conditional_check_failed_exception() => self.meter.conflicted(kind),
            _ => return Err(failed("write", raw, error)),
        }
        let stands = match error.into_service_error() {
            aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failure) => {
                failure.item
            }
            _ => None,
        };
        let stands = match stands {
            None => self.read(raw, true, raw).await?,
            stands => stands,
        };
        let stands = stands.map(|attributes| to_item(raw, attributes)).transpose()?;
        Ok(Written::against(stands.as_ref(), &item))
    }
}

impl Requests for DynamoStore {
    async fn request(&self, id: &str) -> Result<Option<Item>, StateError> {
        let raw = RawKey::of_request(id);
        let found = self.read(&raw, true, &raw).await?;
        found.map(|attributes| to_item(&raw, attributes)).transpose()
    }

    async fn put_request(&self, id: &str, item: Item, expected: Option<i64>) -> Result<Written, StateError> {
        self.put_raw(ItemKind::Request, &RawKey::of_request(id), item, expected).await
    }
}

/// How long to wait before the `n`th attempt: exponential, with jitter so that throttled readers do
/// not come back at once.
fn pause(n: u32) -> Duration {
    let longest = LONGEST_PAUSE.min(PAUSE * 2_u32.saturating_pow(n.min(ATTEMPTS)));
    let half = longest / 2;
    let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    // Every state of the standard hasher is seeded at random.
    half + Duration::from_millis(RandomState::new().build_hasher().finish() % spread)
}

fn subject_of(keys: &[RawKey]) -> String {
    let first = keys.first().map(ToString::to_string).unwrap_or_default();
    format!("{first} and {} more items", keys.len().saturating_sub(1))
}

/// A key as attributes.
pub(super) fn attributes_of(key: &RawKey) -> Attributes {
    let attribute = |name: &str, text: &String| (name.to_owned(), AttributeValue::S(text.clone()));
    [attribute("pk", &key.pk), attribute("sk", &key.sk)].into()
}

fn to_attributes(key: &RawKey, item: &Item) -> Attributes {
    let mut attributes = attributes_of(key);
    attributes.insert(VERSION.to_owned(), number(item.version));
    attributes.insert(BODY.to_owned(), AttributeValue::B(Blob::new(item.body.clone())));
    if let Some(expires) = item.expires {
        attributes.insert(TTL.to_owned(), number(to_seconds(expires)));
    }
    attributes
}

/// An expiry in whole seconds, rounded up: never before its time.
fn to_seconds(expires: Timestamp) -> i64 {
    expires.0.div_euclid(1000) + i64::from(expires.0.rem_euclid(1000) > 0)
}

/// An item as it came, which says itself where it stands.
fn to_entry(mut attributes: Attributes) -> Result<(ItemKey, Item), StateError> {
    let mut text = |name| match attributes.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(damaged(&"an item that was read", format!("it has no text {name}"))),
    };
    let raw = RawKey { pk: text("pk")?, sk: text("sk")? };
    Ok((ItemKey::from_keys(&raw.pk, &raw.sk)?, to_item(&raw, attributes)?))
}

fn to_item(key: &RawKey, mut attributes: Attributes) -> Result<Item, StateError> {
    let version = attributes.get(VERSION).and_then(integer);
    let version = version.ok_or_else(|| damaged(key, "it has no integer `v`"))?;
    let Some(AttributeValue::B(body)) = attributes.remove(BODY) else {
        return Err(damaged(key, "it has no binary `b`"));
    };
    let expires = attributes.get(TTL).map(|ttl| {
        let seconds: Option<i64> = integer(ttl);
        seconds
            .map(|s| Timestamp(s.saturating_mul(1000)))
            .ok_or_else(|| damaged(key, "its `ttl` is no integer"))
    });
    Ok(Item { version, body: body.into_inner(), expires: expires.transpose()? })
}

#[cfg(test)]
mod tests;
