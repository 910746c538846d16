//! Everything on one machine: the parts of AWS that Weir stands on, embedded, an event-source poller,
//! and simulated users.

pub mod dynamo;
mod metrics;
pub mod poller;
pub mod simulate;
pub mod stack;

pub use weir_broker as broker;
