//! `weir poll`.

use std::{fmt::Write as _, fs, io::IsTerminal as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::up::stop;
use crate::{
    local::poller::{Counts, HttpInvoke, PollFile, Poller, PollerConfig, StartingPosition},
    publish::kafka::KafkaSettings,
};

/// How often the line of a terminal is drawn anew.
const TICK: Duration = Duration::from_millis(500);

/// Hand records of Kafka topics to functions, as Lambda's Kafka event source does
///
/// For endpoints of Lambda that have no Kafka event source of their own, such as those of cargo lambda watch and
/// of the free localstack. Offsets are kept in the brokers, and committed for what was handled.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that says which topics go to which functions
    #[arg(long, value_name = "FILE", default_value = "poll.toml")]
    config: PathBuf,
    /// Only check that file
    #[arg(long)]
    check: bool,
    /// Tell more: -v of what is done, -vv of every detail. `RUST_LOG` goes before this
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut stop = stop::listen()?;
    log(args.verbose);
    let mut file = read(&args)?;
    print!("{}", listing(&file));
    if args.check {
        return Ok(ExitCode::SUCCESS);
    }
    file.kafka = file.kafka.with_secrets().await?;
    let mut pollers = Vec::with_capacity(file.mappings.len());
    for config in &file.mappings {
        let (config, kafka, invoke) = (config.clone(), file.kafka.clone(), HttpInvoke::new(&file.endpoint));
        pollers.push(start(config, kafka, invoke).await?);
    }
    tokio::select! {
        () = draw(&pollers) => {}
        () = stop.recv() => {}
    }
    println!("stopping: the calls on their way are brought to their end (Ctrl-C again breaks off)");
    stop.kill_next_time();
    let counts = pollers.iter().map(Poller::counts).collect::<Vec<_>>();
    for poller in pollers {
        poller.stop().await?;
    }
    println!("{}", told(&counts, None));
    Ok(ExitCode::SUCCESS)
}

fn read(args: &Args) -> anyhow::Result<PollFile> {
    let name = args.config.display();
    let text = fs::read_to_string(&args.config).with_context(|| format!("failed to read {name}"))?;
    let file = PollFile::parse(&text, &KafkaSettings::from_env()).with_context(|| format!("{name}"))?;
    ensure!(
        file.kafka.bootstrap_servers().is_some(),
        "{name}: it is not known where Kafka is: expected \"bootstrap.servers\" below [kafka], or \
         WEIR_KAFKA_BOOTSTRAP_SERVERS"
    );
    Ok(file)
}

/// Starts a poller; asking the brokers for offsets blocks, so that is not done on the runtime's threads.
async fn start(config: PollerConfig, kafka: KafkaSettings, invoke: HttpInvoke) -> anyhow::Result<Poller> {
    let runtime = tokio::runtime::Handle::current();
    let start = move || {
        let _runtime = runtime.enter();
        Poller::start(config, &kafka, invoke)
    };
    Ok(tokio::task::spawn_blocking(start).await??)
}

fn log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = ["warn", "info", "info,weir=debug"].get(usize::from(verbose)).unwrap_or(&"debug");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(*level));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails only where a log is there already, and then that one is meant.
    let _ = subscriber.try_init();
}

/// `window <- clicks, impressions  (group window, from TRIM_HORIZON, up to 10000 records or 500 ms)`.
fn listing(file: &PollFile) -> String {
    let mut text =
        format!("from {} to {}\n", file.kafka.bootstrap_servers().unwrap_or_default(), file.endpoint);
    for mapping in &file.mappings {
        let from = match mapping.start {
            StartingPosition::TrimHorizon => "TRIM_HORIZON".to_owned(),
            StartingPosition::Latest => "LATEST".to_owned(),
            StartingPosition::At(at) => format!("AT_TIMESTAMP {at}"),
        };
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "  {} <- {}  (group {}, from {from}, up to {} records or {:?})",
            mapping.function,
            mapping.topics.join(", "),
            mapping.group,
            mapping.batch_size,
            mapping.batch_window,
        );
    }
    text
}

/// Shows on a terminal what is done, for ever.
async fn draw(pollers: &[Poller]) {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    loop {
        let counts = pollers.iter().map(Poller::counts).collect::<Vec<_>>();
        let lag = pollers.iter().flat_map(|poller| poller.positions().into_values()).map(|it| it.lag).sum();
        bar.set_message(told(&counts, Some(lag)));
        bar.tick();
        tokio::time::sleep(TICK).await;
    }
}

fn told(counts: &[Counts], lag: Option<i64>) -> String {
    let sum = |of: fn(&Counts) -> u64| HumanCount(counts.iter().map(of).sum());
    let (records, batches) = (sum(|counts| counts.records), sum(|counts| counts.batches));
    let (retries, aside) = (sum(|counts| counts.retries), sum(|counts| counts.set_aside));
    let lag = lag.and_then(|lag| u64::try_from(lag).ok());
    let lag = lag.map(|lag| format!(", {} to come", HumanCount(lag))).unwrap_or_default();
    format!("{records} records in {batches} batches, {retries} retries, {aside} set aside{lag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_polled_is_told() {
        let text = "[kafka]\n\"bootstrap.servers\" = \"localhost:9092\"\n[lambda]\nendpoint = \"http://localhost:9001\"\n\
                    [[mapping]]\nfunction = \"window\"\ntopics = [\"a\", \"b\"]\nstarting_position = \"LATEST\"";
        let file = PollFile::parse(text, &KafkaSettings::default()).unwrap();
        insta::assert_snapshot!(listing(&file), @"
        from localhost:9092 to http://localhost:9001
          window <- a, b  (group window, from LATEST, up to 10000 records or 500ms)
        ");
        let counts = Counts { records: 1234, batches: 5, retries: 1, set_aside: 0 };
        assert_eq!(
            told(&[counts, counts], Some(7)),
            "2,468 records in 10 batches, 2 retries, 0 set aside, 7 to come"
        );
    }
}
