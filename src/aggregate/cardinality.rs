//! `approx_count_distinct`: HyperLogLog, exact as long as the values are few.
//!
//! Values are told apart by 64-bit hashes. Up to [`EXACTLY`] hashes are kept as they are; more become
//! 2^14 registers, each with the longest run of zeros (plus one) that a hash of its own began with:
//! Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
//! estimation algorithm", 2007. The count is estimated by Ertl, "New cardinality estimation algorithms
//! for HyperLogLog sketches", 2017, algorithm 6, which needs no tables of corrections. The standard
//! error is 1.04 / sqrt(2^14) = 0.81 %.
//!
//! Both forms, and which of them it is, depend on the set of values alone, so that the
//! estimate does not depend on the order in which they came or were merged.

use std::f64::consts::LN_2;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::state::State;
use crate::{
    codec::{CodecError, Reader, put_varint},
    time::Timestamp,
    value::Value,
};

/// Up to this many values the count is exact: their hashes take as much room as the registers do when
/// these are compressed.
const EXACTLY: usize = 1024;
/// The bits of a hash that choose its register.
const INDEX_BITS: u32 = 14;
const REGISTERS: usize = 1 << INDEX_BITS;
/// The largest content of a register: all other bits are zeros.
const LARGEST: u8 = (u64::BITS - INDEX_BITS + 1).to_le_bytes()[0];

/// The set of values of a group, as far as it needs to be known to count them.
#[derive(Clone, Debug)]
pub(super) enum Cardinality {
    /// The hashes, in ascending order.
    Exact(Vec<u64>),
    Registers(Box<[u8]>),
}

impl Default for Cardinality {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Cardinality {
    fn add(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                if let Err(index) = hashes.binary_search(&hash) {
                    hashes.insert(index, hash);
                    self.bound();
                }
            }
            Self::Registers(registers) => raise(registers, hash),
        }
    }

    /// Changes the form of too many hashes.
    fn bound(&mut self) {
        if let Self::Exact(hashes) = self
            && hashes.len() > EXACTLY
        {
            let mut registers = vec![0; REGISTERS].into_boxed_slice();
            hashes.iter().for_each(|hash| raise(&mut registers, *hash));
            *self = Self::Registers(registers);
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            // That there are more than the bound is certain.
            Self::Registers(registers) => estimate(registers).max(EXACTLY as u64 + 1),
        }
    }
}

impl State for Cardinality {
    type How = ();

    fn update(&mut self, (): (), _: Timestamp, value: &Value<'_>) {
        self.add(hash(value));
    }

    fn merge(&mut self, (): (), other: &Self) {
        match (&mut *self, other) {
            (Self::Registers(ours), Self::Registers(theirs)) => {
                ours.iter_mut().zip(theirs).for_each(|(our, their)| *our = (*our).max(*their));
            }
            (Self::Exact(ours), Self::Exact(theirs)) => {
                ours.extend_from_slice(theirs);
                ours.sort_unstable();
                ours.dedup();
                self.bound();
            }
            (Self::Registers(ours), Self::Exact(theirs)) => theirs.iter().for_each(|hash| raise(ours, *hash)),
            (Self::Exact(ours), Self::Registers(theirs)) => {
                let mut registers = theirs.clone();
                ours.iter().for_each(|hash| raise(&mut registers, *hash));
                *self = Self::Registers(registers);
            }
        }
    }

    fn finish(&self, (): ()) -> Value<'static> {
        Value::Int(i64::try_from(self.count()).unwrap_or(i64::MAX))
    }

    /// The number of hashes and these; one more than the bound stands for the registers.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(hashes) => {
                put_varint(out, hashes.len() as u64);
                hashes.iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
            }
            Self::Registers(registers) => {
                put_varint(out, EXACTLY as u64 + 1);
                out.extend_from_slice(registers);
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        const EXPECTED: &str = "a hash";
        let count = from.varint("the number of hashes")?;
        if count > EXACTLY as u64 {
            let registers = from.take(REGISTERS, "registers")?;
            return Ok(Self::Registers(registers.iter().map(|register| LARGEST.min(*register)).collect()));
        }
        let mut cardinality = Self::default();
        for _ in 0..count {
            let hash = from.take(8, EXPECTED)?.try_into();
            let hash = hash.map_err(|_| CodecError::Truncated { expected: EXPECTED })?;
            cardinality.add(u64::from_le_bytes(hash));
        }
        Ok(cardinality)
    }
}

/// Lets a hash into its register.
fn raise(registers: &mut [u8], hash: u64) {
    let index = usize::try_from(hash >> (u64::BITS - INDEX_BITS)).unwrap_or_default();
    // The bit behind the last ends the run where all are zeros.
    let rest = hash << INDEX_BITS | 1 << (INDEX_BITS - 1);
    let rank = rest.leading_zeros().to_le_bytes()[0] + 1;
    if let Some(register) = registers.get_mut(index) {
        *register = rank.max(*register);
    }
}

