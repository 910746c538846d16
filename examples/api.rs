//! The API over the repository's SQL and sample events, in memory: for whom it is enough to ask it.
//!
//! ```sh
//! cargo run --no-default-features --features websocket,swagger --example api
//! ```
//!
//! It prints where it listens, on a free port of 127.0.0.1. Events that are sent to it go nowhere. The time
//! is always the morning of 2026-01-01, when the sample events happen. `WEIR_API_KEYS` and its kin hold as
//! everywhere.

use std::{fs::File, io::BufReader, num::NonZeroU32, path::Path, sync::Arc};

use tokio::net::TcpListener;
use weir::{
    api::{Gateway, router},
    engine::{Engine, Reader, Settings},
    event::NdjsonReader,
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    settings,
    sql::Catalog,
    state::MemoryStore,
    time::{ManualClock, Offset, Timestamp},
};

/// 2026-01-01T00:20:00Z: behind the sample events.
const NOW: Timestamp = Timestamp(1_767_226_800_000);

/// Which sample events there are.
const FILES: [(&str, &str); 8] = [
    ("impressions", "impressions.ndjson"),
    ("clicks", "clicks.ndjson"),
    ("click-stream", "click-stream.ndjson"),
    ("raw_events", "raw_events.ndjson"),
    ("user_events", "user_events.ndjson"),
    ("product_analytics", "product_analytics.ndjson"),
    ("order_events", "order_events.ndjson"),
    ("user_clickstream", "user_clickstream.txt"),
];

/// Takes all and keeps nothing; every topic has one partition.
struct Nowhere;

impl Publisher for Nowhere {
    async fn publish(&self, _: Vec<Message>) -> Result<(), PublishError> {
        Ok(())
    }
}

impl Topics for Nowhere {
    async fn partitions(&self, _: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some(vec![0]))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let catalog = Arc::new(Catalog::load(Path::new("sql"))?);
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(NOW)));
    absorb(&catalog, &store, &clock).await?;
    let settings = settings::api(|name| std::env::var(name).ok())?;
    let reader = Reader::new(Arc::clone(&catalog), Arc::clone(&store));
    let gateway = Gateway::new(catalog, Arc::new(Nowhere), clock, store).with_settings(settings);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router(Arc::new(reader), Arc::new(gateway))).await?;
    Ok(())
}

/// Absorbs the sample events.
async fn absorb(
    catalog: &Arc<Catalog>,
    store: &Arc<MemoryStore>,
    clock: &Arc<ManualClock>,
) -> Result<(), Error> {
    let (catalog_of, results) = (Arc::clone(catalog), Arc::new(MemoryPublisher::default()));
    let engine =
        Engine::new(catalog_of, Arc::clone(store), results, Nowhere, clock.clone(), Settings::default());
    for (topic, file) in FILES {
        let Some(table) = catalog.table_of_topic(topic) else { continue };
        let file = BufReader::new(File::open(Path::new("events").join(file))?);
        let mut lines = NdjsonReader::new(file, table, NonZeroU32::MIN);
        while let Some(lines) = lines.next_batch(1_000)? {
            for batch in &lines.batches {
                engine.absorb(batch).await?;
            }
        }
    }
    Ok(())
}
