//! Records that go back to where they came from, just as they were.

use futures::future::join_all;
use rdkafka::{
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::FutureRecord,
};

use super::{KafkaPublisher, enqueue, outcome};
use crate::{publish::PublishError, time::Timestamp};

/// A record as it was once read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The topic.
    pub topic: String,
    /// The key, which decides the partition.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The timestamp; none for that of the moment. A topic with `LogAppendTime` takes its own.
    pub timestamp: Option<Timestamp>,
}

impl Original {
    fn record(&self) -> FutureRecord<'_, [u8], [u8]> {
        let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic).payload(&self.value);
        record.key = self.key.as_deref();
        record.timestamp = self.timestamp.map(|at| at.0);
        if !self.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(self.headers.len());
            let add = |headers: OwnedHeaders, (key, value): &(String, Vec<u8>)| {
                headers.insert(Header { key, value: Some(value) })
            };
            record = record.headers(self.headers.iter().fold(headers, add));
        }
        record
    }
}

impl KafkaPublisher {
    /// Returns once the broker has every record. On an error any of them may have been sent.
    pub async fn publish_originals(&self, originals: &[Original]) -> Result<(), PublishError> {
        let producer = self.producer();
        let failed = |topic: &str, error: KafkaError| PublishError {
            action: "publish to",
            topic: topic.to_owned(),
            source: self.0.context.explain(error),
        };
        let mut sent = Vec::with_capacity(originals.len());
        let mut failure = None;
        for original in originals {
            match enqueue(&producer, original.record()).await {
                Ok(delivery) => sent.push(delivery),
                Err(error) => {
                    failure = Some(failed(&original.topic, error));
                    break;
                }
            }
        }
        for (original, delivery) in originals.iter().zip(join_all(sent).await) {
            if let Err(error) = outcome(delivery) {
                failure.get_or_insert_with(|| failed(&original.topic, error));
            }
        }
        failure.map_or(Ok(()), Err)
    }
}
