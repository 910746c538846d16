use super::*;

fn slab(view: &ViewId, topic: &str, slice: i64) -> ItemKey {
    ItemKey::Slab {
        view: view.clone(),
        partition: Partition { topic: topic.into(), index: 0 },
        backfilled: false,
        slice: Timestamp(slice),
        chunk: Chunk::WHOLE,
    }
}

fn history(view: &ViewId, slice: i64) -> ItemKey {
    ItemKey::History { view: view.clone(), slice: Timestamp(slice), chunk: Chunk::WHOLE }
}

fn item(bytes: usize) -> Item {
    Item { version: 1, body: vec![7; bytes], expires: None }
}

#[tokio::test]
async fn what_lies_before_a_slice_is_dropped_and_nothing_else() {
    let (store, view, other) = (MemoryStore::new(), ViewId::new("v", 1), ViewId::new("w", 1));
    let page = ItemKey::Page { view: view.clone(), chunk: Chunk::WHOLE };
    let old = [slab(&view, "a", -10), slab(&view, "b", 10), history(&view, -10)];
    let kept = [slab(&view, "a", 20), slab(&view, "b", 30), history(&view, 20), slab(&other, "a", -10), page];
    for key in old.iter().chain(&kept) {
        store.put(key, item(5), None).await.unwrap();
    }
    store.drop_before(&view, Timestamp(20));
    for key in &old {
        assert_eq!(store.get(key).await.unwrap(), None, "{key:?}");
    }
    for key in &kept {
        assert!(store.get(key).await.unwrap().is_some(), "{key:?}");
    }
    assert_eq!(store.stats().bytes, 25);
}

#[tokio::test]
async fn the_bytes_are_those_held() {
    let (store, view) = (MemoryStore::new(), ViewId::new("v", 1));
    let key = slab(&view, "a", 0);
    store.put(&key, item(100), None).await.unwrap();
    store.put(&key, Item { version: 2, ..item(40) }, Some(1)).await.unwrap();
    store.put(&key, Item { version: 3, ..item(70) }, Some(1)).await.unwrap();
    assert_eq!(store.stats(), Stats { reads: 0, writes: 2, bytes: 40 });
}
