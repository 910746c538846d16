//! The HTTP API keeps its contract: every route, every status, every problem document.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(feature = "api")]

#[path = "api_contract/fixture.rs"]
mod fixture;
#[path = "api_contract/ingest.rs"]
mod ingest;
#[path = "api_contract/serve.rs"]
mod serve;
