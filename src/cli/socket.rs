//! Events over a WebSocket: each is a message, and each message has an answer.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value as Json;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};
use url::Url;

use super::target::{Event, Refusal};

/// How long the answer to a message may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How many messages are sent before their answers are read: a server that does not read on before its
/// answers are taken must not be waited for.
const AHEAD: usize = 100;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection that is opened with the first events, and anew after it broke.
pub(super) struct Socket {
    url: Url,
    stream: Option<Box<Stream>>,
}

impl Socket {
    pub(super) fn new(url: Url) -> Self {
        Self { url, stream: None }
    }

    /// Whether a connection is let in: it is not where there is no such table.
    pub(super) async fn is_there(&self) -> anyhow::Result<bool> {
        match timeout(TIMEOUT, connect_async(self.url.as_str())).await {
            Ok(Err(Error::Http(answer))) if answer.status() == 404 => Ok(false),
            _ => connect(&self.url).await.map(|_| true),
        }
    }

    /// Sends events; returns which of them were refused. Fails where some have no answer.
    pub(super) async fn send(&mut self, events: &[Event]) -> anyhow::Result<Vec<Refusal>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Box::new(connect(&self.url).await?),
        };
        let mut refused = Vec::new();
        for (chunk, events) in events.chunks(AHEAD).enumerate() {
            let answers = exchange(&mut stream, events).await;
            let answers = answers.with_context(|| format!("failed to send events to {}", self.url))?;
            let refusals = answers.iter().enumerate().filter_map(|(at, answer)| Some((at, refusal(answer)?)));
            refused.extend(refusals.map(|(at, reason)| (chunk * AHEAD + at, reason)));
        }
        self.stream = Some(stream);
        Ok(refused)
    }
}

async fn connect(url: &Url) -> anyhow::Result<Stream> {
    match timeout(TIMEOUT, connect_async(url.as_str())).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(Error::Http(answer))) => {
            let body = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            bail!("{url} answered {}: {body}", answer.status())
        }
        Ok(Err(error)) => Err(error).with_context(|| format!("failed to reach {url}")),
        Err(_) => bail!("{url} did not answer within {} s", TIMEOUT.as_secs()),
    }
}

/// Sends messages, then reads as many answers.
async fn exchange(stream: &mut Stream, events: &[Event]) -> anyhow::Result<Vec<Json>> {
    for event in events {
        // What is no text is told so by the answer.
        let message = match String::from_utf8(event.payload.clone()) {
            Ok(text) => Message::text(text),
            Err(bytes) => Message::binary(bytes.into_bytes()),
        };
        stream.feed(message).await?;
    }
    stream.flush().await?;
    let mut answers = Vec::with_capacity(events.len());
    while answers.len() < events.len() {
        match timeout(TIMEOUT, stream.next()).await.context("no answer came in time")? {
            Some(Ok(Message::Text(text))) => {
                answers.push(serde_json::from_str(&text).context("an answer is no JSON")?);
            }
            Some(Ok(Message::Close(frame))) => bail!("the connection was closed: {frame:?}"),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => bail!("the connection ended"),
        }
    }
    Ok(answers)
}

/// Why an event was refused, if it was: what is accepted is told with `accepted`.
fn refusal(answer: &Json) -> Option<String> {
    let is_accepted = match answer.get("accepted") {
        Some(Json::Bool(accepted)) => *accepted,
        Some(Json::Number(count)) => count.as_u64() != Some(0),
        _ => false,
    };
    let reason = answer
        .pointer("/rejected/0/reason")
        .or_else(|| answer.get("detail"))
        .or_else(|| answer.get("reason"));
    let reason = reason.and_then(Json::as_str).map_or_else(|| answer.to_string(), str::to_owned);
    (!is_accepted).then_some(reason)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    /// Accepts what has a comma, refuses the rest; closes behind a `stop`.
    async fn serve(listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = accept_async(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                let answer = match message.to_text() {
                    Ok("stop") => break,
                    Ok(text) if text.contains(',') => r#"{"accepted":1}"#,
                    _ => {
                        r#"{"type":"urn:weir:problem:rejected-events","status":400,"accepted":0,"rejected":[{"index":0,"reason":"no comma"}]}"#
                    }
                };
                socket.send(Message::text(answer)).await.unwrap();
            }
        }
    }

    fn event(payload: &str) -> Event {
        Event { key: None, payload: payload.as_bytes().to_vec(), time: None }
    }

    #[tokio::test]
    async fn every_event_gets_its_answer_and_a_broken_connection_is_opened_anew() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("ws://{}/ws/events?table=a", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(serve(listener));
        let mut socket = Socket::new(url);
        let events: Vec<Event> = (0..250).map(|n| event(if n == 120 { "none" } else { "a,b" })).collect();
        assert_eq!(socket.send(&events).await.unwrap(), [(120, "no comma".to_owned())]);
        assert!(socket.send(&[event("a,b"), event("stop")]).await.is_err());
        assert_eq!(socket.send(&[event("a,b")]).await.unwrap(), []);
    }

    #[test]
    fn an_answer_accepts_or_says_why_not() {
        let refusal = |text| refusal(&serde_json::from_str(text).unwrap());
        assert_eq!(refusal(r#"{"accepted":true,"event_id":"a"}"#), None);
        assert_eq!(refusal(r#"{"accepted":1}"#), None);
        assert_eq!(refusal(r#"{"status":503,"detail":"away"}"#), Some("away".to_owned()));
        assert_eq!(refusal("{}"), Some("{}".to_owned()));
    }
}
