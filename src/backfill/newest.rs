//! The newest records of a topic, for a look at them.

use super::Log;
use crate::{event::RawBatch, publish::PublishError, state::Partition};

/// The newest records of a topic: as many of each partition, `most` in all. None where there is no such
/// topic. What compaction and transactions left out counts as if it were there.
pub async fn newest<L: Log>(log: &L, topic: &str, most: usize) -> Result<Vec<Tail>, PublishError> {
    let numbers = log.partitions(topic).await?.unwrap_or_default();
    let each = (most / numbers.len().max(1)).max(1);
    let reads = numbers.into_iter().map(|index| tail(log, Partition { topic: topic.into(), index }, each));
    let tails = futures::future::try_join_all(reads).await?;
    Ok(tails.into_iter().filter(|tail| !tail.batch.records.is_empty()).collect())
}

/// The newest records of a partition.
#[derive(Clone, Debug)]
pub struct Tail {
    /// The records.
    pub batch: RawBatch,
    /// Whether the partition has older ones.
    pub is_cut: bool,
}

async fn tail<L: Log>(log: &L, partition: Partition, most: usize) -> Result<Tail, PublishError> {
    let Partition { topic, index } = &partition;
    let start = log.start_offset(topic, *index).await?;
    let end = log.end_offset(topic, *index).await?;
    let from = end.less(most).max(start);
    if from >= end {
        let batch = RawBatch { topic: topic.to_string(), partition: *index, ..RawBatch::default() };
        return Ok(Tail { batch, is_cut: false });
    }
    Ok(Tail { batch: log.read(&partition, from, end, most).await?, is_cut: from > start })
}
