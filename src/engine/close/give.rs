//! Giving rows out: history, then pages, then the topics.
//!
//! The history decides a row's revision: it is the one place that has the rows of every window that
//! may still be closed again.

use std::collections::BTreeMap;

use super::{
    super::{
        Engine, EngineError,
        history::History,
        leaf::Leaves,
        page::Pages,
        stored::{self, MOST_BYTES, Put},
        view::ViewRuntime,
    },
    KeyedRow,
};
use crate::{
    codec::Packer,
    publish::{Message, Publisher, Topics},
    state::{Chunk, ItemKey, Span, Store, Written},
    time::{Millis, Timestamp},
};

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Gives rows out; returns how many. A row that covers less than one that was given out before
    /// is not given out (C-2).
    pub(super) async fn give(&self, view: &ViewRuntime, rows: Vec<KeyedRow>) -> Result<u64, EngineError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let mut by_slice: BTreeMap<Timestamp, Vec<KeyedRow>> = BTreeMap::new();
        for row in rows {
            by_slice.entry(view.slices.start(row.row.window_end - Millis(1))).or_default().push(row);
        }
        let mut given = Vec::new();
        let mut packer = packer()?;
        for (slice, rows) in by_slice {
            given.extend(self.record(view, slice, rows, &mut packer).await?);
        }
        if self.settings.pages || view.looks_back() {
            Pages { store: &self.store, view, clock: &*self.clock }.show(&given, &mut packer).await?;
        }
        let count = given.len() as u64;
        self.publish_rows(view, given).await?;
        Ok(count)
    }

    /// Writes rows into the history of one slice; returns those that are the newest, with their
    /// revisions.
    async fn record(
        &self,
        view: &ViewRuntime,
        slice: Timestamp,
        rows: Vec<KeyedRow>,
        packer: &mut Packer,
    ) -> Result<Vec<KeyedRow>, EngineError> {
        let key = |chunk: Chunk| ItemKey::History { view: view.id.clone(), slice, chunk };
        // Rows of a window that may still be closed again are needed for as long as its slabs.
        let kept = self.settings.retention.max(view.plan.options.history);
        let put = Put::<History> {
            shape: &(),
            key: &key,
            version: &|_, stored| stored.unwrap_or(0) + 1,
            expires: view.expires(self.clock.now(), kept + view.reach()),
            most_bytes: MOST_BYTES,
        };
        // A window that is closed for the first time has no history: only the put finds out otherwise.
        let mut leaves = Leaves::whole(History::new(slice));
        loop {
            let mut given = rows.clone();
            for row in &mut given {
                if let Some(leaf) = leaves.covering(row.hash) {
                    leaf.dirty |= leaf.content.record(row);
                }
            }
            given.retain(|row| !row.is_outdated());
            let packed = put.pack(&mut leaves, packer).map_err(|source| damaged(view, slice, source))?;
            if put.write(&self.store, &mut leaves, packed).await? == Written::Stored {
                return Ok(given);
            }
            let span = Span::History { view: view.id.clone(), from: slice, to: slice };
            let items = self.store.scan(&span).await?;
            let decode = |_, body: &[u8]| History::decode(slice, body);
            leaves = stored::leaves(&self.store, &(), History::new(slice), items, decode).await?;
        }
    }

    /// Each row as JSON, as a sentence, or both, where the view has topics for them.
    pub(super) async fn publish_rows(
        &self,
        view: &ViewRuntime,
        rows: Vec<KeyedRow>,
    ) -> Result<(), EngineError> {
        let options = &view.plan.options;
        let mut messages = Vec::new();
        for row in &rows {
            let message = |topic: &String, payload: String| Message {
                topic: topic.clone(),
                payload: payload.into_bytes(),
                key: Some(key_text(view, &row.key)),
                headers: vec![
                    ("weir.view", view.plan.name.clone()),
                    ("weir.revision", row.row.revision.to_string()),
                ],
            };
            let json = || serde_json::Value::Object(row.to_json(&view.plan)).to_string();
            messages.extend(options.topic.as_ref().map(|topic| message(topic, json())));
            let sentence = options.sentence.as_ref();
            let text = |template| row.row.to_text(&view.plan, template);
            messages.extend(sentence.map(|told| message(&told.topic, text(&told.template))));
        }
        if messages.is_empty() { Ok(()) } else { Ok(self.publisher.publish(messages).await?) }
    }
}

/// A group key as the key of a message: its values as text, with commas between.
fn key_text(view: &ViewRuntime, key: &[u8]) -> Vec<u8> {
    let mut reader = crate::codec::Reader::new(key);
    let text = |_| match reader.value() {
        Ok(crate::value::Value::Text(text)) => text.into_owned(),
        Ok(value) => value.to_json().to_string(),
        Err(_) => String::new(),
    };
    view.plan.keys.iter().map(text).collect::<Vec<_>>().join(",").into_bytes()
}

pub(super) fn packer() -> Result<Packer, EngineError> {
    Packer::new().map_err(|source| EngineError::Damaged { subject: "the compressor".into(), source })
}

fn damaged(view: &ViewRuntime, slice: Timestamp, source: crate::codec::CodecError) -> EngineError {
    EngineError::Damaged { subject: format!("the history of {} at {slice}", view.id), source }
}
