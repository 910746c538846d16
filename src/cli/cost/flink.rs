//! What a Flink cluster would cost that is always there, and from which rate on it is cheaper.

use super::{
    Args,
    bill::{Bill, HOURS, Part},
    load::Load,
    prices::Prices,
};
use crate::sql::Catalog;

/// How busy a cluster may be on average.
const BUSY: f64 = 0.6;
/// The highest rate that is looked at, as a multiple of a rate of one event a second.
const MOST: f64 = 10e6;

/// What would compute the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cluster {
    /// Managed Service for Apache Flink: a KPU is a core; one more looks after the others.
    Managed,
    /// Instances of two cores, two of them at least.
    Own,
}

impl Cluster {
    /// What it costs a month to use so many cores, and how large it is.
    pub(super) fn cost(self, cores: f64, prices: &Prices) -> anyhow::Result<(f64, String)> {
        let (count, price, what) = match self {
            Self::Managed => {
                ((cores / BUSY).ceil().max(1.0) + 1.0, "kpu_hour", "KPUs, one of them for orchestration")
            }
            Self::Own => ((cores / BUSY / 2.0).ceil().max(2.0), "instance_hour", "instances of two cores"),
        };
        let price = prices.get(price)?;
        Ok((price.of(count * HOURS), format!("{count} {what}, x {HOURS} hours, {}", price.text())))
    }
}

/// The cores that Flink keeps busy with a load.
pub(super) fn cores(load: &Load) -> f64 {
    load.views.iter().map(|view| view.rate * view.flink / 1e6).sum()
}

/// The events a second of all tables from which on a cluster is cheaper; none up to ten million.
pub(super) fn cheaper_from(
    cluster: Cluster,
    catalog: &Catalog,
    args: &Args,
    prices: &Prices,
) -> anyhow::Result<Option<f64>> {
    let asked = Load::of(catalog, args, 1.0).tables.iter().map(|table| table.rate).sum::<f64>();
    if asked <= 0.0 {
        return Ok(None);
    }
    let mut rate = 1.0;
    while rate < MOST {
        let load = Load::of(catalog, args, rate / asked);
        let ours = Bill::of(&load, args, prices)?.of_part(Part::Compute);
        if ours > cluster.cost(cores(&load), prices)?.0 {
            return Ok(Some(rate));
        }
        rate *= 1.02;
    }
    Ok(None)
}
