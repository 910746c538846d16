//! The simulated shoppers, sent to the topics.

use std::pin::pin;

use futures::StreamExt as _;
use tokio::sync::oneshot;

use crate::{
    error::causes,
    local::simulate::{Settings, SimulatedEvent, Simulator, play},
    publish::{Message, Publisher},
    time::SystemClock,
};

/// Sends events when their time has come, until it is told to stop. Straight to the topics and not
/// through the API, which would refuse those that are meant to be broken.
pub(super) async fn run(settings: Settings, publisher: impl Publisher, mut stopped: oneshot::Receiver<()>) {
    let mut events = pin!(play(Simulator::new(settings, &SystemClock)));
    loop {
        let due = tokio::select! {
            _ = &mut stopped => return,
            due = events.next() => due,
        };
        let Some(due) = due else { return };
        let count = due.len();
        if let Err(error) = publisher.publish(due.into_iter().map(message).collect()).await {
            tracing::warn!(error = causes(&error), count, "failed to send simulated events");
        }
    }
}

fn message(event: SimulatedEvent) -> Message {
    Message {
        topic: event.topic.to_owned(),
        key: Some(event.key),
        payload: event.payload,
        headers: Vec::new(),
    }
}
