//! `POST /sql/try`: a draft's views over the newest records of the topics that they read.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::{runtime::Handle, sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    super::{openapi::pages, problem::Problem, routes::Routes, views::Views},
    Draft, described, errors, request,
};
use crate::{
    backfill::{self, Log, Tail},
    engine::EngineError,
    error::causes,
    publish::PublishError,
    run::sample::{Bounds, Sampled, sample},
    schemas::Schemas,
    sql,
    time::SystemClock,
};

/// How many records of a topic are tried unless the request says otherwise, and at most.
const RECORDS: usize = 10_000;
const MOST_RECORDS: usize = 100_000;
/// How many rows of each view are shown.
const ROWS: usize = 500;
/// How long reading the topics may take, and how long the views.
const READING: Duration = Duration::from_secs(10);
const RUNNING: Duration = Duration::from_secs(10);
/// How many drafts are tried at once.
const AT_ONCE: usize = 2;

/// Gives the newest records of topics.
pub trait Tails: Send + Sync + 'static {
    /// The newest records of a topic, `most` in all.
    fn newest(
        &self,
        topic: &str,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Tail>, PublishError>> + Send;

    /// The schemas of the records.
    fn schemas(&self) -> Schemas {
        Schemas::default()
    }
}

/// The newest records of the topics of a log that is opened for each reading: one that stays open may go
/// on fetching what nobody wants.
#[derive(Clone, Debug)]
pub struct LogTails<F> {
    /// Opens the log.
    pub open: F,
    /// The schemas of its records.
    pub schemas: Schemas,
}

impl<L: Log + 'static, F: Fn() -> L + Send + Sync + 'static> Tails for LogTails<F> {
    async fn newest(&self, topic: &str, most: usize) -> Result<Vec<Tail>, PublishError> {
        let log = (self.open)();
        let tails = backfill::newest(&log, topic, most).await;
        // It may take a while to close its connections.
        spawn_blocking(move || drop(log));
        tails
    }

    fn schemas(&self) -> Schemas {
        self.schemas.clone()
    }
}

struct Tryout<V, T> {
    views: Arc<V>,
    tails: T,
    places: Semaphore,
}

/// The route.
pub(super) fn routes<V: Views, T: Tails>(views: Arc<V>, tails: T) -> Routes {
    let tryout = Tryout { views, tails, places: Semaphore::new(AT_ONCE) };
    Routes::new().post("/sql/try", pages::try_out, post(try_out::<V, T>)).with_state(Arc::new(tryout))
}

async fn try_out<V: Views, T: Tails>(
    State(tryout): State<Arc<Tryout<V, T>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let trial: Trial = request(&headers, body)?;
    let most = trial.most_records()?;
    let draft = Draft { sql: trial.sql };
    let drafted =
        draft.parse(tryout.views.catalog()).map_err(|mistakes| Problem::wrong_sql(errors(&mistakes)))?;
    if drafted.views.is_empty() {
        return Err(Problem::malformed_body("sql: found no view; expected CREATE VIEW ..."));
    }
    let place = tryout.places.try_acquire().map_err(|_| {
        Problem::busy(format!("{AT_ONCE} drafts are tried already; try again when they are through"))
    })?;
    let began = Instant::now();
    let tails = read(&tryout.tails, &drafted, most).await?;
    let sampled = run(drafted.clone(), tails, tryout.tails.schemas()).await?;
    drop(place);
    Ok(Json(answer(&drafted, sampled, began.elapsed())).into_response())
}

/// What a request to try says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// Tables and views.
    sql: String,
    /// How many records of each topic are tried.
    #[serde(default)]
    records: Option<usize>,
}

impl Trial {
    fn most_records(&self) -> Result<usize, Problem> {
        match self.records.map(NonZeroUsize::new) {
            None => Ok(RECORDS),
            Some(Some(most)) if most.get() <= MOST_RECORDS => Ok(most.get()),
            _ => Err(Problem::malformed_body(format!("records: expected a number from 1 to {MOST_RECORDS}"))),
        }
    }
}

/// The newest records of all topics that a draft reads.
async fn read(tails: &impl Tails, drafted: &sql::Draft, most: usize) -> Result<Vec<Tail>, Problem> {
    let topics: BTreeSet<&str> = drafted.catalog.tables.iter().map(|table| table.topic.as_str()).collect();
    let reads = topics.into_iter().map(|topic| tails.newest(topic, most));
    match timeout(READING, futures::future::try_join_all(reads)).await {
        Ok(read) => Ok(read?.into_iter().flatten().collect()),
        Err(_) => Err(Problem::busy(format!("the topics were not read within {} s", READING.as_secs()))),
    }
}

/// Sets a flag when it is dropped: the request was answered, or nobody waits for the answer any more.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Runs the views where it may compute without keeping others waiting.
async fn run(drafted: sql::Draft, tails: Vec<Tail>, schemas: Schemas) -> Result<Sampled, Problem> {
    let cancel = Cancel(Arc::default());
    let bounds = Bounds { time: RUNNING, rows: ROWS, is_cancelled: Arc::clone(&cancel.0) };
    let handle = Handle::current();
    let running = spawn_blocking(move || {
        let clock = Arc::new(SystemClock);
        handle.block_on(sample(drafted.catalog, &drafted.views, tails, schemas, clock, bounds))
    });
    let failed = |error: &dyn std::error::Error| {
        tracing::error!(error = causes(error), "failed to try a draft");
        Problem::failed_draft(causes(error))
    };
    match running.await {
        Ok(sampled) => sampled.map_err(|error: EngineError| failed(&error)),
        Err(panicked) => Err(failed(&panicked)),
    }
}

fn answer(drafted: &sql::Draft, mut sampled: Sampled, took: Duration) -> Value {
    let mut views = described(drafted);
    for (view, name) in views.iter_mut().zip(&drafted.views) {
        let rows = sampled.rows.remove(name).unwrap_or_default();
        if let Some(view) = view.as_object_mut() {
            view.insert("total".into(), rows.total.into());
            view.insert("rows".into(), rows.kept.into_iter().map(Value::from).collect());
        }
    }
    let records: Map<String, Value> =
        sampled.records.into_iter().map(|(topic, n)| (topic, n.into())).collect();
    json!({
        "views": views,
        "warnings": drafted.catalog.warnings(),
        "records": records,
        "from": sampled.from.map(|at| at.0),
        "to": sampled.to.map(|at| at.0),
        "late": sampled.late,
        "dead": sampled.dead,
        "dead_letters": sampled.dead_letters,
        "cut_short": sampled.is_cut_short,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}
