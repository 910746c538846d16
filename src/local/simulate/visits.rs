//! What shoppers do on their visits: they look around, click a product, put it into the cart, buy it,
//! each time some fewer; and orders take their way.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Settings, SimulatedEvent, noise, products::Products, records, whole};
use crate::time::{Clock, Millis, Timestamp};

/// One visit begins where there are so many impressions and clicks.
const EVENTS_A_VISIT: f64 = 50.0;
/// How many visits begin with a search.
const SEARCHES: f64 = 0.2;
/// The steps of a visit, with the share that takes each after the one before.
const WAY: [(Step, f64); 3] = [(Step::Look, 1.0), (Step::Click, 0.6), (Step::Cart, 0.3)];
/// How many buy what is in the cart.
const BUYS: f64 = 0.3;
/// How long one takes from step to step: between the two.
const PACE: (Millis, Millis) = (Millis::seconds(1), Millis::seconds(15));
/// Of so many purchases one is a large order, and one is several at once.
const ONE_IN: u32 = 40;
/// What happens first, and when.
const OPENING: [(Millis, Fraud); 2] =
    [(Millis::seconds(6), Fraud::Large), (Millis::seconds(2), Fraud::Burst)];
/// How much of a product makes a large order, by what it amounts to at least.
const LARGE: u64 = 3_000_000;
/// How far orders that are placed at once are apart.
const BURST: Millis = Millis::seconds(15);
/// How many orders are cancelled once they are paid.
const CANCELLED: f64 = 0.05;

/// How a shopper cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fraud {
    /// One order of far too much.
    Large,
    /// Several orders, one after the other.
    Burst,
}

/// What a shopper does, or what becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Search,
    Look,
    Click,
    Cart,
    Purchase,
    Created,
    Paid,
    Shipped,
    Cancelled,
}

/// A shopper on a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Visit {
    pub(super) number: u64,
    pub(super) began: Millis,
    pub(super) user: u32,
    /// The product that it is about.
    pub(super) rank: usize,
}

impl Visit {
    /// What the product costs.
    pub(super) fn price(&self) -> u64 {
        20_000 + 7_000 * (self.rank as u64 % 20)
    }
}

/// What somebody buys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    pub(super) number: u64,
    pub(super) amount: u64,
}

/// A step, and when it is taken. By time first: so they are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Act {
    pub(super) at: Millis,
    pub(super) visit: Visit,
    pub(super) order: Order,
    pub(super) step: Step,
}

/// The events of simulated visits, in the order in which they are to be sent.
#[derive(Debug)]
pub struct Visits {
    settings: Settings,
    start: Timestamp,
    random: StdRng,
    products: Products,
    next_visit: f64,
    acts: BinaryHeap<Reverse<Act>>,
    ready: VecDeque<SimulatedEvent>,
    begun: u64,
    orders: u64,
    sent: u64,
}

impl Visits {
    /// Visits that begin now. The rate is that of impressions and clicks, to which the visits are
    /// few.
    pub fn new(settings: Settings, clock: &(impl Clock + ?Sized)) -> Self {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let mut visits = Self {
            start: clock.now(),
            products: Products::new(&settings, &mut random),
            random,
            next_visit: 0.0,
            acts: BinaryHeap::new(),
            ready: VecDeque::new(),
            begun: 0,
            orders: 0,
            sent: 0,
            settings,
        };
        visits.open();
        visits
    }

    /// The first visitors are no good, so that nobody has to wait for them: one buys far too much, one far
    /// too often.
    fn open(&mut self) {
        for (at, fraud) in OPENING {
            let ended = self.settings.duration.is_some_and(|duration| at >= duration);
            if !ended {
                let visit = self.visit(at);
                self.cheat(at, visit, fraud);
            }
        }
    }

