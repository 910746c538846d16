//! `weir replay`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use super::{
    input::{Input, total_size},
    pace::{Pace, Schedule},
    sql::{self, SqlArgs},
    target::{Address, Event, Target},
};
use crate::{
    event,
    sql::{Catalog, Table},
    time::Timestamp,
};

/// How many events that were refused are told one by one.
const SHOWN_REFUSALS: u64 = 20;

/// Send sample or recorded events into a running system
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files with an event a line, plain or gzipped; - is standard input. With lambda://, a file
    /// that ends in .json is sent as it is: a whole payload
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// kafka://host:port/topic, http://host:port/events/table or lambda://host:port/function
    #[arg(long, value_name = "URL")]
    to: Address,
    /// Send so many events a second
    #[arg(long, value_name = "N", conflicts_with = "speed", value_parser = positive)]
    rate: Option<f64>,
    /// Send at so many times the recorded speed, by the events' own time
    #[arg(long, value_name = "X", value_parser = positive)]
    speed: Option<f64>,
    /// At most so many events are sent together
    #[arg(long, value_name = "N", default_value = "500")]
    batch: NonZeroUsize,
    /// The topic that events for lambda:// claim to come from
    #[arg(long)]
    topic: Option<String>,
    /// The offset that the first event for lambda:// claims to have. A function absorbs an offset once
    #[arg(long, value_name = "N", default_value_t = 0)]
    first_offset: i64,
    #[command(flatten)]
    sql: SqlArgs,
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

impl Args {
    fn pace(&self) -> Pace {
        match (self.rate, self.speed) {
            (Some(rate), _) => Pace::Rate(rate),
            (_, Some(speed)) => Pace::Speed(speed),
            _ => Pace::Full,
        }
    }

    /// The table that tells the events' keys and times. Not needed where neither is.
    fn table<'a>(&self, catalog: &'a Catalog) -> anyhow::Result<&'a Table> {
        let Some(subject) = self.subject() else {
            bail!("events for lambda:// need --topic, unless they are a whole payload in a .json file")
        };
        let found = match &self.to {
            Address::Http(_) | Address::WebSocket(_) => catalog.table(subject),
            Address::Kafka { .. } | Address::Lambda(_) => catalog.table_of_topic(subject),
        };
        found.ok_or_else(|| anyhow!("no table of {} describes {subject:?}", self.sql.sql.display()))
    }

    fn subject(&self) -> Option<&str> {
        self.to.subject().or(self.topic.as_deref())
    }

    fn is_payload(&self, file: &Path) -> bool {
        matches!(self.to, Address::Lambda(_)) && file.extension().is_some_and(|extension| extension == "json")
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let bar = progress_bar(total_size(&args.files)?);
    let target = Target::new(&args.to, args.topic.as_deref(), args.first_offset).await?;
    let (payloads, files): (Vec<_>, Vec<_>) = args.files.iter().partition(|file| args.is_payload(file));
    for file in payloads {
        let answer = target.invoke(Input::open(file, &bar)?.read_all()?).await?;
        bar.suspend(|| println!("{}: {answer}", file.display()));
    }
    if files.is_empty() {
        bar.finish_and_clear();
        return Ok(ExitCode::SUCCESS);
    }
    let catalog = sql::load(&args.sql.sql)?;
    let mut replay = Replay {
        schedule: Schedule::new(args.pace()),
        table: args.table(&catalog)?,
        batch: args.batch.get(),
        start: Instant::now(),
        waiting: Vec::new(),
        sent: 0,
        refused: 0,
        target,
        bar,
    };
    for file in files {
        replay.file(file).await?;
    }
    replay.finish(&args.to).await
}

/// A bar over the files' bytes; a spinner where their size is not known; nothing off a terminal.
fn progress_bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:30} {percent:>3} % {msg} {elapsed} left: {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A replay on its way.
struct Replay<'a> {
    target: Target,
    table: &'a Table,
    schedule: Schedule,
    batch: usize,
    start: Instant,
    /// Events that are due, with their places.
    waiting: Vec<(String, Event)>,
    sent: u64,
    refused: u64,
    bar: ProgressBar,
}

impl Replay<'_> {
    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut input = Input::open(path, &self.bar)?;
        while let Some((place, line)) = input.next_line()? {
            let event = self.event(line);
            let due = self.schedule.next(event.time);
            if self.waiting.len() >= self.batch || due > self.start.elapsed() {
                self.flush().await?;
            }
            self.wait(due).await;
            self.waiting.push((place, event));
        }
        Ok(())
    }

    /// What the table cannot read is sent all the same: answering it is the receiver's work.
    fn event(&self, payload: Vec<u8>) -> Event {
        // Recorded events are never ahead of the clock.
        let valid = event::validate(self.table, &payload, Timestamp::MAX).ok();
        let time = valid.as_ref().map(|valid| valid.event_time);
        Event { key: valid.and_then(|valid| valid.key), payload, time }
    }

    async fn wait(&self, due: Duration) {
        // A gap beyond what the clock can say is a gap for ever.
        if let Some(at) = self.start.checked_add(due).filter(|at| *at > Instant::now()) {
            sleep_until(at).await;
        }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (places, events): (Vec<String>, Vec<Event>) =
            std::mem::take(&mut self.waiting).into_iter().unzip();
        let refusals = self.target.send(&events).await.with_context(|| {
            format!("stopped after {} events, at {}", self.sent, places.first().map_or("", String::as_str))
        })?;
        self.sent += u64::try_from(events.len())?;
        for (index, reason) in refusals {
            self.refuse(places.get(index).map_or("", String::as_str), &reason);
        }
        self.bar.set_message(format!("{} events, {}/s", HumanCount(self.sent), HumanCount(self.rate())));
        Ok(())
    }

    fn refuse(&mut self, place: &str, reason: &str) {
        self.refused += 1;
        if self.refused <= SHOWN_REFUSALS {
            self.bar.suspend(|| eprintln!("{place}: {reason}"));
        }
    }

    /// Events a second so far.
    fn rate(&self) -> u64 {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.sent.saturating_mul(1000) / millis.max(1)
    }

    async fn finish(mut self, to: &Address) -> anyhow::Result<ExitCode> {
        self.flush().await?;
        self.bar.finish_and_clear();
        let (seconds, rate) = (self.start.elapsed().as_secs_f64(), HumanCount(self.rate()));
        println!("sent {} events to {to} in {seconds:.1} s ({rate}/s)", HumanCount(self.sent));
        if self.refused == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        println!("{} of them were refused", HumanCount(self.refused));
        Ok(ExitCode::FAILURE)
    }
}
