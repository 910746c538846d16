//! What leaves the engine: rows, late events and dead letters, to topics.

#[cfg(feature = "kafka")]
pub mod kafka;
pub mod letter;

use std::{future::Future, sync::Mutex};

use crate::time::Offset;

/// The topic of alerts that a target did not take, where nobody says otherwise.
pub const NOTIFY_DEAD_LETTERS: &str = "weir.notify_dead_letters";
/// The topic of records that are no rows to a sink, where nobody says otherwise.
pub const SINK_DEAD_LETTERS: &str = "weir.sink_dead_letters";

/// A message for a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The key, which decides the partition.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub payload: Vec<u8>,
    /// Headers: names begin with `weir.`.
    pub headers: Vec<(&'static str, String)>,
}

/// Sends messages.
pub trait Publisher: Send + Sync {
    /// Returns once the broker has every message. On an error any of them may have been sent: the
    /// caller sends all of them again.
    fn publish(&self, messages: Vec<Message>) -> impl Future<Output = Result<(), PublishError>> + Send;
}

impl<P: Publisher> Publisher for std::sync::Arc<P> {
    fn publish(&self, messages: Vec<Message>) -> impl Future<Output = Result<(), PublishError>> + Send {
        P::publish(self, messages)
    }
}

/// Knows the topics of a broker.
pub trait Topics: Send + Sync {
    /// How many partitions a topic has; none where there is no such topic.
    fn partitions(&self, topic: &str) -> impl Future<Output = Result<Option<i32>, PublishError>> + Send;

    /// The offset of the partition's oldest record; its end offset where it has none.
    fn start_offset(
        &self,
        topic: &str,
        partition: i32,
    ) -> impl Future<Output = Result<Offset, PublishError>> + Send;

    /// The partition's high watermark: the offset that its next record will get.
    fn end_offset(
        &self,
        topic: &str,
        partition: i32,
    ) -> impl Future<Output = Result<Offset, PublishError>> + Send;

    /// The offset of the partition's first record at or behind `from`; none where there is none. Unless a
    /// broker says otherwise every offset is a record's.
    fn next_record(
        &self,
        topic: &str,
        partition: i32,
        from: Offset,
    ) -> impl Future<Output = Result<Option<Offset>, PublishError>> + Send {
        async move {
            let first = from.max(self.start_offset(topic, partition).await?);
            Ok((first < self.end_offset(topic, partition).await?).then_some(first))
        }
    }
}

/// A broker did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} topic {topic}")]
pub struct PublishError {
    /// What was tried: `publish to`, `ask for the partitions of`.
    pub action: &'static str,
    /// The topic.
    pub topic: String,
    /// What the client said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Keeps messages in memory, in the order in which they came.
#[derive(Debug, Default)]
pub struct MemoryPublisher(Mutex<Vec<Message>>);

impl MemoryPublisher {
    /// Takes out all messages.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Publisher for MemoryPublisher {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(messages);
        Ok(())
    }
}
