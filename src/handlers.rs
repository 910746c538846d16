//! What the event-driven functions do with one invocation. The functions' crates, and the local
//! stack, only bring the parts together.

use futures::future::join_all;
use serde::Serialize;
use tracing::{Instrument as _, field::display};

use crate::{
    engine::{Absorbed, Engine, EngineError, Swept},
    error::causes,
    event::{self, PayloadError},
    observe::{self, BatchAbsorbed},
    publish::{Publisher, Topics},
    state::Store,
    time::{Millis, Timestamp},
};

/// What the window function answers to the event source.
///
/// No record fails by itself: what cannot be used is a dead letter, and what the store or the broker
/// does not take fails the invocation, so that all of it is redelivered. That holds whether the event source
/// asks for this answer (`ReportBatchItemFailures`) or not, so only where a part was taken the answer names the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// For each shard of Kinesis that failed while others did not, where it is to be read again.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A record of Kinesis from which on the event source is to deliver a shard again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

/// Why an invocation of the window function failed.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The payload is no batch of records.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A partition's records were not absorbed; the invocation is to be repeated.
    #[error("failed to absorb the records of {topic}-{partition}")]
    Engine {
        /// The topic.
        topic: String,
        /// The partition's number.
        partition: i32,
        /// Why.
        #[source]
        source: EngineError,
    },
}

/// Absorbs an event source's payload: its partitions at once, each in offset order. One that
/// fails stops no other, since what is absorbed now need not be absorbed again.
pub async fn window<S, P, T>(engine: &Engine<S, P, T>, payload: &[u8]) -> Result<BatchResponse, WindowError>
where
    S: Store,
    P: Publisher,
    T: Topics,
{
    window_observed(engine, payload, |_| ()).await
}

/// As [`window`], and tells of each partition's records what became of them.
pub async fn window_observed<S, P, T>(
    engine: &Engine<S, P, T>,
    payload: &[u8],
    observe: impl Fn(&Absorbed),
) -> Result<BatchResponse, WindowError>
where
    S: Store,
    P: Publisher,
    T: Topics,
{
    let batches = event::parse(payload)?;
    let results = join_all(batches.iter().map(|batch| absorb(engine, batch))).await;
    let (mut response, mut failed) = (BatchResponse::default(), None);
    let is_taken_in_part = results.iter().any(Result::is_ok);
    for (batch, result) in batches.iter().zip(results) {
        match (result, first_of_shard(batch).filter(|_| is_taken_in_part)) {
            (Ok(absorbed), _) => observe(&absorbed),
            (Err(source), Some(first)) => {
                let (topic, partition) = (batch.topic.clone(), batch.partition);
                observe::ShardFailed { topic: &topic, partition, from: &first, error: &causes(&source) }
                    .emit();
                response.batch_item_failures.push(ItemFailure { item_identifier: first });
            }
            (Err(source), None) => {
                let (topic, partition) = (batch.topic.clone(), batch.partition);
                failed = failed.or(Some(WindowError::Engine { topic, partition, source }));
            }
        }
    }
    failed.map_or(Ok(response), Err)
}

/// The sequence number that a shard's batch begins with; none of a partition of Kafka. All of the batch has to
/// come again, since what is absorbed already may not have been given out.
fn first_of_shard(batch: &event::RawBatch) -> Option<String> {
    Some(batch.records.first()?.offset.sequence()?.0)
}

/// Absorbs a batch in a span of its own, which every line about it has.
async fn absorb<S, P, T>(engine: &Engine<S, P, T>, batch: &event::RawBatch) -> Result<Absorbed, EngineError>
where
    S: Store,
    P: Publisher,
    T: Topics,
{
    let offset = |record: Option<&event::RawRecord>| record.map(|record| display(record.offset));
    let span = tracing::info_span!(
        "batch",
        topic = batch.topic,
        partition = batch.partition,
        first = offset(batch.records.first()),
        last = offset(batch.records.last()),
    );
    let work = async {
        let absorbed = engine.absorb(batch).await?;
        tell_batch(batch, &absorbed);
        Ok(absorbed)
    };
    work.instrument(span).await
}

