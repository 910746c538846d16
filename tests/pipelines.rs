//! The promise: the SQL of `sql/` gives what it says, from the very JSON and text that the producers of these
//! events send, whatever their order and however they are cut into batches.
//!
//! Each view has rows computed by hand, and generated events whose rows a naive fold over all of them gives.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "support/catalog.rs"]
mod catalog;
#[path = "pipelines/ctr_alerts.rs"]
mod ctr_alerts;
#[path = "support/lines.rs"]
mod lines;
#[path = "pipelines/naive.rs"]
mod naive;
#[path = "pipelines/page_views.rs"]
mod page_views;
#[path = "pipelines/rows.rs"]
mod rows;
#[path = "pipelines/shop.rs"]
mod shop;
#[path = "pipelines/user_behaviour.rs"]
mod user_behaviour;
#[path = "pipelines/user_clicks.rs"]
mod user_clicks;
#[path = "pipelines/user_journeys.rs"]
mod user_journeys;
