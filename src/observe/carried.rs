//! What leaves: messages and alerts.

use super::names;

/// The broker has taken messages, or has not.
#[derive(Clone, Copy, Debug)]
pub struct MessagesPublished<'a> {
    /// Their topic.
    pub topic: &'a str,
    /// How many.
    pub count: u64,
    /// Whether the broker has all that were published with them.
    pub is_ok: bool,
}

impl MessagesPublished<'_> {
    /// Counts it.
    pub fn emit(&self) {
        let Self { topic, count, is_ok } = *self;
        if is_ok {
            names::PUBLISHED.add(count, &[topic]);
        } else {
            names::PUBLISH_FAILURES.add(1, &[topic]);
            tracing::warn!(topic, "the broker did not take messages");
        }
    }
}

/// A batch of alerts was carried to its targets.
#[derive(Clone, Copy, Debug)]
pub struct AlertsCarried {
    /// How many records were alerts.
    pub alerts: u64,
    /// How many deliveries succeeded.
    pub sent: u64,
    /// How many were left out because the target has the alert already.
    pub repeated: u64,
    /// How many were left out because they are below the target's minimum.
    pub below: u64,
    /// How many dead letters were published.
    pub dead: u64,
}

impl AlertsCarried {
    /// Counts it and logs it.
    pub fn emit(self) {
        let Self { alerts, sent, repeated, below, dead } = self;
        let fates = [("sent", sent), ("repeated", repeated), ("below", below), ("dead", dead)];
        for (outcome, count) in fates {
            names::NOTIFICATIONS.add(count, &[outcome]);
        }
        tracing::info!(alerts, sent, repeated, below, dead, "carried alerts");
    }
}
