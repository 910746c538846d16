//! The function behind `GET /{view}/...`: the views' rows.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::run;
use weir::{
    api::{observed, serve_router},
    engine::Reader,
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = settings::observer("serve")?;
    let settings = Settings::from_env()?;
    let reader = Reader::new(settings.catalog()?, settings.store().await)
        .remembering(settings.read_cache, Arc::new(SystemClock));
    run(observed(serve_router(Arc::new(reader)), &observer)).await.map_err(|error| anyhow!(error))
}
