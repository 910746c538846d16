//! `GET /live`: what `GET /status` says, sent whenever it says something else (server-sent events).
//!
//! One task asks the store once a second, however many listen, and not at all while nobody does. Who is
//! slow gets the newest and misses what was between. Only where a process stays: on Lambda the page
//! asks for `/status` itself.

use std::{
    convert::Infallible,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::{Stream, stream};
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, MissedTickBehavior},
};

use super::{
    openapi::pages,
    problem::Problem,
    routes::Routes,
    status::{Offers, document},
    views::Views,
};
use crate::error::causes;

/// How often the store is asked.
const EVERY: Duration = Duration::from_secs(1);
/// What is unchanged for so long is sent again, so that a listener knows that all is well: the clock has
/// gone on, if nothing else has.
const AGAIN: Duration = Duration::from_secs(5);
/// How many may listen.
const LISTENERS: usize = 100;

/// Sends what changed to all who listen.
#[derive(Clone, Debug)]
pub struct Live {
    newest: Arc<watch::Sender<Newest>>,
    places: Arc<Semaphore>,
}

/// What is sent last; `is_over` once it is the end.
#[derive(Clone, Debug, Default)]
struct Newest {
    text: Option<Arc<str>>,
    is_over: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            newest: Arc::new(watch::Sender::new(Newest::default())),
            places: Arc::new(Semaphore::new(LISTENERS)),
        }
    }
}

impl Live {
    /// Ends all streams: a server that waits for its connections would wait for these for ever.
    pub fn close(&self) {
        self.newest.send_modify(|newest| newest.is_over = true);
    }

    /// The route. Watches the store for as long as this is not closed.
    pub(super) fn routes<V: Views>(&self, views: Arc<V>, offers: Offers) -> Routes {
        tokio::spawn(watch_store(views, offers, Arc::downgrade(&self.newest)));
        Routes::new().get("/live", pages::live, get(listen)).with_state(self.clone())
    }
}

async fn listen(State(live): State<Live>) -> Result<Response, Problem> {
    let place = live.places.try_acquire_owned().map_err(|_| Problem::too_many_listeners(LISTENERS))?;
    let mut receiver = live.newest.subscribe();
    // What was sent before anybody listened may be old.
    receiver.mark_unchanged();
    let events = stream::unfold((receiver, place), next);
    Ok(Sse::new(events_of(events)).keep_alive(KeepAlive::default()).into_response())
}

fn events_of(texts: impl Stream<Item = Arc<str>>) -> impl Stream<Item = Result<Event, Infallible>> {
    use futures::StreamExt as _;
    texts.map(|text| Ok(Event::default().event("status").data(&*text)))
}

type Listener = (watch::Receiver<Newest>, OwnedSemaphorePermit);

async fn next((mut receiver, place): Listener) -> Option<(Arc<str>, Listener)> {
    loop {
        if receiver.borrow().is_over {
            return None;
        }
        receiver.changed().await.ok()?;
        let newest = receiver.borrow_and_update().clone();
        if let Some(text) = newest.text.filter(|_| !newest.is_over) {
            return Some((text, (receiver, place)));
        }
    }
}

/// Asks the store as often as it should be asked, and sends what is new, until nobody can listen any more.
async fn watch_store<V: Views>(views: Arc<V>, offers: Offers, newest: Weak<watch::Sender<Newest>>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = (None, Instant::now());
    loop {
        ticks.tick().await;
        let Some(newest) = newest.upgrade().filter(|newest| !newest.borrow().is_over) else { return };
        if newest.receiver_count() == 0 {
            sent.0 = None;
            continue;
        }
        match document(views.as_ref(), offers).await {
            Ok(status) => {
                let versions = versions(&status);
                if sent.0.as_ref() != Some(&versions) || sent.1.elapsed() >= AGAIN {
                    newest.send_modify(|newest| newest.text = Some(status.to_string().into()));
                    sent = (Some(versions), Instant::now());
                }
            }
            // Listeners see that nothing comes, and ask for themselves.
            Err(error) => {
                tracing::warn!(error = causes(&error), "failed to read the heads for those who listen");
            }
        }
    }
}

/// What of a status is not the mere passing of time.
fn versions(status: &Value) -> Vec<Value> {
    let views = status.get("views").and_then(Value::as_array).into_iter().flatten();
    let parts = views.flat_map(|view| ["version", "state"].map(|name| view.get(name).cloned()));
    parts.chain([status.get("topics").cloned()]).flatten().collect()
}
