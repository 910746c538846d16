//! What a batch has that goes into no slab: dead letters and late events.

use super::Task;
use crate::{
    engine::{Engine, EngineError, fold::Fold},
    event::{Batch, Record},
    publish::{Message, Publisher, Topics, letter},
    state::Store,
    time::{Offset, Timestamp},
};

impl<S: Store, P: Publisher, T: Topics> Engine<S, P, T> {
    /// Publishes what does not fit the table, from an offset on; returns how many.
    pub(super) async fn publish_dead_letters(
        &self,
        batch: &Batch<'_>,
        from: Offset,
    ) -> Result<u64, EngineError> {
        let letter = |(index, record): (usize, &Record<'_>)| {
            let rejection = record.event_time.as_ref().err()?;
            let mut headers = origin(batch, index);
            headers.push(("weir.reason", rejection.reason.clone()));
            Some(Message {
                topic: self.settings.dead_letter_topic.clone(),
                key: record.key.map(<[u8]>::to_vec),
                payload: record.raw.to_vec(),
                headers,
            })
        };
        let fresh = batch.records.iter().enumerate().filter(|(_, record)| record.offset >= from);
        let letters: Vec<_> = fresh.filter_map(letter).collect();
        let count = letters.len() as u64;
        if count > 0 {
            self.publisher.publish(letters).await?;
        }
        Ok(count)
    }

    /// Publishes the late events that were not reported yet.
    pub(super) async fn publish_late(
        &self,
        task: &Task<'_>,
        fold: &Fold<'_>,
        reported: &mut usize,
    ) -> Result<(), EngineError> {
        let message = |(index, watermark): &(usize, Timestamp)| {
            let record = task.batch.records.get(*index)?;
            let mut headers = origin(task.batch, *index);
            headers.push(("weir.view", task.view.plan.name.clone()));
            headers.push(("weir.watermark", watermark.0.to_string()));
            Some(Message {
                topic: self.settings.late_topic.clone(),
                key: record.key.map(<[u8]>::to_vec),
                payload: record.raw.to_vec(),
                headers,
            })
        };
        // A conflict folds records again that were reported already.
        let fresh = fold.late.iter().filter(|(index, _)| *index >= *reported);
        let messages: Vec<_> = fresh.filter_map(message).collect();
        if !messages.is_empty() {
            self.publisher.publish(messages).await?;
            *reported = fold.late.last().map_or(*reported, |(index, _)| index + 1);
        }
        Ok(())
    }
}

/// Where a record came from, for the headers of what is made of it.
fn origin(batch: &Batch<'_>, index: usize) -> Vec<(&'static str, String)> {
    let source = batch.source.and_then(|raw| Some((raw, raw.records.get(index)?)));
    source.map(|(raw, record)| letter::origin(raw, record)).unwrap_or_default()
}
