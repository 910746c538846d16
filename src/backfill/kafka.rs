//! Topics on Kafka, read from any offset on.
//!
//! Each partition has a consumer of its own that is assigned to it by hand: no group is joined and
//! nothing is committed, so what functions consume is not disturbed.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::Message as _,
};

use super::Log;
use crate::{
    event::{RawBatch, RawRecord},
    publish::{
        PublishError, Standing, Topics,
        kafka::{Context, KafkaPublisher, KafkaSettings, listen},
    },
    state::Partition,
    time::{Offset, Timestamp},
};

/// How long a broker may take to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to send the next record.
const RECORD_TIMEOUT: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(500);

/// What a consumer does unless the settings say otherwise. The group is only a name that librdkafka
/// asks for. Fetched ahead are at most 8 MB a partition.
const CONSUMER_DEFAULTS: [(&str, &str); 6] = [
    ("group.id", "weir-backfill"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("auto.offset.reset", "earliest"),
    ("queued.max.messages.kbytes", "8192"),
];

/// Reads topics of a Kafka cluster. Clones share their connections.
#[derive(Clone)]
pub struct KafkaLog {
    settings: KafkaSettings,
    topics: KafkaPublisher,
    cursors: Arc<Mutex<HashMap<Partition, Arc<Mutex<Cursor>>>>>,
}

impl KafkaLog {
    /// A reader of the cluster that a publisher publishes to.
    pub fn new(settings: KafkaSettings, topics: KafkaPublisher) -> Self {
        Self { settings, topics, cursors: Arc::default() }
    }

    /// The consumer of a partition.
    fn cursor(&self, partition: &Partition) -> Result<Arc<Mutex<Cursor>>, KafkaError> {
        let mut cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cursor) = cursors.get(partition) {
            return Ok(Arc::clone(cursor));
        }
        let consumer = self.settings.consumer(CONSUMER_DEFAULTS)?;
        let cursor = Cursor { consumer, partition: partition.clone(), at: None };
        let cursor = Arc::new(Mutex::new(cursor));
        cursors.insert(partition.clone(), Arc::clone(&cursor));
        Ok(cursor)
    }

    /// Does one of librdkafka's blocking calls where it holds up nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        partition: &Partition,
        call: impl FnOnce(&mut Cursor) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, PublishError> {
        let failed = |source| PublishError { action, topic: partition.to_string(), source };
        let cursor = self.cursor(partition).map_err(|error| failed(error.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let mut cursor = cursor.lock().unwrap_or_else(PoisonError::into_inner);
            call(&mut cursor).map_err(|error| cursor.consumer.context().explain(error))
        });
        match done.await {
            Ok(answer) => answer.map_err(failed),
            Err(panicked) => Err(failed(panicked.into())),
        }
    }
}

impl Topics for KafkaLog {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        self.topics.partitions(topic).await
    }

    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        self.topics.standing(topic, partition, next).await
    }

    async fn has_records(
        &self,
        topic: &str,
        partition: i32,
        between: Range<Offset>,
    ) -> Result<bool, PublishError> {
        self.topics.has_records(topic, partition, between).await
    }
}

impl Log for KafkaLog {
    async fn start_offset(&self, topic: &str, partition: i32) -> Result<Offset, PublishError> {
        self.topics.offsets(topic, partition).await.map(|(start, _)| start)
    }

    async fn end_offset(&self, topic: &str, partition: i32) -> Result<Offset, PublishError> {
        self.topics.offsets(topic, partition).await.map(|(_, end)| end)
    }

    async fn offset_at(&self, partition: &Partition, at: Timestamp) -> Result<Offset, PublishError> {
        let found = self.blocking("ask for the offset of a time in", partition, move |c| c.offset_at(at));
        match found.await? {
            Some(offset) => Ok(offset),
            None => self.end_offset(&partition.topic, partition.index).await,
        }
    }

