//! The table that a command reads.

use crate::state::dynamo::{ClientOptions, DynamoStore};

/// Where a stack's state is.
#[derive(Debug, clap::Args)]
pub(super) struct TableArgs {
    /// The table
    #[arg(long, env = "WEIR_TABLE", default_value = "weir")]
    table: String,
    /// Another DynamoDB than that of the environment: that of a running `weir up`, say
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
}

impl TableArgs {
    /// The store, once it is known to be there.
    pub(super) async fn connect(&self) -> anyhow::Result<DynamoStore> {
        let endpoint = self.dynamodb.clone();
        let options = ClientOptions { keyless: endpoint.is_some(), endpoint, ..ClientOptions::default() };
        let store = DynamoStore::new(options.connect().await, &self.table);
        store.check().await?;
        Ok(store)
    }
}
