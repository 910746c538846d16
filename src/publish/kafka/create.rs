//! Topics are made.

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{ANSWER_TIMEOUT, Context, KafkaPublisher};
use crate::publish::{PublishError, Topics as _};

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
        if self.0.context.makes_tokens() {
            return self.expect_topics(new.topics).await;
        }
        let failed = |topic: &str| {
            let topic = topic.to_owned();
            move |source: KafkaError| PublishError { action: "create", topic, source: source.into() }
        };
        let admin = self.0.settings.client([]).create_with_context(self.0.context.clone());
        let admin: AdminClient<Context> = admin.map_err(failed(first))?;
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

    /// With IAM topics cannot be made: rdkafka's admin client is never polled, so it gets no token.
    async fn expect_topics(&self, topics: &[(&str, i32)]) -> Result<(), PublishError> {
        for (topic, partitions) in topics {
            if self.partitions(topic).await?.is_none() {
                let source = format!(
                    "it is not there, and cannot be made from here with IAM; make it by kafka-topics.sh --create \
                     --topic {topic} --partitions {partitions}"
                );
                return Err(PublishError {
                    action: "create",
                    topic: (*topic).to_owned(),
                    source: source.into(),
                });
            }
        }
        Ok(())
    }
}
