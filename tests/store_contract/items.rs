//! The rules of items.

use futures::future::join_all;
use weir::{
    state::{Chunk, Item, ItemKey, Span, Store, ViewId, Written},
    time::Timestamp,
};

use crate::support::{history, item, page, partition, slab, view};

const HALF: Chunk = Chunk { depth: 1, index: 0 };

fn slabs(from: i64, to: i64) -> Span {
    let (partition, from, to) = (partition("page-views.v1", 0), Timestamp(from), Timestamp(to));
    Span::Slabs { view: view(), partition, backfilled: false, from, to }
}

async fn fill(store: &impl Store, keys: &[ItemKey]) {
    for (n, key) in (0_i64..).zip(keys) {
        let written = store.put(key, item(n, &n.to_le_bytes()), None).await.unwrap();
        assert_eq!(written, Written::Stored, "{key:?}");
    }
}

async fn scanned(store: &impl Store, span: Span) -> Vec<ItemKey> {
    store.scan(&span).await.unwrap().into_iter().map(|(key, _)| key).collect()
}

pub(crate) async fn what_was_put_comes_back(store: impl Store) {
    let keys = [slab(0, 0, Chunk::WHOLE), page(HALF), history(-1, HALF)];
    let all_bytes: Vec<u8> = (0..=255).collect();
    let items = [
        Item { version: i64::MAX, body: Vec::new(), expires: None },
        Item { version: 0, body: all_bytes, expires: Some(Timestamp(1_700_000_000_000)) },
        Item { version: i64::MIN, body: vec![0], expires: Some(Timestamp(0)) },
    ];
    for (key, item) in keys.iter().zip(&items) {
        assert_eq!(store.get(key).await.unwrap(), None);
        assert_eq!(store.put(key, item.clone(), None).await.unwrap(), Written::Stored);
        assert_eq!(store.get(key).await.unwrap().as_ref(), Some(item));
    }
}

pub(crate) async fn a_put_needs_the_version_it_expects(store: impl Store) {
    let key = slab(0, 0, Chunk::WHOLE);
    let put =
        async |version, body: &[u8], expected| store.put(&key, item(version, body), expected).await.unwrap();
    assert_eq!(put(1, b"a", Some(0)).await, Written::Conflict, "nothing stands there");
    assert_eq!(store.get(&key).await.unwrap(), None);
    assert_eq!(put(1, b"a", None).await, Written::Stored);
    assert_eq!(put(2, b"b", None).await, Written::Conflict, "something stands there");
    assert_eq!(put(3, b"c", Some(2)).await, Written::Conflict, "another version stands there");
    assert_eq!(store.get(&key).await.unwrap(), Some(item(1, b"a")));
    assert_eq!(put(5, b"d", Some(1)).await, Written::Stored);
    assert_eq!(put(6, b"e", Some(1)).await, Written::Conflict, "it was overtaken");
    assert_eq!(store.get(&key).await.unwrap(), Some(item(5, b"d")));
}

pub(crate) async fn a_put_that_meets_itself_is_stored(store: impl Store) {
    let key = page(Chunk::WHOLE);
    let put =
        async |version, body: &[u8], expected| store.put(&key, item(version, body), expected).await.unwrap();
    assert_eq!(put(1, b"a", None).await, Written::Stored);
    assert_eq!(put(1, b"a", None).await, Written::Stored);
    assert_eq!(put(2, b"b", Some(1)).await, Written::Stored);
    assert_eq!(put(2, b"b", Some(1)).await, Written::Stored);
    assert_eq!(put(2, b"x", Some(1)).await, Written::Conflict, "another body");
    assert_eq!(put(3, b"b", Some(1)).await, Written::Conflict, "another version");
}

