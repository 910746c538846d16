//! The gateway: events to the topics of their tables.
//!
//! An event is accepted when it fits its table and the broker has it, not before. What does not fit
//! is named by its index and its reason, and takes nothing else with it. JSON for a table of plain text
//! becomes text on the way; text for it is taken as it is.
//!
//! | file | is |
//! | --- | --- |
//! | `routes` | the paths that take events over HTTP |
//! | `unpack` | bodies that come compressed |
//! | `events` | a body's events, each checked against its table |
//! | `stamp` | a request's moment and the ids of its events |
//! | `once` | requests that come again |
//! | `send` | bounds on what is on its way to the broker |
//! | `answer` | what producers are told |
//! | `socket` | connections that events come over, message by message |
//! | `upgrade` (feature `websocket`) | these in this process |

mod answer;
mod events;
mod once;
mod routes;
mod send;
mod socket;
mod stamp;
mod unpack;
#[cfg(feature = "websocket")]
mod upgrade;

use std::sync::Arc;

pub(super) use self::routes::{described, routes};
use self::{
    answer::Answer,
    events::{Address, Events},
    once::{Name, Turn},
    send::Road,
    stamp::Stamp,
};
pub use self::{
    send::Limits,
    socket::{Connection, SocketEvent},
};
use super::{Settings, problem::Problem};
use crate::{publish::Publisher, sql::Catalog, state::Requests, time::Clock};

/// The largest body in bytes: what a synchronous Lambda invocation may carry.
pub const MAX_BODY: usize = 6 * 1024 * 1024;

/// The largest body in bytes once it is unpacked.
pub const MAX_UNPACKED: usize = 32 * 1024 * 1024;

/// The largest event in bytes: what brokers take by default is 1 MiB, with the record's frame.
pub const MAX_EVENT: usize = 1_000_000;

/// The most events in a request: an answer that names each of them still fits where it has to.
pub const MAX_EVENTS: usize = 10_000;

/// Takes events: checks them, publishes them, tells what became of them.
pub struct Gateway<P, C, R> {
    catalog: Arc<Catalog>,
    publisher: Arc<P>,
    clock: Arc<C>,
    requests: Arc<R>,
    settings: Settings,
    road: Road,
}

impl<P: Publisher, C: Clock, R: Requests> Gateway<P, C, R> {
    /// A gateway to the topics of a catalog's tables. `requests` is asked only about requests with an
    /// `Idempotency-Key`.
    pub fn new(catalog: Arc<Catalog>, publisher: Arc<P>, clock: Arc<C>, requests: Arc<R>) -> Self {
        let (settings, road) = (Settings::default(), Road::new(Limits::default()));
        Self { catalog, publisher, clock, requests, settings, road }
    }

    /// With these settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Within these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { road: Road::new(limits), ..self }
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Takes a body's events.
    async fn take(&self, address: Address<'_>, body: &[u8]) -> Result<Answer, Problem> {
        let mut stamp = Stamp::new(self.clock.now());
        let events = Events::read(&self.catalog, address, body, &mut stamp)?;
        self.publish(events).await
    }

    /// Takes the events of a request that may come again; and whether it came again.
    async fn take_once(
        &self,
        address: Address<'_>,
        body: &[u8],
        (name, digest): (&Name, [u8; 32]),
    ) -> Result<(Answer, bool), Problem> {
        match once::begin(self.requests.as_ref(), name, digest, self.clock.now()).await? {
            Turn::Repeat(mut stamp) => {
                let events = Events::read(&self.catalog, address, body, &mut stamp)?;
                Ok((Answer::new(events.ids, events.rejected), true))
            }
            Turn::Publish(ticket) => {
                let events = Events::read(&self.catalog, address, body, &mut ticket.stamp());
                let answer = match events {
                    Ok(events) => self.publish(events).await,
                    Err(problem) => Err(problem),
                };
                match answer {
                    Ok(_) => ticket.done(self.requests.as_ref()).await,
                    Err(_) => ticket.open(self.requests.as_ref()).await,
                }
                Ok((answer?, false))
            }
        }
    }

    async fn publish(&self, events: Events) -> Result<Answer, Problem> {
        if !events.messages.is_empty() {
            self.road.send(self.publisher.as_ref(), events.messages).await?;
        }
        Ok(Answer::new(events.ids, events.rejected))
    }
}
