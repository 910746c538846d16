//! The function behind `POST /events/{table}`: validated events to their topics.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::{run, tracing};
use weir::{api::ingest_router, settings::Settings, time::SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let publisher = Arc::new(settings.publisher()?);
    run(ingest_router(settings.catalog()?, publisher, Arc::new(SystemClock)))
        .await
        .map_err(|error| anyhow!(error))
}
