//! Topics on Kafka, through librdkafka.
//!
//! The producer is idempotent: what the client itself retries is neither doubled nor reordered. What a
//! caller publishes again after an error may be there twice; rows carry an identity for that.
//!
//! What is asked of the broker (partitions, offsets) goes through a consumer that never subscribes,
//! because a producer that asks for the metadata of an unknown topic makes the broker create it.
//!
//! | file | is |
//! | --- | --- |
//! | `settings` | how a cluster is reached |
//! | `context` | what librdkafka calls back, and errors with the reasons that it gives |
//! | `credentials` | names, passwords and certificates from Secrets Manager |
//! | `iam` | tokens for MSK with IAM |
//! | `create` | topics are made |
//! | `reader` | what a partition holds |
//! | `original` | records sent again as they were |

mod context;
mod create;
mod credentials;
mod iam;
mod original;
mod reader;
mod settings;

use std::{
    ops::Range,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use rdkafka::{
    ClientContext,
    client::Client,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    metadata::MetadataPartition,
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _},
    types::RDKafkaRespErr,
};

pub(crate) use self::context::listen;
use self::reader::Reader;
pub use self::{
    context::Context,
    create::NewTopics,
    original::Original,
    settings::{ENV_PREFIX, KafkaSettings},
};
use super::{Message, PublishError, Publisher, Standing, Topics};
use crate::{observe::MessagesPublished, time::Offset};

/// How long a broker may take to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a function's init waits for the brokers.
const WARM_TIMEOUT: Duration = Duration::from_secs(3);
const REACH: &str = "reach the brokers for";
/// How long to wait while the producer's queue is full. It empties itself: what cannot be delivered
/// within `message.timeout.ms` leaves it, too.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);

/// What the producer does unless the settings say otherwise. Any compression but snappy, which the
/// embedded broker cannot read. The timeout is shorter than a function's own.
const PRODUCER_DEFAULTS: [(&str, &str); 5] = [
    ("acks", "all"),
    ("compression.type", "lz4"),
    ("enable.idempotence", "true"),
    ("linger.ms", "5"),
    ("message.timeout.ms", "30000"),
];

/// Publishes to Kafka, and asks it about its topics. Clones share their connections.
#[derive(Clone)]
pub struct KafkaPublisher(Arc<Inner>);

struct Inner {
    settings: KafkaSettings,
    context: Context,
    producer: Mutex<FutureProducer<Context>>,
    questions: OnceLock<BaseConsumer<Context>>,
    reader: OnceLock<Reader>,
}

impl KafkaPublisher {
    /// A publisher. Connections are opened in the background; an error means that a setting is wrong.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaError> {
        let context = settings.context();
        let producer = settings.client(PRODUCER_DEFAULTS).create_with_context(context.clone())?;
        let (producer, questions, reader) = (Mutex::new(producer), OnceLock::new(), OnceLock::new());
        Ok(Self(Arc::new(Inner { settings, context, producer, questions, reader })))
    }

    /// Waits until the producer has spoken to the cluster, so that the first message need not: for a function's init.
    ///
    /// An idempotent producer needs a number before its first message, and asks for it when metadata comes while a
    /// broker is connected; else only every half second.
    pub async fn warm(&self) -> Result<(), PublishError> {
        let producer = self.producer();
        self.blocking(REACH, "", move || speak(producer.client())).await
    }

    /// The same for the first question about a topic, which another client asks.
    pub async fn warm_topics(&self) -> Result<(), PublishError> {
        self.ask(REACH, "", |consumer, _| speak(consumer.client())).await
    }

    /// The offset of a partition's oldest record (the other one where it has none), and the one that its next
    /// record will get.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<(Offset, Offset), PublishError> {
        self.ask("ask for the offsets of", topic, move |consumer, topic| {
            let (low, high) = consumer.fetch_watermarks(topic, partition, ANSWER_TIMEOUT)?;
            Ok((Offset::at(low), Offset::at(high)))
        })
        .await
    }

    /// The offset of the partition's first record at or behind `from`; none where there is none. By reading it: the
    /// marks of transactions take offsets too, and compaction takes records away.
    async fn next_record(
        &self,
        topic: &str,
        partition: i32,
        from: Offset,
    ) -> Result<Option<Offset>, PublishError> {
        let inner = Arc::clone(&self.0);
        let name = topic.to_owned();
        self.blocking("look for records of", topic, move || {
            if inner.reader.get().is_none() {
                // Whoever comes second drops theirs again.
                let _ = inner.reader.set(Reader::new(&inner.settings)?);
            }
            let reader = inner.reader.get().ok_or(KafkaError::Canceled)?;
            reader.first(&name, partition, from, ANSWER_TIMEOUT)
        })
        .await
    }

    fn producer(&self) -> FutureProducer<Context> {
        self.0.producer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idempotent producer that lost its sequence (to a broker that lost its state, say) never
    /// sends again. The next message gets a new one.
    fn replace_if_dead(&self, used: &FutureProducer<Context>) {
        if used.client().fatal_error().is_none() {
            return;
        }
        let mut current = self.0.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if current.client().native_ptr() == used.client().native_ptr()
            && let Ok(fresh) =
                self.0.settings.client(PRODUCER_DEFAULTS).create_with_context(self.0.context.clone())
        {
            *current = fresh;
        }
    }

    /// Asks the cluster a question about a topic.
    async fn ask<T: Send + 'static>(
        &self,
        action: &'static str,
        topic: &str,
        question: impl FnOnce(&BaseConsumer<Context>, &str) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, PublishError> {
        let inner = Arc::clone(&self.0);
        let name = topic.to_owned();
        self.blocking(action, topic, move || {
            if inner.questions.get().is_none() {
                let consumer = inner.settings.client([]).create_with_context(inner.context.clone())?;
                // Whoever comes second drops theirs again.
                let _ = inner.questions.set(consumer);
            }
            let consumer = inner.questions.get().ok_or(KafkaError::Canceled)?;
            listen(consumer);
            let answer = question(consumer, &name);
            // Why there is none, it may have said meanwhile.
            listen(consumer);
            answer
        })
        .await
    }

    /// Runs one of librdkafka's blocking calls where it holds up nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        topic: &str,
        call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, PublishError> {
        let failed = |source| PublishError { action, topic: topic.to_owned(), source };
        match tokio::task::spawn_blocking(call).await {
            Ok(Ok(answer)) => {
                self.0.context.is_well();
                Ok(answer)
            }
            Ok(Err(error)) => Err(failed(self.0.context.explain(error))),
            Err(panicked) => Err(failed(panicked.into())),
        }
    }
}

