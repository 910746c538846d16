//! One lane a partition: the batch that is filling, those that wait, and the one in flight.
//!
//! At most one batch of a partition is in flight, so its records are handled in order. While it is, the
//! next ones gather; a lane that has gathered enough asks the broker for no more.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rdkafka::message::Message;
use tokio::{sync::oneshot, task::AbortHandle};

use super::{
    PollerConfig,
    batch::{Batch, Envelope},
};

/// How many batches may wait in a lane before it is paused, and how few before it goes on: what the
/// client has fetched ahead is thrown away at a pause, so there should be few of them.
const WAITING_MOST: usize = 4;
const WAITING_LEAST: usize = 1;

/// Begins a delivery. It ends early when the other side of the receiver is dropped.
pub(super) type Dispatch = Box<dyn Fn(Batch, oneshot::Receiver<()>) -> AbortHandle + Send>;

/// A delivery has ended.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// The first offset that is not handled.
    pub(super) next: Option<i64>,
}

/// All lanes, by their partitions.
pub(super) struct Lanes {
    config: Arc<PollerConfig>,
    envelope: Envelope,
    all: Vec<Lane>,
    delivered: mpsc::Receiver<Delivered>,
    dispatch: Dispatch,
}

struct Lane {
    filling: Batch,
    /// When the filling batch got its first record.
    opened: Option<Instant>,
    waiting: VecDeque<Batch>,
    in_flight: Option<InFlight>,
    paused: bool,
}

/// Dropping it ends the delivery at once; dropping `patience` lets it finish its attempt.
struct InFlight {
    patience: Option<oneshot::Sender<()>>,
    task: AbortHandle,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the consumer is asked to do with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Pause,
    Resume,
}

impl Lanes {
    pub(super) fn new(
        config: Arc<PollerConfig>,
        envelope: Envelope,
        delivered: mpsc::Receiver<Delivered>,
        dispatch: Dispatch,
    ) -> Self {
        Self { config, envelope, all: Vec::new(), delivered, dispatch }
    }

    /// Takes a record; true if that made a batch complete.
    pub(super) fn push(&mut self, message: &impl Message, now: Instant) -> bool {
        let (topic, partition) = (message.topic(), message.partition());
        let of_it = |lane: &Lane| lane.filling.partition == partition && &*lane.filling.topic == topic;
        let index = self.all.iter().position(of_it).unwrap_or_else(|| {
            self.all.push(Lane::new(Batch::new(&self.envelope, topic.into(), partition)));
            self.all.len() - 1
        });
        self.all.get_mut(index).is_some_and(|lane| lane.push(message, now, &self.config))
    }

    /// The deliveries that have ended since the last call. Their lanes are free again.
    pub(super) fn settle(&mut self) -> Vec<Delivered> {
        let ended: Vec<_> = self.delivered.try_iter().collect();
        for delivered in &ended {
            self.free(delivered);
        }
        ended
    }

    /// Sends off what may go, and says which partitions have gathered enough or too little.
    pub(super) fn advance(&mut self, now: Instant) -> Vec<(Arc<str>, i32, Flow)> {
        let mut flows = Vec::new();
        for lane in &mut self.all {
            lane.close_window(now, self.config.batch_window);
            lane.send(&self.dispatch);
            flows.extend(
                lane.flow().map(|flow| (Arc::clone(&lane.filling.topic), lane.filling.partition, flow)),
            );
        }
        flows
    }

    /// Lets every delivery finish the attempt that it is at, forgets what waits, and returns the
    /// deliveries' ends. Blocks.
    pub(super) fn drain(&mut self) -> Vec<Delivered> {
        for flight in self.all.iter_mut().filter_map(|lane| lane.in_flight.as_mut()) {
            flight.patience = None;
        }
        let mut ended = self.settle();
        while self.all.iter().any(|lane| lane.in_flight.is_some()) {
            match self.delivered.recv_timeout(Duration::from_millis(100)) {
                Ok(delivered) => {
                    self.free(&delivered);
                    ended.push(delivered);
                }
                // A task that is gone without a word went down with its runtime.
                Err(_) => self
                    .all
                    .retain(|lane| lane.in_flight.as_ref().is_some_and(|flight| !flight.task.is_finished())),
            }
        }
        self.all.clear();
        ended
    }

    fn free(&mut self, delivered: &Delivered) {
        let of_it = |lane: &&mut Lane| {
            lane.filling.partition == delivered.partition && lane.filling.topic == delivered.topic
        };
        if let Some(lane) = self.all.iter_mut().find(of_it) {
            lane.in_flight = None;
        }
    }
}

impl Lane {
    fn new(filling: Batch) -> Self {
        Self { filling, opened: None, waiting: VecDeque::new(), in_flight: None, paused: false }
    }

    fn push(&mut self, message: &impl Message, now: Instant, config: &PollerConfig) -> bool {
        self.opened.get_or_insert(now);
        if !config.filters.pass(message.payload()) {
            self.filling.skip(message.offset());
            return false;
        }
        self.filling.push(message);
        let waiting = self.waiting.len();
        // A record that is too large by itself goes alone.
        if self.filling.payload_len() > config.payload_limit && self.filling.len() > 1 {
            let next = self.filling.split_last();
            self.waiting.push_back(std::mem::replace(&mut self.filling, next));
            self.opened = Some(now);
        }
        if self.filling.len() >= config.batch_size {
            self.seal();
        }
        self.waiting.len() > waiting
    }

    fn seal(&mut self) {
        let next = self.filling.successor();
        self.waiting.push_back(std::mem::replace(&mut self.filling, next));
        self.opened = None;
    }

    /// A batch whose window is over goes, but not into a queue: there it can still grow.
    fn close_window(&mut self, now: Instant, window: Duration) {
        let over = self.opened.is_some_and(|opened| now.duration_since(opened) >= window);
        if over && self.waiting.is_empty() && self.in_flight.is_none() {
            self.seal();
        }
    }

    fn send(&mut self, dispatch: &Dispatch) {
        if self.in_flight.is_none()
            && let Some(batch) = self.waiting.pop_front()
        {
            let (patience, give_up) = oneshot::channel();
            self.in_flight = Some(InFlight { patience: Some(patience), task: dispatch(batch, give_up) });
        }
    }

    fn flow(&mut self) -> Option<Flow> {
        let flow = match self.waiting.len() {
            WAITING_MOST.. if !self.paused => Flow::Pause,
            ..=WAITING_LEAST if self.paused => Flow::Resume,
            _ => return None,
        };
        self.paused = flow == Flow::Pause;
        Some(flow)
    }
}
