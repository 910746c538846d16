//! An insert: rows as a JSON object a line, packed with zstd.

use std::io;

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::{
    super::{
        chunk::Chunk,
        row::Row,
        shape::{Column, Shape},
    },
    quoted,
};
use crate::{time::Timestamp, value::Value};

/// What an insert needs beside its statement.
pub(super) const SETTINGS: [(&str, &str); 5] = [
    // The answer says whether the rows are there.
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    // A NULL for a column that has none is an error rather than an empty text.
    ("input_format_null_as_default", "0"),
    // A batch of rows of long ago may be of any number of months.
    ("max_partitions_per_insert_block", "0"),
    // Every digit counts.
    ("precise_float_parsing", "1"),
];

/// How densely the body is packed.
const LEVEL: i32 = 3;

pub(super) fn statement(shape: &Shape) -> String {
    let columns: Vec<String> = shape.columns.iter().map(|column| quoted(&column.name)).collect();
    format!("INSERT INTO {} ({}) FORMAT JSONEachRow", quoted(&shape.name), columns.join(", "))
}

/// The rows.
pub(super) fn body(chunk: &Chunk<'_>) -> io::Result<Bytes> {
    let mut lines = Vec::new();
    for row in &chunk.rows {
        serde_json::to_writer(&mut lines, &object(&chunk.shape.columns, row))?;
        lines.push(b'\n');
    }
    Ok(zstd::encode_all(lines.as_slice(), LEVEL)?.into())
}

fn object(columns: &[Column], row: &Row) -> Map<String, Json> {
    columns.iter().zip(&row.values).map(|(column, value)| (column.name.clone(), json(value))).collect()
}

fn json(value: &Value<'_>) -> Json {
    match value {
        // As a text: a number would be read as seconds.
        Value::Time(at) => moment(*at).into(),
        Value::Json(text) => text.as_ref().into(),
        value => value.to_json(),
    }
}

/// `2026-11-21 09:30:00.250`.
fn moment(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_milliseconds_before_1970_too() {
        assert_eq!(moment(Timestamp(1_700_000_000_007)), "2023-11-14 22:13:20.007");
        assert_eq!(moment(Timestamp(-1)), "1969-12-31 23:59:59.999");
    }
}
