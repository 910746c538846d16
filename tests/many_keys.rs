//! The promise: a slice may have a million keys. Its slab is split before an item outgrows DynamoDB's
//! 400 KB, and closing gives every key its row.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use weir::{
    engine::{Engine, Settings},
    event::RawBatch,
    publish::{Message, PublishError, Publisher, Standing, Topics},
    sql::{Catalog, SqlFile},
    state::{Chunk, ItemKey, MemoryStore, Partition, Span, Store, ViewId},
    time::{Offset, SystemClock, Timestamp},
};

/// DynamoDB's limit for an item: its attributes with their names, the keys included.
const ITEM_LIMIT: usize = 400 << 10;
/// What keys and attribute names may take of it.
const AROUND_THE_BODY: usize = 4 << 10;
/// Every so many keys have two events instead of one.
const TWICE: u64 = 10;
const START: i64 = 1_700_000_000_000;

fn jobs() -> Catalog {
    let sql =
        "CREATE TABLE events (id TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (key = 'id', event_time = 'ts');
         CREATE VIEW counts WITH (topic = 'results') AS
         SELECT id, count(*) AS n FROM events GROUP BY id, TUMBLE(ts, INTERVAL '10' SECOND);";
    Catalog::parse(&[SqlFile { name: "counts.sql".into(), text: sql.into() }]).unwrap()
}

/// Events of these keys, of one slice.
fn batch(first: u64, keys: impl Iterator<Item = String>) -> RawBatch {
    let mut raw = RawBatch { topic: "events".into(), ..RawBatch::default() };
    for (offset, key) in (first..).zip(keys) {
        let value = format!(r#"{{"id":"{key}","ts":{START}}}"#);
        raw.push(Offset::at(offset.try_into().unwrap()), None, value.as_bytes());
    }
    raw
}

/// Counts the rows, and the events in them.
#[derive(Default)]
struct Counting {
    rows: AtomicU64,
    events: AtomicU64,
}

impl Publisher for Counting {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        for message in messages {
            let row: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            self.rows.fetch_add(1, Relaxed);
            self.events.fetch_add(row["n"].as_u64().unwrap(), Relaxed);
        }
        Ok(())
    }
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

/// Absorbs events of so many keys, some of which have two, and closes their window.
async fn counts<S: Store>(store: Arc<S>, keys: u64, batch_size: u64, name: impl Fn(u64) -> String) {
    let catalog = Arc::new(jobs());
    let settings = Settings { pages: false, ..Settings::default() };
    let publisher = Counting::default();
    let engine =
        Engine::new(catalog.clone(), store.clone(), publisher, OnePartition, Arc::new(SystemClock), settings);
    let again = keys / TWICE;
    let all = keys + again;
    for first in (0..all).step_by(usize::try_from(batch_size).unwrap()) {
        let numbers = first..all.min(first + batch_size);
        let names = numbers.map(|n| name(if n < keys { n } else { (n - keys) * TWICE }));
        engine.absorb(&batch(first, names)).await.unwrap();
    }
    let view = ViewId::new("counts", catalog.views[0].fingerprint);
    let partition = Partition { topic: "events".into(), index: 0 };
    let (from, to) = (Timestamp(START), Timestamp(START));
    let slabs = Span::Slabs { view: view.clone(), partition, backfilled: false, from, to };
    fits(&*store, &slabs).await;
    engine.finish().await.unwrap();
    assert_eq!(engine.publisher().rows.load(Relaxed), keys);
    assert_eq!(engine.publisher().events.load(Relaxed), all);
    fits(&*store, &Span::History { view, from, to }).await;
}

/// Every item of a span is smaller than the limit, and there is more than one.
async fn fits(store: &impl Store, span: &Span) {
    let items = store.scan(span).await.unwrap();
    let chunks: BTreeSet<Chunk> = items.iter().map(|(key, _)| chunk(key)).collect();
    assert!(chunks.len() > 1 && chunks.len() == items.len(), "{} chunks of {span:?}", chunks.len());
    for (key, item) in &items {
        let size = item.body.len() + AROUND_THE_BODY;
        assert!(size <= ITEM_LIMIT, "{} bytes in {key:?}", item.body.len());
    }
}

fn chunk(key: &ItemKey) -> Chunk {
    match key {
        ItemKey::Slab { chunk, .. } | ItemKey::Page { chunk, .. } | ItemKey::History { chunk, .. } => *chunk,
        ItemKey::Piece { .. } => panic!("a slab of many keys is split between them: {key:?}"),
    }
}

/// Ten characters that do not compress well.
fn scrambled(n: u64) -> String {
    format!("{:010x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24)
}

#[tokio::test]
async fn a_million_keys_in_one_slice() {
    counts(Arc::new(MemoryStore::new()), 1_000_000, 400_000, scrambled).await;
}

#[cfg(feature = "local")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slabs_split_before_dynamodb_refuses_them() {
    let server = weir::local::dynamo::EmbeddedDynamo::start(None, None).unwrap();
    let store = weir::state::dynamo::DynamoStore::new(server.client().await, "weir");
    store.create_table().await.unwrap();
    counts(Arc::new(store), 60_000, 20_000, |n| format!("{}{}", scrambled(n), scrambled(n + 60_000))).await;
}
