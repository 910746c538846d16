//! The function behind `GET /{view}/...`: the views' rows.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::run;
use weir::{
    api::{observed, serve_router_with},
    engine::Reader,
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = settings::observer("serve")?;
    let settings = Settings::from_env()?;
    let api = settings::api(settings::variables().await?)?;
    let reader = Reader::new(settings.catalog()?, settings.store().await)
        .remembering(settings.read_cache, Arc::new(SystemClock));
    let routes = serve_router_with(Arc::new(reader), &api);
    run(observed(routes, &observer)).await.map_err(|error| anyhow!(error))
}
