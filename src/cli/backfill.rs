//! `weir backfill`.

use std::{process::ExitCode, str::FromStr, sync::Arc};

use anyhow::Context;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::{
    brokers::BrokerArgs,
    sql::{self, SqlArgs},
    table::TableArgs,
};
use crate::{
    backfill::{self, MOST_BATCH, Options, Parts, Start, Summary, kafka::KafkaLog},
    publish::kafka::KafkaPublisher,
    settings::{self, Settings},
    time::{Offset, SystemClock, Timestamp},
};

/// Rebuild a view from its topics, beside what functions have of its earlier definition
///
/// Run it with the changed SQL before that is deployed, then deploy, then run it once more with --join:
/// it reads what came in between, until the functions go on where it stands. What the functions have
/// now is not touched. One that was interrupted goes on where it stopped. A view is rebuilt together
/// with the view that it reads and those that read it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The view
    view: String,
    /// Where to begin: earliest; a time of the broker's records (epoch milliseconds or RFC 3339); or
    /// offset:N, in each partition. Partitions that were begun go on where they stand
    #[arg(long, value_name = "WHERE", default_value = "earliest")]
    from: Start,
    /// Go on until the functions have joined: after deploying
    #[arg(long)]
    join: bool,
    /// Publish the rows to the view's topic; otherwise they only go to the state
    #[arg(long)]
    publish: bool,
    /// How many records a batch has
    #[arg(long, value_name = "N", default_value_t = MOST_BATCH as u64, value_parser = clap::value_parser!(u64).range(1..=MOST_BATCH as u64))]
    batch: u64,
    #[command(flatten)]
    brokers: BrokerArgs,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    sql: SqlArgs,
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "earliest" {
            return Ok(Self::Earliest);
        }
        if let Some(offset) = text.strip_prefix("offset:").and_then(|offset| offset.parse().ok()) {
            return Ok(Self::Offset(Offset::at(offset)));
        }
        Timestamp::from_millis_or_rfc3339(text).map(Self::Time).ok_or_else(|| {
            "expected earliest, offset:N, epoch milliseconds, or RFC 3339 such as 2026-01-31T12:00:00Z".into()
        })
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let id = {
        let view = sql::view(&catalog, &args.view)?;
        crate::state::ViewId::new(&view.name, view.fingerprint)
    };
    let kafka = args.brokers.settings().await?;
    let publisher = KafkaPublisher::new(kafka.clone()).context("failed to set up Kafka")?;
    let store = args.table.connect().await?;
    let parts = Parts {
        store: Arc::new(store),
        publisher: args.publish.then(|| publisher.clone()),
        log: KafkaLog::new(kafka, publisher),
        schemas: settings::schemas(&catalog, |name| std::env::var(name).ok()).await?,
        clock: Arc::new(SystemClock),
        settings: Settings::from_env()?.engine,
    };
    let bar = progress_bar();
    let options = Options { from: args.from, batch: usize::try_from(args.batch)?, join: args.join };
    let done = backfill::run(catalog, &args.view, parts, options, |summary| show(&bar, summary)).await;
    bar.finish_and_clear();
    print!("{}", report(id.as_str(), &done?));
    Ok(ExitCode::SUCCESS)
}

/// A bar over records; nothing off a terminal.
fn progress_bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_bar:.cyan/blue} {human_pos}/{human_len} {per_sec} {eta} {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, summary: &Summary) {
    bar.set_length(summary.total.max(summary.records));
    bar.set_position(summary.records);
    bar.set_message(format!("{} rows", HumanCount(summary.rows)));
}

fn report(id: &str, summary: &Summary) -> String {
    let Summary { records, rows, late, dead, lost, partitions, joined, .. } = *summary;
    let [records, rows, late, dead] = [records, rows, late, dead].map(HumanCount);
    let done = format!("{id}: {records} records, {rows} rows, {late} late, {dead} dead letters\n");
    let lost = match lost {
        0 => String::new(),
        lost => format!(
            "warning: the broker had dropped {} records before they could be read\n",
            HumanCount(lost)
        ),
    };
    let next = if joined == partitions {
        format!("functions have joined all {partitions} partitions: the view is live\n")
    } else {
        format!(
            "functions have joined {joined} of {partitions} partitions. After deploying this SQL, run this \
             again with --join; a partition without traffic is joined by its next record\n"
        )
    };
    [done, lost, next].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_begin_is_read() {
        let at = |millis| Ok(Start::Time(Timestamp(millis)));
        for (text, start) in [
            ("earliest", Ok(Start::Earliest)),
            ("offset:17", Ok(Start::Offset(Offset::at(17)))),
            ("0", at(0)),
            ("1700000000123", at(1_700_000_000_123)),
            ("2023-11-14T22:13:20.123Z", at(1_700_000_000_123)),
        ] {
            assert_eq!(text.parse::<Start>(), start, "{text}");
        }
        for text in ["latest", "offset:x", "offset:", "yesterday", ""] {
            assert!(text.parse::<Start>().unwrap_err().starts_with("expected earliest, offset:N"), "{text}");
        }
    }

    #[test]
    fn the_report_says_what_to_do_next() {
        let done = Summary { records: 1234, rows: 56, partitions: 3, joined: 1, ..Summary::default() };
        insta::assert_snapshot!(report("ctr@00c0ffee00c0ffee", &done), @r"
        ctr@00c0ffee00c0ffee: 1,234 records, 56 rows, 0 late, 0 dead letters
        functions have joined 1 of 3 partitions. After deploying this SQL, run this again with --join; a partition without traffic is joined by its next record
        ");
        let done = Summary { lost: 7, joined: 3, ..done };
        insta::assert_snapshot!(report("ctr@00c0ffee00c0ffee", &done), @r"
        ctr@00c0ffee00c0ffee: 1,234 records, 56 rows, 0 late, 0 dead letters
        warning: the broker had dropped 7 records before they could be read
        functions have joined all 3 partitions: the view is live
        ");
    }
}
