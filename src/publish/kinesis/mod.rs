//! Topics as streams of Kinesis, a stream each, of the topic's name.
//!
//! A message's key is the record's partition key. Records have no headers: rows need none, since they say what
//! they are of; a message that is about a record (a dead letter, a late event) is put into JSON with them,
//! [`letter`].
//!
//! What is thrown back of a request is sent again by itself, so that records which are published together may
//! change their order where a shard is throttled.

mod letter;
mod put;

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_kinesis::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata as _},
    operation::{get_shard_iterator::GetShardIteratorError, list_shards::ListShardsError},
    types::{ShardFilter, ShardFilterType, ShardIteratorType},
};
use futures::future::join_all;

use super::{Message, PublishError, Publisher, Standing, Topics};
use crate::{
    observe::MessagesPublished,
    time::{Offset, Resume},
};

/// Short timeouts: a batch that fails is redelivered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 4;
/// How many reads of a shard may find nothing before its end is reached. A read goes over a stretch of the
/// shard, with records or without.
const READS: usize = 10;
/// What Kinesis says to a sequence number that it never gave out.
const OF_ANOTHER_STREAM: &str = "did not come from this stream";

/// Publishes to streams, and asks about them. Clones share their connections.
#[derive(Clone, Debug)]
pub struct KinesisPublisher(Client);

impl KinesisPublisher {
    /// By region, keys and endpoint of the environment (`AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`).
    pub async fn connect() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = aws_config::defaults(BehaviorVersion::latest());
        let config = config.timeout_config(timeouts).retry_config(retries).load().await;
        Self(Client::new(&config))
    }

    /// By a client that is set up.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    /// Where to read a shard on; none where there is no such shard, or none any more.
    async fn iterator(
        &self,
        topic: &str,
        shard: &str,
        next: Offset,
    ) -> Result<Result<String, Standing>, PublishError> {
        let (kind, number) = match next.resume() {
            Resume::Start => (ShardIteratorType::TrimHorizon, None),
            Resume::At(number) => (ShardIteratorType::AtSequenceNumber, Some(number)),
            Resume::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number)),
        };
        // Those of Kinesis have 56 digits. Emulators compare them as text, which is shorter there and filled up.
        let number = number.map(|number| format!("{number:0>30}"));
        let request = self.0.get_shard_iterator().stream_name(topic).shard_id(shard);
        let answer = request.shard_iterator_type(kind).set_starting_sequence_number(number).send().await;
        match answer {
            Ok(answer) => Ok(answer.shard_iterator.ok_or(Standing::Behind)),
            Err(error) => match error.as_service_error() {
                Some(GetShardIteratorError::ResourceNotFoundException(_)) => Ok(Err(Standing::CaughtUp)),
                Some(refused) if refused.message().is_some_and(|text| text.contains(OF_ANOTHER_STREAM)) => {
                    Ok(Err(Standing::MadeAnew))
                }
                _ => Err(failed("ask for the records of", topic, error)),
            },
        }
    }
}

impl Publisher for KinesisPublisher {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        let streams = put::by_stream(messages);
        let puts = streams.into_iter().map(async |(topic, records)| {
            let count = records.len() as u64;
            let result = put::put(&self.0, &topic, records).await;
            MessagesPublished { topic: &topic, count, is_ok: result.is_ok() }.emit();
            result.map_err(|source| PublishError { action: "publish to", topic, source })
        });
        join_all(puts).await.into_iter().collect()
    }
}

impl Topics for KinesisPublisher {
    /// The shards that are open. One that is closed matters only to who has reported on it: its children have
    /// nothing delivered before all of it is.
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        let open = ShardFilter::builder().r#type(ShardFilterType::AtLatest).build();
        let open = open.map_err(|error| failed("ask for the shards of", topic, error))?;
        let mut request = self.0.list_shards().stream_name(topic).shard_filter(open);
        let mut numbers = Vec::new();
        loop {
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if error.as_service_error().is_some_and(is_missing) => return Ok(None),
                Err(error) => return Err(failed("ask for the shards of", topic, error)),
            };
            let shards = answer.shards.unwrap_or_default();
            let is_closed = |range: &aws_sdk_kinesis::types::SequenceNumberRange| {
                range.ending_sequence_number().is_some()
            };
            let open = shards.iter().filter(|shard| !shard.sequence_number_range().is_some_and(is_closed));
            numbers.extend(open.filter_map(|shard| number_of(shard.shard_id())));
            let Some(token) = answer.next_token else { break };
            request = self.0.list_shards().next_token(token);
        }
        numbers.sort_unstable();
        Ok(Some(numbers))
    }

    /// Reads behind what was taken. A shard that was closed and read to its end, or is gone, has no more.
    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        let mut iterator = match self.iterator(topic, &shard_of(partition), next).await? {
            Ok(iterator) => iterator,
            Err(standing) => return Ok(standing),
        };
        for _ in 0..READS {
            let request = self.0.get_records().shard_iterator(&iterator).limit(1);
            let answer = request.send().await.map_err(|error| failed("read", topic, error))?;
            if !answer.records.is_empty() {
                return Ok(Standing::Behind);
            }
            match answer.next_shard_iterator {
                Some(further) if answer.millis_behind_latest.unwrap_or(0) > 0 => iterator = further,
                _ => return Ok(Standing::CaughtUp),
            }
        }
        Ok(Standing::Behind)
    }
}

fn is_missing(error: &ListShardsError) -> bool {
    error.is_resource_not_found_exception()
}

/// `shardId-000000000006` is 6.
fn number_of(shard: &str) -> Option<i32> {
    shard.strip_prefix("shardId-")?.parse().ok()
}

fn shard_of(number: i32) -> String {
    format!("shardId-{number:012}")
}

fn failed(action: &'static str, topic: &str, source: impl std::error::Error) -> PublishError {
    // The SDK's errors say nothing by themselves.
    let source = DisplayErrorContext(source).to_string().into();
    PublishError { action, topic: topic.to_owned(), source }
}
