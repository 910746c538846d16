//! Everything on one machine: the parts of AWS that Weir stands on, embedded.

pub mod broker;
pub mod dynamo;
pub mod poller;
