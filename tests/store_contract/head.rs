//! The rules of the head.

use futures::future::join_all;
use weir::{
    state::{Advance, Backfill, Head, Progress, Scope, Store, ViewId},
    time::{Offset, Timestamp},
};

use crate::support::{partition, step, view};

pub(crate) async fn a_view_without_a_head_has_an_empty_one(store: impl Store) {
    assert_eq!(store.head(&view()).await.unwrap(), Head::default());
}

pub(crate) async fn an_advance_shows_in_the_head_it_returns(store: impl Store) {
    let (a, b) = (partition("impressions", 0), partition("clicks", 7));
    store.advance(&view(), step(&a, 10, 1000)).await.unwrap();
    let head = store.advance(&view(), step(&b, 5, 500)).await.unwrap();
    let progress = |next, at| Progress {
        next: Offset::at(next),
        largest: Timestamp(at),
        seen_at: Timestamp(at + 1),
        idle_at: None,
        epoch: 0,
        floor: Timestamp(at - 1),
        backfill: Backfill::Never,
    };
    let partitions = [(a, progress(10, 1000)), (b, progress(5, 500))].into();
    assert_eq!(head, Head { partitions, born: Some(Timestamp(1001)), ..Head::default() });
    assert_eq!(store.head(&view()).await.unwrap(), head);
}

pub(crate) async fn an_advance_that_is_not_ahead_changes_nothing(store: impl Store) {
    let p = partition("t", 0);
    let before = store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    for next in [10, 9, 0] {
        assert_eq!(store.advance(&view(), step(&p, next, 9000)).await.unwrap(), before, "to {next}");
    }
    assert_eq!(store.head(&view()).await.unwrap(), before);
}

pub(crate) async fn an_advance_of_another_epoch_changes_nothing(store: impl Store) {
    let p = partition("t", 0);
    let of_epoch = |epoch, next| Advance { epoch, ..step(&p, next, 1000) };
    assert_eq!(store.advance(&view(), of_epoch(1, 10)).await.unwrap(), Head::default());
    store.advance(&view(), of_epoch(0, 10)).await.unwrap();
    store.restart(&view(), &p, 0).await.unwrap();
    let before = store.head(&view()).await.unwrap();
    for epoch in [0, 2] {
        assert_eq!(store.advance(&view(), of_epoch(epoch, 99)).await.unwrap(), before, "of {epoch}");
    }
    let after = store.advance(&view(), of_epoch(1, 3)).await.unwrap();
    assert_eq!(after.partitions[&p].next, Offset::at(3));
    assert_eq!(after.partitions[&p].epoch, 1);
}

/// A step that is ahead is taken, and what it would set back stays, but for the floor: an event out
/// of order may begin a session before all others.
pub(crate) async fn times_never_go_backwards(store: impl Store) {
    let p = partition("t", 0);
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    let head = store.advance(&view(), step(&p, 11, -5)).await.unwrap();
    let progress = &head.partitions[&p];
    assert_eq!(progress.next, Offset::at(11));
    assert_eq!((progress.largest, progress.seen_at, progress.floor), times(1000, 1001, -6));
    let mixed = Advance { largest: Timestamp(2000), ..step(&p, 12, 0) };
    let head = store.advance(&view(), mixed).await.unwrap();
    let progress = &head.partitions[&p];
    assert_eq!((progress.largest, progress.seen_at, progress.floor), times(2000, 1001, -1));
}

fn times(largest: i64, seen_at: i64, floor: i64) -> (Timestamp, Timestamp, Timestamp) {
    (Timestamp(largest), Timestamp(seen_at), Timestamp(floor))
}

