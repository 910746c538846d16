//! The event-source poller: what Lambda's Kafka event source mapping does, on this machine.
//!
//! A [`Poller`] is a consumer group that hands the records of its topics to a function, as the very
//! JSON that Lambda sends and with Lambda's promises:
//!
//! - the batches of a partition come one after the other, in offset order; partitions run side by side;
//! - a batch goes when it has `batch_size` records, when `batch_window` has passed since its first
//!   record, or before its payload would outgrow `payload_limit`;
//! - records that no filter lets pass are done with at once;
//! - a batch that fails comes again, the same, and nothing of its partition overtakes it;
//! - offsets are committed for what was handled, so everything is delivered at least once.
//!
//! Lambda may put several partitions into one payload; here a payload is of one partition, so one
//! partition's failure never repeats another's records.
//!
//! A thread of its own reads from the broker and writes payloads; calls run as tasks on the runtime in
//! which the poller was started.

mod batch;
mod begin;
mod config;
mod consume;
mod deliver;
mod filter;
mod invoke;
mod lane;
mod progress;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};
use tokio::runtime::Handle;

use self::{
    batch::{Batch, Envelope},
    consume::{Command, Context},
    deliver::Deliverer,
    lane::{Delivered, Dispatch, Lanes},
    progress::Progress,
};
pub use self::{
    config::{PollFile, PollFileError},
    deliver::Retry,
    filter::{FilterError, Filters},
    invoke::{HttpInvoke, Invoke, InvokeError},
    progress::{Counts, Position},
};
use crate::{
    publish::kafka::{KafkaPublisher, KafkaSettings},
    state::Partition,
    time::Timestamp,
};

/// Lambda's limit for the payload of a synchronous call, in bytes.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// What the consumer does unless the settings say otherwise.
///
/// The wait is short because the embedded broker waits it out even when it has records, and not shorter because it
/// looks at all partitions twice meanwhile. The session is short because the partitions of a poller that was killed are
/// nobody's until it has expired.
const CONSUMER_DEFAULTS: [(&str, &str); 7] = [
    ("enable.auto.offset.store", "false"),
    ("fetch.wait.max.ms", "200"),
    ("heartbeat.interval.ms", "1000"),
    ("queued.max.messages.kbytes", "16384"),
    ("session.timeout.ms", "6000"),
    ("statistics.interval.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "10000"),
];

/// Which topics go to which function, and how.
#[derive(Clone, Debug)]
pub struct PollerConfig {
    /// The consumer group, under which offsets are kept.
    pub group: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The function's name.
    pub function: String,
    /// Where a group begins that has no offsets yet.
    pub start: StartingPosition,
    /// The most records of a batch.
    pub batch_size: usize,
    /// How long a batch waits for more records after its first.
    pub batch_window: Duration,
    /// The most bytes of a payload. A single record that is larger goes alone.
    pub payload_limit: usize,
    /// What happens to batches that fail.
    pub retry: Retry,
    /// Which records are handed on; the others are done with at once.
    pub filters: Filters,
    /// Whether the function may answer with `batchItemFailures`: the records before the first of them
    /// are then handled, and only the others come again.
    pub report_batch_item_failures: bool,
    /// The cluster's ARN, for payloads as from MSK; without one they are as from a self-managed cluster.
    pub event_source_arn: Option<String>,
}

/// Where a group begins that has no offsets yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest record.
    #[default]
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the first record of this time, by the broker's timestamps.
    At(Timestamp),
}

impl PollerConfig {
    /// A mapping with Lambda's defaults and largest batches, under a group of the function's name.
    pub fn new(function: impl Into<String>, topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let function = function.into();
        Self {
            group: function.clone(),
            topics: topics.into_iter().map(Into::into).collect(),
            function,
            start: StartingPosition::default(),
            batch_size: 10_000,
            batch_window: Duration::from_millis(500),
            payload_limit: PAYLOAD_LIMIT,
            retry: Retry::default(),
            filters: Filters::default(),
            report_batch_item_failures: true,
            event_source_arn: None,
        }
    }

    fn client(&self, settings: &KafkaSettings) -> ClientConfig {
        let start = match self.start {
            // At a time the group has offsets by then; partitions that come later are read whole.
            StartingPosition::TrimHorizon | StartingPosition::At(_) => "earliest",
            StartingPosition::Latest => "latest",
        };
        let mut config = settings.client(CONSUMER_DEFAULTS);
        // Not for the settings to say: offsets are committed for what was handled, and at no other time.
        config
            .set("group.id", &self.group)
            .set("auto.offset.reset", start)
            .set("enable.auto.commit", "false");
        config
    }
}

