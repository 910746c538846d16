//! Making and checking the table, the embedded server's file, and what the calls cost.

use weir::{
    local::dynamo::EmbeddedDynamo,
    state::{
        Chunk, Head, ItemKey, Span, StateError, Store, ViewId, Written,
        dynamo::{DynamoStore, Usage},
    },
    time::{Offset, Timestamp},
};

use crate::support::{history, item, page, partition, server, slab, step, store, view};

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
        assert_eq!(head.partitions[&p].next.number(), Some(next));
        server.stop();
    }
}

/// What `docs/state.md` says of the costs.
#[tokio::test]
async fn usage_counts_what_dynamodb_bills() {
    let server = server();
    let store = store(&server).await;
    let mut usage = Usage::default();
    let mut expect = |read_units, write_units, conflicts, what: &str| {
        usage.calls += 1;
        usage.read_units += read_units;
        usage.write_units += write_units;
        usage.conflicts += conflicts;
        assert_eq!(store.usage(), usage, "{what}");
    };
    let key = slab(0, 0, Chunk::WHOLE);
    store.put(&key, item(1, &[0; 4000]), None).await.unwrap();
    expect(0.0, 4.0, 0, "a write: a unit a KB");
    store.get(&key).await.unwrap();
    expect(1.0, 0.0, 0, "a consistent read: a unit for 4 KB");
    store.put(&key, item(2, b""), None).await.unwrap();
    expect(0.0, 0.0, 1, "a refusal brings the item along");
    store.warm().await.unwrap();
    expect(0.5, 0.0, 0, "an eventually consistent read of nothing");
    let keys: Vec<_> = (1..=3).map(|slice| slab(0, slice, Chunk::WHOLE)).collect();
    for key in &keys {
        store.put(key, item(1, &[0; 1000]), None).await.unwrap();
        expect(0.0, 2.0, 0, "with its keys it is more than 1 KB");
    }
    store.get_many(&[keys.as_slice(), &[page(Chunk::WHOLE)]].concat()).await.unwrap();
    expect(4.0, 0.0, 0, "a batch read rounds each item up, and one that is not there to 1");
    let (from, to) = (Timestamp(1), Timestamp(3));
    let partition = partition("page-views.v1", 0);
    store.scan(&Span::Slabs { view: view(), partition, backfilled: false, from, to }).await.unwrap();
    expect(1.0, 0.0, 0, "a query rounds their sum up");
}

/// The head of 20 partitions is within a KB, that of 32 within two.
#[tokio::test]
async fn an_advance_costs_a_unit_a_kilobyte_of_head() {
    let server = server();
    let store = store(&server).await;
    let mut usage = Usage::default();
    for index in 0..32 {
        let step = step(&partition("impressions", index), 1_000_000_000, 1_700_000_000_000);
        store.advance(&view(), step).await.unwrap();
        let now = store.usage();
        let units = now.write_units - usage.write_units;
        assert!(units < if index < 20 { 1.5 } else { 2.5 }, "{units} units with {} partitions", index + 1);
        usage = now;
    }
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
    assert_eq!(usage, Usage { read_units: 0.0, write_units: 1.0, calls: 2, conflicts: 1 });
}

/// Nor a second write: the partition is there, it only moved on.
#[tokio::test]
async fn a_refused_idle_mark_is_one_call() {
    let server = server();
    let store = store(&server).await;
    let p = partition("t", 0);
    store.advance(&view(), step(&p, 5, 1)).await.unwrap();
    store.mark_idle(&view(), &p, Offset::at(4)).await.unwrap();
    assert_eq!(store.usage().calls, 2);
}

/// Items of a view that no catalog has any more are found, wherever they stand, and removed; others stay.
#[tokio::test]
async fn what_is_left_of_deleted_views_is_removed() {
    let server = server();
    let store = store(&server).await;
    let (gone, lives) = (view(), ViewId::new("ctr", 1));
    store.advance(&gone, step(&partition("t", 0), 1, 1)).await.unwrap();
    store.advance(&lives, step(&partition("t", 0), 1, 1)).await.unwrap();
    let items = [page(Chunk::WHOLE), slab(0, 5, Chunk::WHOLE), history(-5, Chunk::WHOLE)];
    for key in &items {
        store.put(key, item(1, b"a"), None).await.unwrap();
    }
    let kept = ItemKey::Page { view: lives.clone(), chunk: Chunk::WHOLE };
    store.put(&kept, item(1, b"a"), None).await.unwrap();

    let live = [lives.clone()].into();
    let remains = store.remains(&live).await.unwrap();
    assert_eq!(remains.keys().collect::<Vec<_>>(), [&gone]);
    assert_eq!(remains[&gone].len(), 4);
    store.remove(&gone, &remains[&gone]).await.unwrap();

    assert!(store.remains(&live).await.unwrap().is_empty());
    assert_eq!(store.head(&gone).await.unwrap(), Head::default());
    assert!(store.get_many(&items).await.unwrap().is_empty());
    assert!(store.get(&kept).await.unwrap().is_some());
    assert!(!store.head(&lives).await.unwrap().partitions.is_empty());
}
