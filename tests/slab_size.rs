//! The promise: a slab of a counting view takes at most 12 bytes a key, for ids of ten characters. So
//! a batch costs its slab's kilobytes in write units, and one more for the head.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{collections::BTreeSet, sync::Arc};

use rand::{Rng, SeedableRng, distr::Alphanumeric, rngs::SmallRng};
use weir::{
    engine::{Engine, Settings},
    event::RawBatch,
    publish::{MemoryPublisher, PublishError, Standing, Topics},
    sql::{Catalog, SqlFile},
    state::{ItemKey, MemoryStore, Partition, Span, Store, ViewId},
    time::{Offset, SystemClock, Timestamp},
};

const START: i64 = 1_700_000_000_000;
const MOST_BYTES_A_KEY: usize = 12;

fn catalog() -> Catalog {
    let sql = "CREATE TABLE events (id TEXT NOT NULL, kind TEXT NOT NULL, ts TIMESTAMP NOT NULL)
               WITH (key = 'id', event_time = 'ts');
         CREATE VIEW ctr AS
         SELECT id, count(*) FILTER (WHERE kind = 'impression') AS impressions,
                count(*) FILTER (WHERE kind = 'click') AS clicks
         FROM events GROUP BY id, TUMBLE(ts, INTERVAL '10' SECOND);";
    Catalog::parse(&[SqlFile { name: "ctr.sql".into(), text: sql.into() }]).unwrap()
}

struct OnePartition;

impl Topics for OnePartition {
    async fn partitions(&self, _: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some(vec![0]))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}

/// Every key once, and then keys at random; one event in ten is a click.
fn batch(keys: usize, events: usize) -> RawBatch {
    let mut random = SmallRng::seed_from_u64(3);
    let ids: Vec<String> =
        (0..keys).map(|_| (0..10).map(|_| char::from(random.sample(Alphanumeric))).collect()).collect();
    let mut raw = RawBatch { topic: "events".into(), ..RawBatch::default() };
    for offset in 0..events {
        let id = ids.get(offset).or_else(|| ids.get(random.random_range(0..keys))).unwrap();
        let kind = if random.random_ratio(1, 10) { "click" } else { "impression" };
        let json = format!(r#"{{"id":"{id}","kind":"{kind}","ts":{START}}}"#);
        raw.push(Offset::at(offset.try_into().unwrap()), None, json.as_bytes());
    }
    raw
}

/// The bytes of the slabs that so many events of so many keys make.
async fn bytes(keys: usize, events: usize) -> usize {
    let (store, publisher) = (MemoryStore::new(), MemoryPublisher::default());
    let clock = Arc::new(SystemClock);
    let engine = Engine::new(Arc::new(catalog()), store, publisher, OnePartition, clock, Settings::default());
    let absorbed = engine.absorb(&batch(keys, events)).await.unwrap();
    assert_eq!((absorbed.accepted, absorbed.windows), (events as u64, 0), "all is in slabs that stand");
    let view = ViewId::new("ctr", engine.catalog().views[0].fingerprint);
    let partition = Partition { topic: "events".into(), index: 0 };
    let (from, to) = (Timestamp(START), Timestamp(START));
    let slabs =
        engine.store().scan(&Span::Slabs { view, partition, backfilled: false, from, to }).await.unwrap();
    let chunk = |key: &ItemKey| match key {
        ItemKey::Slab { chunk, .. } => *chunk,
        other => panic!("{other:?} is no slab"),
    };
    // What was split stays behind until it expires.
    let split: BTreeSet<_> = slabs.iter().filter_map(|(key, _)| chunk(key).parent()).collect();
    let leaves = slabs.iter().filter(|(key, _)| !split.contains(&chunk(key)));
    leaves.map(|(_, item)| item.body.len()).sum()
}

#[tokio::test]
async fn a_counting_slab_takes_at_most_12_bytes_a_key() {
    for (keys, events) in [(1000, 10_000), (1000, 100_000), (100_000, 100_000), (100_000, 500_000)] {
        let bytes = bytes(keys, events).await;
        let tenths = bytes * 10 / keys;
        println!("{keys} keys, {events} events: {bytes} bytes, {}.{} a key", tenths / 10, tenths % 10);
        assert!(bytes <= MOST_BYTES_A_KEY * keys, "{bytes} bytes for {keys} keys of {events} events");
    }
}
