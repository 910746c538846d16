//! `weir notify`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, ensure};
use indicatif::ProgressBar;

use super::input::Input;
use crate::{
    event::RawBatch,
    notify::{Notified, Notifier, Settings, Target},
    publish::{MemoryPublisher, Message},
    time::{Offset, SystemClock, Timestamp},
};

/// Send alerts to webhooks, Slack or SNS, to see whether they arrive
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file with an alert a line, plain or gzipped; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// A webhook's URL, slack+URL, sns:ARN or sms:+NUMBER; several between commas. Options stand
    /// behind a #: `https://example.com/alerts#min_severity=HIGH`
    // Read after clap, whose errors would show what is secret.
    #[arg(long, value_name = "TARGETS", env = "WEIR_NOTIFY", hide_env_values = true)]
    to: String,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let targets = Target::list(&args.to).context("failed to read --to")?;
    ensure!(!targets.is_empty(), "--to names no target");
    let (places, batch) = read(&args)?;
    let settings = Settings { targets, ..Settings::default() };
    let letters = Arc::new(MemoryPublisher::default());
    let notifier = Notifier::connect(settings, Arc::clone(&letters), Arc::new(SystemClock)).await;
    let notified = notifier.context("failed to set up TLS")?.notify(&[batch], Timestamp::MAX).await?;
    for letter in letters.take() {
        eprintln!("{}", told(&places, &letter));
    }
    let Notified { sent, repeated, below, dead, .. } = notified;
    println!("{sent} delivered, {repeated} repeated, {below} below the minimum, {dead} failed");
    Ok(if dead == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The lines' places, and all lines as one batch; the offset of each is the index of its place.
fn read(args: &Args) -> anyhow::Result<(Vec<String>, RawBatch)> {
    let mut input = Input::open(&args.file, &ProgressBar::hidden())?;
    let (mut places, mut batch) = (Vec::new(), RawBatch::default());
    while let Some((place, line)) = input.next_line()? {
        batch.push(Offset::at(i64::try_from(places.len())?), None, &line);
        places.push(place);
    }
    Ok((places, batch))
}

/// `alerts.ndjson:3: slack+https://hooks.slack.com/…: answered 404 Not Found: no_service`.
fn told(places: &[String], letter: &Message) -> String {
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| value.as_str())
    };
    let place = header("weir.offset").and_then(|offset| places.get(offset.parse::<usize>().ok()?));
    let parts = [place.map(String::as_str), header("weir.target"), header("weir.reason")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_line() {
        let headers = [("weir.offset", "1"), ("weir.reason", "answered 404"), ("weir.target", "sms:…78")];
        let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
        let letter = Message { topic: "dead".to_owned(), key: None, payload: Vec::new(), headers };
        assert_eq!(told(&["f:1".to_owned(), "f:3".to_owned()], &letter), "f:3: sms:…78: answered 404");
    }
}
