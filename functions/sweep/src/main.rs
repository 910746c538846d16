//! The function behind the schedule: closes the windows that no batch comes to close.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use weir::{
    engine::{Engine, EngineError},
    error::causes,
    handlers,
    publish::BrokerUse,
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = &settings::observer("sweep")?;
    let settings = Settings::from_env()?;
    let catalog = settings.catalog()?;
    let (broker, store) = settings.broker_and_store(BrokerUse::PublishAndAsk).await?;
    let engine = Engine::new(catalog, store, broker.clone(), broker, Arc::new(SystemClock), settings.engine);
    let engine = &engine;
    run(service_fn(async move |_: LambdaEvent<Box<RawValue>>| {
        observer.invocation(handlers::sweep(engine)).await.map_err(|error| diagnostic(&error))
    }))
    .await
    .map_err(|error| anyhow!(error))
}

/// The error as Lambda reports it, with all of its causes.
fn diagnostic(error: &EngineError) -> Diagnostic {
    Diagnostic { error_type: "EngineError".to_owned(), error_message: causes(error) }
}
