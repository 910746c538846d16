//! The promise: every row of a result topic is at every target, and of one identity one row is in force.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(all(feature = "api", feature = "sink"))]

#[path = "support/catalog.rs"]
mod catalog;
#[path = "sink/clickhouse.rs"]
mod clickhouse;
#[path = "sink/compact.rs"]
mod compact;
#[path = "sink/fixture.rs"]
mod fixture;
#[path = "sink/letters.rs"]
mod letters;
#[path = "sink/parquet.rs"]
mod parquet_files;
#[cfg(feature = "sink-s3")]
#[path = "sink/s3.rs"]
mod s3;
#[path = "sink/schema.rs"]
mod schema;
#[path = "support/server.rs"]
mod server;
