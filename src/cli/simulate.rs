//! `weir simulate`.

use std::{
    collections::BTreeMap,
    io::{BufWriter, ErrorKind, Write, stdout},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use futures::StreamExt as _;

use super::target::{Address, Event, Target};
use crate::{
    local::simulate::{CLICKS, IMPRESSIONS, Settings, Shoppers, SimulatedEvent, VISITS, play},
    time::{Clock, ManualClock, Millis, SystemClock, Timestamp},
};

/// Send the events of simulated shoppers
///
/// They look, click, buy and come back; some events overtake others, are late or broken. A product's
/// click-through rate collapses after 25 s, and somebody cheats; both happen again later.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// kafka://host:port (the topics), http://host:port or ws://host:port (the tables of sql/ for them);
    /// - writes the events to standard output without waiting for their time
    #[arg(long, value_name = "URL")]
    to: String,
    /// Decides everything that looks random
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    /// Impressions and clicks a second; visits add a seventh
    #[arg(long, value_name = "N", default_value_t = Settings::default().rate)]
    rate: f64,
    /// For how long, such as 90s or 10m; for ever unless given
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Millis>,
    /// When the simulated time begins, such as 2026-01-01T00:00:00Z; now unless given
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    start: Option<Timestamp>,
    /// How many products there are
    #[arg(long, value_name = "N", default_value_t = Settings::default().products)]
    products: usize,
    /// How many users there are
    #[arg(long, value_name = "N", default_value_t = Settings::default().users)]
    users: u32,
    /// The share of events that are up to 2 s out of order
    #[arg(long, value_name = "SHARE", default_value_t = Settings::default().disorder, value_parser = share)]
    disorder: f64,
    /// The share of events that are 3 to 40 s behind
    #[arg(long, value_name = "SHARE", default_value_t = Settings::default().late, value_parser = share)]
    late: f64,
    /// The share of events that do not fit their table
    #[arg(long, value_name = "SHARE", default_value_t = Settings::default().malformed, value_parser = share)]
    malformed: f64,
    /// Only the events of this topic, which may be given several times: `impressions`, `clicks`, or one
    /// of visits: `click-stream`, `user_clickstream`, `raw_events`, `user_events`, `product_analytics`,
    /// `order_events`; all that the target has unless given
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    only: Vec<String>,
}

/// The topics, each with its table.
fn topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    [(IMPRESSIONS, IMPRESSIONS), (CLICKS, CLICKS)].into_iter().chain(VISITS)
}

fn topic(text: &str) -> Result<String, String> {
    let names: Vec<_> = topics().map(|(topic, _)| topic).collect();
    let known = names.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

fn duration(text: &str) -> Result<Millis, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().filter(jiff::SignedDuration::is_positive);
    let millis = parsed.and_then(|duration| i64::try_from(duration.as_millis()).ok());
    millis.map(Millis).ok_or_else(|| "expected a duration such as 90s or 10m".to_owned())
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    let parsed = text.parse::<jiff::Timestamp>();
    parsed.map(|at| Timestamp(at.as_millisecond())).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a share between 0 and 1".to_owned())
}

impl Args {
    fn wants(&self, topic: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == topic)
    }

    fn shoppers(&self) -> Shoppers {
        let settings = Settings {
            seed: self.seed,
            rate: self.rate,
            duration: self.duration,
            products: self.products,
            users: self.users,
            disorder: self.disorder,
            late: self.late,
            malformed: self.malformed,
            ..Settings::default()
        };
        let start = self.start.unwrap_or_else(|| SystemClock.now());
        Shoppers::new(settings, &ManualClock::at(start))
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.to == "-" {
        print(args.shoppers().filter(|event| args.wants(event.topic)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut targets = connect(&args).await?;
    let topics: Vec<&str> = targets.keys().copied().collect();
    let events = args.shoppers().filter(|event| topics.contains(&event.topic));
    println!("sending events of {} to {}", topics.join(", "), args.to);
    let (mut sent, mut refused) = (0, 0);
    let done = async {
        let mut events = std::pin::pin!(play(events));
        while let Some(due) = events.next().await {
            sent += due.len();
            refused += send(&mut targets, due).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = done => ended?,
        stopped = tokio::signal::ctrl_c() => stopped.context("failed to listen for Ctrl-C")?,
    }
    println!("sent {sent} events to {}, {refused} of them were refused", args.to);
    Ok(ExitCode::SUCCESS)
}

/// Ends well where the reader has enough.
fn print(events: impl Iterator<Item = SimulatedEvent>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    let mut write =
        |event: &SimulatedEvent| out.write_all(&event.payload).and_then(|()| out.write_all(b"\n"));
    let written = events.into_iter().try_for_each(|event| write(&event));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write events"),
    }
}

/// A connection for each topic. Where none is named, those that are there.
async fn connect(args: &Args) -> anyhow::Result<BTreeMap<&'static str, Target>> {
    let mut targets = BTreeMap::new();
    for (topic, table) in topics().filter(|(topic, _)| args.wants(topic)) {
        let target = Target::new(&address(&args.to, topic, table)?, None, 0).await?;
        if !args.only.is_empty() || target.is_there().await? {
            targets.insert(topic, target);
        }
    }
    ensure!(!targets.is_empty(), "{} has none of the topics and tables that there are events for", args.to);
    Ok(targets)
}

fn address(to: &str, topic: &str, table: &str) -> anyhow::Result<Address> {
    let base = to.trim_end_matches('/');
    match base.split_once("://") {
        Some(("kafka", _)) => format!("{base}/{topic}").parse(),
        Some(("http" | "https", _)) => format!("{base}/events/{table}").parse(),
        Some(("ws", _)) => format!("{base}/ws/events?table={table}").parse(),
        _ => bail!("expected kafka://host:port, http://host:port, ws://host:port or -, found {to}"),
    }
}

/// Sends events that are due; returns how many were refused.
async fn send(
    targets: &mut BTreeMap<&'static str, Target>,
    due: Vec<SimulatedEvent>,
) -> anyhow::Result<usize> {
    let mut topics: BTreeMap<&'static str, Vec<Event>> = BTreeMap::new();
    for SimulatedEvent { topic, key, payload, .. } in due {
        topics.entry(topic).or_default().push(Event { key: Some(key), payload, time: None });
    }
    let mut refused = 0;
    for (topic, events) in topics {
        if let Some(target) = targets.get_mut(topic) {
            refused += target.send(&events).await?.len();
        }
    }
    Ok(refused)
}
