//! Everything on one machine: the embedded broker and DynamoDB, the event-source poller, the
//! simulator.

pub mod broker;
pub mod dynamo;
pub mod poller;
pub mod simulate;
