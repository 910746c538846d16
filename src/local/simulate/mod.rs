//! Simulated shoppers: impressions and clicks for the tables of `sql/ctr.sql`, and visits for those of
//! the other files there.
//!
//! A [`Simulator`] is an iterator over events, each with the moment at which it is to be sent. It is
//! pure: seed, settings and start decide everything, so a run can be repeated. [`play`] waits
//! for their time; sending is somebody else's work.
//!
//! What it makes is what real traffic is like: some products are shown far more than others (Zipf),
//! a click follows an impression of the same user, some events overtake others on their way, a few
//! are late, a few are broken, and one product's click-through rate collapses now and then.
//!
//! [`Visits`] is the like for what the other pipelines read, [`Shoppers`] both in one.

mod noise;
mod products;
mod records;
#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts of events are small")]
mod tests;
mod visits;

use std::{cmp::Reverse, collections::BinaryHeap, iter::Peekable};

use futures::{Stream, stream};
use products::Products;
use rand::{Rng, SeedableRng, rngs::StdRng};
pub use records::VISITS;
use serde_json::json;
use tokio::time::{Duration, Instant, sleep_until};
pub use visits::Visits;

use crate::time::{Clock, Millis, Timestamp};

/// Events that are due within this are sent together.
const TICK: Duration = Duration::from_millis(20);
/// At most so many events are sent together.
const MOST: usize = 1000;

/// The topic of impressions.
pub const IMPRESSIONS: &str = "impressions";
/// The topic of clicks.
pub const CLICKS: &str = "clicks";

/// How long after its impression a click comes: between the two.
const REACTION: (Millis, Millis) = (Millis(300), Millis::seconds(4));
/// A user's session changes at multiples of this.
const SESSION: Millis = Millis::minutes(30);

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Decides everything that looks random.
    pub seed: u64,
    /// Impressions and clicks a second, on average. Visits add a seventh.
    pub rate: f64,
    /// For how long; none means for ever.
    pub duration: Option<Millis>,
    /// How many products there are.
    pub products: usize,
    /// How many users there are.
    pub users: u32,
    /// The share of events that are up to two seconds out of order.
    pub disorder: f64,
    /// The share of events that are 3 to 40 s behind.
    pub late: f64,
    /// The share of events that do not fit their table.
    pub malformed: f64,
    /// When which product's click-through rate collapses.
    pub collapse: Collapse,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            rate: 200.0,
            duration: None,
            products: 20,
            users: 1000,
            disorder: 0.2,
            late: 0.002,
            malformed: 0.001,
            collapse: Collapse::default(),
        }
    }
}

/// One product's click-through rate falls to a tenth: once soon after the start, so that nobody has to wait
/// for it, and then at the end of every period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collapse {
    /// The product's rank: 0 is the one that is shown most.
    pub rank: usize,
    /// When the first begins: late enough that there is something to compare with.
    pub first: Millis,
    /// From one collapse's end to the next's.
    pub period: Millis,
    /// How long it lasts.
    pub length: Millis,
}

impl Default for Collapse {
    fn default() -> Self {
        Self { rank: 2, first: Millis::seconds(25), period: Millis::minutes(5), length: Millis::minutes(1) }
    }
}

impl Collapse {
    fn covers(&self, rank: usize, since_start: Millis) -> bool {
        let is_first = (self.first..self.first + self.length).contains(&since_start);
        let is_periodic = || {
            self.period > Millis(0)
                && since_start.0.rem_euclid(self.period.0) >= self.period.0 - self.length.0
        };
        rank == self.rank && (is_first || is_periodic())
    }
}

/// An event to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// The topic that it is for.
    pub topic: &'static str,
    /// The message's key: the product or the user.
    pub key: Vec<u8>,
    /// JSON, or a line of plain text, unless it is meant to be broken.
    pub payload: Vec<u8>,
    /// When to send it, counted from the start.
    pub send_at: Millis,
}

/// One user is shown one product, or clicks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Action {
    at: Millis,
    rank: usize,
    user: u32,
}

/// The events of simulated shoppers, in the order in which they are to be sent.
#[derive(Debug)]
pub struct Simulator {
    settings: Settings,
    start: Timestamp,
    random: StdRng,
    products: Products,
    /// Impressions a millisecond.
    arrivals: f64,
    /// When the next impression comes. A fraction, so that high rates do not round to nothing.
    next_arrival: f64,
    clicks: BinaryHeap<Reverse<Action>>,
    sent: u64,
}

impl Simulator {
    /// A simulation that starts now.
    pub fn new(settings: Settings, clock: &(impl Clock + ?Sized)) -> Self {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let products = Products::new(&settings, &mut random);
        // Every impression brings so many events with it on average.
        let events = 1.0 + products.mean_rate();
        Self {
            arrivals: settings.rate.max(f64::MIN_POSITIVE) / events / 1000.0,
            start: clock.now(),
            random,
            products,
            next_arrival: 0.0,
            clicks: BinaryHeap::new(),
            sent: 0,
            settings,
        }
    }

