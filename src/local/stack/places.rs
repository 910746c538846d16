//! The two services that the stack stands on: embedded, or elsewhere.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{LocalStore, Place, StackError, StackOptions, folder::DataFolder};
use crate::{
    local::{broker::EmbeddedBroker, dynamo::EmbeddedDynamo},
    publish::{
        Topics as _,
        kafka::{KafkaPublisher, KafkaSettings},
    },
    state::dynamo::{DynamoStore, client},
};

/// The services. Those that are embedded run for as long as this is not dropped.
#[derive(Debug)]
pub(super) struct Places {
    /// Held for as long as it runs.
    _broker: Service<EmbeddedBroker>,
    dynamo: Service<EmbeddedDynamo>,
    bootstrap: String,
    kafka: KafkaSettings,
    endpoint: String,
}

#[derive(Debug)]
enum Service<E> {
    Embedded(E),
    Elsewhere,
}

impl Places {
    /// Starts those that are embedded. The broker first: they share one `SQLite`, which the broker's side
    /// sets up and which the other side only uses.
    pub(super) async fn start(options: &StackOptions, folder: &DataFolder) -> Result<Self, StackError> {
        let (broker, bootstrap) = start_broker(&options.kafka, folder).await?;
        let (dynamo, endpoint) = start_dynamo(&options.dynamodb, folder).await?;
        let kafka = match broker {
            Service::Embedded(_) => KafkaSettings::default(),
            Service::Elsewhere => KafkaSettings::from_env().with_secrets().await?,
        };
        let kafka = kafka.with("bootstrap.servers", &bootstrap);
        Ok(Self { _broker: broker, dynamo, bootstrap, kafka, endpoint })
    }

    pub(super) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(super) fn dynamodb(&self) -> &str {
        &self.endpoint
    }

    /// How Kafka is reached. The environment is asked about a broker elsewhere only.
    pub(super) fn kafka(&self) -> KafkaSettings {
        self.kafka.clone()
    }

    /// The store, its table made where there was none.
    pub(super) async fn store(&self, table: &str) -> Result<LocalStore, StackError> {
        let client = match &self.dynamo {
            Service::Embedded(dynamo) => dynamo.client().await,
            Service::Elsewhere => client(Some(&self.endpoint)).await,
        };
        let store = Arc::new(DynamoStore::new(client, table));
        let made = store.create_table().await;
        made.map_err(|source| StackError::State { place: self.endpoint.clone(), source })?;
        Ok(store)
    }

    /// The publisher, the topics made where they were not there.
    pub(super) async fn publisher(&self, options: &StackOptions) -> Result<KafkaPublisher, StackError> {
        let bootstrap = || self.bootstrap.clone();
        let publisher = KafkaPublisher::new(self.kafka());
        let publisher = publisher.map_err(|source| StackError::Kafka { bootstrap: bootstrap(), source })?;
        let made = ensure(&publisher, &options.topics()).await;
        made.map_err(|source| StackError::Topics { bootstrap: bootstrap(), source })?;
        Ok(publisher)
    }

    /// What a function must be told to find them.
    pub(super) fn environment(&self, table: &str) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("WEIR_TABLE", table.to_owned()),
            ("WEIR_KAFKA_BOOTSTRAP_SERVERS", self.bootstrap.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.endpoint.clone()),
        ];
        if let Service::Embedded(_) = self.dynamo {
            // The embedded one checks no keys and has no regions, but the SDK wants some.
            let keys = [
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
            ];
            environment.extend(keys.map(|(name, value)| (name, value.to_owned())));
        }
        environment
    }
}

async fn start_broker(
    place: &Place,
    folder: &DataFolder,
) -> Result<(Service<EmbeddedBroker>, String), StackError> {
    let port = match place {
        Place::At(bootstrap) => return Ok((Service::Elsewhere, bootstrap.clone())),
        Place::Embedded { port } => *port,
    };
    let dir = folder.broker();
    let started = spawn_blocking(move || EmbeddedBroker::start(&dir, Some(port))).await;
    let broker = started.map_err(StackError::Part)?.map_err(StackError::Broker)?;
    let bootstrap = broker.bootstrap();
    Ok((Service::Embedded(broker), bootstrap))
}

async fn start_dynamo(
    place: &Place,
    folder: &DataFolder,
) -> Result<(Service<EmbeddedDynamo>, String), StackError> {
    let port = match place {
        Place::At(endpoint) => return Ok((Service::Elsewhere, endpoint.clone())),
        Place::Embedded { port } => *port,
    };
    let file = folder.database();
    let started = spawn_blocking(move || EmbeddedDynamo::start(Some(&file), Some(port))).await;
    let dynamo = started.map_err(StackError::Part)?.map_err(StackError::Dynamo)?;
    let endpoint = dynamo.endpoint();
    Ok((Service::Embedded(dynamo), endpoint))
}

/// Makes topics, and says so where one that was there already has another number of partitions.
async fn ensure(
    publisher: &KafkaPublisher,
    topics: &[(&str, i32)],
) -> Result<(), crate::publish::PublishError> {
    publisher.ensure_topics(topics).await?;
    for (topic, wanted) in topics {
        let found = publisher.partitions(topic).await?.map(|numbers| numbers.len());
        if let Some(found) = found.filter(|found| i32::try_from(*found) != Ok(*wanted)) {
            tracing::warn!(topic, found, wanted, "the topic was there already, and keeps its partitions");
        }
    }
    Ok(())
}
