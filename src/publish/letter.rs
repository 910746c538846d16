//! What dead letters and late events say of the record that they were: headers, for people and for `weir redrive`.

use crate::event::{RawBatch, RawRecord};

/// The topic that the record was in.
pub const TOPIC: &str = "weir.topic";
/// Its partition.
pub const PARTITION: &str = "weir.partition";
/// Its offset.
pub const OFFSET: &str = "weir.offset";
/// Its timestamp, in milliseconds since the epoch.
pub const TIMESTAMP: &str = "weir.timestamp";
/// Its own headers as JSON, each with its bytes as signed numbers: `[{"name":[1,-1]}]`.
pub const HEADERS: &str = "weir.headers";
/// Why it was not taken.
pub const REASON: &str = "weir.reason";
/// The watermark that a late event met. Only these have it.
pub const WATERMARK: &str = "weir.watermark";

/// Where a record stood, and what cannot be seen from its key and value.
pub(crate) fn origin(batch: &RawBatch, record: &RawRecord) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        (TOPIC, batch.topic.clone()),
        (PARTITION, batch.partition.to_string()),
        (OFFSET, record.offset.to_string()),
    ];
    headers.extend(record.timestamp.map(|at| (TIMESTAMP, at.0.to_string())));
    let own = batch.headers(record);
    headers.extend(own.map(|json| (HEADERS, String::from_utf8_lossy(json).into_owned())));
    headers
}
