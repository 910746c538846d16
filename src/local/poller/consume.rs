//! The poller's thread: records in from the consumer, batches out to the lanes, offsets back.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    client::OAuthToken,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult},
};
use tracing::{info, warn};

use super::{
    lane::{Delivered, Flow, Lanes},
    progress::Progress,
};
use crate::publish::kafka;

/// How long to wait for a record before looking at the clock and at the deliveries.
const TICK: Duration = Duration::from_millis(10);

/// What the thread is told to do: it runs, then stops or breaks off.
#[derive(Debug, Default)]
pub(super) struct Command(AtomicU8);

const STOP: u8 = 1;
const BREAK_OFF: u8 = 2;

impl Command {
    /// Finish the batches in flight, commit, leave.
    pub(super) fn stop(&self) {
        self.0.fetch_max(STOP, Ordering::Release);
    }

    /// Leave everything as it is.
    pub(super) fn break_off(&self) {
        self.0.fetch_max(BREAK_OFF, Ordering::Release);
    }

    fn runs(&self) -> bool {
        self.0.load(Ordering::Acquire) < STOP
    }

    fn breaks_off(&self) -> bool {
        self.0.load(Ordering::Acquire) == BREAK_OFF
    }
}

/// What the consumer calls back.
pub(super) struct Context {
    pub(super) kafka: kafka::Context,
    pub(super) lanes: Mutex<Lanes>,
    pub(super) progress: Arc<Progress>,
    pub(super) command: Arc<Command>,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = kafka::Context::ENABLE_REFRESH_OAUTH_TOKEN;

    fn error(&self, error: KafkaError, reason: &str) {
        self.kafka.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.kafka.generate_oauth_token(config)
    }

    fn stats(&self, statistics: Statistics) {
        self.progress.heard(&statistics);
    }
}

impl ConsumerContext for Context {
    /// Whoever gets the partitions next begins at what is committed here.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => info!(partitions = partitions.count(), "partitions assigned"),
            Rebalance::Revoke(_) if self.command.breaks_off() => {}
            Rebalance::Revoke(_) => self.drain(consumer),
            Rebalance::Error(error) => warn!(%error, "failed to rebalance the partitions"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(%error, "failed to commit offsets: their records will be delivered again after a restart");
        }
    }
}

impl Context {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self, consumer: &BaseConsumer<Self>) {
        let ended = self.lanes().drain();
        commit(consumer, &ended, CommitMode::Sync);
    }
}

/// The thread's work, until it is told to end.
pub(super) fn run(consumer: &BaseConsumer<Context>) {
    let context = Arc::clone(consumer.context());
    let mut next_look = Instant::now();
    while context.command.runs() {
        let polled = consumer.poll(TICK);
        let now = Instant::now();
        let complete = match polled {
            Some(Ok(message)) => context.lanes().push(&message, now),
            Some(Err(error)) => {
                report(&error);
                false
            }
            None => true,
        };
        if complete || now >= next_look {
            next_look = now + TICK;
            look(consumer, &context, now);
        }
    }
    if !context.command.breaks_off() {
        context.drain(consumer);
    }
}

fn look(consumer: &BaseConsumer<Context>, context: &Context, now: Instant) {
    let (ended, flows) = {
        let mut lanes = context.lanes();
        let ended = lanes.settle();
        // Asked behind `settle`, so that what ended after the stop makes no room for another batch.
        let flows = if context.command.runs() { lanes.advance(now) } else { Vec::new() };
        (ended, flows)
    };
    commit(consumer, &ended, CommitMode::Async);
    for (topic, partition, flow) in flows {
        let mut one = TopicPartitionList::with_capacity(1);
        one.add_partition(&topic, partition);
        let done = match flow {
            Flow::Pause => consumer.pause(&one),
            Flow::Resume => consumer.resume(&one),
        };
        if let Err(error) = done {
            warn!(%error, %topic, partition, ?flow, "failed to change a partition's flow");
        }
    }
}

fn commit(consumer: &BaseConsumer<Context>, ended: &[Delivered], mode: CommitMode) {
    let mut offsets = TopicPartitionList::with_capacity(ended.len());
    for delivered in ended {
        let Some(next) = delivered.next else { continue };
        if let Err(error) =
            offsets.add_partition_offset(&delivered.topic, delivered.partition, Offset::Offset(next))
        {
            warn!(%error, topic = %delivered.topic, delivered.partition, next, "failed to note an offset");
        }
    }
    if offsets.count() == 0 {
        return;
    }
    if let Err(error) = consumer.commit(&offsets, mode) {
        warn!(%error, "failed to commit offsets: their records will be delivered again after a restart");
    }
}

fn report(error: &KafkaError) {
    warn!(%error, "failed to read from the broker, trying again");
}
