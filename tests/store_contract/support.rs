//! Keys, items, servers.

use std::sync::Arc;

use weir::{
    state::{Advance, Backfill, Chunk, Item, ItemKey, Partition, ViewId},
    time::{Offset, Timestamp},
};

pub(crate) fn view() -> ViewId {
    ViewId::new("ctr", 0x00c0_ffee)
}

pub(crate) fn partition(topic: &str, index: i32) -> Partition {
    Partition { topic: Arc::from(topic), index }
}

/// A step in epoch 0 whose times are those of `at`.
pub(crate) fn step(partition: &Partition, next: i64, at: i64) -> Advance {
    Advance {
        partition: partition.clone(),
        epoch: 0,
        next: Offset::at(next),
        largest: Timestamp(at),
        seen_at: Timestamp(at + 1),
        floor: Timestamp(at - 1),
        backfill: Backfill::Never,
    }
}

pub(crate) fn slab(index: i32, slice: i64, chunk: Chunk) -> ItemKey {
    let partition = partition("page-views.v1", index);
    ItemKey::Slab { view: view(), partition, backfilled: false, slice: Timestamp(slice), chunk }
}

pub(crate) fn page(chunk: Chunk) -> ItemKey {
    ItemKey::Page { view: view(), chunk }
}

pub(crate) fn history(slice: i64, chunk: Chunk) -> ItemKey {
    ItemKey::History { view: view(), slice: Timestamp(slice), chunk }
}

pub(crate) fn item(version: i64, body: &[u8]) -> Item {
    Item { version, body: body.to_vec(), expires: None }
}

#[cfg(feature = "local")]
pub(crate) use dynamo::{server, store};

#[cfg(feature = "local")]
mod dynamo {
    use weir::{local::dynamo::EmbeddedDynamo, state::dynamo::DynamoStore};

    pub(crate) fn server() -> EmbeddedDynamo {
        EmbeddedDynamo::start(None, None).unwrap()
    }

    pub(crate) async fn store(server: &EmbeddedDynamo) -> DynamoStore {
        let store = DynamoStore::new(server.client().await, "weir");
        store.create_table().await.unwrap();
        store
    }
}
