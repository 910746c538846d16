//! When a request was taken, and the ids that its events get.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::time::Timestamp;

/// A request's moment, and where the ids of its events come from: chance, or what names the request, so
/// that the same request gives the same ids again.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) at: Timestamp,
    seed: Option<[u8; 32]>,
    made: u64,
}

impl Stamp {
    /// Of a request that is taken once.
    pub(super) const fn new(at: Timestamp) -> Self {
        Self { at, seed: None, made: 0 }
    }

    /// Of a request that may come again: its first moment, and its name.
    pub(super) const fn of_request(at: Timestamp, seed: [u8; 32]) -> Self {
        Self { at, seed: Some(seed), made: 0 }
    }

    /// The next id: a UUID of version 7 of the request's moment.
    pub(super) fn fresh(&mut self) -> Uuid {
        let random = match self.seed {
            None => rand::random(),
            Some(seed) => {
                let digest =
                    Sha256::new().chain_update(seed).chain_update(self.made.to_be_bytes()).finalize();
                let mut random = [0; 10];
                random.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
                random
            }
        };
        self.made += 1;
        let millis = u64::try_from(self.at.0).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn the_same_request_has_the_same_ids() {
        let ids = |mut stamp: Stamp| [stamp.fresh(), stamp.fresh()];
        let first = ids(Stamp::of_request(AT, [7; 32]));
        assert_eq!(first, ids(Stamp::of_request(AT, [7; 32])));
        assert_ne!(first[0], first[1]);
        assert_ne!(first, ids(Stamp::of_request(AT, [8; 32])));
        assert_ne!(ids(Stamp::new(AT)), ids(Stamp::new(AT)));
        let (seconds, nanos) = first[0].get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos, first[0].get_version_num()), (1_700_000_000, 0, 7));
    }
}
