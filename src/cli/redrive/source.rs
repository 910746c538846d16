//! A topic of letters, read from its first record to the end that it had at the beginning.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{BorrowedMessage, Headers as _, Message as _},
};

use super::{
    done::RECEIPT,
    letter::{Letter, Spot},
};
use crate::{
    publish::kafka::{self, KafkaSettings},
    time::Timestamp,
};

/// How long a broker may take to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to send the next record.
const RECORD_TIMEOUT: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(500);
/// So many records are handed over at once.
const MOST: usize = 500;

/// No group is joined and nothing committed: the name is only one that librdkafka asks for.
const CONSUMER_DEFAULTS: [(&str, &str); 4] = [
    ("group.id", "weir-redrive"),
    ("enable.auto.commit", "false"),
    ("enable.partition.eof", "true"),
    ("auto.offset.reset", "earliest"),
];

/// What stands in a topic of letters.
pub(super) enum Entry {
    Letter(Letter),
    /// Letters that were dealt with.
    Receipt(String),
    /// Something else, and what it lacks.
    Foreign(Spot, anyhow::Error),
}

/// Reads a topic of letters.
pub(super) struct Letters {
    settings: KafkaSettings,
    topic: String,
    /// The first offset of each partition, and the one behind the last.
    bounds: BTreeMap<i32, (i64, i64)>,
}

/// A reading that is under way.
struct Cursor {
    consumer: BaseConsumer<kafka::Context>,
    /// Partitions that are not read to their end, and where that is.
    left: BTreeMap<i32, i64>,
}

impl Letters {
    /// Notes how far the topic goes.
    pub(super) async fn open(
        settings: KafkaSettings,
        topic: &str,
        partitions: Vec<i32>,
    ) -> anyhow::Result<Self> {
        let topic = topic.to_owned();
        tokio::task::spawn_blocking(move || {
            let consumer = settings.consumer(CONSUMER_DEFAULTS)?;
            let bounds = partitions.into_iter().map(|partition| {
                let bounds = consumer.fetch_watermarks(&topic, partition, ANSWER_TIMEOUT);
                Ok((partition, bounds.with_context(|| format!("failed to ask for the end of {topic}"))?))
            });
            let bounds = bounds.collect::<anyhow::Result<_>>()?;
            Ok(Self { settings, topic, bounds })
        })
        .await?
    }

    /// How many records there are, at most.
    pub(super) fn len(&self) -> u64 {
        self.bounds.values().map(|(first, end)| end.saturating_sub(*first).unsigned_abs()).sum()
    }

    /// Gives all of it to `take`, in the order of each partition.
    pub(super) async fn each(
        &self,
        mut take: impl AsyncFnMut(Entry) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let cursor = self.cursor()?;
        loop {
            let cursor = Arc::clone(&cursor);
            let read = move || cursor.lock().unwrap_or_else(PoisonError::into_inner).next();
            let entries = tokio::task::spawn_blocking(read).await??;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                take(entry).await?;
            }
        }
    }

    /// Stands before the first record of each partition.
    fn cursor(&self) -> anyhow::Result<Arc<Mutex<Cursor>>> {
        let consumer = self.settings.consumer(CONSUMER_DEFAULTS)?;
        let full = self.bounds.iter().filter(|(_, (first, end))| first < end);
        let mut list = TopicPartitionList::new();
        for (partition, (first, _)) in full.clone() {
            list.add_partition_offset(&self.topic, *partition, rdkafka::Offset::Offset(*first))?;
        }
        consumer.assign(&list)?;
        let left = full.map(|(partition, (_, end))| (*partition, *end)).collect();
        Ok(Arc::new(Mutex::new(Cursor { consumer, left })))
    }
}

impl Cursor {
    /// The next few records; none at the end.
    fn next(&mut self) -> anyhow::Result<Vec<Entry>> {
        let (mut entries, mut deadline) = (Vec::new(), Instant::now() + RECORD_TIMEOUT);
        let mut last_error = None;
        while !self.left.is_empty() && entries.len() < MOST {
            match self.consumer.poll(TICK) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let end = self.left.get(&partition).copied();
                    // What came in meanwhile is for the next time.
                    if end.is_some_and(|end| offset < end) {
                        entries.push(entry(&message));
                    }
                    if end.is_some_and(|end| offset + 1 >= end) {
                        self.left.remove(&partition);
                    }
                    deadline = Instant::now() + RECORD_TIMEOUT;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.left.remove(&partition);
                }
                // librdkafka goes on by itself; what it cannot mend ends in the timeout.
                Some(Err(error)) => last_error = Some(error),
                None => {}
            }
            if Instant::now() >= deadline {
                let error = last_error.map_or_else(|| anyhow!("no record came in time"), Into::into);
                bail!(error.context("failed to read the letters"));
            }
        }
        Ok(entries)
    }
}

fn entry(message: &BorrowedMessage<'_>) -> Entry {
    let topic = message.topic().to_owned();
    let spot = Spot { topic, partition: message.partition(), offset: message.offset() };
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let owned = |header: rdkafka::message::Header<'_, &[u8]>| {
        (header.key.to_owned(), header.value.unwrap_or_default().to_vec())
    };
    let headers: Vec<_> = headers.map(owned).collect();
    if let Some((_, receipt)) = headers.iter().find(|(name, _)| name == RECEIPT) {
        return Entry::Receipt(String::from_utf8_lossy(receipt).into_owned());
    }
    let at = message.timestamp().to_millis().map(Timestamp);
    let key = message.key().map(<[u8]>::to_vec);
    let value = message.payload().unwrap_or_default().to_vec();
    match Letter::read(spot.clone(), at, headers, key, value) {
        Ok(letter) => Entry::Letter(letter),
        Err(error) => Entry::Foreign(spot, error),
    }
}