fn tell_batch(batch: &event::RawBatch, absorbed: &Absorbed) {
    let Absorbed { records, dead, late, skipped, deferred, windows, rows, .. } = *absorbed;
    let (topic, partition, bytes) = (batch.topic.as_str(), batch.partition, batch.bytes.len() as u64);
    BatchAbsorbed { topic, partition, records, bytes, dead, late, skipped, deferred, windows, rows }.emit();
}

/// Sweeps: finds idle partitions and closes what is due. What the schedule sent does not matter.
pub async fn sweep<S, P, T>(engine: &Engine<S, P, T>) -> Result<Swept, EngineError>
where
    S: Store,
    P: Publisher,
    T: Topics,
{
    let swept = engine.sweep().await?;
    let Swept { windows, rows, idle, ref restarted } = swept;
    observe::Swept { windows, rows, idle, restarted }.emit();
    Ok(swept)
}

/// How long an invocation may last of which that is not known.
const UNKNOWN_TIMEOUT: Millis = Millis::minutes(1);

/// When an invocation that begins now has to end, by what Lambda's runtime says in epoch milliseconds. The one of
/// `cargo lambda watch` says a time that is long past.
pub fn deadline(millis: u64, now: Timestamp) -> Timestamp {
    let told = Timestamp(i64::try_from(millis).unwrap_or(i64::MAX));
    if told > now { told } else { now + UNKNOWN_TIMEOUT }
}

/// Why an invocation of the notify function failed.
#[cfg(feature = "notify")]
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The payload is no batch of records.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// What could not be delivered could not be kept either; the invocation is to be repeated.
    #[error("failed to keep the alerts that could not be delivered")]
    Letters(#[from] crate::publish::PublishError),
}

/// Carries the alerts of an event source's payload to their targets, before the invocation's
/// deadline.
#[cfg(feature = "notify")]
pub async fn notify<P: Publisher>(
    notifier: &crate::notify::Notifier<P>,
    payload: &[u8],
    deadline: Timestamp,
) -> Result<BatchResponse, NotifyError> {
    let notified = notifier.notify(&event::parse(payload)?, deadline).await?;
    let crate::notify::Notified { alerts, sent, repeated, below, dead } = notified;
    let [alerts, sent, repeated, below, dead] =
        [alerts, sent, repeated, below, dead].map(|count| count as u64);
    observe::AlertsCarried { alerts, sent, repeated, below, dead }.emit();
    Ok(BatchResponse::default())
}

/// Why an invocation of the sink function failed.
#[cfg(feature = "sink")]
#[derive(Debug, thiserror::Error)]
pub enum SinkFunctionError {
    /// The payload is no batch of records.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The rows are not at every target; the invocation is to be repeated.
    #[error(transparent)]
    Sink(#[from] crate::sink::SinkError),
}

/// Writes the rows of an event source's payload to their targets, before the invocation's deadline.
#[cfg(feature = "sink")]
pub async fn sink<P: Publisher>(
    sink: &crate::sink::Sink<P>,
    payload: &[u8],
    deadline: Timestamp,
) -> Result<BatchResponse, SinkFunctionError> {
    let sunk = sink.sink(&event::parse(payload)?, deadline).await?;
    tracing::info!(rows = sunk.rows, dead = sunk.dead, "wrote rows");
    Ok(BatchResponse::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_past_is_none() {
        let now = Timestamp(1_700_000_000_000);
        assert_eq!(deadline(1_700_000_003_000, now), now + Millis(3000));
        assert_eq!(deadline(600_000, now), now + UNKNOWN_TIMEOUT);
        assert_eq!(deadline(u64::MAX, now), Timestamp(i64::MAX));
    }
}
