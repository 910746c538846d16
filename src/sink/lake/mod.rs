//! Rows as Parquet files, in a folder or on S3, as Hive lays them out:
//! `view=ctr/date=2026-11-21/ctr_results-0-000000000120-000000000167-9f….parquet`.
//!
//! The date is that of the window's start in UTC; of rows without a window, that of their message.
//!
//! A file's name follows from the records in it, so a batch that comes again overwrites what it wrote. One
//! that comes again cut differently writes rows a second time, under another name: readers take the highest
//! revision of a row in any case, and [`compact`] leaves that alone.

mod bucket;
mod compact;
mod folder;
mod store;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

pub(super) use self::{bucket::Buckets, folder::Folder, store::Store};
pub use bucket::NoS3;
pub use compact::{CompactError, Compacted, Scope, compact};

use super::{Limits, chunk::Chunk, parquet::Table, row::Row, shape::Column};
use crate::{error::causes, http::Failure, sql::Field, time::Timestamp, value::Value};

/// What a name keeps as it is; all else is escaped, as Hive does.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');
/// How many files are written at once.
const AT_ONCE: usize = 8;
/// What a file's name ends in.
const SUFFIX: &str = ".parquet";

/// Writes the rows of a chunk, one file a date.
pub(super) async fn write(
    store: &Store,
    chunk: &Chunk<'_>,
    limits: Limits,
    deadline: Instant,
) -> Result<(), Failure> {
    // Made before they are streamed: otherwise the compiler does not see that they may change threads.
    let files = by_date(chunk).into_iter();
    let files: Vec<_> =
        files.map(|(date, rows)| write_file(store, chunk, date, rows, limits, deadline)).collect();
    stream::iter(files).buffer_unordered(AT_ONCE).try_collect().await
}

async fn write_file(
    store: &Store,
    chunk: &Chunk<'_>,
    date: String,
    rows: Vec<&Row>,
    limits: Limits,
    deadline: Instant,
) -> Result<(), Failure> {
    let path = path(&chunk.shape.name, &date, &chunk.name());
    let file = file(chunk, &rows)?;
    limits.keep_trying(&path, deadline, || Box::pin(store.put(&path, file.clone()))).await
}

/// Where the rows of a view and a date are.
fn path(view: &str, date: &str, name: &str) -> String {
    format!("{}date={date}/{}{SUFFIX}", folder_of(view), escaped(name))
}

/// Where the rows of a view are.
pub(super) fn folder_of(view: &str) -> String {
    format!("view={}/", escaped(view))
}

fn escaped(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

fn by_date<'c>(chunk: &'c Chunk<'_>) -> BTreeMap<String, Vec<&'c Row>> {
    let mut dates: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in &chunk.rows {
        let time = chunk.shape.time.and_then(|time| match row.values.get(time) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        });
        dates.entry(date(time.or(row.stamp).unwrap_or_default())).or_default().push(row);
    }
    dates
}

/// The date in UTC.
fn date(time: Timestamp) -> String {
    let date = jiff::Timestamp::from_millisecond(time.0).unwrap_or_default();
    date.strftime("%Y-%m-%d").to_string()
}

fn file(chunk: &Chunk<'_>, rows: &[&Row]) -> Result<Bytes, Failure> {
    let table = Table {
        columns: chunk.shape.columns.iter().map(field).collect(),
        identity: chunk.shape.identity().map(Column::name_in_files).collect(),
        rows: rows.iter().map(|row| row.values.clone()).collect(),
    };
    table.encode().map_err(|error| Failure::impossible(causes(&error)))
}

fn field(column: &Column) -> Field {
    Field { name: column.name_in_files(), kind: column.kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_utc_before_1970_too() {
        let dates = [-1, 0, 86_399_999, 86_400_000].map(|at| date(Timestamp(at)));
        assert_eq!(dates, ["1969-12-31", "1970-01-01", "1970-01-01", "1970-01-02"]);
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        assert_eq!(path("../a b", "2026-11-21", "c/d"), "view=..%2Fa%20b/date=2026-11-21/c%2Fd.parquet");
    }
}
