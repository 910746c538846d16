//! The function behind the result topics: rows to Parquet files and ClickHouse.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use weir::{
    error::causes,
    handlers::{self, SinkFunctionError},
    settings::{self, Settings},
    sink::Sink,
    time::{Clock as _, SystemClock},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = &settings::observer("sink")?;
    let targets = settings::sink(settings::variables().await?)?;
    let settings = Settings::from_env()?;
    let (catalog, broker) = (settings.catalog()?, settings.broker().await?);
    let sink = Sink::connect(targets, &catalog, broker, Arc::new(SystemClock)).await?;
    let sink = &sink;
    run(service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        let deadline = handlers::deadline(event.context.deadline, SystemClock.now());
        let work = handlers::sink(sink, event.payload.get().as_bytes(), deadline);
        observer.invocation(work).await.map_err(|error| diagnostic(&error))
    }))
    .await
    .map_err(|error| anyhow!(error))
}

/// The error as Lambda reports it, with all of its causes.
fn diagnostic(error: &SinkFunctionError) -> Diagnostic {
    Diagnostic { error_type: "SinkError".to_owned(), error_message: causes(error) }
}
