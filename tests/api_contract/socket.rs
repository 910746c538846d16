//! Connections that end in this process, from a real client.

use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};
use weir::{
    api::{Access, Settings, ingest_router},
    publish::MemoryPublisher,
};

use crate::gateway::{SQL, gateway, payloads};

const KEY: &str = "write-0123456789abcdef";

/// Starts the API, and says where it is.
async fn start(settings: Settings) -> (String, Arc<MemoryPublisher>) {
    let (gateway, publisher) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway.with_settings(settings)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/events", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, publisher)
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn next(client: &mut Client) -> Json {
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn say(client: &mut Client, message: impl Into<Message>) -> Json {
    client.send(message.into()).await.unwrap();
    next(client).await
}

/// The status with which a connection was refused, and the document.
async fn refusal(request: impl IntoClientRequest + Unpin) -> (u16, Json) {
    match connect_async(request).await {
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            (response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_message_gets_one_answer_in_its_turn() {
    let (url, publisher) = start(Settings::default()).await;
    let (mut client, _) = connect_async(&url).await.unwrap();
    let event = r#"{"userId":"u","event":"click","page":"/home","timestamp":1700000000000}"#;
    assert_eq!(say(&mut client, event).await, json!({ "status": 202, "accepted": 1 }));
    assert_eq!(payloads(&publisher)[0].0, "raw");
    let bytes = Message::Binary(event.as_bytes().to_vec().into());
    assert_eq!(say(&mut client, bytes).await["accepted"], 1);
    let answer = say(&mut client, r#"{"userId":"u","event":7}"#).await;
    assert_eq!(
        (&answer["status"], &answer["rejected"][0]["errors"][0]["type"]),
        (&json!(400), &json!("number"))
    );
    // Many at once.
    for count in 1..=300 {
        let events = vec![event; count % 7 + 1].join("\n");
        client.feed(Message::text(events)).await.unwrap();
    }
    client.flush().await.unwrap();
    for count in 1..=300 {
        assert_eq!(next(&mut client).await["accepted"], count % 7 + 1, "{count}");
    }
    client.send(Message::Ping(b"here?".to_vec().into())).await.unwrap();
    assert!(matches!(client.next().await.unwrap().unwrap(), Message::Pong(_)));
    client.close(None).await.unwrap();
    assert!(matches!(client.next().await, Some(Ok(Message::Close(_))) | None));
}

#[tokio::test]
async fn a_connection_may_have_a_table() {
    let (url, publisher) = start(Settings::default()).await;
    let (mut client, _) = connect_async(format!("{url}?table=users")).await.unwrap();
    let answer = say(&mut client, r#"{"user_id":"u"}"#).await;
    assert_eq!(answer["ids"][0], payloads(&publisher)[0].1["event_id"]);
    let named = r#"{"table":"raw_events","event":{"userId":"u","event":"click","timestamp":1}}"#;
    assert_eq!(say(&mut client, named).await, json!({ "status": 202, "accepted": 1 }));
    let (status, told) = refusal(format!("{url}?table=nope")).await;
    assert_eq!((status, &told["tables"]), (404, &json!(["users", "raw_events"])));
    let (status, told) = refusal(format!("{url}?tabel=users")).await;
    assert_eq!((status, &told["title"]), (400, &json!("Malformed query")));
}

#[tokio::test]
async fn keys_and_origins_are_looked_at_before_the_connection_is_opened() {
    let access = Access::parse(&format!("write:{KEY}"), false).unwrap();
    let (url, _) = start(Settings { access, ..Settings::default() }).await;
    assert_eq!(refusal(&url).await.0, 401);
    let mut request = url.as_str().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", format!("weir, weir.bearer.{KEY}").parse().unwrap());
    let (mut client, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "weir");
    assert_eq!(say(&mut client, r#"{"userId":"u","event":"click","timestamp":1}"#).await["status"], 202);
    let with_key = format!("{url}?access_token={KEY}");
    assert!(connect_async(&with_key).await.is_ok());
    let mut request = with_key.into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    let (status, told) = refusal(request).await;
    assert_eq!((status, &told["type"]), (403, &json!("urn:weir:problem:foreign-origin")));
}

#[tokio::test]
async fn what_is_no_handshake_is_told_so() {
    let (gateway, _) = gateway(SQL);
    let router = ingest_router(Arc::new(gateway));
    let (head, told) = crate::gateway::ask(&router, crate::fixture::request("GET", "/ws/events")).await;
    assert_eq!((head.status().as_u16(), &told["title"]), (426, &json!("No WebSocket handshake")));
}
