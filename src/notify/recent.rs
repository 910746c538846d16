//! The alerts that a target got lately, so that a batch that comes again does not tell them again.

use std::collections::{HashSet, VecDeque};

use xxhash_rust::xxh3::xxh3_128;

/// How many are remembered: some 10 MB of alerts, more than a redelivered batch can hold.
const ROOM: usize = 10_000;

/// Remembers the last [`ROOM`] ids, by a hash of 128 bits. Only for as long as the process lives: what
/// a new one sends again carries the same id.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Recent {
    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains(&xxh3_128(id.as_bytes()))
    }

    pub(super) fn add(&mut self, id: &str) {
        let hash = xxh3_128(id.as_bytes());
        if !self.known.insert(hash) {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > ROOM
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut recent = Recent::default();
        for n in 0..=ROOM {
            recent.add(&n.to_string());
            recent.add(&n.to_string());
        }
        assert!(!recent.has("0") && recent.has("1") && recent.has(&ROOM.to_string()));
        assert_eq!((recent.known.len(), recent.order.len()), (ROOM, ROOM));
    }
}
