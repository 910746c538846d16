//! Where the rows of a sample go: the newest of each view, each key and window once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Instant,
};

use serde_json::{Map, Value as Json};

use super::{super::lines::dead_letter, Bounds, Rows, Sampled};
use crate::{
    engine::EngineError,
    publish::{Message, PublishError, Publisher},
    sql::SOURCE_RECORD,
};

/// The topic of late events, which no view can be called.
pub(super) const LATE: &str = "late events";
/// The topic of dead letters.
pub(super) const DEAD: &str = "dead letters";

/// How many dead letters are kept to be shown.
const DEAD_LETTERS: usize = 5;

/// Keeps rows, until time is up: then it takes no more, which ends the run.
pub(super) struct Kept {
    inner: Mutex<Inner>,
    bounds: Bounds,
    until: Instant,
}

#[derive(Default)]
struct Inner {
    views: BTreeMap<String, Newest>,
    dead_letters: Vec<Json>,
}

/// The newest rows of a view.
#[derive(Default)]
struct Newest {
    total: u64,
    next: u64,
    rows: BTreeMap<u64, (String, Map<String, Json>)>,
    places: HashMap<String, u64>,
}

impl Kept {
    pub(super) fn new(bounds: Bounds) -> Self {
        let until = Instant::now() + bounds.time;
        Self { inner: Mutex::default(), bounds, until }
    }

    /// Whether time is up, or nobody wants the result any more.
    pub(super) fn is_over(&self) -> bool {
        self.bounds.is_cancelled.load(Relaxed) || Instant::now() >= self.until
    }

    /// An error where it is over.
    pub(super) fn go_on(&self) -> Result<(), EngineError> {
        Ok(self.stop_when_over()?)
    }

    fn stop_when_over(&self) -> Result<(), PublishError> {
        if !self.is_over() {
            return Ok(());
        }
        Err(PublishError {
            action: "keep more rows of",
            topic: "the sample".to_owned(),
            source: "its time is up".into(),
        })
    }

    /// Gives out what was kept.
    pub(super) fn give(&self, sampled: &mut Sampled) {
        let inner = std::mem::take(&mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        sampled.dead_letters = inner.dead_letters;
        let rows = |newest: Newest| Rows {
            total: newest.total,
            kept: newest.rows.into_values().map(|(_, row)| row).collect(),
        };
        sampled.rows = inner.views.into_iter().map(|(view, newest)| (view, rows(newest))).collect();
    }

    fn take(&self, inner: &mut Inner, message: &Message) {
        match message.topic.as_str() {
            DEAD if inner.dead_letters.len() < DEAD_LETTERS => {
                inner.dead_letters.push(dead_letter(message).into());
            }
            LATE | DEAD => {}
            view => {
                let Ok(row) = serde_json::from_slice::<Map<String, Json>>(&message.payload) else { return };
                let newest = inner.views.entry(view.to_owned()).or_default();
                newest.add(identity(message, &row), row, self.bounds.rows);
            }
        }
    }
}

/// What two rows of a view have in common if one replaces the other: key, window, record.
fn identity(message: &Message, row: &Map<String, Json>) -> String {
    let key = String::from_utf8_lossy(message.key.as_deref().unwrap_or_default());
    let beyond = ["window_start", "window_end", SOURCE_RECORD].map(|name| row.get(name));
    format!("{beyond:?} {key}")
}

impl Newest {
    fn add(&mut self, identity: String, row: Map<String, Json>, most: usize) {
        let place = self.next;
        self.next += 1;
        match self.places.insert(identity.clone(), place) {
            Some(before) => drop(self.rows.remove(&before)),
            None => self.total += 1,
        }
        self.rows.insert(place, (identity, row));
        if self.rows.len() > most
            && let Some((_, (oldest, _))) = self.rows.pop_first()
        {
            self.places.remove(&oldest);
        }
    }
}

impl Publisher for Kept {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.stop_when_over()?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        messages.iter().for_each(|message| self.take(&mut inner, message));
        Ok(())
    }
}
