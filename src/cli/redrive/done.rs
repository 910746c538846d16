//! Which letters were dealt with.
//!
//! The topic of the letters remembers it itself: behind letters that were sent back stands a receipt, a
//! record without key and value whose header names their places. So nothing else is needed to know it,
//! filters may pick letters in any order, and a receipt never expires before its letters.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow};

/// The header of a receipt: `0:3-17,20;1:5` are offsets by partition.
pub(super) const RECEIPT: &str = "weir.redriven";

/// Letters by partition and offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done(BTreeMap<i32, BTreeSet<i64>>);

impl Done {
    pub(super) fn add(&mut self, partition: i32, offset: i64) {
        self.0.entry(partition).or_default().insert(offset);
    }

    pub(super) fn has(&self, partition: i32, offset: i64) -> bool {
        self.0.get(&partition).is_some_and(|offsets| offsets.contains(&offset))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what a receipt names.
    pub(super) fn read(&mut self, receipt: &str) -> anyhow::Result<()> {
        for part in receipt.split(';') {
            let (partition, runs) =
                part.split_once(':').ok_or_else(|| anyhow!("no partition in {part:?}"))?;
            let partition = partition.parse().with_context(|| format!("no partition in {part:?}"))?;
            for run in runs.split(',') {
                let (first, last) = run.split_once('-').unwrap_or((run, run));
                let number =
                    |text: &str| text.parse::<i64>().with_context(|| format!("no offsets in {part:?}"));
                self.0.entry(partition).or_default().extend(number(first)?..=number(last)?);
            }
        }
        Ok(())
    }

    /// The receipt for all of them.
    pub(super) fn receipt(&self) -> String {
        let partition =
            |(partition, offsets): (&i32, &BTreeSet<i64>)| format!("{partition}:{}", runs(offsets));
        self.0.iter().map(partition).collect::<Vec<_>>().join(";")
    }
}

fn runs(offsets: &BTreeSet<i64>) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for offset in offsets {
        match runs.last_mut().filter(|(_, last)| last + 1 == *offset) {
            Some((_, last)) => *last = *offset,
            None => runs.push((*offset, *offset)),
        }
    }
    let text = |(first, last): &(i64, i64)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_runs_of_offsets() {
        let mut done = Done::default();
        for (partition, offset) in [(1, 5), (0, 3), (0, 5), (0, 4), (0, 20)] {
            done.add(partition, offset);
        }
        assert_eq!(done.receipt(), "0:3-5,20;1:5");
        let mut again = Done::default();
        again.read(&done.receipt()).unwrap();
        assert_eq!(again, done);
        assert!(again.has(0, 4) && !again.has(0, 6) && !again.has(2, 4));
        for broken in ["", "0", "x:1", "0:", "0:1-", "0:1;"] {
            assert!(Done::default().read(broken).is_err(), "{broken}");
        }
    }
}
