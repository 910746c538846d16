//! The function behind `POST /events/{table}`: validated events to their topics.

use std::sync::Arc;

use lambda_http::{Error, run, tracing};
use weir::{api::ingest_router, settings::Settings, time::SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let publisher = Arc::new(settings.publisher()?);
    run(ingest_router(settings.catalog()?, publisher, Arc::new(SystemClock))).await
}
