//! The promise: a backfill reads a topic from any offset, and again from where it stopped.
#![cfg(feature = "kafka")]

use std::ops::Range;

use rdkafka::mocking::MockCluster;
use weir::{
    backfill::{Log, kafka::KafkaLog},
    publish::{
        Message, Publisher,
        kafka::{KafkaPublisher, KafkaSettings},
    },
    state::Partition,
    time::Offset,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_read_from_any_offset_and_again() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("views", 1, 1).unwrap();
    let settings = KafkaSettings::plain(cluster.bootstrap_servers());
    let kafka = KafkaPublisher::new(settings.clone()).unwrap();
    let message = |i| Message {
        topic: "views".into(),
        key: Some(b"p".into()),
        payload: format!("{i}").into_bytes(),
        headers: Vec::new(),
    };
    let send = async |range: Range<u32>| kafka.publish(range.map(message).collect()).await.unwrap();
    send(0..100).await;
    let log = KafkaLog::new(settings, kafka.clone());
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
    assert_eq!(log.end_offset("views", 0).await.unwrap(), Offset::at(100));
    assert_eq!(read(0, 100, 40).await, (0..40).collect::<Vec<_>>());
    assert_eq!(read(40, 100, 500).await, (40..100).collect::<Vec<_>>());
    // Its consumer has met the end that the topic had before.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    send(100..103).await;
    assert_eq!(read(100, 103, 500).await, [100, 101, 102]);
    assert_eq!(read(97, 99, 2).await, [97, 98]);
    // No records up to an end that the broker itself calls the end.
    assert_eq!(read(103, 104, 2).await, [0; 0]);
    assert_eq!(read(103, 104, 2).await, [0; 0], "and still none");
    assert_eq!(read(101, 104, 5).await, [101, 102]);
    assert_eq!(read(103, 104, 5).await, [0; 0], "behind the last one neither");
}
