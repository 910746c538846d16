//! The simulated shoppers, sent to the topics.

use std::{pin::pin, sync::Arc};

use futures::StreamExt as _;
use tokio::sync::oneshot;

use crate::{
    error::causes,
    local::simulate::{Settings, Shoppers, SimulatedEvent, play},
    publish::{Message, Publisher},
    sql::Catalog,
    time::SystemClock,
};

/// Sends events when their time has come, until it is told to stop. Straight to the topics and not
/// through the API, which would refuse those that are meant to be broken; and only those that a table
/// describes.
pub(super) async fn run(
    settings: Settings,
    catalog: Arc<Catalog>,
    publisher: impl Publisher,
    mut stopped: oneshot::Receiver<()>,
) {
    let described = move |event: &SimulatedEvent| catalog.table_of_topic(event.topic).is_some();
    let mut events = pin!(play(Shoppers::new(settings, &SystemClock).filter(described)));
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
