//! Where a group begins that has no offsets yet, when that is at a time.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    metadata::MetadataTopic,
};
use tracing::debug;

use crate::{
    publish::kafka::{Context, listen},
    time::Timestamp,
};

/// How long the broker may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long to leave a cluster alone that is still about to name the group's coordinator.
const PAUSE: Duration = Duration::from_millis(200);

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
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match commit_fresh(&consumer, topics, at) {
            Err(error) if is_electing(&error) && Instant::now() < deadline => {
                debug!(%error, "the group has no coordinator yet");
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// Whether the group's coordinator is being named or still reads its offsets, as in the first seconds of a cluster and
/// after a broker went. The client itself waits for some of these only.
fn is_electing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};

    matches!(
        error.rdkafka_error_code(),
        Some(CoordinatorLoadInProgress | CoordinatorNotAvailable | NotCoordinator)
    )
}

fn commit_fresh(
    consumer: &BaseConsumer<Context>,
    topics: &[String],
    at: Timestamp,
) -> Result<(), KafkaError> {
    let asked = fresh(consumer, topics, at)?;
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

#[cfg(test)]
mod tests {
    use rdkafka::{bindings::rd_kafka_resp_err_t as Code, mocking::MockCluster, types::RDKafkaApiKey};

    use super::*;
    use crate::publish::kafka::KafkaSettings;

    #[test]
    fn a_coordinator_that_is_not_there_yet_is_waited_for() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("visits", 2, 1).unwrap();
        cluster.request_errors(
            RDKafkaApiKey::OffsetFetch,
            &[Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE],
        );
        let settings = KafkaSettings::plain(cluster.bootstrap_servers());
        let config = settings.client([("group.id", "late")]);
        let topics = ["visits".to_owned()];
        commit_at(&config, settings.context(), &topics, Timestamp(0)).unwrap();

        let consumer: BaseConsumer = config.create().unwrap();
        let mut all = TopicPartitionList::new();
        all.add_partition_range("visits", 0, 1);
        let committed = consumer.committed_offsets(all, TIMEOUT).unwrap();
        assert!(committed.elements().iter().all(|partition| partition.offset() == Offset::Offset(0)));
    }
}
