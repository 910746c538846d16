//! The table itself: made where there is none, checked where there should be one.

use std::{error::Error, time::Duration};

use aws_sdk_dynamodb::{
    operation::{create_table::CreateTableError, describe_table::DescribeTableError},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription,
        TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use super::{DynamoStore, failed};
use crate::state::StateError;

/// The attribute that DynamoDB drops items by.
pub(super) const TTL: &str = "ttl";

/// How often a table that is being made is asked after, and how long.
const POLL_EVERY: Duration = Duration::from_millis(500);
const POLLS: u32 = 120;

/// The table cannot serve as the store.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is none of this name.
    #[error("there is no such table in this account, region and endpoint")]
    Missing,
    /// Its keys are not the store's.
    #[error("its keys are ({found}), not (pk HASH S, sk RANGE S)")]
    Keys {
        /// Name, role and type of each key.
        found: String,
    },
    /// It is being made, changed or deleted.
    #[error("it is not active but {status}")]
    Inactive {
        /// What DynamoDB calls it.
        status: String,
    },
}

impl DynamoStore {
    /// Checks that the table is there, active, and has the store's keys.
    pub async fn check(&self) -> Result<(), StateError> {
        let found = self.describe().await?;
        let checked = match &found {
            None => Err(TableError::Missing),
            Some(table) => check_keys(table).and_then(|()| check_status(table)),
        };
        checked.map_err(|error| failed("use", &self.subject(), error))
    }

    /// Makes the table where there is none (billed on demand, with a TTL) and waits until it is
    /// active. Does no harm where it exists.
    pub async fn create_table(&self) -> Result<(), StateError> {
        if self.describe().await?.is_none() {
            self.create().await?;
        }
        self.wait_until_active().await?;
        self.enable_ttl().await
    }

    fn subject(&self) -> String {
        format!("the table {}", self.table)
    }

    async fn describe(&self) -> Result<Option<TableDescription>, StateError> {
        match self.client.describe_table().table_name(&self.table).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("describe", &self.subject(), error)),
        }
    }

    async fn create(&self) -> Result<(), StateError> {
        let call = |error: Box<dyn Error + Send + Sync>| failed("create", &self.subject(), error);
        let mut request = self.client.create_table().table_name(&self.table);
        for (name, role) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let kind = AttributeDefinition::builder().attribute_name(name);
            let kind = kind.attribute_type(ScalarAttributeType::S).build().map_err(|e| call(e.into()))?;
            let key = KeySchemaElement::builder().attribute_name(name).key_type(role);
            let key = key.build().map_err(|e| call(e.into()))?;
            request = request.attribute_definitions(kind).key_schema(key);
        }
        match request.billing_mode(BillingMode::PayPerRequest).send().await {
            Ok(_) => Ok(()),
            // Somebody else was quicker.
            Err(error)
                if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(call(error.into())),
        }
    }

    async fn wait_until_active(&self) -> Result<(), StateError> {
        for _ in 1..POLLS {
            match self.check().await {
                Err(StateError::Call { source, .. }) if is_passing(source.as_ref()) => {
                    tokio::time::sleep(POLL_EVERY).await;
                }
                done => return done,
            }
        }
        self.check().await
    }

    async fn enable_ttl(&self) -> Result<(), StateError> {
        let now = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let now = now.map_err(|error| failed("describe the TTL of", &self.subject(), error))?;
        let status = now.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let call = |error: Box<dyn Error + Send + Sync>| failed("enable the TTL of", &self.subject(), error);
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build();
        let ttl = ttl.map_err(|error| call(error.into()))?;
        let request = self.client.update_time_to_live().table_name(&self.table);
        let answer = request.time_to_live_specification(ttl).send().await;
        answer.map(drop).map_err(|error| call(error.into()))
    }
}

/// Whether waiting helps: a table that was just made may not be seen yet either.
fn is_passing(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(TableError::Missing | TableError::Inactive { .. }))
}

fn check_status(table: &TableDescription) -> Result<(), TableError> {
    match table.table_status() {
        // A table that is being updated serves all calls.
        None | Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
        Some(other) => Err(TableError::Inactive { status: other.as_str().to_owned() }),
    }
}

fn check_keys(table: &TableDescription) -> Result<(), TableError> {
    let described = table.key_schema().iter().map(|key| {
        let of = |d: &&AttributeDefinition| d.attribute_name() == key.attribute_name();
        let kind = table.attribute_definitions().iter().find(of);
        let kind = kind.map_or("?", |kind| kind.attribute_type().as_str());
        format!("{} {} {kind}", key.attribute_name(), key.key_type().as_str())
    });
    let found = described.collect::<Vec<_>>().join(", ");
    if found == "pk HASH S, sk RANGE S" { Ok(()) } else { Err(TableError::Keys { found }) }
}
