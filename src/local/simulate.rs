//! Simulated shoppers: impressions and clicks for the tables of `sql/ctr.sql`.
//!
//! A [`Simulator`] is an iterator over events, each with the moment at which it is to be sent. It is
//! pure: seed, settings and start decide everything, so a run can be repeated. [`play`] waits
//! for their time; sending is somebody else's work.
//!
//! What it makes is what real traffic is like: some products are shown far more than others (Zipf),
//! a click follows an impression of the same user, some events overtake others on their way, a few
//! are late, a few are broken, and one product's click-through rate collapses now and then.

use std::{cmp::Reverse, collections::BinaryHeap};

use futures::{Stream, stream};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep_until};

use crate::time::{Clock, Millis, Timestamp};

/// Events that are due within this are sent together.
const TICK: Duration = Duration::from_millis(20);
/// At most so many events are sent together.
const MOST: usize = 1000;

/// The topic of impressions.
pub const IMPRESSIONS: &str = "impressions";
/// The topic of clicks.
pub const CLICKS: &str = "clicks";

/// Events on their way overtake each other by less than this.
const DISORDER: Millis = Millis::seconds(2);
/// How far behind late events are: between the two.
const LATE: (Millis, Millis) = (Millis::seconds(3), Millis::seconds(40));
/// How long after its impression a click comes: between the two.
const REACTION: (Millis, Millis) = (Millis(300), Millis::seconds(4));
/// A user's session changes at multiples of this.
const SESSION: Millis = Millis::minutes(30);
/// Products' click-through rates lie between the two.
const RATES: (f64, f64) = (0.02, 0.15);

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Decides everything that looks random.
    pub seed: u64,
    /// Events a second, on average.
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

/// One product's click-through rate falls to a tenth at the end of every period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collapse {
    /// The product's rank: 0 is the one that is shown most.
    pub rank: usize,
    /// From one collapse's end to the next's.
    pub period: Millis,
    /// How long it lasts.
    pub length: Millis,
}

impl Default for Collapse {
    fn default() -> Self {
        Self { rank: 2, period: Millis::minutes(5), length: Millis::minutes(1) }
    }
}

impl Collapse {
    fn covers(&self, rank: usize, since_start: Millis) -> bool {
        rank == self.rank
            && self.period > Millis(0)
            && since_start.0.rem_euclid(self.period.0) >= self.period.0 - self.length.0
    }
}

