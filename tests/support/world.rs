//! An engine on a store in memory, with a broker and a clock that tests set.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::Value as Json;
use weir::{
    engine::{Absorbed, Engine, Reader, Settings, ViewStatus},
    event::RawBatch,
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    sql::Catalog,
    state::MemoryStore,
    time::{ManualClock, Offset, Timestamp},
};

/// First and end offsets, by topic and partition.
type Offsets = BTreeMap<(String, i32), (Offset, Offset)>;

/// What the broker has: for each partition of each topic the first offset and the end offset.
#[derive(Clone, Default)]
pub(crate) struct Broker {
    ends: Arc<Mutex<Offsets>>,
    /// How many offsets at the ends of all partitions are marks of transactions, which are no records.
    pub(crate) marks: Arc<Mutex<usize>>,
    pub(crate) messages: Arc<MemoryPublisher>,
}

impl Broker {
    pub(crate) fn set(&self, topic: &str, partition: i32, start: i64, end: i64) {
        self.hold(topic, partition, Offset::at(start), Offset::at(end));
    }

    /// The same in offsets of any kind.
    pub(crate) fn hold(&self, topic: &str, partition: i32, start: Offset, end: Offset) {
        self.ends.lock().unwrap().insert((topic.into(), partition), (start, end));
    }

    fn of(&self, topic: &str, partition: i32) -> (Offset, Offset) {
        self.ends.lock().unwrap()[&(topic.to_owned(), partition)]
    }
}

impl Publisher for Broker {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.messages.publish(messages).await
    }
}

impl Topics for Broker {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        let ends = self.ends.lock().unwrap();
        let numbers: Vec<_> =
            ends.keys().filter(|(name, _)| name == topic).map(|(_, number)| *number).collect();
        Ok(Some(numbers).filter(|numbers| !numbers.is_empty()))
    }
    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        let (start, end) = self.of(topic, partition);
        let is_through = next >= end.less(*self.marks.lock().unwrap());
        match Standing::of(start, end, next) {
            Standing::Behind if is_through => Ok(Standing::CaughtUp),
            standing => Ok(standing),
        }
    }
}

/// An engine with all that it stands on.
pub(crate) struct World {
    pub(crate) engine: Engine<Arc<MemoryStore>, Broker, Broker>,
    pub(crate) broker: Broker,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) catalog: Arc<Catalog>,
}

impl World {
    /// The wall clock begins a while after the event times that tests use.
    pub(crate) fn new(sql: &str) -> Self {
        let (catalog, store, broker) =
            (Arc::new(super::catalog::catalog(sql)), Arc::default(), Broker::default());
        let clock = Arc::new(ManualClock::at(Timestamp(10_000_000)));
        let engine = Self::engine(&catalog, &store, &broker, &clock);
        Self { engine, broker, clock, store, catalog }
    }

    /// A process that starts cold on the same store.
    pub(crate) fn restart(&mut self) {
        self.engine = Self::engine(&self.catalog, &self.store, &self.broker, &self.clock);
    }

    fn engine(
        catalog: &Arc<Catalog>,
        store: &Arc<MemoryStore>,
        broker: &Broker,
        clock: &Arc<ManualClock>,
    ) -> Engine<Arc<MemoryStore>, Broker, Broker> {
        let (publisher, topics) = (broker.clone(), broker.clone());
        Engine::new(catalog.clone(), store.clone(), publisher, topics, clock.clone(), Settings::default())
    }

    /// Absorbs values as the records of a partition from an offset on.
    pub(crate) fn absorb(&self, topic: &str, partition: i32, from: i64, values: &[&str]) -> Absorbed {
        let mut raw = RawBatch { topic: topic.into(), partition, ..RawBatch::default() };
        for (offset, value) in (from..).zip(values) {
            raw.push(Offset::at(offset), None, value.as_bytes());
        }
        block_on(self.engine.absorb(&raw)).unwrap()
    }

    /// Takes out what was published to a topic.
    pub(crate) fn published(&self, topic: &str) -> Vec<Message> {
        let (wanted, others): (Vec<_>, _) =
            self.broker.messages.take().into_iter().partition(|message| message.topic == topic);
        block_on(self.broker.messages.publish(others)).unwrap();
        wanted
    }

    /// Takes out the rows that were published to a topic.
    pub(crate) fn rows(&self, topic: &str) -> Vec<Json> {
        let parse = |message: Message| serde_json::from_slice(&message.payload).unwrap();
        self.published(topic).into_iter().map(parse).collect()
    }

    /// How far the first view has come.
    pub(crate) fn status(&self) -> ViewStatus {
        let reader = Reader::new(self.catalog.clone(), self.store.clone());
        block_on(reader.status(&self.catalog.views[0])).unwrap()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
