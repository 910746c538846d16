//! What a million events cost in DynamoDB's request units: the four jobs, and click-through rates of
//! 100 000 products, counted by the store on the embedded DynamoDB, and priced.
//!
//! ```sh
//! cargo bench --bench cost -- [--events N] [--job NAME]
//! ```
//!
//! Request units do not depend on the profile: `--profile dev` builds faster.

#[path = "../jobs/data.rs"]
mod data;

use std::{collections::HashSet, sync::Arc};

use data::{Events, Job};
use weir::{
    engine::{Engine, Settings},
    event,
    local::dynamo::EmbeddedDynamo,
    publish::{MemoryPublisher, PublishError, Standing, Topics},
    state::dynamo::DynamoStore,
    time::{Offset, SystemClock},
};

/// What a million write and read request units cost, in dollars (on demand, us-east-1).
const WRITES: f64 = 0.625;
const READS: f64 = 0.125;

/// Request units.
#[derive(Clone, Copy, Debug)]
struct Units {
    writes: f64,
    reads: f64,
}

impl Units {
    fn dollars(self) -> f64 {
        (self.writes * WRITES + self.reads * READS) / 1e6
    }
}

/// The value behind an option of the command line.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn main() {
    let events = option("--events").map_or(1_000_000, |n| n.parse().expect("a number of events"));
    let wanted = option("--job");
    println!("{events} events; for 1M events:\n");
    println!(
        "| job | records a batch | pages | write units | read units | dollars | item a key: write units | dollars |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for job in Job::ALL.into_iter().filter(|job| wanted.as_ref().is_none_or(|wanted| job.name() == wanted)) {
        table(job.name(), events, || Events::new(job), job);
        if job == Job::Ctr {
            table("ctr, 100 000 products", events, || Events::of_products(job, 100_000), job);
        }
    }
}

fn table(name: &str, events: usize, generated: impl Fn() -> Events, job: Job) {
    for batch in [10_000, 1000] {
        let naive = naive(events, batch, generated(), job);
        for pages in [false, true] {
            let ours = ours(events, batch, generated(), job, pages);
            println!(
                "| {name} | {batch} | {} | {:.0} | {:.0} | {:.4} | {:.0} | {:.4} |",
                if pages { "yes" } else { "no" },
                ours.writes,
                ours.reads,
                ours.dollars(),
                naive.writes,
                naive.dollars()
            );
        }
    }
}

/// What the store says that it used.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn ours(events: usize, batch: usize, mut generated: Events, job: Job, pages: bool) -> Units {
    let server = EmbeddedDynamo::start(None, None).expect("the embedded DynamoDB starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = DynamoStore::new(server.client().await, "weir");
        store.create_table().await.expect("the table is new");
        let settings = Settings { pages, ..Settings::default() };
        let (catalog, publisher) = (Arc::new(job.catalog()), MemoryPublisher::default());
        let engine = Engine::new(catalog, store, publisher, OnePartition, Arc::new(SystemClock), settings);
        for _ in 0..events.div_ceil(batch) {
            for batch in event::parse(&generated.payload(batch)).expect("a Kafka event") {
                engine.absorb(&batch).await.expect("the embedded DynamoDB answers");
            }
            drop(engine.publisher().take());
        }
        let (usage, million) = (engine.store().usage(), 1e6 / events as f64);
        Units { writes: usage.write_units * million, reads: usage.read_units * million }
    })
}

/// What the simplest design writes: an item of at most 1 KB for every key and window of a batch; of a
/// session there is one.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn naive(events: usize, batch: usize, mut generated: Events, job: Job) -> Units {
    let (window, windows) = match job {
        Job::Ctr => (10_000, 1),
        Job::PageViews => (10_000, 30),
        Job::Popularity => (300_000, 1),
        Job::Sessions => (i64::MAX, 1),
        // An item an event, however many views read it.
        Job::Rules | Job::Patterns | Job::Shop => (1, 1),
    };
    let mut items = 0;
    for _ in 0..events.div_ceil(batch) {
        let keys: HashSet<_> =
            generated.by_ref().take(batch).map(|event| (event.key, event.at / window)).collect();
        items += keys.len() * windows;
    }
    Units { writes: items as f64 * 1e6 / events as f64, reads: 0.0 }
}

/// A broker where every topic has one partition.
struct OnePartition;

impl Topics for OnePartition {
    async fn partitions(&self, _topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some(vec![0]))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}