pub(crate) async fn the_ends_of_time_come_back(store: impl Store) {
    let (a, b) = (partition("t", 0), partition("t", 1));
    let at = |p, time| Advance { largest: time, seen_at: time, floor: time, ..step(p, i64::MAX, 0) };
    store.advance(&view(), at(&a, Timestamp::MIN)).await.unwrap();
    store.advance(&view(), at(&b, Timestamp::MAX)).await.unwrap();
    store.set_closed(&view(), Scope::All, Timestamp::MAX).await.unwrap();
    store.set_closed(&view(), Scope::Partition(i32::MAX), Timestamp::MIN).await.unwrap();
    let head = store.head(&view()).await.unwrap();
    assert_eq!(head.partitions[&a].largest, Timestamp::MIN);
    assert_eq!(head.partitions[&a].floor, Timestamp::MIN);
    assert_eq!(head.partitions[&b].seen_at, Timestamp::MAX);
    assert_eq!(head.partitions[&b].next, Offset::at(i64::MAX));
    assert_eq!(head.closed[&Scope::All], Timestamp::MAX);
    assert_eq!(head.closed[&Scope::Partition(i32::MAX)], Timestamp::MIN);
}

pub(crate) async fn a_topic_may_become_a_stream(store: impl Store) {
    let p = partition("t", 0);
    let of = |event| {
        Offset::in_sequence("49590338271490256608559692538361571095921575989136588898", event).unwrap()
    };
    let sequences = [of(Some(0)), of(Some(1)), of(None), of(None).next()];
    store.advance(&view(), step(&p, i64::MAX, 0)).await.unwrap();
    for next in sequences {
        let head = store.advance(&view(), Advance { next, ..step(&p, 0, 0) }).await.unwrap();
        assert_eq!(head.partitions[&p].next, next);
        store.mark_idle(&view(), &p, next).await.unwrap();
        assert_eq!(store.head(&view()).await.unwrap().partitions[&p].idle_at, Some(next));
    }
    for next in [sequences[1], Offset::at(i64::MAX)] {
        let head = store.advance(&view(), Advance { next, ..step(&p, 0, 0) }).await.unwrap();
        assert_eq!(head.partitions[&p].next, sequences[3], "{next} is behind");
    }
    store.restart(&view(), &p, 0).await.unwrap();
    let head = store.advance(&view(), Advance { epoch: 1, ..step(&p, 1, 0) }).await.unwrap();
    assert_eq!(head.partitions[&p].next, Offset::at(1), "Kafka's again");
}

pub(crate) async fn a_backfill_begins_a_partition_that_is_not_there(store: impl Store) {
    let (p, q) = (partition("t", 0), partition("t", 1));
    for (from, now) in [(0, 100), (7, 200)] {
        store.begin_backfill(&view(), &p, Offset::at(from), Timestamp(now)).await.unwrap();
        let head = store.head(&view()).await.unwrap();
        let seen_at = Timestamp(100);
        let begun = Progress { seen_at, epoch: 1, backfill: Backfill::Filling, ..Progress::NONE };
        assert_eq!(head.partitions, [(p.clone(), begun)].into());
        assert_eq!(head.born, Some(Timestamp(100)));
    }
    store.begin_backfill(&view(), &q, Offset::at(9), Timestamp(300)).await.unwrap();
    let head = store.head(&view()).await.unwrap();
    assert_eq!((head.partitions[&q].next, head.born), (Offset::at(9), Some(Timestamp(100))));
}

pub(crate) async fn a_backfill_begins_no_partition_that_functions_have(store: impl Store) {
    let p = partition("t", 0);
    let before = store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    store.begin_backfill(&view(), &p, Offset::at(0), Timestamp(1)).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap(), before);
}

/// The batch read the head before the backfill began; its step comes after.
pub(crate) async fn a_batch_of_before_a_backfill_changes_nothing(store: impl Store) {
    let p = partition("t", 0);
    store.begin_backfill(&view(), &p, Offset::at(0), Timestamp(1)).await.unwrap();
    let before = store.head(&view()).await.unwrap();
    assert_eq!(store.advance(&view(), step(&p, 10, 1000)).await.unwrap(), before);
}

