//! The function behind the Kafka event sources: a batch of records to windows.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::value::RawValue;
use weir::{engine::Engine, handlers, settings::Settings, time::SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let (catalog, kafka) = (settings.catalog()?, settings.publisher()?);
    let store = settings.store().await;
    let engine = Engine::new(catalog, store, kafka.clone(), kafka, Arc::new(SystemClock), settings.engine);
    let engine = &engine;
    // The payload stays as it came: what is wrong with one record must not cost the batch.
    run(service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        handlers::window(engine, event.payload.get().as_bytes()).await.map_err(anyhow::Error::from)
    }))
    .await
}
