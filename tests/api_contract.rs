//! The HTTP API keeps its contract: every route, every status, every problem document.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(feature = "api")]

#[path = "api_contract/alerts.rs"]
mod alerts;
#[path = "support/catalog.rs"]
mod catalog;
#[path = "api_contract/drafts.rs"]
mod drafts;
#[path = "api_contract/fixture.rs"]
mod fixture;
#[path = "api_contract/gateway.rs"]
mod gateway;
#[path = "api_contract/ingest.rs"]
mod ingest;
#[path = "api_contract/lambda_socket.rs"]
mod lambda_socket;
#[path = "api_contract/once.rs"]
mod once;
#[path = "api_contract/openapi.rs"]
mod openapi;
#[path = "api_contract/pages.rs"]
mod pages;
#[path = "api_contract/serve.rs"]
mod serve;
#[cfg(feature = "websocket")]
#[path = "api_contract/socket.rs"]
mod socket;
#[path = "api_contract/windows.rs"]
mod windows;
#[expect(
    dead_code,
    clippy::indexing_slicing,
    reason = "the API is read, the engine's answers are not; a test ends where it fails"
)]
#[path = "support/world.rs"]
mod world;
