//! The API without its surroundings: CPU time a request, from the router to the last byte of the body, over a store in
//! memory and a publisher that takes everything. What network, broker and DynamoDB add, `scripts/api-load.sh` measures.
//!
//! ```text
//! cargo bench --no-default-features --features api --bench api [-- --rounds N]
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that panics has failed")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use rustix::time::{ClockId, clock_gettime};
use tower::ServiceExt as _;
use weir::{
    api,
    engine::{Engine, Reader, Settings},
    event::RawBatch,
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    sql::{Catalog, SqlFile},
    state::MemoryStore,
    time::{ManualClock, Millis, Offset, Timestamp},
};

const PRODUCTS: usize = 10_000;
const NOW: Timestamp = Timestamp(1_700_000_100_000);
/// A window's start.
const FIRST: i64 = 1_700_000_000_000;

/// A broker with topics of one partition that forgets what it is given.
#[derive(Clone, Default)]
struct Nowhere(Arc<MemoryPublisher>);

impl Publisher for Nowhere {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.0.publish(messages).await?;
        self.0.take();
        Ok(())
    }
}

impl Topics for Nowhere {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok((topic == "impressions").then(|| vec![0]))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}

fn event(product: usize, at: i64) -> String {
    format!(r#"{{"product_id":"p{product:05}","user_id":"u1","event_type":"impression","timestamp":{at}}}"#)
}

/// Two windows of all products, closed.
fn store(catalog: &Arc<Catalog>, clock: &Arc<ManualClock>) -> Arc<MemoryStore> {
    let store = Arc::<MemoryStore>::default();
    let engine = Engine::new(
        catalog.clone(),
        store.clone(),
        Nowhere::default(),
        Nowhere::default(),
        clock.clone(),
        Settings::default(),
    );
    let mut raw = RawBatch { topic: "impressions".to_owned(), ..RawBatch::default() };
    let events = [FIRST, FIRST + 10_000].into_iter().flat_map(|at| (0..PRODUCTS).map(move |n| event(n, at)));
    for (offset, event) in (0..).zip(events.chain([event(0, FIRST + 40_000)])) {
        raw.push(Offset::at(offset), None, event.as_bytes());
    }
    block_on(engine.absorb(&raw)).unwrap();
    store
}

/// On a runtime of tokio's, which the router's parts may ask for.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

struct Api {
    routes: Router,
    clock: Arc<ManualClock>,
}

impl Api {
    fn new(read_cache: Millis) -> Self {
        let text = include_str!("../sql/ctr.sql").to_owned();
        let catalog = Arc::new(Catalog::parse(&[SqlFile { name: "ctr.sql".to_owned(), text }]).unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        let reader =
            Reader::new(catalog.clone(), store(&catalog, &clock)).remembering(read_cache, clock.clone());
        let (publisher, requests) = (Arc::new(Nowhere::default()), Arc::<MemoryStore>::default());
        let gateway = api::Gateway::new(catalog, publisher, clock.clone(), requests);
        let routes = api::router(Arc::new(reader), Arc::new(gateway));
        Self { routes, clock }
    }

    /// The bytes of the answer's body.
    fn ask(&self, request: Request<Body>, expected: StatusCode) -> usize {
        block_on(async {
            let answer = self.routes.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), expected);
            to_bytes(answer.into_body(), usize::MAX).await.unwrap().len()
        })
    }

    fn get(&self, path: &str, accepted: &str) -> usize {
        let request = Request::get(path).header("accept-encoding", accepted).body(Body::empty());
        self.ask(request.unwrap(), StatusCode::OK)
    }

    /// A request for one product; a thousand of them take as long as what is remembered lasts.
    fn key(&self, n: usize) {
        if n.is_multiple_of(1000) {
            self.clock.advance(Millis(250));
        }
        // A step that has no factor in common with the number, so that each product comes once a turn.
        self.get(&format!("/ctr/p{:05}", n * 7919 % PRODUCTS), "identity");
    }

    fn batch(&self, body: &str) {
        let request = Request::post("/events/impressions/batch").body(Body::from(body.to_owned()));
        self.ask(request.unwrap(), StatusCode::ACCEPTED);
    }
}

/// Microseconds of CPU time for each of `count`, the least of some rounds.
fn measure(rounds: usize, count: usize, work: impl Fn(usize)) -> f64 {
    let cpu = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap().as_secs_f64();
    let round = |_| {
        let before = cpu();
        (0..count).for_each(&work);
        (cpu() - before) * 1e6
    };
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let count = count as f64;
    (0..rounds).map(round).fold(f64::INFINITY, f64::min) / count
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds").skip(1);
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let (remembering, forgetting) = (Api::new(Millis(250)), Api::new(Millis(0)));
    let row = |name: &str, micros: f64| println!("{name:<48} {micros:>10.1} us of CPU time");
    row("GET /ctr/{product_id}", measure(rounds, 10_000, |n| remembering.key(n)));
    row("the same, nothing remembered", measure(rounds, 2000, |n| forgetting.key(n)));
    let latest = |accepted| remembering.get("/ctr/latest", accepted);
    let bytes = [latest("identity"), latest("gzip")];
    let cost = |accepted| {
        measure(rounds, 5, |_| {
            latest(accepted);
        })
    };
    row("GET /ctr/latest, 10 000 products", cost("identity"));
    row("the same, gzip", cost("gzip"));
    println!("{:<48} {:>10} bytes, {} gzipped", "its body", bytes[0], bytes[1]);
    let events: Vec<_> = (0..100).map(|n| event(n, NOW.0)).collect();
    let body = events.join("\n");
    row("POST /events/impressions/batch of 100", measure(rounds, 500, |_| remembering.batch(&body)));
}