/// Two writers build each version from the same one: one wins, every time.
pub(crate) async fn one_of_two_racing_writers_is_stored(store: impl Store) {
    let key = slab(0, 0, Chunk::WHOLE);
    for version in 0..50 {
        let expected = (version > 0).then(|| version - 1);
        let bodies = [b"left", b"rite"];
        let writes = bodies.map(|body| store.put(&key, item(version, body), expected));
        let ended: Vec<_> = join_all(writes).await.into_iter().map(Result::unwrap).collect();
        let stored = ended.iter().filter(|end| **end == Written::Stored).count();
        assert_eq!(stored, 1, "at version {version}");
        let stands = store.get(&key).await.unwrap().unwrap();
        let winner = ended.iter().position(|end| *end == Written::Stored).unwrap();
        assert_eq!((stands.version, stands.body.as_slice()), (version, &bodies[winner][..]));
    }
}

pub(crate) async fn many_are_read_by_key(store: impl Store) {
    let all: Vec<_> = (0..250).map(|n| slab(n % 3, i64::from(n), Chunk::WHOLE)).collect();
    fill(&store, &all).await;
    let absent = [page(Chunk::WHOLE), slab(9, 0, Chunk::WHOLE)];
    let twice = all.iter().chain(&absent).chain(&all[..30]).cloned().collect::<Vec<_>>();
    let mut found = store.get_many(&twice).await.unwrap();
    found.sort_by_key(|(_, item)| item.version);
    let keys: Vec<_> = found.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, all);
    for (n, (_, found)) in (0_i64..).zip(&found) {
        assert_eq!(*found, item(n, &n.to_le_bytes()));
    }
    assert!(store.get_many(&[]).await.unwrap().is_empty());
    assert!(store.get_many(&absent).await.unwrap().is_empty());
}

pub(crate) async fn a_scan_is_in_the_order_of_keys(store: impl Store) {
    let slices = [i64::MIN, -1_700_000_000_000, -10, -9, -1, 0, 1, 9, 10, 1_700_000_000_000, i64::MAX];
    let chunks = [
        Chunk::WHOLE,
        HALF,
        Chunk { depth: 1, index: 1 },
        Chunk { depth: 9, index: 2 },
        Chunk { depth: 10, index: 1 },
        Chunk { depth: 32, index: 10 },
        Chunk { depth: 32, index: u32::MAX },
    ];
    let keys = |make: &dyn Fn(i64, Chunk) -> ItemKey| -> Vec<_> {
        slices.iter().flat_map(|slice| chunks.map(|chunk| make(*slice, chunk))).collect()
    };
    let expected = keys(&|slice, chunk| slab(0, slice, chunk));
    assert!(expected.is_sorted());
    let shuffled: Vec<_> = (0..expected.len()).map(|n| expected[n * 30 % expected.len()].clone()).collect();
    fill(&store, &shuffled).await;
    assert_eq!(scanned(&store, slabs(i64::MIN, i64::MAX)).await, expected);
}

pub(crate) async fn a_scan_takes_its_ends_along(store: impl Store) {
    let deep = Chunk { depth: 32, index: u32::MAX };
    let keys: Vec<_> = (-5..=5).flat_map(|s| [slab(0, s, Chunk::WHOLE), slab(0, s, deep)]).collect();
    fill(&store, &keys).await;
    assert_eq!(scanned(&store, slabs(-2, 1)).await, keys[6..14]);
    assert_eq!(scanned(&store, slabs(3, 3)).await, keys[16..18]);
    assert!(scanned(&store, slabs(6, 90)).await.is_empty());
}

