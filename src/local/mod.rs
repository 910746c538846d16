//! local
pub mod dynamo;
