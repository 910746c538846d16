//! `Idempotency-Key`: the same request gives the same answer, and its events go to their topics once.
//!
//! What is remembered of a request is small: what it was (a hash), when it was first taken, and whether
//! the broker has its events. Ids and defaults follow from key and moment, so the answer can be made
//! again from the request itself, and so can the very records.
//!
//! ```text
//! nothing ── begin ──> open, until a moment ── the broker has all ──> done, for a day
//!                        ^     │
//!                        └─────┘ the broker has not, or the moment has passed: whoever comes next
//! ```
//!
//! While a request is open, another with its key is told to come again (409). A process that dies between
//! the broker's answer and the note of it leaves the request open: the next attempt, once the moment
//! has passed, publishes the same records again, byte for byte, under the same ids. So events are there
//! once, or after such a death at least once, recognisable by their ids.

use sha2::{Digest, Sha256};

use super::{Problem, stamp::Stamp};
use crate::{
    api::access::Caller,
    error::causes,
    state::{Item, Requests, StateError, Written},
    time::{Millis, Timestamp},
};

/// How long a request is remembered.
const MEMORY: Millis = Millis::days(1);
/// How long an attempt may take before another one is let in: longer than a function may run that serves
/// requests.
const ATTEMPT: Millis = Millis::seconds(35);
/// The longest key.
const LONGEST: usize = 255;
/// How often it is looked again when others write at the same time.
const LOOKS: usize = 3;

/// The name of a request: who asks, and the key that they gave it.
#[derive(Clone, Debug)]
pub(super) struct Name([u8; 32]);

impl Name {
    pub(super) fn new(caller: Caller, key: &str) -> Result<Self, Problem> {
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::malformed_request_key(LONGEST));
        }
        Ok(Self(Sha256::new().chain_update(caller.0).chain_update(key).finalize().into()))
    }

    fn id(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What a request is: where it goes and what it says.
pub(super) fn digest(path: &str, body: &[u8]) -> [u8; 32] {
    let length = u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes();
    Sha256::new().chain_update(length).chain_update(path).chain_update(body).finalize().into()
}

/// What to do with a request that has a name.
#[derive(Debug)]
pub(super) enum Turn {
    /// Publish, then [`Ticket::done`] or [`Ticket::open`].
    Publish(Ticket),
    /// Its events are in their topics: only answer.
    Repeat(Stamp),
}

/// An attempt at a request.
#[derive(Debug)]
pub(super) struct Ticket {
    id: String,
    memory: Memory,
    version: i64,
    seed: [u8; 32],
}

/// What is remembered of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Memory {
    /// When it was first taken.
    at: Timestamp,
    /// Until when an attempt may be under way; none where the events are in their topics.
    open: Option<Timestamp>,
    /// What the request is.
    digest: [u8; 32],
    /// Which attempt: two of the same moment must not take themselves for one.
    attempt: [u8; 16],
}

/// Begins a request, or finds out what became of it.
pub(super) async fn begin<R: Requests>(
    requests: &R,
    name: &Name,
    digest: [u8; 32],
    now: Timestamp,
) -> Result<Turn, Problem> {
    let id = name.id();
    let (mut at, mut expected) = (now, None);
    for _ in 0..LOOKS {
        let memory = Memory { at, open: Some(now + ATTEMPT), digest, attempt: rand::random() };
        let version = expected.map_or(0, |version: i64| version + 1);
        let written = requests.put_request(&id, memory.item(version), expected).await;
        if written.map_err(unavailable)? == Written::Stored {
            return Ok(Turn::Publish(Ticket { id, memory, version, seed: name.0 }));
        }
        let stands = requests.request(&id).await.map_err(unavailable)?;
        expected = stands.as_ref().map(|item| item.version);
        at = match stands.as_ref().and_then(|item| Memory::read(item, now)) {
            None => now,
            Some(memory) if memory.digest != digest => return Err(Problem::request_key_reused()),
            Some(Memory { open: None, at, .. }) => return Ok(Turn::Repeat(Stamp::of_request(at, name.0))),
            Some(Memory { open: Some(until), .. }) if now < until => return Err(Problem::request_under_way()),
            Some(memory) => memory.at,
        };
    }
    Err(Problem::request_under_way())
}

impl Ticket {
    /// The moment at which the request was first taken, and its ids.
    pub(super) const fn stamp(&self) -> Stamp {
        Stamp::of_request(self.memory.at, self.seed)
    }

    /// Notes that the broker has the request's events. Where that fails, they are there all the same, and
    /// so the request is answered; an attempt after this one would publish them again.
    pub(super) async fn done<R: Requests>(self, requests: &R) {
        self.note(requests, None).await;
    }

    /// Notes that it has not, or not all: the next attempt need not wait.
    pub(super) async fn open<R: Requests>(self, requests: &R) {
        self.note(requests, Some(Timestamp::MIN)).await;
    }

    async fn note<R: Requests>(self, requests: &R, open: Option<Timestamp>) {
        let item = Memory { open, ..self.memory }.item(self.version + 1);
        match requests.put_request(&self.id, item, Some(self.version)).await {
            Ok(Written::Stored) => {}
            Ok(Written::Conflict) => {
                tracing::warn!("another attempt at a request began before this one ended");
            }
            Err(error) => tracing::warn!(error = causes(&error), "failed to note what became of a request"),
        }
    }
}

