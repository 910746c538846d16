//! What becomes of one batch: calls, retries, halves, the on-failure destination.

use std::{ops::Range, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{sync::oneshot, task::JoinSet};
use tracing::{error, warn};

use super::{
    PollerConfig,
    batch::Batch,
    invoke::{Invoke, InvokeError, Verdict},
    progress::Progress,
};
use crate::{
    error::causes,
    publish::{Message, Publisher as _, kafka::KafkaPublisher},
};

/// Hands batches to a function.
pub(super) struct Deliverer<I> {
    pub(super) config: Arc<PollerConfig>,
    pub(super) invoke: Arc<I>,
    pub(super) progress: Arc<Progress>,
    /// Where batches go whose retries are used up, if there is such a topic.
    pub(super) on_failure: Option<KafkaPublisher>,
}

/// How a run of records ended.
enum End {
    Handled,
    /// Handled up to this index; from there on it begins anew.
    HandledTo(usize),
    Exhausted {
        attempts: u32,
        error: InvokeError,
    },
    GivenUp,
}

impl<I: Invoke + 'static> Deliverer<I> {
    /// Delivers a batch, or as much of it as can be until the other side of `give_up` is dropped: then
    /// no other attempt begins. Returns the first offset that is not handled.
    pub(super) async fn deliver(&self, batch: &Batch, mut give_up: oneshot::Receiver<()>) -> Option<i64> {
        let first = |index| batch.record(index).map(|record| record.offset);
        #[expect(
            clippy::single_range_in_vec_init,
            reason = "it is a list of ranges, which halving makes longer"
        )]
        let mut left = vec![0..batch.len()];
        // Filters may have kept all of it back.
        left.retain(|range| !range.is_empty());
        while let Some(range) = left.pop() {
            match self.attempt(batch, range.clone(), &mut give_up).await {
                End::Handled => {}
                End::HandledTo(index) => left.push(index..range.end),
                End::GivenUp => return first(range.start),
                End::Exhausted { .. } if self.config.retry.bisect && range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    left.extend([middle..range.end, range.start..middle]);
                }
                End::Exhausted { attempts, error } => {
                    if !self.set_aside(batch, range.clone(), attempts, &error, &mut give_up).await {
                        return first(range.start);
                    }
                }
            }
        }
        batch.next()
    }

    /// Calls the function until it takes something, or the retries are used up.
    async fn attempt(&self, batch: &Batch, range: Range<usize>, give_up: &mut oneshot::Receiver<()>) -> End {
        for attempts in 1.. {
            let error = match self.call(batch, range.clone()).await {
                Ok(Verdict::Handled) => return End::Handled,
                Ok(Verdict::FailedFrom(offset)) => match batch.position(offset) {
                    index if index > range.start && index < range.end => return End::HandledTo(index),
                    _ => self.failure(&format!("it failed from offset {offset} on")),
                },
                Ok(Verdict::Senseless) => self.failure(&"its batchItemFailures name no record of the batch"),
                Err(error) => error,
            };
            if self.config.retry.max_retries.is_some_and(|max| attempts > max) {
                return End::Exhausted { attempts, error };
            }
            let offset = batch.record(range.start).map(|record| record.offset);
            warn!(topic = %batch.topic, batch.partition, offset, attempts, error = causes(&error),
                "failed to deliver a batch, trying again");
            self.progress.retried();
            if !self.pause(attempts, give_up).await {
                return End::GivenUp;
            }
        }
        End::GivenUp
    }

    /// Calls the function once. It runs as a task of its own: when it panics, that is its failure and
    /// not the poller's.
    async fn call(&self, batch: &Batch, range: Range<usize>) -> Result<Verdict, InvokeError> {
        let payload = batch.payload(range);
        let (invoke, config) = (Arc::clone(&self.invoke), Arc::clone(&self.config));
        let mut call = JoinSet::new();
        call.spawn(async move { invoke.invoke(&config.function, payload).await });
        let answer = match call.join_next().await {
            Some(Ok(answer)) => answer?,
            Some(Err(panic)) => return Err(self.failure(&panic)),
            None => return Err(self.failure(&"it was not run")),
        };
        let reports = self.config.report_batch_item_failures;
        Ok(if reports { Verdict::of(&answer, &batch.label()) } else { Verdict::Handled })
    }

    fn failure(&self, message: &impl ToString) -> InvokeError {
        InvokeError::Function { function: self.config.function.clone(), message: message.to_string() }
    }

    /// Waits before the next attempt; false if there shall be none.
    async fn pause(&self, attempts: u32, give_up: &mut oneshot::Receiver<()>) -> bool {
        let retry = &self.config.retry;
        let factor = 1_u32.checked_shl(attempts - 1).unwrap_or(u32::MAX);
        let pause = retry.first_pause.saturating_mul(factor).min(retry.longest_pause);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            _ = give_up => false,
        }
    }

    /// Sends records that cannot be handled to the on-failure topic; false if given up before that.
    async fn set_aside(
        &self,
        batch: &Batch,
        range: Range<usize>,
        attempts: u32,
        error: &InvokeError,
        give_up: &mut oneshot::Receiver<()>,
    ) -> bool {
        let offset = batch.record(range.start).map(|record| record.offset);
        error!(topic = %batch.topic, batch.partition, offset, records = range.len(), attempts,
            error = causes(error), on_failure = self.config.retry.on_failure, "the retries are used up");
        self.progress.set_aside(range.len());
        let (Some(publisher), Some(topic)) = (&self.on_failure, &self.config.retry.on_failure) else {
            return true;
        };
        let message = Message {
            topic: topic.clone(),
            key: Some(batch.label().into_bytes()),
            payload: self.obituary(batch, range, attempts, error).to_string().into_bytes(),
            headers: Vec::new(),
        };
        for tries in 1.. {
            match publisher.publish(vec![message.clone()]).await {
                Ok(()) => return true,
                Err(error) => {
                    warn!(topic, error = causes(&error), "failed to set a batch aside, trying again");
                }
            }
            if !self.pause(tries, give_up).await {
                return false;
            }
        }
        false
    }

    /// What Lambda sends to a Kafka event source's on-failure destination, with the payload itself.
    fn obituary(
        &self,
        batch: &Batch,
        range: Range<usize>,
        attempts: u32,
        error: &InvokeError,
    ) -> serde_json::Value {
        let payload = batch.payload(range.clone());
        let (first, last) = (batch.record(range.start), batch.record(range.end.saturating_sub(1)));
        json!({
            "version": "1.0",
            "requestContext": {
                "functionArn": self.config.function,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"functionError": causes(error)},
            "KafkaBatchInfo": {
                "batchSize": range.len(),
                "payloadSize": payload.len(),
                "recordsInfo": {batch.label(): {
                    "firstRecordTimestamp": first.map(|record| record.timestamp),
                    "lastRecordTimestamp": last.map(|record| record.timestamp),
                    "firstRecordOffset": first.map(|record| record.offset),
                    "lastRecordOffset": last.map(|record| record.offset),
                }},
            },
            "payload": String::from_utf8_lossy(&payload),
        })
    }
}

/// How often a batch is tried, and what then.
#[derive(Clone, Debug)]
pub struct Retry {
    /// How often after the first attempt; none for ever, as Lambda's on-demand Kafka event source does.
    pub max_retries: Option<u32>,
    /// Whether a batch whose retries are used up is halved, and each half tried as a batch, until what
    /// fails is a single record.
    pub bisect: bool,
    /// The topic for batches (or records) whose retries are used up; without one they are logged as
    /// errors and dropped.
    pub on_failure: Option<String>,
    /// The pause before the first retry. It doubles with each.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Retry {
    /// For ever, between a tenth of a second and half a minute.
    fn default() -> Self {
        Self {
            max_retries: None,
            bisect: false,
            on_failure: None,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(30),
        }
    }
}
