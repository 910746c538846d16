//! Why a batch or a sweep failed. All of it is for redelivery: nothing was lost.

use crate::{
    codec::CodecError,
    publish::PublishError,
    schemas::RegistryError,
    state::{Partition, StateError},
};

/// Why a batch or a sweep failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No table describes the topic.
    #[error("no table describes topic {topic}; the tables' topics are {known}")]
    UnknownTopic {
        /// The batch's topic.
        topic: String,
        /// Those that tables describe.
        known: String,
    },
    /// Others kept writing the same slabs.
    #[error("gave up on {partition} of view {view} after {attempts} attempts: others kept writing its slabs")]
    Contended {
        /// The view.
        view: String,
        /// The partition.
        partition: Partition,
        /// How often it was tried.
        attempts: u32,
    },
    /// An item in the store cannot be read.
    #[error("failed to read {subject}")]
    Damaged {
        /// Which item.
        subject: String,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// A schema registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The broker failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
