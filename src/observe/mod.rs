//! What can be observed of a running Weir: metrics, log lines, traces.
//!
//! Each observable fact is a type with an `emit` that writes the metric, and the log line where there is
//! one: call sites format nothing. Facts are of batches, writes and requests, never of single records.
//!
//! | file | is |
//! | --- | --- |
//! | `names` | every metric: its name, unit, labels and description |
//! | `metric` | how one is counted, set or timed |
//! | `batch`, `closing`, `store`, `function`, `http`, `carried` | the facts |
//! | `observer` | a function's invocations: cold starts, outcomes, and what is written after each |
//! | `emf` | metrics as lines for `CloudWatch` |
//! | `logs` (feature) | the log of a process |
//! | `otel` (feature) | traces to a collector |
//!
//! Where the metrics go is a recorder of the `metrics` crate, one a process: [`Emf`] on Lambda, Prometheus in
//! `weir up`, none anywhere else, which costs a test of one flag a fact.

mod batch;
mod carried;
mod closing;
mod emf;
mod function;
mod http;
#[cfg(feature = "logs")]
pub mod logs;
mod metric;
pub mod names;
mod observer;
#[cfg(feature = "otel")]
pub mod otel;
mod store;

pub use batch::{BatchAbsorbed, ShardFailed, ViewAbsorbed, WatermarkSeen};
pub use carried::{AlertsCarried, MessagesPublished};
pub use closing::{SlabWritten, Swept, WindowsClosed};
pub use emf::{Detail, Emf};
pub use function::{ColdStarted, Invoked, Outcome};
pub use http::HttpAnswered;
pub use metric::{Definition, Kind};
pub use observer::Observer;
pub use store::{ItemKind, StoreConflicted, StoreRead, StoreWritten};
