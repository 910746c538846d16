//! What the event-driven functions do with one invocation. The functions' crates, and the local
//! stack, only bring the parts together.

use futures::future::join_all;
use serde::Serialize;

use crate::{
    engine::{Absorbed, Engine, EngineError, Swept},
    event::{self, PayloadError},
    publish::{Publisher, Topics},
    state::Store,
};

/// What the window function answers to the event source.
///
/// No record fails by itself: what cannot be used is a dead letter, and what the store or the broker
/// does not take fails the invocation, so that all of it is redelivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Empty.
    pub batch_item_failures: Vec<()>,
}

/// Why an invocation of the window function failed.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The payload is no batch of Kafka records.
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

/// Absorbs a Kafka event source's payload: its partitions at once, each in offset order. One that
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
    let results = join_all(batches.iter().map(|batch| engine.absorb(batch))).await;
    let mut failed = None;
    for (batch, result) in batches.iter().zip(results) {
        match result {
            Ok(absorbed) => {
                log_batch(batch, &absorbed);
                observe(&absorbed);
            }
            Err(source) => {
                let (topic, partition) = (batch.topic.clone(), batch.partition);
                failed = failed.or(Some(WindowError::Engine { topic, partition, source }));
            }
        }
    }
    failed.map_or_else(|| Ok(BatchResponse::default()), Err)
}

fn log_batch(batch: &event::RawBatch, absorbed: &Absorbed) {
    tracing::info!(
        topic = batch.topic,
        partition = batch.partition,
        records = absorbed.records,
        dead = absorbed.dead,
        late = absorbed.late,
        skipped = absorbed.skipped,
        deferred = absorbed.deferred,
        windows = absorbed.windows,
        rows = absorbed.rows,
        "absorbed a batch"
    );
    if absorbed.deferred > 0 {
        tracing::warn!(
            topic = batch.topic,
            partition = batch.partition,
            "left records to a backfill: run weir backfill again"
        );
    }
}

/// Sweeps: finds idle partitions and closes what is due. What the schedule sent does not matter.
pub async fn sweep<S, P, T>(engine: &Engine<S, P, T>) -> Result<Swept, EngineError>
where
    S: Store,
    P: Publisher,
    T: Topics,
{
    let swept = engine.sweep().await?;
    tracing::info!(windows = swept.windows, rows = swept.rows, idle = swept.idle, "swept");
    for topic in &swept.restarted {
        tracing::warn!(topic, "a topic was made anew: its records are counted from its first offset");
    }
    Ok(swept)
}

/// Why an invocation of the notify function failed.
#[cfg(feature = "notify")]
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The payload is no batch of Kafka records.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// What could not be delivered could not be kept either; the invocation is to be repeated.
    #[error("failed to keep the alerts that could not be delivered")]
    Letters(#[from] crate::publish::PublishError),
}

/// Carries the alerts of a Kafka event source's payload to their targets, before the invocation's
/// deadline.
#[cfg(feature = "notify")]
pub async fn notify<P: Publisher>(
    notifier: &crate::notify::Notifier<P>,
    payload: &[u8],
    deadline: crate::time::Timestamp,
) -> Result<BatchResponse, NotifyError> {
    let notified = notifier.notify(&event::parse(payload)?, deadline).await?;
    tracing::info!(
        alerts = notified.alerts,
        sent = notified.sent,
        repeated = notified.repeated,
        below = notified.below,
        dead = notified.dead,
        "carried alerts"
    );
    Ok(BatchResponse::default())
}

/// Why an invocation of the sink function failed.
#[cfg(feature = "sink")]
#[derive(Debug, thiserror::Error)]
pub enum SinkFunctionError {
    /// The payload is no batch of Kafka records.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The rows are not at every target; the invocation is to be repeated.
    #[error(transparent)]
    Sink(#[from] crate::sink::SinkError),
}

/// Writes the rows of a Kafka event source's payload to their targets, before the invocation's deadline.
#[cfg(feature = "sink")]
pub async fn sink<P: Publisher>(
    sink: &crate::sink::Sink<P>,
    payload: &[u8],
    deadline: crate::time::Timestamp,
) -> Result<BatchResponse, SinkFunctionError> {
    let sunk = sink.sink(&event::parse(payload)?, deadline).await?;
    tracing::info!(rows = sunk.rows, dead = sunk.dead, "wrote rows");
    Ok(BatchResponse::default())
}