pub(crate) async fn a_step_says_what_a_backfill_has_to_do_with_a_partition(store: impl Store) {
    let p = partition("t", 0);
    store.begin_backfill(&view(), &p, Offset::at(0), Timestamp(1)).await.unwrap();
    for (next, backfill) in [(1, Backfill::Filling), (2, Backfill::Joined), (3, Backfill::Joined)] {
        let step = Advance { epoch: 1, backfill, ..step(&p, next, 1000) };
        let head = store.advance(&view(), step).await.unwrap();
        assert_eq!(head.partitions[&p].backfill, backfill);
        assert_eq!(store.head(&view()).await.unwrap(), head);
    }
    store.mark_idle(&view(), &p, Offset::at(3)).await.unwrap();
    store.restart(&view(), &p, 1).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap().partitions[&p].backfill, Backfill::Joined);
}

pub(crate) async fn a_partition_is_idle_only_where_it_stands(store: impl Store) {
    let p = partition("t", 0);
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    let before = store.head(&view()).await.unwrap();
    for next in [9, 11] {
        store.mark_idle(&view(), &p, Offset::at(next)).await.unwrap();
        assert_eq!(store.head(&view()).await.unwrap(), before, "at {next}");
    }
    for _ in 0..2 {
        store.mark_idle(&view(), &p, Offset::at(10)).await.unwrap();
        let head = store.head(&view()).await.unwrap();
        let progress = Progress { idle_at: Some(Offset::at(10)), ..before.partitions[&p].clone() };
        assert_eq!(head.partitions[&p], progress);
    }
    let head = store.advance(&view(), step(&p, 11, 1000)).await.unwrap();
    assert_eq!(head.partitions[&p].idle_at, None);
}

pub(crate) async fn a_partition_that_never_reported_can_be_idle(store: impl Store) {
    let (p, other) = (partition("t", 0), partition("t", 1));
    let idle = Progress { next: Offset::at(100), idle_at: Some(Offset::at(100)), ..Progress::NONE };
    for _ in 0..2 {
        store.mark_idle(&view(), &p, Offset::at(100)).await.unwrap();
        assert_eq!(store.head(&view()).await.unwrap().partitions, [(p.clone(), idle.clone())].into());
    }
    store.advance(&view(), step(&other, 1, 1)).await.unwrap();
    let head = store.advance(&view(), step(&p, 100, 7)).await.unwrap();
    assert_eq!(head.partitions[&p], idle, "a batch of nothing");
    let head = store.advance(&view(), step(&p, 101, 7)).await.unwrap();
    assert_eq!(head.partitions[&p].largest, Timestamp(7));
}

pub(crate) async fn a_restart_keeps_the_largest_time(store: impl Store) {
    let p = partition("t", 0);
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    store.mark_idle(&view(), &p, Offset::at(10)).await.unwrap();
    let before = store.head(&view()).await.unwrap().partitions[&p].clone();
    store.restart(&view(), &p, 0).await.unwrap();
    let head = store.head(&view()).await.unwrap();
    assert_eq!(head.partitions[&p], Progress { next: Offset::at(0), idle_at: None, epoch: 1, ..before });
}

pub(crate) async fn a_restart_happens_once_an_epoch(store: impl Store) {
    let (p, fresh) = (partition("t", 0), partition("t", 1));
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    store.restart(&view(), &p, 1).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap().partitions[&p].epoch, 0);
    for epoch in [0, 0, 1, 0, 1] {
        store.restart(&view(), &p, epoch).await.unwrap();
    }
    assert_eq!(store.head(&view()).await.unwrap().partitions[&p].epoch, 2);
    store.restart(&view(), &fresh, 3).await.unwrap();
    assert!(!store.head(&view()).await.unwrap().partitions.contains_key(&fresh));
    store.restart(&view(), &fresh, 0).await.unwrap();
    let head = store.head(&view()).await.unwrap();
    assert_eq!(head.partitions[&fresh], Progress { epoch: 1, ..Progress::NONE });
}