pub(crate) async fn the_first_of_a_scan_are_as_many_as_asked_for(store: impl Store) {
    let keys: Vec<_> = (0..7).map(|slice| slab(0, slice, Chunk::WHOLE)).collect();
    fill(&store, &keys).await;
    let first = async |from, most| {
        let found = store.scan_first(&slabs(from, 5), most).await.unwrap();
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(first(0, 1).await, keys[..1]);
    assert_eq!(first(2, 3).await, keys[2..5]);
    assert_eq!(first(2, 4).await, keys[2..6], "exactly as many as there are");
    assert_eq!(first(2, 100).await, keys[2..6]);
    assert!(first(6, 3).await.is_empty());
}

pub(crate) async fn a_scan_that_ends_before_it_begins_is_empty(store: impl Store) {
    fill(&store, &[slab(0, 5, Chunk::WHOLE), history(5, Chunk::WHOLE)]).await;
    assert!(scanned(&store, slabs(9, 1)).await.is_empty());
    let (from, to) = (Timestamp::MAX, Timestamp::MIN);
    assert!(scanned(&store, Span::History { view: view(), from, to }).await.is_empty());
}

pub(crate) async fn a_scan_takes_its_partition_alone(store: impl Store) {
    let key = |topic, index, backfilled| ItemKey::Slab {
        view: view(),
        partition: partition(topic, index),
        backfilled,
        slice: Timestamp(0),
        chunk: Chunk::WHOLE,
    };
    let topic = "page-views.v1";
    let mine = key(topic, 0, false);
    let others = [(topic, 0, true), (topic, 1, false), (topic, 10, false), ("page-views", 0, false)];
    let others = others.map(|(topic, index, backfilled)| key(topic, index, backfilled));
    fill(&store, &others).await;
    fill(&store, std::slice::from_ref(&mine)).await;
    let elsewhere = ItemKey::Slab {
        view: ViewId::new("ctr", 1),
        partition: partition(topic, 0),
        backfilled: false,
        slice: Timestamp(0),
        chunk: Chunk::WHOLE,
    };
    fill(&store, &[elsewhere]).await;
    assert_eq!(scanned(&store, slabs(i64::MIN, i64::MAX)).await, [mine]);
}

pub(crate) async fn pages_and_history_are_scanned_apart(store: impl Store) {
    let pages = [page(Chunk::WHOLE), page(HALF), page(Chunk { depth: 2, index: 0 })];
    let rows = [history(-5, Chunk::WHOLE), history(0, Chunk::WHOLE), history(0, HALF), history(7, HALF)];
    fill(&store, &rows).await;
    fill(&store, &pages).await;
    fill(&store, &[slab(0, 0, Chunk::WHOLE)]).await;
    store.set_page_depth(&view(), 2).await.unwrap();
    assert_eq!(scanned(&store, Span::Pages { view: view() }).await, pages);
    let span = |from, to| Span::History { view: view(), from: Timestamp(from), to: Timestamp(to) };
    assert_eq!(scanned(&store, span(-9, 9)).await, rows);
    assert_eq!(scanned(&store, span(-4, 0)).await, rows[1..3]);
}

/// 4 KB each: several of the pages that a query brings.
pub(crate) async fn a_thousand_items_are_scanned_whole(store: impl Store) {
    let keys: Vec<_> = (0..1000).map(|n| slab(0, n * 1000, Chunk::WHOLE)).collect();
    let puts = (0..).zip(&keys).map(|(n, key)| {
        let body = vec![u8::try_from(n % 251).unwrap(); 4096];
        store.put(key, item(n, &body), None)
    });
    for written in join_all(puts).await {
        assert_eq!(written.unwrap(), Written::Stored);
    }
    let found = store.scan(&slabs(0, i64::MAX)).await.unwrap();
    assert_eq!(found.len(), 1000);
    for ((n, expected), (key, found)) in (0..).zip(&keys).zip(&found) {
        assert_eq!(key, expected);
        assert_eq!((found.version, found.body.len()), (n, 4096));
        assert_eq!(found.body[0], u8::try_from(n % 251).unwrap());
    }
}

pub(crate) async fn a_large_item_comes_back(store: impl Store) {
    let bytes: Vec<_> = (0..399 * 1024).map(|n| u8::try_from(n % 253).unwrap()).collect();
    let keys = [slab(0, 0, Chunk::WHOLE), slab(0, 1, Chunk::WHOLE), slab(0, 2, Chunk::WHOLE)];
    for key in &keys {
        assert_eq!(store.put(key, item(1, &bytes), None).await.unwrap(), Written::Stored);
    }
    assert_eq!(store.get(&keys[0]).await.unwrap(), Some(item(1, &bytes)));
    let found = store.scan(&slabs(0, 2)).await.unwrap();
    assert_eq!(found, keys.map(|key| (key, item(1, &bytes))));
}
