//! Weir turns SQL views over event streams into serverless functions.
//!
//! Tables describe topics, views describe windowed aggregates over them. A handful of AWS
//! Lambda functions absorb the topics' batches into *slabs* (partial aggregates of one slice of
//! time), close the windows that the watermark has passed, and serve the rows.
//!
//! The modules stand from pure to impure; none uses one that stands below it:
//!
//! | module | is |
//! | --- | --- |
//! | [`value`], [`time`] | the scalars: SQL values, event times, durations, offsets, the clock |
//! | [`avro`], [`protobuf`] | the schemas of Avro and Protobuf |
//! | [`observe`] | what can be observed: metrics, log lines, traces |
//! | [`sql`] | SQL text to a checked plan |
//! | [`window`] | slices, windows, watermarks, lateness: pure functions of time |
//! | [`aggregate`] | accumulators: update, merge, encode, finish |
//! | [`event`] | Lambda payloads and NDJSON to rows of a table |
//! | [`state`] | the store: head, slabs, pages, history |
//! | [`publish`] | result, late and dead-letter topics |
//! | [`schemas`] | the schemas that a registry has |
//! | [`engine`] | absorb (batch to slabs) and close (slabs to rows) |
//! | [`backfill`] | a view rebuilt from its topics |
//! | `notify` (feature) | alerts to webhooks, Slack and SNS |
//! | [`secrets`] | passwords and keys from AWS Secrets Manager |
//! | `sink` (feature) | rows to Parquet files and ClickHouse |
//! | [`handlers`], [`settings`] | what a function does with an invocation, and what its environment tells it |
//! | [`run`] | the engine over files, in memory |

pub mod aggregate;
pub mod avro;
pub mod backfill;
pub mod codec;
pub mod engine;
pub mod error;
pub mod event;
pub mod handlers;
pub mod observe;
pub mod protobuf;
pub mod publish;
pub mod run;
pub mod schemas;
pub mod secrets;
pub mod settings;
pub mod sql;
pub mod state;
pub mod time;
pub mod value;
pub mod window;

/// Rows are many small values that live until they are written: measured at a tenth less CPU time for views whose
/// events make rows of their own.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "client")]
pub mod http;
#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "notify")]
pub mod notify;
#[cfg(feature = "sink")]
pub mod sink;
#[cfg(any(feature = "notify", feature = "sink"))]
mod targets;
