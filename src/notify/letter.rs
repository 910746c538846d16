//! Dead letters: the record's bytes as they came, and in headers why it was not delivered.

use std::ops::Range;

use super::{Notice, lane::Undelivered};
use crate::{
    event::{RawBatch, RawRecord},
    publish::{Message, letter::origin},
};

/// The letter of a record that is no alert.
pub(super) fn poison(topic: &str, batch: &RawBatch, record: &RawRecord, reason: String) -> Message {
    tracing::warn!(topic = batch.topic, partition = batch.partition, offset = %record.offset, reason, "no alert");
    letter(topic, batch, record, [("weir.reason", reason)])
}

/// The letter of an alert that a target did not take.
pub(super) fn undelivered(topic: &str, notice: &Notice<'_>, dead: Undelivered) -> Message {
    let Undelivered { target, reason, status, attempts } = dead;
    tracing::warn!(id = notice.alert.id, target, reason, attempts, "failed to deliver an alert");
    let status = status.map(|status| ("weir.status", status.to_string()));
    let headers = [("weir.reason", reason), ("weir.target", target), ("weir.attempts", attempts.to_string())];
    letter(topic, notice.batch, notice.record, headers.into_iter().chain(status))
}

fn letter(
    topic: &str,
    batch: &RawBatch,
    record: &RawRecord,
    headers: impl IntoIterator<Item = (&'static str, String)>,
) -> Message {
    let bytes = |range: Range<usize>| batch.bytes.get(range).unwrap_or_default().to_vec();
    Message {
        topic: topic.to_owned(),
        key: record.key.clone().map(bytes),
        payload: bytes(record.value.clone()),
        headers: origin(batch, record).into_iter().chain(headers).collect(),
    }
}
