//! What things cost: list prices of us-east-1 in dollars.

use std::{fs, path::Path};

use anyhow::{Context, anyhow, ensure};

/// Where and when they held. They change: `--price` and `--prices` take others.
pub(super) const STAND: &str = "list prices of us-east-1, collected in November 2026 and not looked up anew";

/// A price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Price {
    pub(super) name: &'static str,
    pub(super) dollars: f64,
    /// Of how many units it is the price.
    per: f64,
    unit: &'static str,
}

impl Price {
    /// What so many units cost.
    pub(super) fn of(&self, units: f64) -> f64 {
        units / self.per * self.dollars
    }

    /// `$0.625 per 1M write units`.
    pub(super) fn text(&self) -> String {
        let many = if self.per > 1.0 { "1M " } else { "" };
        format!("${} per {many}{}", self.dollars, self.unit)
    }
}

const fn price(name: &'static str, dollars: f64, per: f64, unit: &'static str) -> Price {
    Price { name, dollars, per, unit }
}

const MILLION: f64 = 1e6;

/// All prices that are asked for.
#[derive(Clone, Debug)]
pub(super) struct Prices([Price; 20]);

impl Default for Prices {
    fn default() -> Self {
        Self([
            price("lambda_request", 0.20, MILLION, "requests"),
            price("lambda_gb_second", 0.000_013_333_4, 1.0, "GB-second (arm64)"),
            price("dynamodb_write", 0.625, MILLION, "write units"),
            price("dynamodb_read", 0.125, MILLION, "read units"),
            price("dynamodb_storage", 0.25, 1.0, "GB-month"),
            price("msk_serverless_hour", 0.75, 1.0, "hour of a cluster"),
            price("msk_serverless_partition_hour", 0.0015, 1.0, "hour of a partition"),
            price("msk_serverless_in", 0.10, 1.0, "GB written"),
            price("msk_serverless_out", 0.05, 1.0, "GB read"),
            price("msk_serverless_storage", 0.10, 1.0, "GB-month"),
            price("kinesis_stream_hour", 0.04, 1.0, "hour of a stream"),
            price("kinesis_in", 0.08, 1.0, "GB written"),
            price("kinesis_out", 0.04, 1.0, "GB read"),
            price("api_request", 1.0, MILLION, "requests"),
            price("log_ingested", 0.50, 1.0, "GB of logs"),
            price("metric", 0.30, 1.0, "metric and month"),
            price("alarm", 0.10, 1.0, "alarm and month"),
            price("schedule", 1.0, MILLION, "invocations by schedule"),
            price("kpu_hour", 0.11, 1.0, "hour of a KPU"),
            price("instance_hour", 0.0816, 1.0, "hour of an m7g.large"),
        ])
    }
}

impl Prices {
    /// The price of a name.
    pub(super) fn get(&self, name: &str) -> anyhow::Result<&Price> {
        let found = self.0.iter().find(|price| price.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|price| price.name).collect();
            anyhow!("there is no price {name:?}; there are: {}", names.join(", "))
        })
    }

    /// Sets one; those of millions are the price of a million.
    pub(super) fn set(&mut self, name: &str, dollars: f64) -> anyhow::Result<()> {
        self.get(name)?;
        ensure!(dollars.is_finite() && dollars >= 0.0, "price {name}: expected dollars, found {dollars}");
        let named = self.0.iter_mut().find(|price| price.name == name);
        named.into_iter().for_each(|price| price.dollars = dollars);
        Ok(())
    }

    /// Sets those of a TOML file: `dynamodb_write = 0.7`.
    pub(super) fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("failed to read {name}"))?;
        let table: toml::Table = text.parse().with_context(|| format!("{name}"))?;
        for (key, value) in table {
            let dollars = match value {
                toml::Value::Float(dollars) => dollars,
                // Dollars with 53 bits are dollars enough.
                toml::Value::Integer(whole) => f64::from(i32::try_from(whole).unwrap_or(i32::MAX)),
                other => anyhow::bail!("{name}: {key}: expected dollars, found {}", other.type_str()),
            };
            self.set(&key, dollars).with_context(|| format!("{name}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_of_ones_or_millions_and_can_be_set() {
        let mut prices = Prices::default();
        let cost = |prices: &Prices, name: &str, units| prices.get(name).unwrap().of(units);
        assert_eq!(cost(&prices, "dynamodb_write", 2e6), 1.25);
        assert_eq!(cost(&prices, "kpu_hour", 730.0), 80.3);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "dynamodb_write = 0.5\nalarm = 1\n").unwrap();
        prices.read(file.path()).unwrap();
        assert_eq!((cost(&prices, "dynamodb_write", 2e6), cost(&prices, "alarm", 3.0)), (1.0, 3.0));
        let error = prices.set("kpu", 1.0).unwrap_err().to_string();
        assert!(error.starts_with("there is no price \"kpu\"; there are: lambda_request, "), "{error}");
        assert!(prices.set("alarm", f64::NAN).is_err());
    }
}
