//! The store in memory and the one in DynamoDB give the same answers to the same calls.

use proptest::{prelude::*, sample::select};
use weir::{
    state::{
        Advance, Backfill, Chunk, Head, Item, ItemKey, MemoryStore, Partition, Scope, Span, Store, Written,
    },
    time::{Offset, Timestamp},
};

use crate::support::{self, history, page, partition, view};

#[derive(Clone, Debug)]
enum Call {
    Advance(Advance),
    Begin(Partition, Offset, Timestamp),
    MarkIdle(Partition, Offset),
    Restart(Partition, u32),
    SetClosed(Scope, Timestamp),
    SetPageDepth(u8),
    Get(ItemKey),
    GetMany(Vec<ItemKey>),
    Scan(Span),
    Put(ItemKey, Item, Option<i64>),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Head(Head),
    Item(Option<Item>),
    Items(Vec<(ItemKey, Item)>),
    Written(Written),
}

async fn answer(store: &impl Store, call: Call) -> Answer {
    let view = &view();
    match call {
        Call::Advance(step) => Answer::Head(store.advance(view, step).await.unwrap()),
        Call::Begin(p, from, now) => {
            store.begin_backfill(view, &p, from, now).await.unwrap();
            Answer::Done
        }
        Call::MarkIdle(p, next) => {
            store.mark_idle(view, &p, next).await.unwrap();
            Answer::Done
        }
        Call::Restart(p, epoch) => {
            store.restart(view, &p, epoch).await.unwrap();
            Answer::Done
        }
        Call::SetClosed(scope, through) => {
            store.set_closed(view, scope, through).await.unwrap();
            Answer::Done
        }
        Call::SetPageDepth(depth) => {
            store.set_page_depth(view, depth).await.unwrap();
            Answer::Done
        }
        Call::Get(key) => Answer::Item(store.get(&key).await.unwrap()),
        Call::GetMany(keys) => {
            let mut items = store.get_many(&keys).await.unwrap();
            items.sort_by(|a, b| a.0.cmp(&b.0));
            Answer::Items(items)
        }
        Call::Scan(span) => Answer::Items(store.scan(&span).await.unwrap()),
        Call::Put(key, item, expected) => Answer::Written(store.put(&key, item, expected).await.unwrap()),
    }
}

// Few values of everything, so that calls meet.

fn partitions() -> impl Strategy<Value = Partition> {
    (select(vec!["a", "a-b"]), 0..2).prop_map(|(topic, index)| partition(topic, index))
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![8 => -3..4_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)].prop_map(Timestamp)
}

/// Numbers, and sequence numbers: a topic may become a stream.
fn offsets() -> impl Strategy<Value = Offset> {
    let sequence =
        |(number, event): (i64, u32)| Offset::in_sequence(&format!("{number}{:040}", 0), Some(event));
    let sequences = (0..4_i64, 0..2_u32).prop_filter_map("none", sequence);
    prop_oneof![3 => (0..6_i64).prop_map(Offset::at), 1 => sequences]
}

fn steps() -> impl Strategy<Value = Advance> {
    let backfills = select(vec![Backfill::Never, Backfill::Filling, Backfill::Joined]);
    (partitions(), 0..3_u32, offsets(), times(), times(), times(), backfills).prop_map(
        |(partition, epoch, next, largest, seen_at, floor, backfill)| {
            let epoch = epoch.saturating_sub(1);
            Advance { partition, epoch, next, largest, seen_at, floor, backfill }
        },
    )
}

fn chunks() -> impl Strategy<Value = Chunk> {
    (0..3_u8, 0..2_u32).prop_map(|(depth, index)| Chunk { depth, index })
}

fn keys() -> impl Strategy<Value = ItemKey> {
    prop_oneof![
        (0..2, any::<bool>(), times(), chunks()).prop_map(|(index, backfilled, slice, chunk)| {
            let partition = partition("page-views.v1", index);
            ItemKey::Slab { view: view(), partition, backfilled, slice, chunk }
        }),
        chunks().prop_map(page),
        (times(), chunks()).prop_map(|(slice, chunk)| history(slice.0, chunk)),
    ]
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        (0..2, any::<bool>(), times(), times()).prop_map(|(index, backfilled, from, to)| {
            let partition = partition("page-views.v1", index);
            Span::Slabs { view: view(), partition, backfilled, from, to }
        }),
        Just(Span::Pages { view: view() }),
        (times(), times()).prop_map(|(from, to)| Span::History { view: view(), from, to }),
    ]
}

fn items() -> impl Strategy<Value = Item> {
    (0..3_i64, prop::collection::vec(0..2_u8, 0..2), prop::option::of(0..3_i64)).prop_map(
        |(version, body, expires)| Item { version, body, expires: expires.map(|s| Timestamp(s * 1000)) },
    )
}

fn calls() -> impl Strategy<Value = Call> {
    let scopes = select(vec![Scope::All, Scope::Partition(0), Scope::Partition(1)]);
    prop_oneof![
        4 => steps().prop_map(Call::Advance),
        1 => (partitions(), offsets(), times()).prop_map(|(p, from, at)| Call::Begin(p, from, at)),
        2 => (partitions(), offsets()).prop_map(|(p, next)| Call::MarkIdle(p, next)),
        1 => (partitions(), 0..2_u32).prop_map(|(p, epoch)| Call::Restart(p, epoch)),
        1 => (scopes, times()).prop_map(|(scope, at)| Call::SetClosed(scope, at)),
        1 => (0..4_u8).prop_map(Call::SetPageDepth),
        1 => keys().prop_map(Call::Get),
        1 => prop::collection::vec(keys(), 0..9).prop_map(Call::GetMany),
        2 => spans().prop_map(Call::Scan),
        6 => (keys(), items(), prop::option::of(0..3_i64)).prop_map(|(k, i, e)| Call::Put(k, i, e)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(calls in prop::collection::vec(calls(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = support::server();
            let (memory, dynamo) = (MemoryStore::new(), support::store(&server).await);
            for call in calls {
                let said = format!("{call:?}");
                let expected = answer(&memory, call.clone()).await;
                prop_assert_eq!(answer(&dynamo, call).await, expected, "{}", said);
            }
            let (left, right) = (dynamo.head(&view()).await.unwrap(), memory.head(&view()).await.unwrap());
            prop_assert_eq!(left, right);
            Ok(())
        })?;
    }
}
