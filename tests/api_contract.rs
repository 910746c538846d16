//! The HTTP API keeps its contract: every route, every status, every problem document.
#![cfg(feature = "api")]

#[path = "api_contract/fixture.rs"]
mod fixture;
#[path = "api_contract/ingest.rs"]
mod ingest;
#[path = "api_contract/serve.rs"]
mod serve;