pub(crate) async fn an_epoch_has_an_end(store: impl Store) {
    store.restart(&view(), &partition("t", 0), u32::MAX).await.unwrap();
    assert_eq!(store.head(&view()).await.unwrap(), Head::default());
}

pub(crate) async fn closed_only_rises(store: impl Store) {
    for (through, closed) in [(-50, -50), (-60, -50), (0, 0), (0, 0), (-1, 0), (10, 10), (9, 10)] {
        store.set_closed(&view(), Scope::All, Timestamp(through)).await.unwrap();
        let head = store.head(&view()).await.unwrap();
        assert_eq!(head.closed, [(Scope::All, Timestamp(closed))].into(), "after {through}");
    }
}

pub(crate) async fn scopes_are_closed_apart(store: impl Store) {
    let scopes = [Scope::All, Scope::Partition(0), Scope::Partition(12)];
    for (scope, at) in scopes.into_iter().zip([3, 1, 2]) {
        store.set_closed(&view(), scope, Timestamp(at)).await.unwrap();
    }
    let expected = scopes.into_iter().zip([3, 1, 2].map(Timestamp)).collect();
    assert_eq!(store.head(&view()).await.unwrap().closed, expected);
}

pub(crate) async fn the_page_depth_only_rises(store: impl Store) {
    for (depth, stands) in [(0, 0), (3, 3), (2, 3), (3, 3), (32, 32)] {
        store.set_page_depth(&view(), depth).await.unwrap();
        assert_eq!(store.head(&view()).await.unwrap().page_depth, stands);
    }
}

pub(crate) async fn views_do_not_meet(store: impl Store) {
    let (p, changed) = (partition("t", 0), ViewId::new("ctr", 1));
    store.advance(&view(), step(&p, 10, 1000)).await.unwrap();
    store.set_closed(&view(), Scope::All, Timestamp(5)).await.unwrap();
    assert_eq!(store.head(&changed).await.unwrap(), Head::default());
}

/// 100 writers, 25 steps of each of four partitions, in no order: the furthest of each stands, and
/// no head that is returned falls behind its own step.
pub(crate) async fn many_partitions_advance_at_once(store: impl Store) {
    let partitions: Vec<_> = (0..4).map(|index| partition("t", index)).collect();
    let view = view();
    let offset = |n: i64| 1 + (n * 7) % 25;
    let steps = (0..100).zip(partitions.iter().cycle()).map(|(n, p)| {
        let next = offset(n);
        let (store, view, step) = (&store, &view, step(p, next, next * 10));
        async move {
            let head = store.advance(view, step.clone()).await.unwrap();
            let progress = &head.partitions[&step.partition];
            assert!(progress.next >= step.next && progress.largest >= step.largest);
        }
    });
    join_all(steps).await;
    let head = store.head(&view).await.unwrap();
    assert_eq!(head.partitions.len(), 4);
    for (first, p) in (0..).zip(&partitions) {
        let furthest = (first..100).step_by(4).map(offset).max().unwrap();
        assert_eq!(head.partitions[p].next, Offset::at(furthest));
        assert_eq!(head.partitions[p].largest, Timestamp(furthest * 10));
    }
}

pub(crate) async fn partitions_keep_their_names(store: impl Store) {
    let names = ["a", "a-1", "a.b_c", "page-views.v1", "c", "all"];
    let partitions: Vec<_> =
        names.iter().flat_map(|name| [partition(name, 0), partition(name, 11)]).collect();
    for p in &partitions {
        store.advance(&view(), step(p, 1, 1)).await.unwrap();
    }
    let mut head = store.head(&view()).await.unwrap();
    for p in &partitions {
        assert!(head.partitions.remove(p).is_some(), "{p}");
    }
    assert!(head.partitions.is_empty());
}