/// An event to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// The topic that it is for, which is also its table's name.
    pub topic: &'static str,
    /// The message's key: the product.
    pub key: Vec<u8>,
    /// JSON, unless it is meant to be broken.
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
        let products = Products::new(settings.products.max(1), &mut random);
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
            let at = shown.at + self.between(REACTION);
            self.clicks.push(Reverse(Action { at, ..shown }));
        }
    }

    fn event(&mut self, topic: &'static str, kind: &str, action: Action) -> SimulatedEvent {
        self.sent += 1;
        let happened = self.start + action.at - self.delay();
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

    /// How long the event was on its way.
    fn delay(&mut self) -> Millis {
        let draw: f64 = self.random.random();
        if draw < self.settings.late {
            self.between(LATE)
        } else if draw < self.settings.late + self.settings.disorder {
            self.between((Millis(0), DISORDER))
        } else {
            Millis(0)
        }
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
            _ => {
                let mut text = event.to_string();
                text.truncate(text.len() / 2);
                return text;
            }
        };
        if let Some(field) = event.get_mut(column) {
            *field = value;
        }
        event.to_string()
    }

    fn between(&mut self, (low, high): (Millis, Millis)) -> Millis {
        Millis(self.random.random_range(low.0..high.0))
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

/// How much each product is shown, and how often it is clicked then.
#[derive(Debug)]
struct Products {
    /// The shares of the products up to each rank; the last is 1.
    shares: Vec<f64>,
    rates: Vec<f64>,
}

impl Products {
    fn new(count: usize, random: &mut StdRng) -> Self {
        let mut total = 0.0;
        let sums: Vec<f64> = (1..=count)
            .map(|rank| {
                total += zipf(rank);
                total
            })
            .collect();
        Self {
            shares: sums.into_iter().map(|sum| sum / total).collect(),
            rates: (0..count).map(|_| random.random_range(RATES.0..RATES.1)).collect(),
        }
    }

    fn pick(&self, random: &mut StdRng) -> usize {
        let draw: f64 = random.random();
        self.shares.partition_point(|share| *share <= draw).min(self.shares.len() - 1)
    }

    fn rate(&self, rank: usize) -> f64 {
        self.rates.get(rank).copied().unwrap_or_default()
    }

    /// The click-through rate over all products.
    fn mean_rate(&self) -> f64 {
        let before = std::iter::once(&0.0).chain(&self.shares);
        let shares = self.shares.iter().zip(before).map(|(upto, before)| upto - before);
        shares.zip(&self.rates).map(|(share, rate)| share * rate).sum()
    }
}

/// How often the product of a rank is shown, compared with that of rank 1.
#[expect(clippy::cast_precision_loss, reason = "no catalog has 2^52 products")]
fn zipf(rank: usize) -> f64 {
    1.0 / rank as f64
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts of events are small")]
mod tests {
    use std::collections::HashMap;

    use futures::StreamExt as _;

    use super::*;
    use crate::time::ManualClock;

    fn simulate(settings: Settings) -> Vec<SimulatedEvent> {
        Simulator::new(settings, &ManualClock::at(Timestamp(1_700_000_000_000))).collect()
    }

    fn minutes(minutes: i64) -> Settings {
        Settings { duration: Some(Millis::minutes(minutes)), ..Settings::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_events_and_another_seed_others() {
        let first = simulate(minutes(1));
        assert_eq!(first, simulate(minutes(1)));
        assert_ne!(first, simulate(Settings { seed: 2, ..minutes(1) }));
    }

    #[test]
    fn events_come_in_sending_order_at_the_rate() {
        let events = simulate(minutes(5));
        assert!(events.is_sorted_by_key(|event| event.send_at));
        let expected = 200.0 * 300.0;
        assert!((events.len() as f64 / expected - 1.0).abs() < 0.02, "{} events", events.len());
    }

    #[test]
    fn a_rate_above_one_a_millisecond_is_kept() {
        let events =
            simulate(Settings { rate: 5000.0, duration: Some(Millis::seconds(10)), ..Settings::default() });
        assert!((events.len() as f64 / 50_000.0 - 1.0).abs() < 0.02, "{} events", events.len());
    }

    #[test]
    fn whole_events_have_every_column_and_their_key() {
        let events = simulate(Settings { malformed: 0.0, ..minutes(1) });
        for event in events {
            let json: HashMap<String, serde_json::Value> = serde_json::from_slice(&event.payload).unwrap();
            assert_eq!(json["product_id"].as_str().unwrap().as_bytes(), event.key);
            assert_eq!(event.topic, format!("{}s", json["event_type"].as_str().unwrap()));
            let columns = ["event_id", "product_id", "user_id", "session_id", "event_type", "ts"];
            assert!(columns.iter().all(|column| json.contains_key(*column)));
        }
    }

    #[test]
    fn the_shares_of_late_and_of_broken_events_are_kept() {
        let settings = Settings { late: 0.1, malformed: 0.05, ..minutes(5) };
        let events = simulate(settings);
        let total = events.len() as f64;
        let behind: Vec<Option<i64>> = events
            .iter()
            .map(|event| {
                let json: serde_json::Value = serde_json::from_slice(&event.payload).ok()?;
                json["product_id"].as_str()?;
                Some(1_700_000_000_000 + event.send_at.0 - json["ts"].as_i64()?)
            })
            .collect();
        let broken = behind.iter().filter(|delay| delay.is_none()).count() as f64;
        let late = behind.iter().flatten().filter(|delay| **delay >= 3000).count() as f64;
        assert!((broken / total - 0.05).abs() < 0.01, "{broken} of {total}");
        assert!((late / total - 0.1).abs() < 0.02, "{late} of {total}");
        assert!(
            behind.iter().flatten().all(|delay| (0..2000).contains(delay) || (3000..40_000).contains(delay))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn played_events_come_in_order_and_none_is_left_out() {
        let settings = Settings { rate: 5000.0, duration: Some(Millis::seconds(5)), ..Settings::default() };
        let clock = ManualClock::at(Timestamp(1_700_000_000_000));
        let batches: Vec<_> = play(Simulator::new(settings.clone(), &clock)).collect().await;
        assert!(batches.len() > 100, "{} batches", batches.len());
        assert_eq!(batches.concat(), simulate(settings));
    }

    #[test]
    fn one_products_rate_collapses_at_the_end_of_each_period() {
        let settings = Settings {
            rate: 2000.0,
            malformed: 0.0,
            collapse: Collapse { rank: 0, period: Millis::minutes(2), length: Millis::minutes(1) },
            ..minutes(2)
        };
        let events = simulate(settings);
        let rate = |from: i64, to: i64| {
            let count = |topic| {
                let wanted = |event: &&SimulatedEvent| {
                    event.topic == topic && event.key == b"product_1" && (from..to).contains(&event.send_at.0)
                };
                events.iter().filter(wanted).count() as f64
            };
            count(CLICKS) / count(IMPRESSIONS)
        };
        // Clicks come up to four seconds after their impressions.
        assert!(rate(65_000, 120_000) < rate(5000, 60_000) / 4.0);
    }
}
