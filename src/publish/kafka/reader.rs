//! What a partition holds, found out by reading it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::Message as _,
};

use super::{Context, KafkaSettings};
use crate::time::Offset;

/// What the consumer does unless the settings say otherwise. The group is only a name that librdkafka asks
/// for. A record is all that is wanted, and the end is told at once.
const DEFAULTS: [(&str, &str); 7] = [
    ("group.id", "weir-reader"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("auto.offset.reset", "earliest"),
    ("fetch.wait.max.ms", "10"),
    ("max.partition.fetch.bytes", "16384"),
];

/// Reads one partition at a time, in no group.
pub(super) struct Reader(Mutex<BaseConsumer<Context>>);

impl Reader {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self(Mutex::new(settings.consumer(DEFAULTS)?)))
    }

    /// The offset of the first record at or behind another; none where the partition ends before. Blocks.
    pub(super) fn first(
        &self,
        topic: &str,
        partition: i32,
        from: Offset,
        timeout: Duration,
    ) -> Result<Option<Offset>, KafkaError> {
        let consumer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut one = TopicPartitionList::with_capacity(1);
        one.add_partition_offset(
            topic,
            partition,
            rdkafka::Offset::Offset(from.number().unwrap_or_default()),
        )?;
        consumer.assign(&one)?;
        let found = poll(&consumer, timeout);
        consumer.unassign()?;
        found
    }
}

fn poll(consumer: &BaseConsumer<Context>, timeout: Duration) -> Result<Option<Offset>, KafkaError> {
    let deadline = Instant::now() + timeout;
    let mut last = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match consumer.poll(left) {
            Some(Ok(message)) => return Ok(Some(Offset::at(message.offset()))),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            // librdkafka goes on by itself; what it cannot mend ends in the timeout.
            Some(Err(error)) => last = error,
            None => {}
        }
        if left.is_zero() {
            return Err(last);
        }
    }
}
