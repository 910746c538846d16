//! One target's deliveries: in the order of the alerts, so many at once as the target takes, each tried
//! until it succeeds, cannot succeed, or the time is over.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_config::SdkConfig;
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Alert,
    digest::cut,
    recent::Recent,
    slack, sns,
    target::{Channel, Phone, Target, TopicArn},
    webhook::Webhook,
};
use crate::{
    http::{Failure, Http, Limits, Then, pause},
    time::{Clock, Millis, Timestamp},
};

/// The longest that a target is left alone because it asked for it.
const LONGEST_HOLD: Duration = Duration::from_hours(24);

/// The most characters of a reason.
const MAX_REASON: usize = 250;

/// What became of an alert at a target.
#[derive(Debug)]
pub(super) enum Fate {
    /// The target has it.
    Sent,
    /// The target had it already.
    Repeated,
    /// It is below the target's minimum.
    Below,
    /// It could not be delivered.
    Dead(Undelivered),
}

/// A delivery that was given up.
#[derive(Debug)]
pub(super) struct Undelivered {
    /// The target, without its secrets.
    pub(super) target: String,
    /// Why, without any secret.
    pub(super) reason: String,
    /// The status of the last answer.
    pub(super) status: Option<u16>,
    /// How often it was tried.
    pub(super) attempts: u32,
}

/// A target and how to reach it.
pub(super) struct Lane {
    target: Target,
    carrier: Carrier,
    limits: Limits,
    clock: Arc<dyn Clock>,
    recent: Mutex<Recent>,
    /// Until when the target asked to be left alone. By the clock on the wall, since a process may be
    /// frozen between two invocations, and other clocks with it.
    held_until: Mutex<Timestamp>,
}

/// What carries alerts to a target.
enum Carrier {
    Webhook(Http, Webhook),
    Slack(Http, Webhook),
    Topic(aws_sdk_sns::Client, TopicArn),
    Phone(aws_sdk_sns::Client, Phone),
}

impl Carrier {
    fn new(channel: &Channel, http: &mut Option<Http>, aws: &SdkConfig) -> io::Result<Self> {
        Ok(match channel {
            Channel::Webhook(hook) => Self::Webhook(shared(http)?, hook.clone()),
            Channel::Slack(hook) => Self::Slack(shared(http)?, hook.clone()),
            Channel::Topic(topic) => Self::Topic(sns::client(aws, Some(&topic.region)), topic.clone()),
            Channel::Phone(phone) => Self::Phone(sns::client(aws, None), phone.clone()),
        })
    }

    async fn carry(&self, alert: &Alert<'_>, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Webhook(http, hook) => hook.post(http, &alert.id, alert.raw.to_vec(), now).await,
            Self::Slack(http, hook) => {
                hook.post(http, &alert.id, slack::message(alert).to_string().into_bytes(), now).await
            }
            Self::Topic(client, topic) => Box::pin(sns::to_topic(client, topic, alert)).await,
            Self::Phone(client, phone) => Box::pin(sns::to_phone(client, phone, alert)).await,
        }
    }
}

/// The client that all webhooks share, made for the first.
fn shared(http: &mut Option<Http>) -> io::Result<Http> {
    if let Some(http) = http {
        return Ok(http.clone());
    }
    Ok(http.insert(Http::new()?).clone())
}

impl Lane {
    pub(super) fn new(
        target: &Target,
        http: &mut Option<Http>,
        aws: &SdkConfig,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Ok(Self {
            carrier: Carrier::new(&target.channel, http, aws)?,
            target: target.clone(),
            limits,
            clock,
            recent: Mutex::default(),
            held_until: Mutex::new(Timestamp::MIN),
        })
    }