    async fn read(
        &self,
        partition: &Partition,
        from: Offset,
        end: Offset,
        most: usize,
    ) -> Result<RawBatch, PublishError> {
        self.blocking("read", partition, move |cursor| cursor.read(from, end, most)).await
    }
}

/// A consumer of one partition.
struct Cursor {
    consumer: BaseConsumer<Context>,
    partition: Partition,
    /// The offset behind the last record that it gave; none where that is not known.
    at: Option<Offset>,
}

impl Cursor {
    fn offset_at(&mut self, at: Timestamp) -> Result<Option<Offset>, KafkaError> {
        let wanted = self.list(rdkafka::Offset::Offset(at.0.max(0)))?;
        // A record that is fetched meanwhile is in no batch.
        self.at = None;
        listen(&self.consumer);
        let found = self.consumer.offsets_for_times(wanted, ANSWER_TIMEOUT)?;
        let found = found.find_partition(&self.partition.topic, self.partition.index);
        let Some(found) = found else { return Ok(None) };
        found.error()?;
        Ok(match found.offset() {
            rdkafka::Offset::Offset(offset) => Some(Offset::at(offset)),
            _ => None,
        })
    }

    /// See [`Log::read`].
    fn read(&mut self, from: Offset, end: Offset, most: usize) -> Result<RawBatch, KafkaError> {
        let Partition { topic, index } = &self.partition;
        let mut batch = RawBatch { topic: topic.to_string(), partition: *index, ..RawBatch::default() };
        // Forgotten on an error: what was fetched by then is not in any batch.
        let mut is_fresh = self.at.take() != Some(from);
        if is_fresh {
            self.begin_at(from)?;
        }
        let (mut next, mut is_at_end) = (from, false);
        let (mut deadline, mut last_error) = (Instant::now() + RECORD_TIMEOUT, None);
        while next < end && batch.records.len() < most {
            match self.consumer.poll(TICK) {
                Some(Ok(message)) => {
                    next = Offset::at(message.offset()).next();
                    take(&mut batch, &message);
                    deadline = Instant::now() + RECORD_TIMEOUT;
                }
                Some(Err(KafkaError::PartitionEOF(_))) if is_fresh || !batch.records.is_empty() => {
                    is_at_end = true;
                    break;
                }
                // It may be of an end that the partition had when it was read last.
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.begin_at(from)?;
                    is_fresh = true;
                }
                // librdkafka goes on by itself; what it cannot mend ends in the timeout.
                Some(Err(error)) => last_error = Some(error),
                None => {}
            }
            if Instant::now() >= deadline {
                let timeout = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
                return Err(last_error.unwrap_or(timeout));
            }
        }
        // The end is told once; who asks for more has to begin anew to hear of it again.
        self.at = (!is_at_end).then_some(next);
        Ok(batch)
    }

    /// Fetches anew from an offset on; what was fetched before is dropped.
    fn begin_at(&self, from: Offset) -> Result<(), KafkaError> {
        self.consumer.assign(&self.list(rdkafka::Offset::Offset(from.number().unwrap_or(i64::MAX)))?)
    }

    fn list(&self, offset: rdkafka::Offset) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.partition.topic, self.partition.index, offset)?;
        Ok(list)
    }
}

/// Adds a record to a batch. One without a value has an empty one, as from an event source.
fn take(batch: &mut RawBatch, message: &rdkafka::message::BorrowedMessage<'_>) {
    let bytes = &mut batch.bytes;
    let mut add = |part: &[u8]| {
        let start = bytes.len();
        bytes.extend_from_slice(part);
        start..bytes.len()
    };
    let key = message.key().map(&mut add);
    let value = add(message.payload().unwrap_or_default());
    let offset = Offset::at(message.offset());
    let timestamp = message.timestamp().to_millis().map(Timestamp);
    batch.records.push(RawRecord { offset, timestamp, key, value, headers: 0..0, damage: None });
}
