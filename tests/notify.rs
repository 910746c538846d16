//! The promise: an alert reaches its targets, or is a dead letter that says why.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]
#![cfg(all(feature = "api", feature = "notify"))]

#[path = "notify/fixture.rs"]
mod fixture;
#[path = "notify/letters.rs"]
mod letters;
#[path = "notify/secrets.rs"]
mod secrets;
#[path = "notify/slack.rs"]
mod slack;
#[path = "notify/sns.rs"]
mod sns;
#[path = "notify/webhook.rs"]
mod webhook;
