//! Giving rows out: history, then pages, then the topics.
//!
//! The history decides a row's revision: it is the one place that has the rows of every window that
//! may still be closed again.

use super::{
    super::{
        Engine, EngineError,
        history::{History, damaged},
        leaf::Leaves,
        page::Pages,
        row::RowMembers,
        stored::{MOST_BYTES, Put},
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
    pub(super) async fn give(&self, view: &ViewRuntime, mut rows: Vec<KeyedRow>) -> Result<u64, EngineError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let slice_of = |row: &KeyedRow| view.slices.start(row.row.window_end - Millis(1));
        rows.sort_by_key(slice_of);
        let mut packer = packer()?;
        for rows in rows.chunk_by_mut(|a, b| slice_of(a) == slice_of(b)) {
            if let Some(slice) = rows.first().map(slice_of) {
                self.record(view, slice, rows, &mut packer).await?;
            }
        }
        rows.retain(|row| !row.is_outdated());
        if self.settings.pages || view.looks_back() {
            Pages { store: &self.store, view, clock: &*self.clock }.show(&mut rows, &mut packer).await?;
        }
        self.publish_rows(view, &rows).await?;
        Ok(rows.len() as u64)
    }

    /// Writes rows into the history of one slice, which tells their revisions, and which are outdated.
    async fn record(
        &self,
        view: &ViewRuntime,
        slice: Timestamp,
        rows: &mut [KeyedRow],
        packer: &mut Packer,
    ) -> Result<(), EngineError> {
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
        let kept = self.last_written.take(&view.id, slice);
        let mut leaves = kept.unwrap_or_else(|| Leaves::whole(History::new(slice)));
        loop {
            for row in &mut *rows {
                if let Some(leaf) = leaves.covering(row.hash) {
                    leaf.dirty |= leaf.content.record(row);
                }
            }
            let packed = put.pack(&mut leaves, packer).map_err(|source| damaged(view, slice, source))?;
            if put.write(&self.store, &mut leaves, packed).await? == Written::Stored {
                self.last_written.keep(&view.id, slice, leaves);
                return Ok(());
            }
            let span = Span::History { view: view.id.clone(), from: slice, to: slice };
            let items = self.store.scan(&span).await?;
            leaves = History::leaves(&self.store, slice, items).await?;
        }
    }

    /// Each row as JSON, as a sentence, or both, where the view has topics for them.
    pub(super) async fn publish_rows(
        &self,
        view: &ViewRuntime,
        rows: &[KeyedRow],
    ) -> Result<(), EngineError> {
        let options = &view.plan.options;
        let members = RowMembers::given_out(&view.plan);
        let mut messages = Vec::new();
        for row in rows {
            let message = |topic: &String, payload: Vec<u8>| Message {
                topic: topic.clone(),
                payload,
                key: Some(key_text(view, &row.key)),
                headers: vec![
                    ("weir.view", view.plan.name.clone()),
                    ("weir.revision", row.row.revision.to_string()),
                ],
            };
            let json = || members.text(&row.row, &row.key);
            messages.extend(options.topic.as_ref().map(|topic| message(topic, json())));
            let sentence = options.sentence.as_ref();
            let text = |template| row.row.to_text(&view.plan, template).into_bytes();
            messages.extend(sentence.map(|told| message(&told.topic, text(&told.template))));
        }
        if messages.is_empty() { Ok(()) } else { Ok(self.publisher.publish(messages).await?) }
    }
}

/// A group key as the key of a message: its values as text, with commas between.
fn key_text(view: &ViewRuntime, key: &[u8]) -> Vec<u8> {
    let mut reader = crate::codec::Reader::new(key);
    let mut text = Vec::with_capacity(key.len());
    for column in 0..view.plan.keys.len() {
        if column > 0 {
            text.push(b',');
        }
        match reader.value() {
            Ok(crate::value::Value::Text(value)) => text.extend_from_slice(value.as_bytes()),
            Ok(value) => text.extend(value.to_json().to_string().into_bytes()),
            Err(_) => {}
        }
    }
    text
}

pub(super) fn packer() -> Result<Packer, EngineError> {
    Packer::new().map_err(|source| EngineError::Damaged { subject: "the compressor".into(), source })
}
