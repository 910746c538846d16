//! Variance and standard deviation.
//!
//! The number of values, their mean and the sum of the squared distances from it. One value is added
//! as Welford does ("Note on a method for calculating corrected sums of squares and products",
//! 1962), two parts are merged as Chan, Golub and LeVeque do ("Updating formulae and a pairwise algorithm for
//! computing sample variances", 1979): neither subtracts large numbers that are nearly equal, as the
//! sum of squares less the square of the sum would.

use super::state::State;
use crate::{
    codec::{CodecError, Reader, put_varint},
    sql::Spread,
    time::Timestamp,
    value::Value,
};

/// The first two moments of some values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    count: u64,
    mean: f64,
    /// The sum of squared distances from the mean.
    squares: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "a mean is a DOUBLE")]
    fn add(&mut self, other: Self) {
        let (own, others) = (self.count as f64, other.count as f64);
        let (distance, all) = (other.mean - self.mean, own + others);
        self.count += other.count;
        self.mean += distance * (others / all);
        self.squares += other.squares + distance * distance * (own * others / all);
    }

    #[expect(clippy::cast_precision_loss, reason = "a variance is a DOUBLE")]
    fn variance(&self, degrees: u64) -> Option<f64> {
        (degrees > 0).then(|| self.squares / degrees as f64)
    }
}

impl State for Moments {
    type How = Spread;

    fn update(&mut self, _: Spread, _: Timestamp, value: &Value<'_>) {
        if let Some(mean) = value.as_f64() {
            self.add(Self { count: 1, mean, squares: 0.0 });
        }
    }

    fn merge(&mut self, _: Spread, other: &Self) {
        if other.count > 0 {
            self.add(*other);
        }
    }

    fn finish(&self, how: Spread) -> Value<'static> {
        let of_sample = self.count.saturating_sub(1);
        let result = match how {
            Spread::Variance => self.variance(self.count),
            Spread::VarianceOfSample => self.variance(of_sample),
            Spread::Deviation => self.variance(self.count).map(f64::sqrt),
            Spread::DeviationOfSample => self.variance(of_sample).map(f64::sqrt),
        };
        result.filter(|x| x.is_finite()).map_or(Value::Null, Value::Float)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.count);
        if self.count > 0 {
            out.extend_from_slice(&self.mean.to_le_bytes());
            out.extend_from_slice(&self.squares.to_le_bytes());
        }
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        match from.varint("a count")? {
            0 => Ok(Self::default()),
            count => {
                Ok(Self { count, mean: from.float("a mean")?, squares: from.float("a sum of squares")? })
            }
        }
    }
}
