//! Where a group begins that has no offsets yet, when that is at a time.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError,
    metadata::MetadataTopic,
};

use crate::{
    publish::kafka::{Context, listen},
    time::Timestamp,
};

/// How long the broker may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Commits, for each partition of which the group has no offset, that of the first record at or behind a time;
/// where there is none, that behind the last record. Blocks.
pub(super) fn commit_at(
    config: &ClientConfig,
    context: Context,
    topics: &[String],
    at: Timestamp,
) -> Result<(), KafkaError> {
    let consumer = BaseConsumer::from_config_and_context(config, context)?;
    listen(&consumer);
    let asked = fresh(&consumer, topics, at)?;
    if asked.count() == 0 {
        return Ok(());
    }
    let found = consumer.offsets_for_times(asked, TIMEOUT)?;
    let mut begin = TopicPartitionList::with_capacity(found.count());
    for partition in found.elements() {
        let (topic, number) = (partition.topic(), partition.partition());
        let offset = match partition.offset() {
            Offset::Offset(offset) => offset,
            _ => consumer.fetch_watermarks(topic, number, TIMEOUT)?.1,
        };
        begin.add_partition_offset(topic, number, Offset::Offset(offset))?;
    }
    consumer.commit(&begin, CommitMode::Sync)
}

/// The partitions of which the group has no offset, each with the time in its place.
fn fresh(
    consumer: &BaseConsumer<Context>,
    topics: &[String],
    at: Timestamp,
) -> Result<TopicPartitionList, KafkaError> {
    let mut all = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
            all.add_partition(topic, partition.id());
        }
    }
    let committed = consumer.committed_offsets(all, TIMEOUT)?;
    let mut fresh = TopicPartitionList::new();
    for partition in committed.elements() {
        if !matches!(partition.offset(), Offset::Offset(_)) {
            fresh.add_partition_offset(partition.topic(), partition.partition(), Offset::Offset(at.0))?;
        }
    }
    Ok(fresh)
}