    /// When the simulation began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The next impression, if it comes before the next click and before the end.
    fn arrival(&mut self) -> Option<Action> {
        let at = whole(self.next_arrival);
        let ended = self.settings.duration.is_some_and(|duration| at >= duration);
        let click_first = self.clicks.peek().is_some_and(|Reverse(click)| click.at <= at);
        if ended || click_first {
            return None;
        }
        // The gaps of a Poisson process; 1 - u, because ln(0) is infinite.
        self.next_arrival -= (1.0 - self.random.random::<f64>()).ln() / self.arrivals;
        let rank = self.products.pick(&mut self.random);
        let user = self.random.random_range(0..self.settings.users.max(1));
        Some(Action { at, rank, user })
    }

    /// Has the user click what was shown, perhaps.
    fn react(&mut self, shown: Action) {
        let collapsed = self.settings.collapse.covers(shown.rank, shown.at);
        let rate = self.products.rate(shown.rank) * if collapsed { 0.1 } else { 1.0 };
        if self.random.random_bool(rate) {
            let at = shown.at + noise::between(REACTION, &mut self.random);
            self.clicks.push(Reverse(Action { at, ..shown }));
        }
    }

    fn event(&mut self, topic: &'static str, kind: &str, action: Action) -> SimulatedEvent {
        self.sent += 1;
        let happened = self.start + action.at - noise::delay(&self.settings, &mut self.random);
        let product = format!("product_{}", action.rank + 1);
        let payload = json!({
            "event_id": format!("{:x}-{:x}", self.start.0, self.sent),
            "product_id": product,
            "user_id": format!("user_{}", action.user + 1),
            "session_id": format!("session_{}_{}", action.user + 1, happened.0.div_euclid(SESSION.0)),
            "event_type": kind,
            "ts": happened.0,
        });
        let payload = self.damage(payload).into_bytes();
        SimulatedEvent { topic, key: product.into_bytes(), payload, send_at: action.at }
    }

    /// The event as JSON; now and then one that does not fit its table.
    fn damage(&mut self, mut event: serde_json::Value) -> String {
        if self.random.random::<f64>() >= self.settings.malformed {
            return event.to_string();
        }
        let (column, value) = match self.random.random_range(0..4) {
            0 => ("ts", "yesterday".into()),
            1 => ("product_id", serde_json::Value::Null),
            2 => return "PING".to_owned(),
            _ => return noise::halve(event.to_string()),
        };
        if let Some(field) = event.get_mut(column) {
            *field = value;
        }
        event.to_string()
    }
}

impl Iterator for Simulator {
    type Item = SimulatedEvent;

    fn next(&mut self) -> Option<SimulatedEvent> {
        if let Some(shown) = self.arrival() {
            self.react(shown);
            return Some(self.event(IMPRESSIONS, "impression", shown));
        }
        let Reverse(click) = self.clicks.pop()?;
        Some(self.event(CLICKS, "click", click))
    }
}

/// Impressions, clicks and visits, in the order in which they are to be sent.
#[derive(Debug)]
pub struct Shoppers {
    impressions: Peekable<Simulator>,
    visits: Peekable<Visits>,
}

impl Shoppers {
    /// A simulation that starts now.
    pub fn new(settings: Settings, clock: &(impl Clock + ?Sized)) -> Self {
        let visits = Visits::new(settings.clone(), clock).peekable();
        Self { impressions: Simulator::new(settings, clock).peekable(), visits }
    }
}

impl Iterator for Shoppers {
    type Item = SimulatedEvent;

    fn next(&mut self) -> Option<SimulatedEvent> {
        let visit = self.visits.peek().map(|event| event.send_at);
        let is_before = |shown: &SimulatedEvent| visit.is_none_or(|visit| shown.send_at <= visit);
        self.impressions.next_if(is_before).or_else(|| self.visits.next())
    }
}

/// Waits for the events' time: gives those that are due, together. A reader that falls behind gets
/// them late and none is left out.
pub fn play<I>(events: I) -> impl Stream<Item = Vec<SimulatedEvent>>
where
    I: IntoIterator<Item = SimulatedEvent>,
{
    let start = Instant::now();
    stream::unfold(events.into_iter().peekable(), move |mut events| async move {
        let since_start = |event: &SimulatedEvent| {
            Duration::from_millis(u64::try_from(event.send_at.0).unwrap_or_default())
        };
        sleep_until(start + since_start(events.peek()?) + TICK).await;
        let elapsed = start.elapsed();
        let next = std::iter::from_fn(|| events.next_if(|event| since_start(event) <= elapsed));
        let due: Vec<SimulatedEvent> = next.take(MOST).collect();
        Some((due, events))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are meant")]
fn whole(millis: f64) -> Millis {
    Millis(millis as i64)
}
