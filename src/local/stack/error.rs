//! Why a stack did not start, or did not stop well.

use std::io;

use super::FolderError;
use crate::{
    local::{broker::BrokerError, dynamo::EmbeddedDynamoError, poller::PollerError},
    publish::PublishError,
    state::StateError,
};

/// Why a stack did not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The API's port is taken, or may not be used.
    #[error("failed to listen on 127.0.0.1:{port} for the HTTP API")]
    Http {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The embedded broker did not start.
    #[error("failed to start the embedded broker")]
    Broker(#[source] BrokerError),
    /// The embedded DynamoDB did not start.
    #[error("failed to start the embedded DynamoDB")]
    Dynamo(#[source] EmbeddedDynamoError),
    /// The table cannot be made or used.
    #[error("failed to set up the state in {place}")]
    State {
        /// Where DynamoDB is.
        place: String,
        /// What it said.
        #[source]
        source: StateError,
    },
    /// A Kafka setting is wrong.
    #[error("failed to set up the Kafka client for {bootstrap}")]
    Kafka {
        /// The brokers.
        bootstrap: String,
        /// What the client said.
        #[source]
        source: rdkafka::error::KafkaError,
    },
    /// A secret of the Kafka settings cannot be read.
    #[error(transparent)]
    Secret(#[from] crate::secrets::SecretError),
    /// The topics cannot be made or asked for.
    #[error("failed to set up the topics at {bootstrap}")]
    Topics {
        /// The brokers.
        bootstrap: String,
        /// What went wrong.
        #[source]
        source: PublishError,
    },
    /// Alerts cannot be sent: the system has no certificates.
    #[error("failed to set up the targets of alerts")]
    Notify(#[source] io::Error),
    /// Rows cannot be written.
    #[error("failed to set up the targets of rows")]
    Sink(#[source] crate::sink::SetupError),
    /// The poller did not start or stop.
    #[error(transparent)]
    Poller(#[from] PollerError),
    /// A thread that starts or stops a part panicked.
    #[error("failed to run a part of the stack to its end")]
    Part(#[source] tokio::task::JoinError),
}