/// How many hashes were let into registers: Ertl's algorithm 6.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and small")]
fn estimate(registers: &[u8]) -> u64 {
    let mut with = [0_u32; LARGEST as usize + 1];
    for register in registers {
        if let Some(count) = with.get_mut(usize::from(*register)) {
            *count += 1;
        }
    }
    let all = REGISTERS as f64;
    let [empty, between @ .., full] = with;
    let full = all * tau(1.0 - f64::from(full) / all);
    let sum = between.iter().rev().fold(full, |sum, count| 0.5 * (sum + f64::from(*count)));
    let sum = sum + all * sigma(f64::from(empty) / all);
    (all * all / (2.0 * LN_2) / sum).round() as u64
}

/// x + x^2 + 2 x^4 + 4 x^8 + ...
fn sigma(mut x: f64) -> f64 {
    let (mut weight, mut sum, mut before) = (1.0, x, f64::NAN);
    while sum.is_finite() && sum.to_bits() != before.to_bits() {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    }
    sum
}

/// (1 - x - (1 - x^(1/2))^2 / 2 - (1 - x^(1/4))^2 / 4 - ...) / 3
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let (mut weight, mut sum, mut before) = (1.0, 1.0 - x, f64::NAN);
    while sum.to_bits() != before.to_bits() {
        x = x.sqrt();
        before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
    }
    sum / 3.0
}

/// xxh3 for ever, as hashes are kept. Each type has a seed.
fn hash(value: &Value<'_>) -> u64 {
    match value {
        Value::Null => 0,
        Value::Bool(value) => xxh3_64_with_seed(&[u8::from(*value)], 1),
        Value::Int(value) => xxh3_64_with_seed(&value.to_le_bytes(), 2),
        // Of 0.0 and -0.0 the first.
        Value::Float(value) => xxh3_64_with_seed(&(value + 0.0).to_le_bytes(), 3),
        Value::Time(Timestamp(at)) => xxh3_64_with_seed(&at.to_le_bytes(), 4),
        Value::Text(text) => xxh3_64_with_seed(text.as_bytes(), 5),
        Value::Json(text) => xxh3_64_with_seed(text.as_bytes(), 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = i64>) -> Cardinality {
        let mut all = Cardinality::default();
        values.for_each(|value| all.update((), Timestamp(0), &Value::Int(value)));
        all
    }

    #[test]
    fn it_is_exact_up_to_the_bound() {
        for count in [0, 1, 7, 1000, 1024] {
            assert_eq!(of((0..count).chain(0..count)).finish(()), Value::Int(count));
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn beyond_it_the_error_is_that_of_the_documentation() {
        let counts = [1025_u32, 1500, 3000, 10_000, 30_000, 100_000, 1_000_000];
        let mut squares = 0.0;
        for count in counts {
            for run in 0..8_i64 {
                let start = run << 32;
                let found = of((start..).take(count as usize)).count();
                let error = found as f64 / f64::from(count) - 1.0;
                assert!(error.abs() < 4.0 * 0.0081, "{count} values are estimated as {found}");
                squares += error * error;
            }
        }
        let error = (squares / (8.0 * counts.len() as f64)).sqrt();
        assert!((0.003..0.0095).contains(&error), "the standard error is {error}");
    }

    #[test]
    fn the_estimate_does_not_depend_on_how_parts_were_merged() {
        let whole = of(0..5000).finish(());
        for (first, second) in [(1, 4999), (1024, 1025), (2500, 2500), (4999, 10)] {
            let (left, right) = (of(0..first), of(5000 - second..5000));
            let middle = of(first - 1..5001 - second);
            for order in [[&left, &middle, &right], [&right, &left, &middle], [&middle, &right, &left]] {
                let mut all = Cardinality::default();
                order.into_iter().for_each(|part| all.merge((), part));
                assert_eq!(all.finish(()), whole);
            }
        }
    }

    #[test]
    fn both_forms_come_back() {
        for count in [0, 3, 1024, 1025, 20_000] {
            let all = of(0..count);
            let mut bytes = Vec::new();
            all.encode(&mut bytes);
            let mut reader = Reader::new(&bytes);
            let back = Cardinality::decode(&mut reader).unwrap();
            assert!(reader.is_empty());
            assert_eq!(back.finish(()), all.finish(()));
        }
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        // A change here makes stored sketches count values twice.
        assert_eq!(hash(&Value::text("weir")), 15_725_287_307_337_378_302);
        assert_eq!(hash(&Value::Int(7)), 12_979_176_353_255_401_480);
        assert_eq!(hash(&Value::Float(-0.0)), hash(&Value::Float(0.0)));
    }
}
