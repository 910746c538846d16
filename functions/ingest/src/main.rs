//! The function behind `POST /events/{table}`: validated events to their topics.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::run;
use weir::{
    api::{ingest_router, observed},
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = settings::observer("ingest")?;
    let settings = Settings::from_env()?;
    let publisher = Arc::new(settings.publisher()?);
    let routes = ingest_router(settings.catalog()?, publisher, Arc::new(SystemClock));
    run(observed(routes, &observer)).await.map_err(|error| anyhow!(error))
}
