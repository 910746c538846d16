//! `weir cost`.

mod bill;
mod flink;
mod load;
mod prices;
mod show;

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use anyhow::ensure;

use self::prices::Prices;
use super::sql::{self, SqlArgs};
use crate::sql::Catalog;

/// Estimate what the SQL costs on AWS at a rate of events, with the arithmetic
///
/// A month of a deployment as infra/ makes it, at a steady rate, without discounts and free tiers. What is measured
/// and what is assumed stands below the bill. Kafka clusters, networks and NAT of your own are not in it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Events a second: of all tables together, evenly; or TABLE=N, repeated
    #[arg(long, value_name = "[TABLE=]N", required = true, value_parser = Figure::from_str)]
    events_per_second: Vec<Figure>,
    /// How many keys are active: of all views, or VIEW=N, repeated
    #[arg(long, value_name = "[VIEW=]N", default_value = "1000", value_parser = Figure::from_str)]
    keys: Vec<Figure>,
    /// Bytes of an event
    #[arg(long, value_name = "N", default_value_t = 200.0, value_parser = super::replay::positive)]
    bytes_per_event: f64,
    /// Partitions of each topic
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    partitions: u32,
    /// The most records of a batch
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch_size: u32,
    /// How long a batch waits for records, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = super::replay::positive)]
    batch_window: f64,
    /// The memory of window, in MB
    #[arg(long, value_name = "MB", default_value_t = 1769, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    memory: u32,
    /// How long an invocation waits for the table: an assumption
    #[arg(long, value_name = "MILLIS", default_value_t = 25.0, value_parser = super::replay::positive)]
    wait_millis: f64,
    /// The share of events, or of rows, that make a row where only the data say (HAVING, QUALIFY, patterns,
    /// sessions): 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    row_share: f64,
    /// Requests a second that read the API
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    reads_per_second: f64,
    /// The share of events that come over HTTP: 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    http_share: f64,
    /// How many events a request over HTTP brings
    #[arg(long, value_name = "N", default_value_t = 100.0, value_parser = super::replay::positive)]
    http_batch: f64,
    /// How long state and history are kept
    #[arg(long, value_name = "DAYS", default_value_t = 8.0, value_parser = super::replay::positive)]
    retention_days: f64,
    /// How long topics keep events
    #[arg(long, value_name = "DAYS", default_value_t = 7.0, value_parser = super::replay::positive)]
    topic_days: f64,
    /// Where the topics are; an existing cluster is paid for already
    #[arg(long, value_enum, default_value_t)]
    stream: Stream,
    /// Another price, such as `dynamodb_write=0.7`; may be repeated
    #[arg(long, value_name = "NAME=DOLLARS", value_parser = Figure::from_str)]
    price: Vec<Figure>,
    /// A TOML file of other prices
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    sql: SqlArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Stream {
    #[default]
    Existing,
    MskServerless,
    Kinesis,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// `N` or `NAME=N`.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    name: Option<String>,
    number: f64,
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once('=').map_or((None, text), |(name, number)| (Some(name), number));
        let number = number.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        let number = number.ok_or_else(|| "expected a number from 0, or NAME=NUMBER".to_owned())?;
        Ok(Self { name: name.map(str::to_owned), number })
    }
}

/// What is said of a name, or else of all.
fn said<'a>(figures: &'a [Figure], name: &str) -> Option<&'a Figure> {
    let own = figures.iter().find(|figure| figure.name.as_deref() == Some(name));
    own.or_else(|| figures.iter().find(|figure| figure.name.is_none()))
}

impl Args {
    /// Events a second of a table, one of so many.
    fn rate(&self, table: &str, tables: usize) -> f64 {
        let tables = f64::from(u32::try_from(tables).unwrap_or(u32::MAX));
        match said(&self.events_per_second, table) {
            Some(Figure { name: Some(_), number }) => *number,
            Some(Figure { name: None, number }) => number / tables,
            None => 0.0,
        }
    }

    fn keys_of(&self, view: &str) -> f64 {
        said(&self.keys, view).map_or(1000.0, |figure| figure.number)
    }

    fn check(&self, catalog: &Catalog) -> anyhow::Result<()> {
        let unknown = |figures: &[Figure], is_known: &dyn Fn(&str) -> bool| {
            figures.iter().filter_map(|figure| figure.name.clone()).find(|name| !is_known(name))
        };
        let table = unknown(&self.events_per_second, &|name| catalog.table(name).is_some());
        ensure!(table.is_none(), "--events-per-second: there is no table {:?}", table.unwrap_or_default());
        let view = unknown(&self.keys, &|name| catalog.view(name).is_some());
        ensure!(view.is_none(), "--keys: there is no view {:?}", view.unwrap_or_default());
        for (name, share) in [("--row-share", self.row_share), ("--http-share", self.http_share)] {
            ensure!((0.0..=1.0).contains(&share), "{name}: expected a share from 0 to 1, found {share}");
        }
        ensure!(self.reads_per_second >= 0.0, "--reads-per-second: expected a number from 0");
        Ok(())
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    args.check(&catalog)?;
    let mut prices = Prices::default();
    if let Some(file) = &args.prices {
        prices.read(file)?;
    }
    for price in &args.price {
        prices.set(price.name.as_deref().unwrap_or_default(), price.number)?;
    }
    let estimate = show::Estimate::of(&catalog, args, &prices)?;
    match args.format {
        Format::Text => print!("{}", estimate.text()),
        Format::Json => println!("{:#}", estimate.json()),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
