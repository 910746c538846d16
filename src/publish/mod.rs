//! What leaves the engine: rows, late events and dead letters, to topics.

#[cfg(any(feature = "kafka", feature = "kinesis"))]
mod broker;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "kinesis")]
pub mod kinesis;
pub mod letter;

use std::{cmp::Ordering, future::Future, ops::Range, sync::Mutex};

#[cfg(any(feature = "kafka", feature = "kinesis"))]
pub use broker::{Broker, BrokerUse};

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
    /// The numbers of the partitions of a topic that records may still come to; none where there is no such
    /// topic.
    fn partitions(&self, topic: &str) -> impl Future<Output = Result<Option<Vec<i32>>, PublishError>> + Send;

    /// How a partition stands to somebody who has taken all that lies before an offset.
    fn standing(
        &self,
        topic: &str,
        partition: i32,
        next: Offset,
    ) -> impl Future<Output = Result<Standing, PublishError>> + Send;

    /// Whether a partition may have records from an offset on and before another one, which lies behind it. Unless a
    /// broker says otherwise every offset is a record's.
    fn has_records(
        &self,
        _topic: &str,
        _partition: i32,
        _between: Range<Offset>,
    ) -> impl Future<Output = Result<bool, PublishError>> + Send {
        std::future::ready(Ok(true))
    }
}

/// How a partition stands to somebody who has taken all that lies before an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has more, or may have.
    Behind,
    /// It has no more.
    CaughtUp,
    /// It never had that much: its topic was deleted and made again.
    MadeAnew,
}

impl Standing {
    /// That of a partition whose oldest record has the offset `start` and whose next one will get `end`; they
    /// are the same where it has none.
    pub fn of(start: Offset, end: Offset, next: Offset) -> Self {
        // Who has taken nothing has nothing to take either of a partition that was emptied.
        let is_empty = next == Offset::FIRST && start == end;
        match end.cmp(&next) {
            Ordering::Less => Self::MadeAnew,
            Ordering::Greater if !is_empty => Self::Behind,
            _ => Self::CaughtUp,
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
