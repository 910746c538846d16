//! `GET /status`: how far every view has come, in one answer.
//!
//! It is small, and read from the heads alone, so that a page may ask for it every few seconds and
//! then ask for the rows of those views alone whose `version` is another than before.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::try_join_all;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{openapi::pages, problem::Problem, routes::Routes, views::Views};
use crate::{
    engine::{EngineError, PartitionStatus, ViewStatus},
    sql::{Catalog, View, Window},
    time::{Clock as _, Millis, Offset, SystemClock, Timestamp},
};

/// What this process offers beside rows, for a page to know without asking in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    /// `GET /live` and `GET /metrics`.
    pub(super) live: bool,
    /// `POST /sql/try`.
    pub(super) sample: bool,
}

struct Status<V> {
    views: Arc<V>,
    offers: Offers,
}

/// The route.
pub(super) fn routes<V: Views>(views: Arc<V>, offers: Offers) -> Routes {
    Routes::new()
        .get("/status", pages::status, get(status::<V>))
        .with_state(Arc::new(Status { views, offers }))
}

async fn status<V: Views>(State(status): State<Arc<Status<V>>>) -> Result<Response, Problem> {
    let document = document(status.views.as_ref(), status.offers).await?;
    Ok(Json(document).into_response())
}

/// How far all views have come.
pub(super) async fn document<V: Views>(views: &V, offers: Offers) -> Result<Value, EngineError> {
    let catalog = views.catalog();
    let all = try_join_all(catalog.views.iter().map(|view| views.status(view))).await?;
    let now = SystemClock.now();
    let each = catalog.views.iter().zip(&all).map(|(view, status)| {
        let below = root(catalog, view);
        let root = catalog.views.iter().position(|other| other.name == below.name);
        let below_status = root.and_then(|index| all.get(index)).unwrap_or(status);
        of_view((view, status), (below, below_status), now)
    });
    let mut document = Map::new();
    document.insert("now".into(), now.0.into());
    document.insert("live".into(), offers.live.into());
    document.insert("sample".into(), offers.sample.into());
    document.insert("views".into(), each.collect());
    document.insert("topics".into(), topics(&all));
    Ok(document.into())
}

/// The view under a view that reads tables, which has the partitions; itself if it does.
fn root<'c>(catalog: &'c Catalog, mut view: &'c View) -> &'c View {
    while let Some(below) = view.upstream(catalog) {
        view = below;
    }
    view
}

fn of_view(
    (view, status): (&View, &ViewStatus),
    (root, below): (&View, &ViewStatus),
    now: Timestamp,
) -> Value {
    let busy: Vec<&PartitionStatus> = below.partitions.iter().filter(|partition| !partition.idle).collect();
    let watermark = busy.iter().filter_map(|partition| partition.watermark).min();
    let state = match (below.partitions.is_empty(), busy.is_empty()) {
        (true, _) => "empty",
        (false, true) => "idle",
        (false, false) => "live",
    };
    json!({
        "name": view.name,
        "state": state,
        "closed_through": status.closed.map(|at| at.0),
        "watermark": watermark.map(|at| at.0),
        "lag_ms": watermark.map(|at| (now - at).0),
        "partitions": below.partitions.len(),
        "idle": below.partitions.len() - busy.len(),
        "version": version(view, status, root, below),
    })
}

/// Another text whenever the view may have other rows: it has when windows were closed and, where windows
/// take late events or there are none, whenever there were events.
fn version(view: &View, status: &ViewStatus, root: &View, below: &ViewStatus) -> String {
    let closed = status.closed.map_or(-1, |at| match view.window {
        // Up to the end of the last window that is closed.
        Window::Grid { slide, .. } => (at.0 + 1).div_euclid(slide.0.max(1)),
        _ => at.0,
    });
    let is_closed_once = |view: &View| match view.window {
        Window::Grid { .. } | Window::Session { .. } | Window::Match { .. } => {
            view.options.allowed_lateness == Millis(0)
        }
        Window::Running | Window::Over { .. } | Window::Event => false,
    };
    if is_closed_once(view) && is_closed_once(root) {
        return closed.to_string();
    }
    let events = below.partitions.iter().map(|partition| tick(partition.next)).fold(0, i64::wrapping_add);
    format!("{closed}.{events}")
}

/// Another number for another next offset.
fn tick(next: Offset) -> i64 {
    let hash = |bytes: [u8; Offset::BYTES]| xxh3_64(&bytes).cast_signed();
    next.to_bytes().map(hash).or(next.number()).unwrap_or(0)
}

/// How many records of each topic were taken in: the sum of its partitions' next offsets. Sequence numbers
/// do not say.
fn topics(all: &[ViewStatus]) -> Value {
    let mut next: BTreeMap<(&str, i32), i64> = BTreeMap::new();
    for partition in all.iter().flat_map(|status| &status.partitions) {
        let Some(number) = partition.next.number() else { continue };
        let furthest = next.entry((&partition.topic, partition.partition)).or_default();
        *furthest = (*furthest).max(number);
    }
    let mut topics = Map::new();
    for ((topic, _), next) in next {
        let sum = topics.get(topic).and_then(Value::as_i64).unwrap_or(0) + next;
        topics.insert(topic.to_owned(), sum.into());
    }
    topics.into()
}
