//! Where `weir replay` and `weir simulate` send events: a topic, the ingest API, a function.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Context, bail};
use reqwest::{Client, Response, StatusCode, header::RETRY_AFTER};
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::socket::Socket;
use crate::{
    publish::{
        Message, Publisher, Topics as _,
        kafka::{KafkaPublisher, KafkaSettings},
    },
    time::Timestamp,
};

/// How often an answer that asks to try again is heeded.
const ATTEMPTS: u32 = 5;
/// How long to wait where such an answer does not say.
const PAUSE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_mins(1);

/// Where to, as the command line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `kafka://host:port/topic`.
    Kafka { bootstrap: String, topic: String },
    /// `http://host:port/events/table`.
    Http(Url),
    /// `ws://host:port/ws/events?table=table`.
    WebSocket(Url),
    /// `lambda://host:port/function`: an endpoint of Lambda's Invoke API over HTTP.
    Lambda(Url),
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let url: Url = text.parse().context("expected kafka://, http://, ws:// or lambda://")?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Http(url)),
            "ws" => Ok(Self::WebSocket(url)),
            "kafka" => {
                let (authority, topic) = parts(&url, "kafka://host:port/topic")?;
                Ok(Self::Kafka { bootstrap: authority, topic })
            }
            "lambda" => {
                let (authority, function) = parts(&url, "lambda://host:port/function")?;
                let invoke = format!("http://{authority}/2015-03-31/functions/{function}/invocations");
                Ok(Self::Lambda(invoke.parse()?))
            }
            other => bail!("expected kafka://, http://, ws:// or lambda://, found {other}://"),
        }
    }
}

fn parts(url: &Url, shape: &str) -> anyhow::Result<(String, String)> {
    let path = url.path().trim_matches('/');
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) if !path.is_empty() && !path.contains('/') => {
            Ok((format!("{host}:{port}"), path.to_owned()))
        }
        _ => bail!("expected {shape}"),
    }
}

impl Address {
    /// The table or the topic that the address names; a function takes those of any.
    pub(super) fn subject(&self) -> Option<&str> {
        match self {
            Self::Kafka { topic, .. } => Some(topic),
            Self::Http(url) => {
                let mut segments = url.path_segments()?.filter(|part| !part.is_empty() && *part != "batch");
                segments.next_back()
            }
            Self::WebSocket(url) => url.query()?.strip_prefix("table="),
            Self::Lambda(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka { bootstrap, topic } => write!(f, "kafka://{bootstrap}/{topic}"),
            Self::Http(url) | Self::WebSocket(url) | Self::Lambda(url) => url.fmt(f),
        }
    }
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Vec<u8>,
    pub(super) time: Option<Timestamp>,
}

/// An event that was not taken: its index among those that were sent together, and why.
pub(super) type Refusal = (usize, String);

/// A connection to an [`Address`].
pub(super) enum Target {
    Kafka { publisher: KafkaPublisher, topic: String },
    Http { client: Client, url: Url },
    WebSocket(Socket),
    Lambda { client: Client, url: Url, topic: String, next_offset: i64 },
}

impl Target {
    /// Connects. A function's events need the topic that they claim to come from
    /// and the offset of the first.
    pub(super) async fn new(
        address: &Address,
        topic: Option<&str>,
        first_offset: i64,
    ) -> anyhow::Result<Self> {
        let client = || Client::builder().timeout(TIMEOUT).build().context("failed to make an HTTP client");
        Ok(match address {
            Address::Kafka { bootstrap, topic } => {
                let settings = KafkaSettings::from_env().with_secrets().await?;
                let publisher = KafkaPublisher::new(settings.with("bootstrap.servers", bootstrap))
                    .with_context(|| format!("failed to connect to {bootstrap}"))?;
                Self::Kafka { publisher, topic: topic.clone() }
            }
            Address::Http(url) => Self::Http { client: client()?, url: url.clone() },
            Address::WebSocket(url) => Self::WebSocket(Socket::new(url.clone())),
            Address::Lambda(url) => Self::Lambda {
                client: client()?,
                url: url.clone(),
                topic: topic.unwrap_or_default().to_owned(),
                next_offset: first_offset,
            },
        })
    }

    /// Whether there is such a topic, or a table of that name.
    pub(super) async fn is_there(&self) -> anyhow::Result<bool> {
        match self {
            Self::Kafka { publisher, topic } => Ok(publisher.partitions(topic).await?.is_some()),
            Self::WebSocket(socket) => socket.is_there().await,
            Self::Lambda { .. } => Ok(true),
            // No events, which every table takes.
            Self::Http { client, url } => {
                let response = send(client.post(url.clone()).body("[]"), url).await?;
                Ok(response.status() != StatusCode::NOT_FOUND)
            }
        }
    }

