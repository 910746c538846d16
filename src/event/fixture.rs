//! A table with a column of every type, and records for it.

use super::RawBatch;
use crate::{
    sql::{Column, Entrance, Format, Table},
    time::{Millis, Offset, Timestamp},
    value::Type,
};

/// The clock of the tests: 2023-11-15T00:00:00Z.
pub(super) const NOW: Timestamp = Timestamp(1_700_006_400_000);

/// `id TEXT, product TEXT NOT NULL, n BIGINT, x DOUBLE, ok BOOLEAN, at TIMESTAMP, extra JSON,
/// ts TIMESTAMP NOT NULL`, keyed by `product`, in the event time of `ts`.
pub(super) fn table() -> Table {
    let column = |name: &str, kind, not_null| Column::new(name, kind, not_null);
    Table {
        name: "events".to_owned(),
        topic: "events".to_owned(),
        columns: vec![
            column("id", Type::Text, false),
            column("product", Type::Text, true),
            column("n", Type::BigInt, false),
            column("x", Type::Double, false),
            column("ok", Type::Boolean, false),
            column("at", Type::Timestamp, false),
            column("extra", Type::Json, false),
            column("ts", Type::Timestamp, true),
        ],
        format: Format::Json,
        key: Some(1),
        event_time: 7,
        watermark_delay: Millis(0),
        max_ahead: Millis::hours(1),
        entrance: Entrance::default(),
    }
}

/// A batch of these values, at offsets from 0.
pub(super) fn batch<V: AsRef<[u8]>>(values: &[V]) -> RawBatch {
    let mut batch = RawBatch { topic: "events".to_owned(), ..RawBatch::default() };
    for (offset, value) in (0..).zip(values) {
        batch.push(Offset::at(offset), None, value.as_ref());
    }
    batch
}
