//! The function behind the event sources of tables' topics: a batch of records to windows.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use weir::{
    engine::Engine,
    error::causes,
    handlers::{self, WindowError},
    publish::BrokerUse,
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = &settings::observer("window")?;
    let settings = Settings::from_env()?;
    let catalog = settings.catalog()?;
    let (broker, store) = settings.broker_and_store(BrokerUse::PublishAndAsk).await?;
    let schemas = settings::schemas(&catalog, settings::variables().await?).await?;
    let engine = Engine::new(catalog, store, broker.clone(), broker, Arc::new(SystemClock), settings.engine);
    let engine = &engine.with_schemas(schemas);
    // The payload stays as it came: what is wrong with one record must not cost the batch.
    run(service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        let work = handlers::window(engine, event.payload.get().as_bytes());
        observer.invocation(work).await.map_err(|error| diagnostic(&error))
    }))
    .await
    .map_err(|error| anyhow!(error))
}

/// The error as Lambda reports it, with all of its causes.
fn diagnostic(error: &WindowError) -> Diagnostic {
    Diagnostic { error_type: "WindowError".to_owned(), error_message: causes(error) }
}
