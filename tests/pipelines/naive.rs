//! Windows as lists of events: what views are held against.

use std::collections::BTreeMap;

use rand::{Rng, rngs::StdRng};

use super::rows::T0;

/// A view's windows, and how its table's events may lag.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) size: i64,
    pub(crate) slide: i64,
    pub(crate) delay: i64,
    pub(crate) lateness: i64,
}

/// Groups, by window start and key: the events, with their times.
pub(crate) type Groups<'a, K, E> = BTreeMap<(i64, K), Vec<(i64, &'a E)>>;

impl Windows {
    pub(crate) fn tumble(size: i64, delay: i64) -> Self {
        Self { size, slide: size, delay, lateness: 0 }
    }

    /// The events of each window and key, without those that are late for it.
    pub(crate) fn group<K: Ord + Clone, E>(
        self,
        events: &[(i64, E)],
        key: impl Fn(i64, &E) -> Option<K>,
    ) -> Groups<'_, K, E> {
        let mut groups = Groups::new();
        let mut largest = i64::MIN / 2;
        for (at, event) in events {
            let last = at - at.rem_euclid(self.slide);
            let starts = (0..).map(|n| last - n * self.slide).take_while(|start| at - start < self.size);
            // The window's last millisecond, with what it waits, against the watermark.
            let open =
                starts.filter(|start| start + self.size - 1 + self.lateness > largest - self.delay - 1);
            if let Some(key) = key(*at, event) {
                open.for_each(|start| {
                    groups.entry((start, key.clone())).or_default().push((*at, event));
                });
            }
            largest = largest.max(*at);
        }
        groups
    }
}

/// A share, 0 where there is nothing to divide by.
#[expect(clippy::cast_precision_loss, reason = "as the views have it")]
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Times that go on by less than `step`, each up to `disorder` behind.
pub(crate) fn times(random: &mut StdRng, count: usize, step: i64, disorder: i64) -> Vec<i64> {
    let mut clock = T0;
    let mut next = || {
        clock += random.random_range(0..step);
        clock - random.random_range(0..=disorder)
    };
    (0..count).map(|_| next()).collect()
}