/// The version of what is written.
const FORMAT: u8 = 1;
/// How long that is.
const LENGTH: usize = 1 + 8 + 8 + 32 + 16;
/// What stands for the moment of a request that is done.
const DONE: i64 = i64::MAX;

impl Memory {
    fn item(&self, version: i64) -> Item {
        let mut body = Vec::with_capacity(LENGTH);
        body.push(FORMAT);
        body.extend(self.at.0.to_be_bytes());
        body.extend(self.open.map_or(DONE, |until| until.0).to_be_bytes());
        body.extend(self.digest);
        body.extend(self.attempt);
        Item { version, body, expires: Some(self.at + MEMORY) }
    }

    /// What an item says, unless it has expired or is of another format.
    fn read(item: &Item, now: Timestamp) -> Option<Self> {
        item.expires.filter(|expires| now < *expires)?;
        let (format, rest) = item.body.split_first()?;
        let (at, rest) = rest.split_first_chunk()?;
        let (open, rest) = rest.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (at, open) = (Timestamp(i64::from_be_bytes(*at)), i64::from_be_bytes(*open));
        let memory = Self {
            at,
            open: (open != DONE).then_some(Timestamp(open)),
            digest: *digest,
            attempt: rest.try_into().ok()?,
        };
        (*format == FORMAT).then_some(memory)
    }
}

fn unavailable(error: StateError) -> Problem {
    crate::engine::EngineError::State(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryStore;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn name(key: &str) -> Name {
        Name::new(Caller::default(), key).unwrap()
    }

    async fn ticket(store: &MemoryStore, now: Timestamp) -> Ticket {
        match begin(store, &name("k"), [1; 32], now).await {
            Ok(Turn::Publish(ticket)) => ticket,
            other => panic!("{other:?}"),
        }
    }

    async fn status(store: &MemoryStore, digest: [u8; 32], now: Timestamp) -> u16 {
        begin(store, &name("k"), digest, now).await.unwrap_err().status().as_u16()
    }

    #[tokio::test]
    async fn what_is_done_is_only_answered_for_a_day() {
        let store = MemoryStore::new();
        let first = ticket(&store, NOW).await;
        let id = first.stamp().fresh();
        first.done(&store).await;
        let later = NOW + Millis(1000);
        match begin(&store, &name("k"), [1; 32], later).await {
            Ok(Turn::Repeat(mut stamp)) => assert_eq!((stamp.at, stamp.fresh()), (NOW, id)),
            other => panic!("{other:?}"),
        }
        assert_eq!(status(&store, [2; 32], later).await, 422);
        let forgotten = ticket(&store, NOW + MEMORY).await;
        assert_eq!(forgotten.stamp().at, NOW + MEMORY);
    }

    #[tokio::test]
    async fn an_attempt_keeps_others_out_until_it_ends_or_its_time_is_over() {
        let store = MemoryStore::new();
        let first = ticket(&store, NOW).await;
        assert_eq!(status(&store, [1; 32], NOW).await, 409);
        assert_eq!(status(&store, [2; 32], NOW).await, 422);
        first.open(&store).await;
        let second = ticket(&store, NOW + Millis(1)).await;
        assert_eq!(second.stamp().at, NOW, "the records stay the same");
        // It dies.
        drop(second);
        assert_eq!(status(&store, [1; 32], NOW + ATTEMPT).await, 409);
        let third = ticket(&store, NOW + ATTEMPT + Millis(1)).await;
        assert_eq!(third.stamp().at, NOW);
    }

    #[tokio::test]
    async fn an_attempt_that_was_overtaken_changes_nothing() {
        let store = MemoryStore::new();
        let slow = ticket(&store, NOW).await;
        let quick = ticket(&store, NOW + ATTEMPT).await;
        quick.done(&store).await;
        slow.open(&store).await;
        let turn = begin(&store, &name("k"), [1; 32], NOW + ATTEMPT).await.unwrap();
        assert!(matches!(turn, Turn::Repeat(_)));
    }

    #[test]
    fn what_is_written_reads_back_in_its_format_alone() {
        let memory = Memory { at: NOW, open: Some(NOW), digest: [3; 32], attempt: [4; 16] };
        for memory in [memory.clone(), Memory { open: None, ..memory }] {
            let mut item = memory.item(7);
            assert_eq!(item.body.len(), LENGTH);
            assert_eq!(Memory::read(&item, NOW), Some(memory));
            item.body.push(0);
            assert_eq!(Memory::read(&item, NOW), None);
            item.body.pop();
            item.body[0] = 2;
            assert_eq!(Memory::read(&item, NOW), None);
        }
    }

    #[test]
    fn keys_of_two_callers_are_two_keys() {
        let other = Name::new(Caller([1; 32]), "k").unwrap();
        assert_ne!(other.id(), name("k").id());
        for key in ["", "a b", "\u{e4}", &"x".repeat(256)] {
            assert!(Name::new(Caller::default(), key).is_err(), "{key}");
        }
    }
}
