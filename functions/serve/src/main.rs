//! The function behind `GET /{view}/...`: the views' rows.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::{run, tracing};
use weir::{
    api::serve_router_with,
    engine::Reader,
    settings::{self, Settings},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let api = settings::api(|name| std::env::var(name).ok())?;
    let reader = Reader::new(settings.catalog()?, settings.store().await);
    run(serve_router_with(Arc::new(reader), &api)).await.map_err(|error| anyhow!(error))
}
