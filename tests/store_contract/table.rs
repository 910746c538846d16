//! Making and checking the table, the embedded server's file, and what the calls cost.

use weir::{
    local::dynamo::EmbeddedDynamo,
    state::{Chunk, StateError, Store, Written, dynamo::DynamoStore},
};

use crate::support::{item, page, partition, server, slab, step, store, view};

/// An error with all its causes.
fn in_full(error: &StateError) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let causes = std::iter::from_fn(|| {
        let now = cause?;
        cause = now.source();
        Some(now.to_string())
    });
    causes.collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_table_is_made_once() {
    let server = server();
    let store = store(&server).await;
    store.put(&page(Chunk::WHOLE), item(1, b"a"), None).await.unwrap();
    store.create_table().await.unwrap();
    store.check().await.unwrap();
    assert!(store.get(&page(Chunk::WHOLE)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_table_expires_items_by_ttl() {
    let server = server();
    let store = store(&server).await;
    let client = server.client().await;
    let ttl = client.describe_time_to_live().table_name(store.table()).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name.as_deref(), Some("ttl"));
    assert_eq!(ttl.time_to_live_status.unwrap().as_str(), "ENABLED");
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let server = server();
    let store = DynamoStore::new(server.client().await, "elsewhere");
    let error = in_full(&store.check().await.unwrap_err());
    assert_eq!(
        error,
        "failed to use the table elsewhere: there is no such table in this account, region and endpoint"
    );
    let error = in_full(&store.head(&view()).await.unwrap_err());
    assert!(error.starts_with("failed to read the head of ctr@0000000000c0ffee: "), "{error}");
    assert!(error.contains("ResourceNotFoundException"), "{error}");
    store.warm().await.unwrap_err();
}

#[tokio::test]
async fn a_table_with_other_keys_is_refused() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let server = server();
    let client = server.client().await;
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::N);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let request = client.create_table().table_name("other").billing_mode(BillingMode::PayPerRequest);
    let request = request.attribute_definitions(id.build().unwrap()).key_schema(key.build().unwrap());
    request.send().await.unwrap();
    let store = DynamoStore::new(client, "other");
    let error = in_full(&store.create_table().await.unwrap_err());
    assert_eq!(error, "failed to use the table other: its keys are (id HASH N), not (pk HASH S, sk RANGE S)");
}

#[tokio::test]
async fn a_server_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper/state.db");
    let p = partition("t", 0);
    for next in 1..=3 {
        let server = EmbeddedDynamo::start(Some(&path), None).unwrap();
        let store = store(&server).await;
        let expected = (next > 1).then(|| next - 1);
        let written = store.put(&page(Chunk::WHOLE), item(next, b"a"), expected).await.unwrap();
        assert_eq!(written, Written::Stored);
        let head = store.advance(&view(), step(&p, next, 0)).await.unwrap();
        assert_eq!(head.partitions[&p].next.0, next);
        server.stop();
    }
}

#[tokio::test]
async fn usage_counts_what_dynamodb_bills() {
    let server = server();
    let store = store(&server).await;
    let key = slab(0, 0, 0, Chunk::WHOLE);
    store.put(&key, item(1, &[0; 4000]), None).await.unwrap();
    let usage = store.usage();
    assert_eq!((usage.write_units, usage.read_units, usage.calls), (4.0, 0.0, 1), "a unit a KB");
    store.get(&key).await.unwrap();
    assert_eq!(store.usage().read_units, 1.0, "a unit for 4 KB, consistently");
    store.put(&key, item(2, b""), None).await.unwrap();
    let usage = store.usage();
    assert_eq!((usage.conflicts, usage.calls), (1, 3), "the refusal brought the item along");
    store.warm().await.unwrap();
    assert_eq!(store.usage().read_units, 1.5);
    store.advance(&view(), step(&partition("t", 0), 1, 1)).await.unwrap();
    assert_eq!(store.usage().write_units, 5.0);
}

/// The answer to a refused advance is the head: no second call.
#[tokio::test]
async fn a_refused_advance_needs_no_read() {
    let server = server();
    let store = store(&server).await;
    let p = partition("t", 0);
    store.advance(&view(), step(&p, 5, 1)).await.unwrap();
    store.advance(&view(), step(&p, 5, 1)).await.unwrap();
    let usage = store.usage();
    assert_eq!((usage.calls, usage.conflicts, usage.read_units), (2, 1, 0.0));
}
