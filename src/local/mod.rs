//! Everything on one machine: the embedded broker and the event-source poller.

pub mod broker;
pub mod simulate;
