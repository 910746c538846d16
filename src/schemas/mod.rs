//! Schemas that the frames of values name: asked of a registry once, and remembered.
//!
//! | registry | has the schemas of |
//! | --- | --- |
//! | `Confluent` (feature `registry`) | tables with `format = 'avro-confluent'` and `'protobuf-confluent'`: Confluent's HTTP API, which Apicurio, Karapace and Redpanda speak too |
//! | `Glue` (feature `registry`) | tables with `format = 'avro-glue'` and `'protobuf-glue'` |
//!
//! What stands under an id never changes, so an answer holds for the life of the process. That a registry
//! does not know an id is forgotten with the batch: somebody may register it yet.

#[cfg(feature = "registry")]
mod ask;
#[cfg(feature = "registry")]
mod confluent;
#[cfg(feature = "registry")]
mod glue;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::BoxFuture;

#[cfg(feature = "registry")]
pub use self::{
    confluent::{AddressError, Confluent},
    glue::{Glue, NoRegion},
};
use crate::{
    avro,
    event::{self, RawBatch, SchemaId, Writers, Written},
    protobuf,
    sql::Table,
};

/// How many schemas are remembered. Past that all are forgotten.
const MAX_KNOWN: usize = 1000;
/// How many schemas that the registry does not know it is asked for by one batch. What is no frame at all but
/// begins like one names a new schema in each record.
const MAX_UNKNOWN: usize = 64;

/// A schema as a registry has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// What it is of: `AVRO`, `JSON`, `PROTOBUF`.
    pub kind: String,
    /// Its text.
    pub text: String,
    /// Those that it refers to, each behind those that it refers to itself.
    pub references: Vec<Referred>,
}

/// A schema that another one refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referred {
    /// What the other one calls it: the name of a type in Avro, of a file in Protobuf.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Where schemas are asked for.
pub trait Registry: Send + Sync {
    /// What stands under an id; none where the registry knows that nothing does.
    fn schema(&self, id: SchemaId) -> BoxFuture<'_, Result<Option<Definition>, RegistryError>>;
}

/// A registry did not say what a schema is. Nothing is wrong with the records: they are to be given again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to get schema {schema}: {reason}")]
pub struct RegistryError {
    /// The schema's id.
    pub schema: SchemaId,
    /// Why.
    pub reason: String,
}

/// The schemas of one process. Clones share what they know.
#[derive(Clone, Default)]
pub struct Schemas(Arc<Shared>);

#[derive(Default)]
struct Shared {
    confluent: Option<Arc<dyn Registry>>,
    glue: Option<Arc<dyn Registry>>,
    known: Mutex<HashMap<SchemaId, Known>>,
    /// Held by who asks, so that nothing is asked twice at once: how the last question failed that did.
    turn: tokio::sync::Mutex<Option<RegistryError>>,
    /// How many questions failed.
    failures: AtomicU64,
}

/// A schema, or why values cannot be read by it.
type Known = Result<Written, String>;

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemas").field("known", &self.known().len()).finish_non_exhaustive()
    }
}

impl Schemas {
    /// Schemas of these registries, each for the ids of its kind.
    pub fn new(confluent: Option<Arc<dyn Registry>>, glue: Option<Arc<dyn Registry>>) -> Self {
        Self(Arc::new(Shared { confluent, glue, ..Shared::default() }))
    }

    /// The schemas that a batch needs to be decoded against the table of its topic. An error says that a
    /// registry failed; a schema that it does not know, or that values are not read by, is left to the decoder to tell.
    pub async fn of(&self, raw: &RawBatch, table: &Table) -> Result<Writers, RegistryError> {
        let mut writers = Writers::default();
        let mut missing = Vec::new();
        for id in event::needed(raw, table) {
            match self.remembered(id) {
                Some(known) => writers.insert(id, known),
                None => missing.push(id),
            }
        }
        if !missing.is_empty() {
            self.ask(missing, &mut writers).await?;
        }
        Ok(writers)
    }

    async fn ask(&self, missing: Vec<SchemaId>, writers: &mut Writers) -> Result<(), RegistryError> {
        let failures = self.0.failures.load(Ordering::Acquire);
        let mut turn = self.0.turn.lock().await;
        // Who waited while another one asked in vain need not, too: all that wait would take their turns at it.
        if let Some(error) = turn.as_ref().filter(|_| self.0.failures.load(Ordering::Acquire) != failures) {
            return Err(error.clone());
        }
        self.ask_in_turn(missing, writers).await.inspect_err(|error| {
            *turn = Some(error.clone());
            self.0.failures.fetch_add(1, Ordering::Release);
        })
    }

    async fn ask_in_turn(&self, missing: Vec<SchemaId>, writers: &mut Writers) -> Result<(), RegistryError> {
        let mut unknown = 0;
        for id in missing {
            // Somebody may have asked while this one waited.
            if let Some(known) = self.remembered(id) {
                writers.insert(id, known);
            } else if unknown == MAX_UNKNOWN {
                let reason =
                    format!("{MAX_UNKNOWN} other schemas of this batch are not there; it was not asked for");
                writers.insert(id, Err(format!("unknown schema {id}: {reason}")));
            } else if let Some(definition) = self.registry(id)?.schema(id).await? {
                tracing::info!(%id, kind = definition.kind, "got a schema");
                let known = read(id, &definition);
                self.remember(id, known.clone());
                writers.insert(id, known);
            } else {
                unknown += 1;
                writers.insert(id, Err(format!("unknown schema {id}: the schema registry does not have it")));
            }
        }
        Ok(())
    }

    fn registry(&self, id: SchemaId) -> Result<&dyn Registry, RegistryError> {
        let (registry, missing) = match id {
            SchemaId::Number(_) => {
                (&self.0.confluent, "there is no schema registry; set WEIR_SCHEMA_REGISTRY to its URL")
            }
            SchemaId::Uuid(_) => (&self.0.glue, "AWS Glue's schema registry is not set up here"),
        };
        let missing = || RegistryError { schema: id, reason: missing.to_owned() };
        registry.as_deref().ok_or_else(missing)
    }

    fn remembered(&self, id: SchemaId) -> Option<Known> {
        self.known().get(&id).cloned()
    }

    fn remember(&self, id: SchemaId, known: Known) {
        let mut all = self.known();
        if all.len() >= MAX_KNOWN {
            all.clear();
        }
        all.insert(id, known);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SchemaId, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(id: SchemaId, definition: &Definition) -> Known {
    let Definition { kind, text, references } = definition;
    match kind.as_str() {
        "AVRO" => {
            let others = references.iter().map(|referred| referred.text.as_str());
            let schema = avro::Schema::parse_with(others, text);
            let schema = schema.map(|schema| Written::Avro(Arc::new(schema)));
            schema.map_err(|error| format!("schema {id} is no Avro schema of records: {error}"))
        }
        "PROTOBUF" => {
            let imports = references.iter().map(|referred| (referred.name.as_str(), referred.text.as_str()));
            let schema = protobuf::Schema::parse_with(imports, text);
            let schema = schema.map(|schema| Written::Protobuf(Arc::new(schema)));
            schema.map_err(|error| format!("schema {id} is no Protobuf schema: {error}"))
        }
        _ => Err(format!("schema {id} is {kind}; expected AVRO or PROTOBUF")),
    }
}
