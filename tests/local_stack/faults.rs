//! A function that stalls while its partition has more records.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use tokio::sync::Notify;
use weir::{
    engine::{Engine, PartitionStatus, Reader, Settings},
    handlers,
    local::{
        broker::EmbeddedBroker,
        dynamo::EmbeddedDynamo,
        poller::{Invoke, InvokeError, Poller, PollerConfig},
        stack::{Meters, WindowFunction},
    },
    publish::kafka::KafkaSettings,
    state::dynamo::DynamoStore,
    time::{ManualClock, Millis, Timestamp},
};

use crate::{
    newest,
    stand::{START, Stored, eventually, expected, impatient, publish, publisher, shoppers, stored},
};

/// Hands on to a function, but holds one partition's batches from an offset on until it may go on.
struct Stalling<I> {
    function: I,
    partition: &'static str,
    from: i64,
    is_held: Arc<AtomicBool>,
    go_on: Arc<Notify>,
}

impl<I: Invoke> Invoke for Stalling<I> {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let offset = event["records"][self.partition][0]["offset"].as_i64();
        if offset.is_some_and(|offset| offset >= self.from) {
            self.is_held.store(true, Ordering::SeqCst);
            self.go_on.notified().await;
            // For the batch after this one.
            self.go_on.notify_one();
        }
        self.function.invoke(function, payload).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_with_a_backlog_is_not_idle() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let dynamo = EmbeddedDynamo::start(None, None).unwrap();
    let bootstrap = broker.bootstrap();
    let kafka = publisher(&bootstrap);
    let topics = ["impressions", "clicks", "ctr_results", "weir.late_events", "weir.dead_letters"];
    kafka.ensure_topics(&topics.map(|topic| (topic, 2))).await.unwrap();
    let events = shoppers(65);
    publish(&bootstrap, &events).await;
    let expected = newest(expected(&events).await.rows);

    let store = Arc::new(DynamoStore::new(dynamo.client().await, "weir"));
    store.create_table().await.unwrap();
    let (catalog, clock) = (Arc::new(impatient()), Arc::new(ManualClock::at(START)));
    let reader = Reader::new(Arc::clone(&catalog), Arc::clone(&store));
    let settings = Settings::default();
    let engine =
        Engine::new(Arc::clone(&catalog), store, kafka.clone(), kafka.clone(), clock.clone(), settings);
    let (engine, meters) = (Arc::new(engine), Arc::<Meters>::default());
    let (is_held, go_on) = (Arc::<AtomicBool>::default(), Arc::<Notify>::default());
    let function = Stalling {
        function: WindowFunction::new(Arc::clone(&engine), Arc::clone(&meters)),
        partition: "impressions-1",
        from: 100,
        is_held: Arc::clone(&is_held),
        go_on: Arc::clone(&go_on),
    };
    let config = PollerConfig { batch_size: 100, ..PollerConfig::new("window", ["impressions", "clicks"]) };
    let poller = Poller::start(config, &KafkaSettings::plain(&bootstrap), function).unwrap();

    let view = &catalog.views[0];
    let mut ends = BTreeMap::new();
    for partition in topics[..2].iter().flat_map(|topic| [0, 1].map(|index| (*topic, index))) {
        ends.insert(partition, kafka.offsets(partition.0, partition.1).await.unwrap().1);
    }
    let stalled = || async {
        let partitions = reader.status(view).await.unwrap().partitions;
        let behind = |partition: &&PartitionStatus| {
            ends[&(partition.topic.as_str(), partition.partition)] != partition.next
        };
        let behind: Vec<_> = partitions.iter().filter(behind).collect();
        partitions.len() == 4 && behind.len() == 1 && is_held.load(Ordering::SeqCst)
    };
    eventually("everything but what is held", stalled).await;

    // Hours go by, and the sweep finds the other partitions idle, but not the one that is held.
    for _ in 0..5 {
        clock.advance(Millis::hours(1));
        handlers::sweep(&engine).await.unwrap();
    }
    let status = reader.status(view).await.unwrap();
    let idle: Vec<bool> = status.partitions.iter().map(|partition| partition.idle).collect();
    assert_eq!(idle.iter().filter(|idle| **idle).count(), 3, "{status:?}");
    let held = status.partitions.iter().find(|partition| !partition.idle).unwrap();
    assert_eq!((held.topic.as_str(), held.partition), ("impressions", 1));
    assert!(status.closed.unwrap_or(Timestamp::MIN) <= held.watermark.unwrap(), "{status:?}");

    go_on.notify_one();
    eventually("the rest", || async { meters.counts().records == events.len() as u64 }).await;
    for _ in 0..2 {
        clock.advance(Millis::hours(1));
        handlers::sweep(&engine).await.unwrap();
    }
    assert_eq!(meters.counts().late, 0);
    let rows = stored(&bootstrap, "ctr_results").await;
    assert_eq!(newest(rows.iter().map(Stored::row)), expected);
    assert!(stored(&bootstrap, "weir.late_events").await.is_empty());
    poller.stop().await.unwrap();
}