    /// Delivers alerts of different ids; the index of each and what became of it.
    pub(super) async fn deliver_all(&self, alerts: &[&Alert<'_>], deadline: Instant) -> Vec<(usize, Fate)> {
        // Made before they are streamed: otherwise the compiler does not see that they may change threads.
        let deliveries = alerts.iter().copied().enumerate();
        let deliveries: Vec<_> =
            deliveries.map(|(index, alert)| self.numbered(index, alert, deadline)).collect();
        stream::iter(deliveries).buffer_unordered(self.target.in_flight.get()).collect().await
    }

    async fn numbered(&self, index: usize, alert: &Alert<'_>, deadline: Instant) -> (usize, Fate) {
        (index, self.deliver(alert, deadline).await)
    }

    async fn deliver(&self, alert: &Alert<'_>, deadline: Instant) -> Fate {
        if !alert.severity.reaches(self.target.min_severity) {
            return Fate::Below;
        }
        if lock(&self.recent).has(&alert.id) {
            return Fate::Repeated;
        }
        match self.try_until(alert, deadline).await {
            Ok(()) => {
                lock(&self.recent).add(&alert.id);
                Fate::Sent
            }
            Err(undelivered) => Fate::Dead(undelivered),
        }
    }

    async fn try_until(&self, alert: &Alert<'_>, deadline: Instant) -> Result<(), Undelivered> {
        let (mut attempts, mut rest, mut last) = (0, Duration::ZERO, None);
        loop {
            if !self.wait(rest, deadline).await {
                return Err(self.out_of_time(last, attempts));
            }
            attempts += 1;
            let Err(failure) = self.attempt(alert, deadline).await else { return Ok(()) };
            if failure.then == Then::GiveUp || attempts >= self.limits.attempts.get() {
                return Err(self.undelivered(failure.reason, failure.status, attempts));
            }
            if let Then::RetryAfter(pause) = failure.then {
                self.hold(pause);
            }
            rest = pause(self.limits.first_pause, attempts, &alert.id);
            last = Some(failure);
        }
    }

    async fn attempt(&self, alert: &Alert<'_>, deadline: Instant) -> Result<(), Failure> {
        let limit = self.limits.timeout.min(deadline.saturating_duration_since(Instant::now()));
        let answer = timeout(limit, self.carrier.carry(alert, self.clock.now())).await;
        let silence = |_| Failure::unanswered(format!("no answer within {}", millis(limit)));
        answer.map_err(silence).flatten().map_err(|failure| {
            // In this order: a secret that was cut could not be found any more.
            let reason = cut(&self.target.scrub(&failure.reason), MAX_REASON);
            Failure { reason, ..failure }
        })
    }

    /// Waits, and as long as the target asked for; false where that is not before the deadline.
    async fn wait(&self, rest: Duration, deadline: Instant) -> bool {
        let mut rest = rest.max(self.held());
        while !rest.is_zero() {
            let end = Instant::now().checked_add(rest).filter(|end| *end < deadline);
            let Some(end) = end else { return false };
            sleep_until(end).await;
            // Another delivery may have been turned away meanwhile.
            rest = self.held();
        }
        Instant::now() < deadline
    }

    fn hold(&self, pause: Duration) {
        let until = self.clock.now() + millis(pause.min(LONGEST_HOLD));
        let mut held = lock(&self.held_until);
        *held = until.max(*held);
    }

    /// How long the target is to be left alone still.
    fn held(&self) -> Duration {
        let left = *lock(&self.held_until) - self.clock.now();
        u64::try_from(left.0).map(Duration::from_millis).unwrap_or_default()
    }

    fn out_of_time(&self, last: Option<Failure>, attempts: u32) -> Undelivered {
        let over = "the invocation's time did not suffice";
        match last {
            Some(last) => self.undelivered(format!("{over}: {}", last.reason), last.status, attempts),
            None => self.undelivered(format!("{over} to try it"), None, attempts),
        }
    }

    fn undelivered(&self, reason: String, status: Option<u16>, attempts: u32) -> Undelivered {
        Undelivered { target: self.target.to_string(), reason, status, attempts }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
