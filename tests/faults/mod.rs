//! A store and a publisher that stop working at will, and take turns with others at every call.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use weir::{
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    state::{
        Advance, Head, Item, ItemKey, MemoryStore, Partition, Scope, Span, StateError, Store, ViewId, Written,
    },
    time::{Offset, Timestamp},
};

/// When the process dies: before or after the effect of its n-th call, or at random calls.
#[derive(Debug)]
pub(crate) struct Fate {
    calls: AtomicU64,
    dies_at: Option<u64>,
    after_effect: bool,
    dead: AtomicBool,
    random: Mutex<(StdRng, f64)>,
}

impl Fate {
    /// Lives, taking turns at random.
    pub(crate) fn lives(seed: u64) -> Arc<Self> {
        Self::of(None, false, seed, 0.0)
    }

    /// Dies at the n-th call, counted from 1.
    pub(crate) fn dies_at(call: u64, after_effect: bool) -> Arc<Self> {
        Self::of(Some(call), after_effect, 0, 0.0)
    }

    /// Dies at each call with a probability.
    pub(crate) fn may_die(seed: u64, probability: f64) -> Arc<Self> {
        Self::of(None, seed.is_multiple_of(2), seed, probability)
    }

    fn of(dies_at: Option<u64>, after_effect: bool, seed: u64, probability: f64) -> Arc<Self> {
        let random = Mutex::new((StdRng::seed_from_u64(seed), probability));
        Arc::new(Self { calls: 0.into(), dies_at, after_effect, dead: false.into(), random })
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether it died.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Lets others go first, then does the call, or dies before or after it.
    async fn call<T, E>(&self, effect: impl Future<Output = Result<T, E>>, death: E) -> Result<T, E> {
        let (turns, dies) = {
            let mut random = self.random.lock().unwrap();
            let probability = random.1;
            (random.0.random_range(0..4), random.0.random_bool(probability))
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let dies = dies || self.dies_at == Some(call);
        if self.is_dead() || (dies && !self.after_effect) {
            self.dead.store(true, Ordering::SeqCst);
            return Err(death);
        }
        let done = effect.await;
        if dies {
            self.dead.store(true, Ordering::SeqCst);
            return Err(death);
        }
        done
    }
}

fn store_died() -> StateError {
    StateError::Call { action: "reach", subject: "the store".into(), source: "the process died".into() }
}

fn broker_died() -> PublishError {
    PublishError { action: "reach", topic: "any".into(), source: "the process died".into() }
}

/// A process' view of the world: the store and the broker that all share, and its own fate.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) broker: Arc<MemoryPublisher>,
    pub(crate) fate: Arc<Fate>,
    pub(crate) partitions: i32,
}

macro_rules! delegate {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        $(async fn $name(&self, $($arg: $type),*) -> Result<$out, StateError> {
            self.fate.call(self.store.$name($($arg),*), store_died()).await
        })*
    };
}

impl Store for Process {
    delegate! {
        head(view: &ViewId) -> Head;
        advance(view: &ViewId, step: Advance) -> Head;
        begin_backfill(view: &ViewId, partition: &Partition, from: Offset, now: Timestamp) -> ();
        mark_idle(view: &ViewId, partition: &Partition, next: Offset) -> ();
        restart(view: &ViewId, partition: &Partition, epoch: u32) -> ();
        set_closed(view: &ViewId, scope: Scope, through: Timestamp) -> ();
        set_page_depth(view: &ViewId, depth: u8) -> ();
        get(key: &ItemKey) -> Option<Item>;
        get_many(keys: &[ItemKey]) -> Vec<(ItemKey, Item)>;
        scan(span: &Span) -> Vec<(ItemKey, Item)>;
    scan_first(span: &Span, most: usize) -> Vec<(ItemKey, Item)>;
        put(key: &ItemKey, item: Item, expected: Option<i64>) -> Written;
    }
}

impl Publisher for Process {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        self.fate.call(self.broker.publish(messages), broker_died()).await
    }
}

impl Topics for Process {
    async fn partitions(&self, _topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some((0..self.partitions).collect()))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}
