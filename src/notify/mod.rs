//! Alerts to people and machines: webhooks, Slack, e-mail and phones through SNS.
//!
//! A batch of the alert topic goes to each target by itself, in the alerts' order. A delivery is tried
//! again while that may help (no answer, 408, 425, 429, 5xx) and the invocation's time lasts; what
//! cannot be delivered is a dead letter with the target, the reason, the last status and the number of
//! attempts. So is a record that is no alert. A batch fails, and comes again, only where the dead letters
//! cannot be published.
//!
//! Deliveries are at least once. Each carries the alert's id (`Idempotency-Key`, the deduplication id of a
//! FIFO topic, a line of the text), and a process remembers what its targets got, so that a batch that
//! comes again to it sends only what is missing.
//!
//! | file | is |
//! | --- | --- |
//! | `alert` | the alert as it comes |
//! | `target`, `webhook` | where alerts go, and what of it is secret |
//! | `digest`, `slack`, `text` | what a person is told, and the formats of it |
//! | `sns` | one attempt at SNS; those at webhooks go through the client in `http` |
//! | `lane`, `recent` | all deliveries of one target |
//! | `letter` | dead letters |

mod alert;
mod digest;
mod lane;
mod letter;
mod recent;
mod slack;
mod sns;
mod target;
mod text;
mod webhook;

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use futures::future::join_all;
use tokio::time::Instant;

pub use crate::{http::Limits, targets::TargetError};
pub use alert::{Alert, Level, Severity};
pub use target::Target;

use self::{
    lane::{Fate, Lane},
    target::Channel,
};
use crate::{
    event::{RawBatch, RawRecord},
    publish::{Message, NOTIFY_DEAD_LETTERS, PublishError, Publisher},
    time::{Clock, Timestamp},
};

/// How long one attempt may take, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that an invocation may last, for deadlines that lie further ahead.
const LONGEST: Duration = Duration::from_hours(24);
/// What is kept of an invocation's time for its dead letters, at most; never more than a quarter.
const RESERVE: Duration = Duration::from_secs(5);

/// Where alerts go and how hard to try.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they go; without any, alerts are only logged.
    pub targets: Vec<Target>,
    /// The topic of what could not be delivered.
    pub dead_letter_topic: String,
    /// How hard to try.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        let (targets, limits) = (Vec::new(), Limits { timeout: TIMEOUT, ..Limits::default() });
        Self { targets, dead_letter_topic: NOTIFY_DEAD_LETTERS.to_owned(), limits }
    }
}

/// What became of the alerts of some batches. But for `alerts`, an alert counts once for each target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// How many records were alerts.
    pub alerts: usize,
    /// How many deliveries succeeded.
    pub sent: usize,
    /// How many were left out because the target has the alert already.
    pub repeated: usize,
    /// How many were left out because they are below the target's minimum.
    pub below: usize,
    /// How many dead letters were published: deliveries that failed, and records that are no alerts.
    pub dead: usize,
}

impl Notified {
    const fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Sent => self.sent += 1,
            Fate::Repeated => self.repeated += 1,
            Fate::Below => self.below += 1,
            Fate::Dead(_) => self.dead += 1,
        }
    }
}

/// Carries alerts to its targets.
pub struct Notifier<P> {
    lanes: Vec<Lane>,
    dead_letter_topic: String,
    publisher: P,
    clock: Arc<dyn Clock>,
}

/// An alert and the record that it came in.
struct Notice<'a> {
    batch: &'a RawBatch,
    record: &'a RawRecord,
    alert: Alert<'a>,
}

impl<P: Publisher> Notifier<P> {
    /// A notifier that reaches AWS as the environment says. Fails where a target is a webhook and the
    /// system has no certificates to check it by.
    pub async fn connect(settings: Settings, publisher: P, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let is_aws = |target: &Target| matches!(target.channel, Channel::Topic(_) | Channel::Phone(_));
        let aws = if settings.targets.iter().any(is_aws) {
            sns::environment().await
        } else {
            SdkConfig::builder().build()
        };
        Self::with_aws(settings, publisher, clock, &aws)
    }

    /// As [`Notifier::connect`], and reaches AWS as `aws` says.
    pub fn with_aws(
        settings: Settings,
        publisher: P,
        clock: Arc<dyn Clock>,
        aws: &SdkConfig,
    ) -> io::Result<Self> {
        let mut http = None;
        let lane = |target| Lane::new(target, &mut http, aws, settings.limits, Arc::clone(&clock));
        let lanes = settings.targets.iter().map(lane).collect::<io::Result<_>>()?;
        Ok(Self { lanes, dead_letter_topic: settings.dead_letter_topic, publisher, clock })
    }

    /// Delivers the alerts of some batches; returns shortly before the deadline at the latest.
    pub async fn notify(&self, batches: &[RawBatch], deadline: Timestamp) -> Result<Notified, PublishError> {
        let end = self.end(deadline);
        let (notices, repeated, mut letters) = self.read(batches);
        if self.lanes.is_empty() {
            notices.iter().for_each(log_only);
        }
        let alerts: Vec<&Alert<'_>> = notices.iter().map(|notice| &notice.alert).collect();
        let fates = join_all(self.lanes.iter().map(|lane| lane.deliver_all(&alerts, end))).await;
        let mut notified = Notified {
            alerts: notices.len() + repeated,
            repeated: repeated * self.lanes.len(),
            dead: letters.len(),
            ..Notified::default()
        };
        for (index, fate) in fates.into_iter().flatten() {
            notified.count(&fate);
            if let (Fate::Dead(dead), Some(notice)) = (fate, notices.get(index)) {
                letters.push(letter::undelivered(&self.dead_letter_topic, notice, dead));
            }
        }
        if !letters.is_empty() {
            self.publisher.publish(letters).await?;
        }
        Ok(notified)
    }

    /// When deliveries have to end.
    fn end(&self, deadline: Timestamp) -> Instant {
        let left = u64::try_from((deadline - self.clock.now()).0).map(Duration::from_millis);
        let left = left.unwrap_or_default().min(LONGEST);
        Instant::now() + left.saturating_sub(RESERVE.min(left / 4))
    }

    /// The alerts, each id once; how many came again; and the letters of what is no alert.
    fn read<'a>(&self, batches: &'a [RawBatch]) -> (Vec<Notice<'a>>, usize, Vec<Message>) {
        let (mut notices, mut repeated, mut letters) = (Vec::new(), 0, Vec::new());
        let mut ids = HashSet::new();
        for batch in batches {
            for record in &batch.records {
                match read(batch, record) {
                    Ok(alert) if !ids.insert(alert.id.clone()) => repeated += 1,
                    Ok(alert) => notices.push(Notice { batch, record, alert }),
                    Err(reason) => {
                        letters.push(letter::poison(&self.dead_letter_topic, batch, record, reason));
                    }
                }
            }
        }
        (notices, repeated, letters)
    }
}

fn read<'a>(batch: &'a RawBatch, record: &RawRecord) -> Result<Alert<'a>, String> {
    match &record.damage {
        Some(damage) => Err(damage.clone()),
        None => Alert::read(batch.bytes.get(record.value.clone()).unwrap_or_default()),
    }
}

fn log_only(notice: &Notice<'_>) {
    let (id, severity, title) = (&notice.alert.id, notice.alert.severity.name(), notice.alert.title());
    tracing::info!(id, severity, title, "an alert, and no target to carry it to");
}
