//! Stacks to test, events for them, and what comes out.

use std::{path::Path, sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::Headers as _,
    metadata::MetadataPartition,
};
use weir::{
    local::{
        simulate::{Settings, Simulator},
        stack::{Stack, StackOptions},
    },
    publish::{
        Message, Publisher,
        kafka::{KafkaPublisher, KafkaSettings},
    },
    sql::Catalog,
    time::{ManualClock, Millis, Timestamp},
};

use crate::support::{
    catalog::catalog,
    lines::{Ran, Row, parse, run_lines},
};

/// 2026-01-01: where the simulated time begins.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);

/// The sample's SQL, with a view that does not wait long for what is silent.
pub(crate) fn impatient() -> Catalog {
    let sql = include_str!("../../sql/ctr.sql");
    let options = "topic = 'ctr_results'";
    assert!(sql.contains(options));
    catalog(
        &sql.replace(options, &format!("{options}, idle_timeout = '1 second', flush_after = '2 seconds'")),
    )
}

/// A record for a topic.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) topic: &'static str,
    key: Vec<u8>,
    payload: Vec<u8>,
}

/// Shoppers' events of some seconds: out of order, but none of them late or broken.
pub(crate) fn shoppers(seconds: i64) -> Vec<Event> {
    let settings = Settings {
        duration: Some(Millis::seconds(seconds)),
        late: 0.0,
        malformed: 0.0,
        ..Settings::default()
    };
    let events = Simulator::new(settings, &ManualClock::at(START));
    events.map(|event| Event { topic: event.topic, key: event.key, payload: event.payload }).collect()
}

/// The events of a topic, a line each.
pub(crate) fn lines(events: &[Event], topic: &str) -> Vec<u8> {
    let of_topic = events.iter().filter(|event| event.topic == topic);
    of_topic.flat_map(|event| [&event.payload, b"\n".as_slice()].concat()).collect()
}

/// What a run over files makes of the events.
pub(crate) async fn expected(events: &[Event]) -> Ran {
    let inputs = ["impressions", "clicks"].map(|topic| (topic, lines(events, topic)));
    let run = move || run_lines(impatient(), &inputs, 1000, 3);
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(crate) fn publisher(bootstrap: &str) -> KafkaPublisher {
    KafkaPublisher::new(KafkaSettings::plain(bootstrap)).unwrap()
}

pub(crate) async fn publish(bootstrap: &str, events: &[Event]) {
    let message = |event: &Event| Message {
        topic: event.topic.into(),
        key: Some(event.key.clone()),
        payload: event.payload.clone(),
        headers: Vec::new(),
    };
    publisher(bootstrap).publish(events.iter().map(message).collect()).await.unwrap();
}

/// A stack on free ports that takes small batches, quickly.
pub(crate) async fn start(catalog: Catalog, dir: &Path) -> Stack {
    Stack::start(options(catalog, dir)).await.unwrap()
}

pub(crate) fn options(catalog: Catalog, dir: &Path) -> StackOptions {
    StackOptions {
        batch_size: 100,
        batch_window: Duration::from_millis(20),
        sweep_every: Duration::from_millis(200),
        ..StackOptions::new(Arc::new(catalog), dir.join("data"))
    }
}

/// The answer of the API; nothing while it has none to give.
pub(crate) async fn get<T: serde::de::DeserializeOwned>(stack: &Stack, path: &str) -> Option<T> {
    let answer = reqwest::get(format!("{}{path}", stack.url())).await.unwrap();
    if answer.status().is_success() { Some(answer.json().await.unwrap()) } else { None }
}

/// A message as it lies in a topic.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) payload: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Stored {
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn row(&self) -> Row {
        parse(self.payload.as_bytes()).remove(0)
    }
}

/// All that is in a topic now.
pub(crate) async fn stored(bootstrap: &str, topic: &'static str) -> Vec<Stored> {
    let bootstrap = bootstrap.to_owned();
    tokio::task::spawn_blocking(move || read(&bootstrap, topic)).await.unwrap()
}

fn read(bootstrap: &str, topic: &str) -> Vec<Stored> {
    let timeout = Duration::from_secs(10);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "reader").set("fetch.wait.max.ms", "50");
    let consumer: BaseConsumer = config.create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), timeout).unwrap();
    let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(MetadataPartition::id).collect();
    let mut assigned = TopicPartitionList::new();
    let mut left = 0;
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition, timeout).unwrap();
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        left += high - low;
    }
    consumer.assign(&assigned).unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let next = || {
        let message = consumer.poll(timeout).expect("a record that the end offset promises").unwrap();
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Stored {
            key: text(message.key()),
            payload: text(message.payload()),
            headers: headers.map(|header| (header.key.to_owned(), text(header.value))).collect(),
        }
    };
    (0..left).map(|_| next()).collect()
}

/// Waits until something is so.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..2400 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain: {what}");
}
