//! The function behind `POST /events` and the WebSocket's messages: validated events to their topics.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::{
    Error, Request, RequestExt, Service as _, request::RequestContext, run, service_fn, tracing,
};
use weir::{
    api::{Gateway, SocketEvent, ingest_router},
    publish::kafka::KafkaPublisher,
    settings::{self, Settings},
    state::dynamo::DynamoStore,
    time::SystemClock,
};

type Ingest = Gateway<KafkaPublisher, SystemClock, DynamoStore>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let api = settings::api(|name| std::env::var(name).ok())?;
    let (publisher, requests) = (Arc::new(settings.publisher()?), Arc::new(settings.store().await));
    let gateway = Gateway::new(settings.catalog()?, publisher, Arc::new(SystemClock), requests);
    let gateway = Arc::new(gateway.with_settings(api));
    let routes = ingest_router(Arc::clone(&gateway));
    let answer = async |request: Request| -> Result<_, Error> {
        match socket_event(&request) {
            Some(event) => {
                let (headers, query) = (request.headers(), request.uri().query());
                Ok(gateway.socket_event(event, headers, query, request.body()).await)
            }
            None => Ok(routes.clone().call(request).await?),
        }
    };
    run(service_fn(answer)).await.map_err(|error| anyhow!(error))
}

/// What an API Gateway tells of a WebSocket, if the request is of one.
fn socket_event(request: &Request) -> Option<SocketEvent> {
    match request.request_context_ref()? {
        RequestContext::WebSocket(context) => Some(match context.event_type.as_deref() {
            Some("CONNECT") => SocketEvent::Connect,
            Some("DISCONNECT") => SocketEvent::Disconnect,
            _ => SocketEvent::Message,
        }),
        _ => None,
    }
}
