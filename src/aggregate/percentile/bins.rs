//! Counts of values in bins whose bounds grow by a constant factor.

use super::rank;
use crate::{
    codec::{CodecError, Reader, put_varint, put_zigzag},
    sql::Fraction,
};

/// The largest relative error.
const ERROR: f64 = 0.01;
/// From one bin's bound to the next.
const FACTOR: f64 = (1.0 + ERROR) / (1.0 - ERROR);
/// Added to any exponent of [`FACTOR`] it makes that positive: the number of the bin of positive numbers.
/// Bin 0 is that of zero (and of what is nearer to it than 2.3e-308), those of negative numbers are
/// the negated ones of the positive.
const SHIFT: i32 = 40_000;

/// How many values lie in which bin.
#[derive(Clone, Debug)]
pub(in crate::aggregate) struct Bins {
    /// The bins that have values, in ascending order.
    counts: Vec<(i32, u64)>,
    smallest: f64,
    largest: f64,
}

impl Bins {
    pub(super) const EMPTY: Self =
        Self { counts: Vec::new(), smallest: f64::INFINITY, largest: f64::NEG_INFINITY };

    pub(super) fn add(&mut self, x: f64) {
        self.count(bin_of(x), 1);
        self.widen(x, x);
    }

    fn count(&mut self, bin: i32, more: u64) {
        match self.counts.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(index) => {
                if let Some((_, count)) = self.counts.get_mut(index) {
                    *count = count.saturating_add(more);
                }
            }
            Err(index) => self.counts.insert(index, (bin, more)),
        }
    }

    fn widen(&mut self, smallest: f64, largest: f64) {
        self.smallest = self.smallest.min(smallest);
        self.largest = self.largest.max(largest);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.counts.iter().for_each(|(bin, count)| self.count(*bin, *count));
        self.widen(other.smallest, other.largest);
    }

    pub(super) fn value_at(&self, fraction: Fraction) -> f64 {
        let all = self.counts.iter().fold(0_u64, |all, (_, count)| all.saturating_add(*count));
        let rank = rank(fraction, all);
        if rank == 0 {
            return self.smallest;
        }
        if rank + 1 == all {
            return self.largest;
        }
        let mut before = 0_u64;
        let bin = self.counts.iter().find(|(_, count)| {
            before = before.saturating_add(*count);
            before > rank
        });
        bin.map_or(self.largest, |(bin, _)| middle_of(*bin)).clamp(self.smallest, self.largest)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.smallest.to_le_bytes());
        out.extend_from_slice(&self.largest.to_le_bytes());
        put_varint(out, self.counts.len() as u64);
        let mut before = 0;
        for (bin, count) in &self.counts {
            put_zigzag(out, i64::from(*bin) - before);
            put_varint(out, *count);
            before = i64::from(*bin);
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut bins = Self::EMPTY;
        let (smallest, largest) = (finite(from)?, finite(from)?);
        bins.widen(smallest.min(largest), largest.max(smallest));
        let mut bin = 0_i64;
        for _ in 0..from.count("the number of bins")? {
            bin = bin.wrapping_add(from.zigzag("a bin")?);
            let known = i32::try_from(bin).map_err(|_| CodecError::Unexpected {
                found: format!("bin {bin}"),
                expected: "the number of a bin",
            })?;
            bins.count(known, from.varint("a bin's count")?);
        }
        Ok(bins)
    }
}

pub(super) fn finite(from: &mut Reader<'_>) -> Result<f64, CodecError> {
    let x = from.float("a value")?;
    if x.is_finite() {
        return Ok(x);
    }
    Err(CodecError::Unexpected { found: x.to_string(), expected: "a finite value" })
}

/// The bin of a value: the powers of [`FACTOR`] are the bins' upper bounds.
#[expect(clippy::cast_possible_truncation, reason = "a DOUBLE's exponents are small")]
fn bin_of(x: f64) -> i32 {
    if x.abs() < f64::MIN_POSITIVE {
        return 0;
    }
    let exponent = (x.abs().ln() / FACTOR.ln()).ceil() as i32;
    if x > 0.0 { SHIFT + exponent } else { -SHIFT - exponent }
}

/// The value that is within [`ERROR`] of each in a bin.
fn middle_of(bin: i32) -> f64 {
    if bin == 0 {
        return 0.0;
    }
    let exponent = bin.saturating_abs().saturating_sub(SHIFT);
    let middle = 2.0 / (FACTOR + 1.0) * (f64::from(exponent) * FACTOR.ln()).exp();
    if bin > 0 { middle } else { -middle }
}
