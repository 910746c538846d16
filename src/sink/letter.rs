//! Dead letters: the record's bytes as they came, and in headers where it stood and why it is no row.

use std::ops::Range;

use super::chunk::Poison;
use crate::publish::{
    Message,
    letter::{REASON, origin},
};

/// The letter of a record that is no row.
pub(super) fn poison(topic: &str, Poison { batch, record, reason }: &Poison<'_>) -> Message {
    tracing::warn!(topic = batch.topic, partition = batch.partition, offset = %record.offset, reason, "no row");
    let bytes = |range: Range<usize>| batch.bytes.get(range).unwrap_or_default().to_vec();
    Message {
        topic: topic.to_owned(),
        key: record.key.clone().map(bytes),
        payload: bytes(record.value.clone()),
        headers: origin(batch, record).into_iter().chain([(REASON, reason.clone())]).collect(),
    }
}
