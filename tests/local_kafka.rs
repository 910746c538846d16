//! The promise: producers and consumers find in the embedded broker what they would find in Kafka.
#![cfg(feature = "local")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use weir::{
    backfill::{Log, kafka::KafkaLog},
    local::broker::{BrokerError, EmbeddedBroker},
    publish::{
        Message, Publisher, Topics,
        kafka::{KafkaPublisher, KafkaSettings},
    },
    state::Partition,
    time::{Clock, Millis, Offset, SystemClock, Timestamp},
};

fn publisher(broker: &EmbeddedBroker) -> KafkaPublisher {
    KafkaPublisher::new(KafkaSettings::plain(broker.bootstrap())).unwrap()
}

fn message(topic: &str, key: &str, payload: impl Into<Vec<u8>>) -> Message {
    Message {
        topic: topic.into(),
        key: Some(key.into()),
        payload: payload.into(),
        headers: vec![("weir.view", "ctr".into())],
    }
}

#[tokio::test]
async fn a_broker_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let kafka = publisher(&broker);
    kafka.warm().await.unwrap();
    assert_eq!(kafka.partitions("clicks").await.unwrap(), None);
    kafka.ensure_topics(&[("clicks", 3), ("views", 1)]).await.unwrap();
    kafka.ensure_topics(&[("clicks", 3), ("more", 2)]).await.unwrap();
    assert_eq!(kafka.partitions("clicks").await.unwrap(), Some(vec![0, 1, 2]));
    assert_eq!(kafka.partitions("more").await.unwrap(), Some(vec![0, 1]));
    kafka.publish((0..100).map(|i| message("views", "p", format!("{i}"))).collect()).await.unwrap();
    assert_eq!(kafka.offsets("views", 0).await.unwrap().1, Offset::at(100));
    drop(kafka);
    broker.shutdown();

    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let kafka = publisher(&broker);
    assert_eq!(kafka.partitions("clicks").await.unwrap(), Some(vec![0, 1, 2]));
    assert_eq!(kafka.offsets("views", 0).await.unwrap().1, Offset::at(100));
    kafka.publish(vec![message("views", "p", "more")]).await.unwrap();
    assert_eq!(kafka.offsets("views", 0).await.unwrap().1, Offset::at(101));
}

#[test]
fn a_taken_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = EmbeddedBroker::start(dir.path(), Some(port)).unwrap_err();
    assert!(matches!(error, BrokerError::Port { port: named, .. } if named == port), "{error}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EmbeddedBroker::start(&file.join("broker"), None).unwrap_err();
    assert!(matches!(error, BrokerError::Folder { .. }), "{error}");
    let error = EmbeddedBroker::start(&dir.path().join("a folder"), None).unwrap_err();
    assert!(matches!(error, BrokerError::Path { .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_topic_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let settings = KafkaSettings::plain(broker.bootstrap()).with("topic.metadata.propagation.max.ms", "100");
    let error = KafkaPublisher::new(settings).unwrap().publish(vec![message("nowhere", "k", "v")]).await;
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "failed to publish to topic nowhere");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("UnknownTopic"), "{error:?}");
}

#[tokio::test]
async fn a_topic_is_read_from_any_offset_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let kafka = publisher(&broker);
    kafka.ensure_topics(&[("views", 1)]).await.unwrap();
    let send = async |range: std::ops::Range<u32>| {
        kafka.publish(range.map(|i| message("views", "p", format!("{i}"))).collect()).await.unwrap();
    };
    send(0..100).await;
    let log = KafkaLog::new(KafkaSettings::plain(broker.bootstrap()), kafka.clone());
    let partition = Partition { topic: "views".into(), index: 0 };
    let read = async |from, end, most| {
        let batch = log.read(&partition, Offset::at(from), Offset::at(end), most).await.unwrap();
        assert_eq!((batch.topic.as_str(), batch.partition), ("views", 0));
        for record in &batch.records {
            assert_eq!(batch.bytes[record.value.clone()], *record.offset.to_string().as_bytes());
            assert_eq!(batch.bytes[record.key.clone().unwrap()], *b"p");
            assert!(record.timestamp.is_some());
        }
        batch.records.iter().map(|record| record.offset.number().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 100, 40).await, (0..40).collect::<Vec<_>>());
    assert_eq!(read(40, 100, 500).await, (40..100).collect::<Vec<_>>());
    // The consumer has seen the end of before; what came since is read all the same.
    send(100..103).await;
    assert_eq!(read(100, 103, 500).await, [100, 101, 102]);
    assert_eq!(read(97, 99, 2).await, [97, 98]);
    assert_eq!(log.end_offset("views", 0).await.unwrap(), Offset::at(103));
    let hour = Millis::hours(1);
    let now = SystemClock.now();
    assert_eq!(log.offset_at(&partition, now - hour).await.unwrap(), Offset::at(0));
    assert_eq!(log.offset_at(&partition, Timestamp(0)).await.unwrap(), Offset::at(0));
    // (For a time behind its last record the embedded broker answers with the first offset, where Apache
    // Kafka answers with none.)
}
