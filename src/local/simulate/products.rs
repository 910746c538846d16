//! What is shown to the simulated shoppers.

use rand::{Rng, rngs::StdRng};

use super::Settings;

/// Products' click-through rates lie between the two.
const RATES: (f64, f64) = (0.02, 0.15);

/// The rate of the product that collapses is no less: else nobody would see it.
const COLLAPSING: f64 = 0.12;

/// How much each product is shown, and how often it is clicked then.
#[derive(Debug)]
pub(super) struct Products {
    /// The shares of the products up to each rank; the last is 1.
    shares: Vec<f64>,
    rates: Vec<f64>,
}

impl Products {
    pub(super) fn new(settings: &Settings, random: &mut StdRng) -> Self {
        let count = settings.products.max(1);
        let mut total = 0.0;
        let sums: Vec<f64> = (1..=count)
            .map(|rank| {
                total += zipf(rank);
                total
            })
            .collect();
        let mut rates: Vec<f64> = (0..count).map(|_| random.random_range(RATES.0..RATES.1)).collect();
        if let Some(rate) = rates.get_mut(settings.collapse.rank) {
            *rate = rate.max(COLLAPSING);
        }
        Self { shares: sums.into_iter().map(|sum| sum / total).collect(), rates }
    }

    pub(super) fn pick(&self, random: &mut StdRng) -> usize {
        let draw: f64 = random.random();
        self.shares.partition_point(|share| *share <= draw).min(self.shares.len() - 1)
    }

    pub(super) fn rate(&self, rank: usize) -> f64 {
        self.rates.get(rank).copied().unwrap_or_default()
    }

    /// The click-through rate over all products.
    pub(super) fn mean_rate(&self) -> f64 {
        let before = std::iter::once(&0.0).chain(&self.shares);
        let shares = self.shares.iter().zip(before).map(|(upto, before)| upto - before);
        shares.zip(&self.rates).map(|(share, rate)| share * rate).sum()
    }
}

/// How often the product of a rank is shown, compared with that of rank 1.
#[expect(clippy::cast_precision_loss, reason = "no catalog has 2^52 products")]
fn zipf(rank: usize) -> f64 {
    1.0 / rank as f64
}