    /// Sends events together. Returns which of them were refused; fails where none may have arrived.
    pub(super) async fn send(&mut self, events: &[Event]) -> anyhow::Result<Vec<Refusal>> {
        match self {
            Self::Kafka { publisher, topic } => publish(publisher, topic, events).await,
            Self::Http { client, url } => post(client, url, events).await,
            Self::WebSocket(socket) => socket.send(events).await,
            Self::Lambda { client, url, topic, next_offset } => {
                let payload = kafka_event(topic, *next_offset, events);
                *next_offset += i64::try_from(events.len())?;
                invoke(client, url, payload.to_string().into_bytes()).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Sends a function's payload as it is; returns the answer.
    pub(super) async fn invoke(&self, payload: Vec<u8>) -> anyhow::Result<String> {
        match self {
            Self::Lambda { client, url, .. } => invoke(client, url, payload).await,
            Self::Kafka { .. } | Self::Http { .. } | Self::WebSocket(_) => {
                bail!("a payload is for lambda://, not for a topic")
            }
        }
    }
}

async fn publish(publisher: &KafkaPublisher, topic: &str, events: &[Event]) -> anyhow::Result<Vec<Refusal>> {
    let message = |event: &Event| Message {
        topic: topic.to_owned(),
        key: event.key.clone(),
        payload: event.payload.clone(),
        headers: Vec::new(),
    };
    publisher.publish(events.iter().map(message).collect()).await?;
    Ok(Vec::new())
}

/// What ingest answers.
#[derive(serde::Deserialize)]
struct Report {
    #[serde(default)]
    rejected: Vec<Rejected>,
    #[serde(default)]
    detail: String,
}

#[derive(serde::Deserialize)]
struct Rejected {
    index: usize,
    reason: String,
}

async fn post(client: &Client, url: &Url, events: &[Event]) -> anyhow::Result<Vec<Refusal>> {
    let mut body = Vec::new();
    for event in events {
        body.extend_from_slice(&event.payload);
        body.push(b'\n');
    }
    let response = patiently(|| keyed(client.post(url.clone())).body(body.clone()), url).await?;
    let status = response.status();
    let text = response.text().await.with_context(|| format!("failed to read the answer of {url}"))?;
    let report: Option<Report> = serde_json::from_str(&text).ok();
    match report {
        Some(report) if status.is_success() || !report.rejected.is_empty() => {
            Ok(report.rejected.into_iter().map(|event| (event.index, event.reason)).collect())
        }
        Some(report) => bail!("{url} answered {status}: {}", report.detail),
        None => bail!("{url} answered {status}: {text}"),
    }
}

/// A request with the API key that the environment has, if it has one.
fn keyed(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    match std::env::var("WEIR_API_KEY") {
        Ok(key) if !key.is_empty() => request.header("x-api-key", key),
        _ => request,
    }
}

/// Sends a request again where the answer asks for it.
async fn patiently(request: impl Fn() -> reqwest::RequestBuilder, url: &Url) -> anyhow::Result<Response> {
    for _ in 1..ATTEMPTS {
        let response = send(request(), url).await?;
        if ![StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&response.status()) {
            return Ok(response);
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        tokio::time::sleep(seconds.map_or(PAUSE, Duration::from_secs)).await;
    }
    send(request(), url).await
}

async fn send(request: reqwest::RequestBuilder, url: &Url) -> anyhow::Result<Response> {
    request.send().await.with_context(|| format!("failed to reach {url}"))
}

async fn invoke(client: &Client, url: &Url, payload: Vec<u8>) -> anyhow::Result<String> {
    let response = patiently(|| client.post(url.clone()).body(payload.clone()), url).await?;
    let status = response.status();
    let failed = response.headers().contains_key("x-amz-function-error");
    let text = response.text().await.with_context(|| format!("failed to read the answer of {url}"))?;
    if failed || !status.is_success() {
        bail!("the function at {url} failed ({status}): {text}");
    }
    Ok(text)
}

/// Events as Lambda's event source for self-managed Kafka sends them, all of partition 0.
fn kafka_event(topic: &str, first: i64, events: &[Event]) -> Json {
    let records = (first..).zip(events).map(|(offset, event)| record(topic, offset, event)).collect();
    let mut partitions = Map::new();
    partitions.insert(format!("{topic}-0"), Json::Array(records));
    json!({ "eventSource": "SelfManagedKafka", "bootstrapServers": "weir-replay:9092", "records": partitions })
}

fn record(topic: &str, offset: i64, event: &Event) -> Json {
    let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let mut record = json!({
        "topic": topic,
        "partition": 0,
        "offset": offset,
        "timestamp": event.time.unwrap_or_default().0,
        "timestampType": "CREATE_TIME",
        "value": base64(&event.payload),
        "headers": [],
    });
    if let (Some(object), Some(key)) = (record.as_object_mut(), &event.key) {
        object.insert("key".into(), base64(key).into());
    }
    record
}

#[cfg(test)]
mod tests;
