//! Topics are made.

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{ANSWER_TIMEOUT, KafkaPublisher};
use crate::publish::PublishError;

/// Topics that are to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewTopics<'a> {
    /// Their names, each with its number of partitions.
    pub topics: &'a [(&'a str, i32)],
    /// How many brokers keep each partition; none for as many as the cluster says.
    pub replication: Option<i32>,
    /// Settings of the topics, such as `retention.ms`.
    pub config: &'a [(&'a str, &'a str)],
}

impl KafkaPublisher {
    /// Creates the topics that are not there yet, with so many partitions and the broker's default
    /// replication. A topic that is there stays as it is.
    pub async fn ensure_topics(&self, topics: &[(&str, i32)]) -> Result<(), PublishError> {
        self.create_topics(NewTopics { topics, replication: None, config: &[] }).await
    }

    /// Creates the topics that are not there yet. A topic that is there stays as it is.
    pub async fn create_topics(&self, new: NewTopics<'_>) -> Result<(), PublishError> {
        let Some((first, _)) = new.topics.first() else { return Ok(()) };
        let failed = |topic: &str| {
            let topic = topic.to_owned();
            move |source: KafkaError| PublishError { action: "create", topic, source: source.into() }
        };
        let admin: AdminClient<DefaultClientContext> =
            self.0.settings.client([]).create().map_err(failed(first))?;
        let copies = new.replication.unwrap_or(-1);
        let wanted = new.topics.iter().map(|(name, partitions)| {
            let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(copies));
            new.config.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
        });
        let wanted: Vec<_> = wanted.collect();
        let options =
            AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT)).operation_timeout(Some(ANSWER_TIMEOUT));
        for created in admin.create_topics(&wanted, &options).await.map_err(failed(first))? {
            match created {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(failed(&topic)(KafkaError::AdminOp(code))),
            }
        }
        Ok(())
    }
}
