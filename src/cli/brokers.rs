//! The brokers that a command speaks to.

use anyhow::{Context, ensure};

use crate::publish::kafka::{KafkaPublisher, KafkaSettings};

/// Where Kafka is.
#[derive(Debug, clap::Args)]
pub(super) struct BrokerArgs {
    /// The brokers, host:port, comma-separated; those of `WEIR_KAFKA_BOOTSTRAP_SERVERS` if not given
    #[arg(long, value_name = "BROKERS")]
    brokers: Option<String>,
}

impl BrokerArgs {
    /// How Kafka is reached: by the arguments, and by the environment as functions are told.
    pub(super) async fn settings(&self) -> anyhow::Result<KafkaSettings> {
        let mut kafka = KafkaSettings::from_env();
        if let Some(brokers) = &self.brokers {
            kafka = kafka.with("bootstrap.servers", brokers);
        }
        ensure!(
            kafka.bootstrap_servers().is_some(),
            "it is not known where Kafka is: give --brokers HOST:PORT or set WEIR_KAFKA_BOOTSTRAP_SERVERS"
        );
        Ok(kafka.with_secrets().await?)
    }

    /// A publisher to it.
    pub(super) async fn publisher(&self) -> anyhow::Result<KafkaPublisher> {
        KafkaPublisher::new(self.settings().await?).context("failed to set up Kafka")
    }
}