impl Publisher for KafkaPublisher {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        let producer = self.producer();
        let mut sent = Vec::with_capacity(messages.len());
        let mut failure = None;
        for message in &messages {
            match enqueue(&producer, record(message)).await {
                Ok(delivery) => sent.push(delivery),
                Err(error) => {
                    failure = Some((message, error));
                    break;
                }
            }
        }
        // Also after a failure: what is sent again must not overtake what is still on its way.
        for (message, delivery) in messages.iter().zip(join_all(sent).await) {
            if let Err(error) = outcome(delivery) {
                failure.get_or_insert((message, error));
            }
        }
        tell(&messages, failure.as_ref().map(|(message, _)| message.topic.as_str()));
        let Some((message, error)) = failure else {
            self.0.context.is_well();
            return Ok(());
        };
        self.replace_if_dead(&producer);
        let source = self.0.context.explain(error);
        Err(PublishError { action: "publish to", topic: message.topic.clone(), source })
    }
}

impl Topics for KafkaPublisher {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        self.ask("ask for the partitions of", topic, |consumer, topic| {
            let metadata = consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
                return Ok(None);
            };
            match found.error() {
                None => Ok(Some(numbers(found.partitions())).filter(|numbers| !numbers.is_empty())),
                Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => Ok(None),
                Some(code) => Err(KafkaError::MetadataFetch(code.into())),
            }
        })
        .await
    }

    async fn standing(&self, topic: &str, partition: i32, next: Offset) -> Result<Standing, PublishError> {
        let (start, end) = self.offsets(topic, partition).await?;
        match Standing::of(start, end, next) {
            Standing::Behind if self.next_record(topic, partition, next).await?.is_none() => {
                Ok(Standing::CaughtUp)
            }
            standing => Ok(standing),
        }
    }

    async fn has_records(
        &self,
        topic: &str,
        partition: i32,
        between: Range<Offset>,
    ) -> Result<bool, PublishError> {
        let next = self.next_record(topic, partition, between.start).await?;
        Ok(next.is_none_or(|next| next < between.end))
    }
}

/// Speaks to the cluster twice: the first metadata come from a bootstrap server, whose connection ends with them, the
/// second from a broker.
fn speak(client: &Client<impl ClientContext>) -> Result<(), KafkaError> {
    for _ in 0..2 {
        client.fetch_metadata(None, WARM_TIMEOUT)?;
    }
    Ok(())
}

fn numbers(partitions: &[MetadataPartition]) -> Vec<i32> {
    let mut numbers: Vec<_> = partitions.iter().map(MetadataPartition::id).collect();
    numbers.sort_unstable();
    numbers
}

/// Tells how many messages each topic got, or which one failed.
fn tell(messages: &[Message], failed: Option<&str>) {
    if let Some(topic) = failed {
        return MessagesPublished { topic, count: 0, is_ok: false }.emit();
    }
    // What is published together is of one topic, or sorted by it, more often than not.
    for of_topic in messages.chunk_by(|a, b| a.topic == b.topic) {
        let topic = of_topic.first().map_or("", |message| message.topic.as_str());
        MessagesPublished { topic, count: of_topic.len() as u64, is_ok: true }.emit();
    }
}

fn record(message: &Message) -> FutureRecord<'_, [u8], [u8]> {
    let mut record = FutureRecord::<[u8], [u8]>::to(&message.topic).payload(&message.payload);
    record.key = message.key.as_deref();
    if !message.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(message.headers.len());
        let add = |headers: OwnedHeaders, (key, value): &(&str, String)| {
            headers.insert(Header { key, value: Some(value) })
        };
        record = record.headers(message.headers.iter().fold(headers, add));
    }
    record
}

/// What became of a record.
fn outcome(delivery: <DeliveryFuture as Future>::Output) -> Result<(), KafkaError> {
    match delivery {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    }
}

async fn enqueue(
    producer: &FutureProducer<Context>,
    mut record: FutureRecord<'_, [u8], [u8]>,
) -> Result<DeliveryFuture, KafkaError> {
    loop {
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), same)) => {
                record = same;
                tokio::time::sleep(QUEUE_FULL_PAUSE).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}