    /// When the next visit begins, if that is before the next act and before the end.
    fn arrival(&mut self) -> Option<Millis> {
        let at = whole(self.next_visit);
        let ended = self.settings.duration.is_some_and(|duration| at >= duration);
        let act_first = self.acts.peek().is_some_and(|Reverse(act)| act.at <= at);
        if ended || act_first {
            return None;
        }
        let rate = self.settings.rate.max(f64::MIN_POSITIVE) / EVENTS_A_VISIT / 1000.0;
        self.next_visit -= (1.0 - self.random.random::<f64>()).ln() / rate;
        Some(at)
    }

    fn visit(&mut self, began: Millis) -> Visit {
        self.begun += 1;
        let rank = self.products.pick(&mut self.random);
        let user = self.random.random_range(0..self.settings.users.max(1));
        Visit { number: self.begun, began, user, rank }
    }

    /// Decides what happens on a visit.
    fn plan(&mut self, began: Millis) {
        let visit = self.visit(began);
        let act = |at, step| Reverse(Act { at, visit, step, order: Order::default() });
        let mut at = began;
        if self.random.random_bool(SEARCHES) {
            self.acts.push(act(at, Step::Search));
        }
        for (step, share) in WAY {
            if !self.random.random_bool(share) {
                return;
            }
            at = at + noise::between(PACE, &mut self.random);
            self.acts.push(act(at, step));
        }
        if self.random.random_bool(BUYS) {
            at = at + noise::between(PACE, &mut self.random);
            self.buy(at, visit);
        }
    }

    /// Has the shopper buy; now and then more than anybody would.
    fn buy(&mut self, at: Millis, visit: Visit) {
        let quantity = self.random.random_range(1..4);
        match self.random.random_range(0..ONE_IN) {
            0 => self.cheat(at, visit, Fraud::Large),
            1 => self.cheat(at, visit, Fraud::Burst),
            _ => self.place(at, visit, quantity * visit.price()),
        }
    }

    /// Has the shopper buy as nobody does who is honest.
    fn cheat(&mut self, at: Millis, visit: Visit, fraud: Fraud) {
        match fraud {
            Fraud::Large => self.place(at, visit, LARGE.div_ceil(visit.price()) * visit.price()),
            Fraud::Burst => (0..3).for_each(|n| self.place(at + Millis(n * BURST.0), visit, visit.price())),
        }
    }

    /// Places an order, pays it, and has it shipped or cancels it.
    fn place(&mut self, at: Millis, visit: Visit, amount: u64) {
        self.orders += 1;
        let order = Order { number: self.orders, amount };
        let paid = at + noise::between((Millis::seconds(1), Millis::seconds(5)), &mut self.random);
        let closed = paid + noise::between((Millis::seconds(20), Millis::minutes(1)), &mut self.random);
        let end = if self.random.random_bool(CANCELLED) { Step::Cancelled } else { Step::Shipped };
        let steps = [(at, Step::Purchase), (at, Step::Created), (paid, Step::Paid), (closed, end)];
        self.acts.extend(steps.map(|(at, step)| Reverse(Act { at, visit, order, step })));
    }

    /// Has an act's events sent, as they come out on their way.
    fn send(&mut self, act: Act) {
        for record in records::of(act.step) {
            self.sent += 1;
            let happened = self.start + act.at - noise::delay(&self.settings, &mut self.random);
            let id = format!("{:x}-v{:x}", self.start.0, self.sent);
            let text = (record.write)(&act, happened, &id);
            let is_broken = self.random.random::<f64>() < self.settings.malformed;
            let text = if is_broken { noise::halve(text) } else { text };
            self.ready.push_back(SimulatedEvent {
                topic: record.topic,
                key: (record.key)(&act).into_bytes(),
                payload: text.into_bytes(),
                send_at: act.at,
            });
        }
    }
}

impl Iterator for Visits {
    type Item = SimulatedEvent;

    fn next(&mut self) -> Option<SimulatedEvent> {
        while self.ready.is_empty() {
            if let Some(began) = self.arrival() {
                self.plan(began);
            } else {
                let Reverse(act) = self.acts.pop()?;
                self.send(act);
            }
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests;
