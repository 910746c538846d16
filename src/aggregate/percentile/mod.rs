//! `approx_percentile`: DDSketch, exact as long as the values are few.
//!
//! Up to [`EXACTLY`] values are kept as they are; more are counted in bins whose bounds grow by a
//! constant factor, so that each bin has a value that is within 1 % of all of its values: Masson, Rim
//! and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
//! 2019. Bins are never collapsed: there are as many as the values need, at most 115 for each power of
//! ten that they span.
//!
//! Both forms, and which of them it is, depend on the multiset of values alone, so that the result
//! does not depend on the order in which they came or were merged.

mod bins;

use self::bins::{Bins, finite};
use super::state::State;
use crate::{
    codec::{CodecError, Reader, put_varint},
    sql::Fraction,
    time::Timestamp,
    value::Value,
};

/// Up to this many values the percentile is exact.
const EXACTLY: usize = 32;
/// The values of a group, as far as they need to be known to rank them.
#[derive(Clone, Debug)]
pub(super) enum Percentile {
    /// The values, in ascending order.
    Exact(Vec<f64>),
    Bins(Bins),
}

impl Default for Percentile {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Percentile {
    fn add(&mut self, x: f64) {
        match self {
            Self::Exact(values) => {
                values.insert(values.partition_point(|value| *value < x), x);
                self.bound();
            }
            Self::Bins(bins) => bins.add(x),
        }
    }

    /// Changes the form of too many values.
    fn bound(&mut self) {
        if let Self::Exact(values) = self
            && values.len() > EXACTLY
        {
            let mut bins = Bins::EMPTY;
            values.iter().for_each(|value| bins.add(*value));
            *self = Self::Bins(bins);
        }
    }
}

impl State for Percentile {
    type How = Fraction;

    fn update(&mut self, _: Fraction, _: Timestamp, value: &Value<'_>) {
        if let Some(x) = value.as_f64().filter(|x| x.is_finite()) {
            self.add(x);
        }
    }

    fn merge(&mut self, _: Fraction, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(values)) => values.iter().for_each(|value| self.add(*value)),
            (Self::Bins(ours), Self::Bins(theirs)) => ours.merge(theirs),
            (Self::Exact(values), Self::Bins(theirs)) => {
                let mut bins = theirs.clone();
                values.iter().for_each(|value| bins.add(*value));
                *self = Self::Bins(bins);
            }
        }
    }

    fn finish(&self, fraction: Fraction) -> Value<'static> {
        match self {
            Self::Exact(values) => {
                let rank = usize::try_from(rank(fraction, values.len() as u64)).unwrap_or_default();
                values.get(rank).map_or(Value::Null, |value| Value::Float(*value))
            }
            Self::Bins(bins) => Value::Float(bins.value_at(fraction)),
        }
    }

    /// The number of values and these; one more than the bound stands for bins.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(values) => {
                put_varint(out, values.len() as u64);
                values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
            Self::Bins(bins) => {
                put_varint(out, EXACTLY as u64 + 1);
                bins.encode(out);
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let count = from.varint("the number of values")?;
        if count > EXACTLY as u64 {
            return Bins::decode(from).map(Self::Bins);
        }
        let mut percentile = Self::default();
        for _ in 0..count {
            percentile.add(finite(from)?);
        }
        Ok(percentile)
    }
}

/// The index of the smallest value that at least this fraction of all is not above, as `percentile_disc` has it.
#[expect(clippy::cast_precision_loss, reason = "a rank among so many is not exact anyway")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
fn rank(fraction: Fraction, all: u64) -> u64 {
    // 0.07 of 100 is 7, though 0.07 * 100.0 is more.
    let below = (fraction.get() * all as f64 * (1.0 - 1e-12)).ceil() as u64;
    below.max(1).min(all).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::SmallRng};

    use super::*;

    const FRACTIONS: [f64; 9] = [0.0, 0.01, 0.07, 0.25, 0.5, 0.9, 0.95, 0.999, 1.0];

    fn of(values: &[f64]) -> Percentile {
        let mut all = Percentile::default();
        values.iter().for_each(|value| all.update(fraction(0.5), Timestamp(0), &Value::Float(*value)));
        all
    }

    fn fraction(x: f64) -> Fraction {
        Fraction::new(x).unwrap()
    }

    fn at(all: &Percentile, x: f64) -> f64 {
        all.finish(fraction(x)).as_f64().unwrap()
    }

    #[test]
    fn few_values_are_ranked_exactly() {
        let all = of(&[30.0, 10.0, 20.0, 40.0]);
        for (x, expected) in [(0.0, 10.0), (0.25, 10.0), (0.26, 20.0), (0.5, 20.0), (0.75, 30.0), (1.0, 40.0)]
        {
            assert!((at(&all, x) - expected).abs() < 1e-12, "{x}");
        }
        assert_eq!(Percentile::default().finish(fraction(0.5)), Value::Null);
        assert_eq!(rank(fraction(0.07), 100), 6);
    }

    #[test]
    fn many_values_are_ranked_within_one_percent() {
        let mut random = SmallRng::seed_from_u64(7);
        for scale in [1e-300, 1e-9, 1.0, 1e6, 1e300] {
            for count in [33_usize, 100, 5000] {
                let mut values: Vec<f64> =
                    (0..count).map(|_| random.random_range(-3.0_f64..9.0).exp() * scale).collect();
                values.iter_mut().step_by(5).for_each(|value| *value = -*value);
                let all = of(&values);
                values.sort_by(f64::total_cmp);
                for x in FRACTIONS {
                    let exact = values[usize::try_from(rank(fraction(x), count as u64)).unwrap()];
                    let found = at(&all, x);
                    assert!((found - exact).abs() <= exact.abs() * 0.010_001, "{x}: {found}, not {exact}");
                }
            }
        }
    }

    #[test]
    fn zeros_and_ends_are_exact() {
        let mut values = vec![0.0; 50];
        values.extend([-7.3, 123.4]);
        let all = of(&values);
        for (x, expected) in [(0.0, -7.3), (0.5, 0.0), (1.0, 123.4)] {
            assert!((at(&all, x) - expected).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn the_result_does_not_depend_on_how_parts_were_merged() {
        let values: Vec<f64> = (0..200_i32).map(|n| f64::from(n * 7919 % 200) - 50.0).collect();
        let whole = of(&values);
        for cut in [1, 31, 32, 33, 100, 199] {
            let (left, right) = values.split_at(cut);
            for (mut first, second) in [(of(left), of(right)), (of(right), of(left))] {
                first.merge(fraction(0.5), &second);
                for x in FRACTIONS {
                    assert_eq!(first.finish(fraction(x)), whole.finish(fraction(x)), "{cut} {x}");
                }
            }
        }
    }

    #[test]
    fn both_forms_come_back() {
        for count in [0, 3, 32, 33, 1000] {
            let all = of(&(0..count).map(|n| f64::from(n) - 20.0).collect::<Vec<_>>());
            let mut bytes = Vec::new();
            all.encode(&mut bytes);
            let mut reader = Reader::new(&bytes);
            let back = Percentile::decode(&mut reader).unwrap();
            assert!(reader.is_empty());
            assert_eq!(back.finish(fraction(0.9)), all.finish(fraction(0.9)));
        }
    }
}
