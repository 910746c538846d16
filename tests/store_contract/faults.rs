//! What the real DynamoDB does on a bad day.

use weir::{
    state::{Chunk, ItemKey, Progress, Scope, StateError, Store, Written},
    time::{Offset, Timestamp},
};

use crate::{
    proxy::{Fault, Faulty},
    support::{item, page, partition, slab, step, view},
};

/// As the SDK does by default, without its long pauses.
const ATTEMPTS: u32 = 4;

fn keys(count: i64) -> Vec<ItemKey> {
    (0..count).map(|n| slab(0, n, Chunk::WHOLE)).collect()
}

async fn filled(count: i64) -> (Faulty, Vec<ItemKey>) {
    let (faulty, keys) = (Faulty::start(ATTEMPTS).await, keys(count));
    for (n, key) in (0..).zip(&keys) {
        faulty.store.put(key, item(n, b"a"), None).await.unwrap();
    }
    (faulty, keys)
}

/// The write stands, its answer is lost, the SDK writes again and meets itself.
#[tokio::test]
async fn a_put_whose_answer_is_lost_is_stored() {
    let faulty = Faulty::start(ATTEMPTS).await;
    let key = page(Chunk::WHOLE);
    for version in 1..=3 {
        faulty.next("PutItem", Fault::LoseAnswer, 1);
        let expected = (version > 1).then(|| version - 1);
        let written = faulty.store.put(&key, item(version, b"a"), expected).await.unwrap();
        assert_eq!(written, Written::Stored, "version {version}");
        assert!(faulty.is_over());
    }
    assert_eq!(faulty.store.usage().conflicts, 3);
    let written = faulty.store.put(&key, item(3, b"b"), Some(2)).await.unwrap();
    assert_eq!(written, Written::Conflict, "another's write");
}

#[tokio::test]
async fn a_head_whose_answers_are_lost_moves_once() {
    let faulty = Faulty::start(ATTEMPTS).await;
    let (store, p) = (&faulty.store, partition("t", 0));
    let lose = || faulty.next("UpdateItem", Fault::LoseAnswer, 1);
    lose();
    let head = store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    assert_eq!(head.partitions[&p].next, Offset::at(10));
    lose();
    store.mark_idle(&view(), &p, Offset::at(10)).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap().partitions[&p].idle_at, Some(Offset::at(10)));
    lose();
    store.restart(&view(), &p, 0).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap().partitions[&p].epoch, 1);
    lose();
    store.set_closed(&view(), Scope::All, Timestamp(5)).await.unwrap();
    lose();
    store.set_page_depth(&view(), 4).await.unwrap();
    let head = store.head(&view()).await.unwrap();
    assert_eq!((head.closed[&Scope::All], head.page_depth), (Timestamp(5), 4));
    assert!(faulty.is_over());
}

/// Servers that do not return the item that a condition failed on are asked for it.
#[tokio::test]
async fn a_refusal_without_the_item_is_read_after() {
    let faulty = Faulty::start(ATTEMPTS).await;
    let (store, p, key) = (&faulty.store, partition("t", 0), page(Chunk::WHOLE));
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    faulty.next("UpdateItem", Fault::HideItem, 99);
    let head = store.advance(&view(), step(&p, 5, 1000)).await.unwrap();
    assert_eq!(head.partitions[&p].next, Offset::at(10), "a step that is behind");
    let head = store.advance(&view(), step(&p, 11, 0)).await.unwrap();
    let progress = &head.partitions[&p];
    assert_eq!((progress.next, progress.largest), (Offset::at(11), Timestamp(1000)), "times that are behind");
    faulty.next("PutItem", Fault::HideItem, 99);
    for (body, written) in [(b"a", Written::Stored), (b"a", Written::Stored), (b"b", Written::Conflict)] {
        assert_eq!(store.put(&key, item(1, body), None).await.unwrap(), written);
    }
}

#[tokio::test]
async fn an_idle_mark_that_is_refused_without_the_item_does_not_reset_the_partition() {
    let faulty = Faulty::start(ATTEMPTS).await;
    let (store, p) = (&faulty.store, partition("t", 0));
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    faulty.next("UpdateItem", Fault::HideItem, 1);
    store.mark_idle(&view(), &p, Offset::at(3)).await.unwrap();
    let progress = store.head(&view()).await.unwrap().partitions[&p].clone();
    let stood = Progress {
        next: Offset::at(10),
        largest: Timestamp(1000),
        seen_at: Timestamp(1001),
        floor: Timestamp(999),
        ..Progress::NONE
    };
    assert_eq!(progress, stood);
    assert!(faulty.is_over());
}

#[tokio::test]
async fn what_is_throttled_is_tried_again() {
    let (faulty, keys) = filled(3).await;
    for operation in ["PutItem", "GetItem", "Query", "BatchGetItem", "UpdateItem"] {
        faulty.next(operation, Fault::Throttle, 2);
    }
    let store = &faulty.store;
    assert_eq!(store.put(&page(Chunk::WHOLE), item(1, b"a"), None).await.unwrap(), Written::Stored);
    assert_eq!(store.get(&keys[1]).await.unwrap(), Some(item(1, b"a")));
    assert_eq!(store.get_many(&keys).await.unwrap().len(), 3);
    store.advance(&view(), step(&partition("t", 0), 1, 1)).await.unwrap();
    let (from, to) = (Timestamp::MIN, Timestamp::MAX);
    let partition = partition("page-views.v1", 0);
    let span = weir::state::Span::Slabs { view: view(), partition, backfilled: false, from, to };
    assert_eq!(store.scan(&span).await.unwrap().len(), 3);
    assert!(faulty.is_over());
}

#[tokio::test]
async fn what_stays_throttled_is_an_error_that_says_so() {
    let faulty = Faulty::start(2).await;
    faulty.next("UpdateItem", Fault::Throttle, 2);
    let error = faulty.store.advance(&view(), step(&partition("t", 0), 1, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to advance the head of ctr@0000000000c0ffee");
    let StateError::Call { source, .. } = error else { panic!("{error}") };
    let cause = format!("{source:?}");
    assert!(cause.contains("ThrottlingException"), "{cause}");
    assert!(faulty.is_over());
    assert!(faulty.store.head(&view()).await.unwrap().partitions.is_empty());
}

#[tokio::test]
async fn keys_that_are_left_are_read_after() {
    let (faulty, keys) = filled(130).await;
    for taken in [7, 0, 0, 40, 0] {
        faulty.next("BatchGetItem", Fault::LeaveAllBut(taken), 1);
    }
    let mut found = faulty.store.get_many(&keys).await.unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let found: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, keys);
    assert!(faulty.is_over());
}

#[tokio::test]
async fn keys_that_are_always_left_are_an_error() {
    let (faulty, keys) = filled(2).await;
    faulty.next("BatchGetItem", Fault::LeaveAllBut(0), 100);
    let error = faulty.store.get_many(&keys).await.unwrap_err();
    assert!(error.to_string().ends_with("#000.0000000000 and 1 more items"), "{error}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "2 keys were left unprocessed 8 times in a row: the table is throttled");
}
