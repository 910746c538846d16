//! What to do about a stack that does not start.

use anyhow::anyhow;

use crate::{
    error::causes,
    local::{
        broker::BrokerError,
        dynamo::EmbeddedDynamoError,
        stack::{FolderError, StackError},
    },
};

/// The error, with the option that helps on a line of its own.
pub(super) fn explain(error: StackError) -> anyhow::Error {
    match advice(&error) {
        Some(advice) => anyhow!("{}\n\n{advice}", causes(&error)),
        None => error.into(),
    }
}

fn advice(error: &StackError) -> Option<&'static str> {
    Some(match error {
        StackError::Http { .. } => "choose another port with --port N; 0 is any free one",
        StackError::Broker(BrokerError::Port { .. }) => {
            "choose another port with --kafka-port N (0 is any free one), or use the broker that is there with \
             --kafka HOST:PORT"
        }
        StackError::Dynamo(EmbeddedDynamoError::Port { .. }) => {
            "choose another port with --dynamodb-port N (0 is any free one), or use the DynamoDB that is there \
             with --dynamodb URL"
        }
        StackError::Folder(FolderError::InUse { .. }) => {
            "stop the other one, or choose another folder with --data-dir DIR"
        }
        StackError::Broker(BrokerError::Path { .. })
        | StackError::Folder(FolderError::Foreign { .. } | FolderError::Write { .. }) => {
            "choose another folder with --data-dir DIR"
        }
        StackError::Broker(BrokerError::Storage { .. })
        | StackError::Dynamo(EmbeddedDynamoError::Database { .. }) => {
            "begin anew with --fresh, which wipes the state, or choose another folder with --data-dir DIR"
        }
        StackError::Topics { .. } | StackError::Kafka { .. } => {
            "is --kafka right? WEIR_KAFKA_... variables are librdkafka's settings, such as \
             WEIR_KAFKA_SECURITY_PROTOCOL"
        }
        StackError::State { .. } => {
            "is --dynamodb right? AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY tell region and keys"
        }
        _ => return None,
    })
}
