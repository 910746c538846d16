//! From the gateway to the broker, within bounds: of how much is on its way, and of how long it takes.

use std::time::Duration;

use tokio::{sync::Semaphore, time::timeout};

use super::Problem;
use crate::publish::{Message, Publisher};

/// What the gateway bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most events that are on their way to the broker. It has to be what the largest request has, or
    /// more: a larger request waits until it is alone.
    pub on_their_way: u32,
    /// How long a request waits for its turn before it is told to come again (429).
    pub turn: Duration,
    /// How long the broker may take before the request is told that it is away (503).
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (turn, answer) = (Duration::from_secs(1), Duration::from_secs(10));
        Self { on_their_way: 50_000, turn, answer }
    }
}

/// What is on its way.
pub(super) struct Road {
    limits: Limits,
    room: Semaphore,
}

impl Road {
    pub(super) fn new(limits: Limits) -> Self {
        let room = usize::try_from(limits.on_their_way).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { limits, room: Semaphore::new(room) }
    }

    /// Returns once the broker has every message.
    pub(super) async fn send<P: Publisher>(
        &self,
        publisher: &P,
        messages: Vec<Message>,
    ) -> Result<(), Problem> {
        let count = u32::try_from(messages.len()).unwrap_or(u32::MAX).min(self.limits.on_their_way);
        let turn = timeout(self.limits.turn, self.room.acquire_many(count)).await;
        let _turn = turn.map_err(|_| Problem::too_many_events(self.limits.on_their_way))?;
        let topic = messages.first().map(|message| message.topic.clone()).unwrap_or_default();
        let Ok(published) = timeout(self.limits.answer, publisher.publish(messages)).await else {
            tracing::error!(topic, "the broker did not answer within {:?}", self.limits.answer);
            return Err(Problem::broker_unavailable(&topic));
        };
        Ok(published?)
    }
}
