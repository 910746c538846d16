//! The broker that a deployment has.

use std::ops::Range;

#[cfg(feature = "kafka")]
use super::kafka::KafkaPublisher;
#[cfg(feature = "kinesis")]
use super::kinesis::KinesisPublisher;
use super::{Message, PublishError, Publisher, Standing, Topics};
use crate::time::Offset;

/// Where the topics are.
#[derive(Clone)]
pub enum Broker {
    /// On Kafka.
    #[cfg(feature = "kafka")]
    Kafka(KafkaPublisher),
    /// Streams of Kinesis.
    #[cfg(feature = "kinesis")]
    Kinesis(KinesisPublisher),
}

/// What a process does with its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerUse {
    /// It publishes messages.
    Publish,
    /// It asks about topics too, as an engine does.
    PublishAndAsk,
}

impl Broker {
    /// Opens its connections, so that neither the first message nor the first question need wait for them. Where that
    /// fails it is logged: who needs them tries again.
    #[cfg_attr(not(feature = "kafka"), expect(clippy::unused_async, reason = "Kafka's are opened"))]
    pub async fn warm(&self, wanted: BrokerUse) {
        let warmed: Result<(), PublishError> = match (self, wanted) {
            #[cfg(feature = "kafka")]
            (Self::Kafka(kafka), BrokerUse::Publish) => kafka.warm().await,
            #[cfg(feature = "kafka")]
            (Self::Kafka(kafka), BrokerUse::PublishAndAsk) => {
                let (publishes, asks) = futures::join!(kafka.warm(), kafka.warm_topics());
                publishes.and(asks)
            }
            #[cfg(feature = "kinesis")]
            (Self::Kinesis(_), _) => Ok(()),
        };
        if let Err(error) = warmed {
            tracing::warn!(error = crate::error::causes(&error), "failed to warm the brokers up");
        }
    }
}

impl Publisher for Broker {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => kafka.publish(messages).await,
            #[cfg(feature = "kinesis")]
            Self::Kinesis(kinesis) => kinesis.publish(messages).await,
        }
    }
}

impl Topics for Broker {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => kafka.partitions(topic).await,
            #[cfg(feature = "kinesis")]
            Self::Kinesis(kinesis) => kinesis.partitions(topic).await,
        }
    }

    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => kafka.standing(topic, partition, next).await,
            #[cfg(feature = "kinesis")]
            Self::Kinesis(kinesis) => kinesis.standing(topic, partition, next).await,
        }
    }

    async fn has_records(
        &self,
        topic: &str,
        partition: i32,
        between: Range<Offset>,
    ) -> Result<bool, PublishError> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(kafka) => kafka.has_records(topic, partition, between).await,
            #[cfg(feature = "kinesis")]
            Self::Kinesis(kinesis) => kinesis.has_records(topic, partition, between).await,
        }
    }
}
