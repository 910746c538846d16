//! A broker to test against, and functions that do as they are told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Barrier, Notify};
use weir::{
    local::{
        broker::EmbeddedBroker,
        poller::{Invoke, InvokeError, Poller, PollerConfig, Retry},
    },
    publish::{
        Message, Publisher,
        kafka::{KafkaPublisher, KafkaSettings},
    },
};

/// A broker in a folder of its own, and a publisher to it.
pub(crate) struct Stand {
    pub(crate) settings: KafkaSettings,
    pub(crate) kafka: KafkaPublisher,
    _broker: EmbeddedBroker,
    _dir: TempDir,
}

impl Stand {
    pub(crate) async fn new(topics: &[(&str, i32)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
        let settings = KafkaSettings::plain(broker.bootstrap());
        let kafka = KafkaPublisher::new(settings.clone()).unwrap();
        kafka.ensure_topics(topics).await.unwrap();
        Self { settings, kafka, _broker: broker, _dir: dir }
    }

    pub(crate) async fn publish(&self, topic: &str, values: impl IntoIterator<Item = String>) {
        let message = |(index, value): (usize, String)| Message {
            topic: topic.into(),
            key: Some(format!("key {index}").into_bytes()),
            payload: value.into_bytes(),
            headers: vec![("weir.n", index.to_string())],
        };
        self.kafka.publish(values.into_iter().enumerate().map(message).collect()).await.unwrap();
    }

    pub(crate) async fn numbers(&self, topic: &str, count: usize) {
        self.publish(topic, (0..count).map(|number| number.to_string())).await;
    }

    pub(crate) fn poll(&self, config: PollerConfig, function: &(impl Invoke + Clone + 'static)) -> Poller {
        Poller::start(config, &self.settings, function.clone()).unwrap()
    }
}

/// A function that keeps its events and answers as it is told: by the number of the call and the offsets.
#[derive(Clone)]
pub(crate) struct Function<A> {
    pub(crate) answer: A,
    pub(crate) calls: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(crate) handled: Arc<Mutex<Vec<(String, i64)>>>,
}

pub(crate) type Answer = Result<Value, &'static str>;

impl<A: Fn(usize, &[i64]) -> Answer> Function<A> {
    pub(crate) fn new(answer: A) -> Self {
        Self { answer, calls: Arc::default(), handled: Arc::default() }
    }

    pub(crate) fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().iter().map(|call| serde_json::from_slice(call).unwrap()).collect()
    }

    pub(crate) fn batches(&self) -> Vec<Vec<i64>> {
        self.calls().iter().map(offsets).collect()
    }

    /// The offsets of one partition that were handled, in the order in which they were.
    pub(crate) fn handled(&self, partition: &str) -> Vec<i64> {
        let handled = self.handled.lock().unwrap();
        handled.iter().filter(|(label, _)| label == partition).map(|(_, offset)| *offset).collect()
    }
}

impl<A: Fn(usize, &[i64]) -> Answer + Send + Sync> Invoke for Function<A> {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(payload);
            calls.len() - 1
        };
        let offsets = offsets(&event);
        let failed =
            |message: &str| InvokeError::Function { function: function.into(), message: message.into() };
        let answer = (self.answer)(number, &offsets).map_err(failed)?;
        let failed_from =
            answer["batchItemFailures"][0]["itemIdentifier"]["offset"].as_i64().unwrap_or(i64::MAX);
        let done = offsets.into_iter().filter(|offset| *offset < failed_from);
        self.handled.lock().unwrap().extend(done.map(|offset| (partition(&event), offset)));
        Ok(answer.to_string().into_bytes())
    }
}

pub(crate) fn partition(event: &Value) -> String {
    event["records"].as_object().unwrap().keys().next().unwrap().clone()
}

pub(crate) fn offsets(event: &Value) -> Vec<i64> {
    let records = event["records"][partition(event)].as_array().unwrap();
    records.iter().map(|record| record["offset"].as_i64().unwrap()).collect()
}

pub(crate) fn config(topic: &str) -> PollerConfig {
    let retry = Retry { first_pause: Duration::from_millis(1), ..Retry::default() };
    PollerConfig { batch_window: Duration::from_millis(50), retry, ..PollerConfig::new("window", [topic]) }
}

pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..3000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}

/// Waits for all its calls to begin before the first may end.
#[derive(Clone)]
pub(crate) struct Together<F>(pub(crate) Arc<Barrier>, pub(crate) F);

impl<F: Invoke> Invoke for Together<F> {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        if offsets(&event)[0] == 0 {
            self.0.wait().await;
        }
        self.1.invoke(function, payload).await
    }
}

/// Says when it is called, and goes on when it may.
#[derive(Clone)]
pub(crate) struct Held<F> {
    pub(crate) from: i64,
    pub(crate) called: Arc<Notify>,
    pub(crate) go_on: Arc<Notify>,
    pub(crate) function: F,
}

impl<F> Held<F> {
    pub(crate) fn new(from: i64, function: F) -> Self {
        Self { from, called: Arc::default(), go_on: Arc::default(), function }
    }
}

impl<F: Invoke> Invoke for Held<F> {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        if offsets(&event)[0] >= self.from {
            self.called.notify_one();
            self.go_on.notified().await;
        }
        self.function.invoke(function, payload).await
    }
}