/// The poller did not start.
#[derive(Debug, thiserror::Error)]
pub enum PollerError {
    /// A setting of the client is wrong.
    #[error("failed to subscribe group {group} to {}", .topics.join(", "))]
    Subscribe {
        /// The consumer group.
        group: String,
        /// Its topics.
        topics: Vec<String>,
        /// What the client said.
        #[source]
        source: Box<KafkaError>,
    },
    /// The thread could not be made.
    #[error("failed to start the poller's thread")]
    Thread(#[source] io::Error),
    /// The thread did not end well.
    #[error("failed to stop the poller: its thread panicked")]
    Panicked,
}

/// A running event-source mapping. When it is dropped it breaks off as if it had been killed: calls in
/// flight are abandoned and what they handled is not committed. [`Poller::stop`] ends it in order.
#[derive(Debug)]
pub struct Poller {
    command: Arc<Command>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

impl Poller {
    /// Begins to hand records to a function. Must be called within a runtime.
    pub fn start<I: Invoke + 'static>(
        config: PollerConfig,
        settings: &KafkaSettings,
        invoke: I,
    ) -> Result<Self, PollerError> {
        let config = Arc::new(config);
        let (command, progress) = (Arc::<Command>::default(), Arc::<Progress>::default());
        let consumer = subscribe(&config, settings, invoke, &command, &progress).map_err(|source| {
            PollerError::Subscribe {
                group: config.group.clone(),
                topics: config.topics.clone(),
                source: source.into(),
            }
        })?;
        let thread = std::thread::Builder::new()
            .name(format!("poll-{}", config.function))
            .spawn(move || consume::run(&consumer))
            .map_err(PollerError::Thread)?;
        Ok(Self { command, progress, thread: Some(thread) })
    }

    /// Lets every call in flight finish, however long that takes, commits what was handled, and leaves
    /// the group. No other batch begins, and one that fails is not tried again.
    pub async fn stop(mut self) -> Result<(), PollerError> {
        self.command.stop();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if matches!(joined, Ok(Ok(()))) { Ok(()) } else { Err(PollerError::Panicked) }
    }

    /// What was done since the start.
    pub fn counts(&self) -> Counts {
        self.progress.counts()
    }

    /// How far each partition has come. High watermarks are at most about a second old; a partition of
    /// which the consumer has not heard yet is not in it.
    pub fn positions(&self) -> BTreeMap<Partition, Position> {
        self.progress.positions()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.command.break_off();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; here is nothing left to undo.
            let _ = thread.join();
        }
    }
}

fn subscribe<I: Invoke + 'static>(
    config: &Arc<PollerConfig>,
    settings: &KafkaSettings,
    invoke: I,
    command: &Arc<Command>,
    progress: &Arc<Progress>,
) -> Result<BaseConsumer<Context>, KafkaError> {
    let on_failure = match &config.retry.on_failure {
        Some(_) => Some(KafkaPublisher::new(settings.clone())?),
        None => None,
    };
    let deliverer = Deliverer {
        config: Arc::clone(config),
        invoke: Arc::new(invoke),
        progress: Arc::clone(progress),
        on_failure,
    };
    if let StartingPosition::At(at) = config.start {
        begin::commit_at(&config.client(settings), settings.context(), &config.topics, at)?;
    }
    let servers = settings.bootstrap_servers().unwrap_or_default();
    let envelope = Envelope::new(config.event_source_arn.as_deref(), servers);
    let (sender, ended) = mpsc::channel();
    let lanes = Lanes::new(Arc::clone(config), envelope, ended, dispatch(deliverer, sender));
    let context = Context {
        kafka: settings.context(),
        lanes: Mutex::new(lanes),
        progress: Arc::clone(progress),
        command: Arc::clone(command),
    };
    let consumer = BaseConsumer::from_config_and_context(&config.client(settings), context)?;
    consumer.subscribe(&config.topics.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(consumer)
}

/// Deliveries as tasks of this runtime, which report to `ended`.
fn dispatch<I: Invoke + 'static>(deliverer: Deliverer<I>, ended: mpsc::Sender<Delivered>) -> Dispatch {
    let (runtime, deliverer) = (Handle::current(), Arc::new(deliverer));
    Box::new(move |batch: Batch, give_up| {
        let (deliverer, ended) = (Arc::clone(&deliverer), ended.clone());
        let delivery = async move {
            let next = deliverer.deliver(&batch, give_up).await;
            let (topic, partition) = (Arc::clone(&batch.topic), batch.partition);
            if let Some(next) = next {
                let name = Partition { topic: Arc::clone(&topic), index: partition };
                deliverer.progress.handled(name, batch.position(next), next);
            }
            // Nobody listens any more when the poller has broken off.
            let _ = ended.send(Delivered { topic, partition, next });
        };
        runtime.spawn(delivery).abort_handle()
    })
}
