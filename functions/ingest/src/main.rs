//! The function behind `POST /events` and the WebSocket's messages: validated events to their topics.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_http::{Error, Request, RequestExt, Service as _, request::RequestContext, run, service_fn};
use weir::{
    api::{Gateway, SocketEvent, ingest_router},
    publish::BrokerUse,
    settings::{self, Settings},
    time::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = settings::observer("ingest")?;
    let settings = Settings::from_env()?;
    let api = settings::api(settings::variables().await?)?;
    let (publisher, requests) = settings.broker_and_store(BrokerUse::Publish).await?;
    let (publisher, requests) = (Arc::new(publisher), Arc::new(requests));
    let gateway = Gateway::new(settings.catalog()?, publisher, Arc::new(SystemClock), requests);
    let gateway = Arc::new(gateway.with_settings(api));
    let routes = ingest_router(Arc::clone(&gateway));
    let answer = async |request: Request| match socket_event(&request) {
        Some(event) => {
            let (headers, query) = (request.headers(), request.uri().query());
            gateway.socket_event(event, headers, query, request.body()).await
        }
        // What cannot fail needs no answer.
        None => routes.clone().call(request).await.unwrap_or_else(|never| match never {}),
    };
    let answer = async |request: Request| Ok::<_, Error>(observer.request(answer(request)).await);
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

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;

    use super::*;

    /// What the function takes a sample payload for.
    fn taken(name: &str) -> (Option<SocketEvent>, Request) {
        let path = format!("{}/../../events/ingest/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let payload = std::fs::read(path).expect("a sample");
        let request: Request = serde_json::from_slice::<LambdaRequest>(&payload).expect("a request").into();
        (socket_event(&request), request)
    }

    #[test]
    fn events_of_sockets_are_told_from_requests() {
        for (name, event) in [
            ("socket-connect", Some(SocketEvent::Connect)),
            ("socket-message", Some(SocketEvent::Message)),
            ("socket-bad-message", Some(SocketEvent::Message)),
            ("socket-disconnect", Some(SocketEvent::Disconnect)),
            ("event", None),
            ("batch", None),
        ] {
            assert_eq!(taken(name).0, event, "{name}");
        }
    }

    #[test]
    fn what_is_looked_at_arrives() {
        let (_, message) = taken("socket-message");
        assert!(message.body().starts_with(br#"{"userId":"user_1""#));
        let (_, connect) = taken("socket-connect");
        assert_eq!(connect.headers()["sec-websocket-protocol"], "weir");
    }
}
