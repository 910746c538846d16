//! `weir up`: everything on this machine, in one process.

mod advice;
mod banner;
mod live;
mod log;
pub(super) mod stop;

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use indicatif::HumanCount;
use tokio::time::Instant;

use self::live::Live;
use super::sql;
use crate::{
    api::{self, Origins},
    local::{
        simulate,
        stack::{Counts, Place, Stack, StackOptions},
    },
    notify,
    settings::{self, SettingsError},
    sink,
    sql::{Catalog, SqlFile},
};

/// The SQL that runs where no other is found.
const SAMPLE: (&str, &str) = ("ctr.sql", include_str!("../../../sql/ctr.sql"));

/// Run everything on this machine: broker, DynamoDB, functions, API and simulated shoppers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An SQL file, or a folder of files that end in .sql [default: sql, or else a sample that is
    /// built in]
    #[arg(long, value_name = "PATH", env = "WEIR_SQL")]
    sql: Option<PathBuf>,
    /// The folder that keeps the state
    #[arg(long, value_name = "DIR", default_value = ".weir")]
    data_dir: PathBuf,
    /// Wipe what an earlier run left in that folder
    #[arg(long)]
    fresh: bool,
    /// The port of the HTTP API; 0 for any free one
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// The API's keys, with commas between: SECRET, write:SECRET or read:SECRET. Without any,
    /// everybody may send events and read
    #[arg(
        long,
        value_name = "KEYS",
        env = "WEIR_API_KEYS",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    api_keys: String,
    /// Reading needs a key too
    #[arg(long, env = "WEIR_PROTECT_READS")]
    protect_reads: bool,
    /// The pages of other origins that may use the API: origins with commas between, `local` for those
    /// of this machine, `*` for all
    #[arg(long, value_name = "ORIGINS", env = "WEIR_CORS_ORIGINS", default_value = "local", value_parser = Origins::parse)]
    cors_origins: Origins,
    /// The port of the embedded broker; 0 for any free one
    #[arg(long, value_name = "N", default_value_t = 9092)]
    kafka_port: u16,
    /// The port of the embedded DynamoDB; 0 for any free one
    #[arg(long, value_name = "N", default_value_t = 8000)]
    dynamodb_port: u16,
    /// Use this broker instead of the embedded one; `WEIR_KAFKA_...` variables tell how to log in
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "kafka_port")]
    kafka: Option<String>,
    /// Use this DynamoDB instead of the embedded one; `AWS_...` variables tell region and keys
    #[arg(long, value_name = "URL", conflicts_with = "dynamodb_port")]
    dynamodb: Option<String>,
    /// The DynamoDB table; made where it is not there
    #[arg(long, value_name = "NAME", default_value = "weir")]
    table: String,
    /// How many partitions new topics get
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=1000))]
    partitions: i32,
    /// The most records that the window function gets at once
    #[arg(long, value_name = "N", default_value = "10000")]
    batch_size: NonZeroUsize,
    /// How many milliseconds a batch waits for more records after its first
    #[arg(long, value_name = "MS", default_value_t = 500)]
    batch_window: u64,
    /// Where alerts go: a webhook's URL, slack+URL, sns:ARN or sms:+NUMBER; several between commas
    // Read after clap, whose errors would show what is secret.
    #[arg(long, value_name = "TARGETS", env = "WEIR_NOTIFY", hide_env_values = true)]
    notify: Option<String>,
    /// Write the views' rows to Parquet files in this folder, for `weir query`; or targets as those of `weir sink`,
    /// several between commas
    // Read after clap, whose errors would show what is secret.
    #[arg(long, value_name = "FOLDER", env = "WEIR_SINK", hide_env_values = true)]
    sink: Option<String>,
    /// No simulated shoppers: events come from elsewhere
    #[arg(long)]
    no_simulate: bool,
    /// How many events a second the simulated shoppers make
    #[arg(long, value_name = "N", default_value_t = simulate::Settings::default().rate, value_parser = rate)]
    rate: f64,
    /// Decides everything that looks random about them
    #[arg(long, value_name = "N", default_value_t = simulate::Settings::default().seed)]
    seed: u64,
    /// Tell more: -v of what is done, -vv of every detail. `RUST_LOG` goes before this
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "expected a number above 0".to_owned())
}

/// A folder as a target of rows; what is a list of targets stays as it is.
fn targets(text: &str) -> anyhow::Result<String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let folder = std::path::absolute(text).with_context(|| format!("failed to find {text}"))?;
    let url = url::Url::from_file_path(folder).map_err(|()| anyhow!("--sink names no folder: {text}"))?;
    Ok(url.as_str().replace(',', "%2C"))
}

impl Args {
    /// Where the SQL is; none for the sample.
    fn sql_path(&self) -> Option<PathBuf> {
        let default = PathBuf::from(sql::SqlArgs::DEFAULT);
        self.sql.clone().or_else(|| default.exists().then_some(default))
    }

    /// Who may use the API.
    fn api(&self) -> Result<api::Settings, SettingsError> {
        let access = api::Access::parse(&self.api_keys, self.protect_reads)?;
        Ok(api::Settings { access, origins: self.cors_origins.clone() })
    }

    /// Where alerts go; none where that is nowhere.
    fn notify(&self) -> Result<Option<notify::Settings>, SettingsError> {
        let var = |name| match name {
            "WEIR_NOTIFY" => self.notify.clone(),
            name => std::env::var(name).ok(),
        };
        let settings = settings::notify(var)?;
        Ok((!settings.targets.is_empty()).then_some(settings))
    }

    /// Where rows go; none where that is nowhere.
    fn sink(&self) -> anyhow::Result<Option<sink::Settings>> {
        let Some(text) = self.sink.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let targets = targets(text)?;
        let var = |name| match name {
            "WEIR_SINK" => Some(targets.clone()),
            name => std::env::var(name).ok(),
        };
        Ok(Some(settings::sink(var)?))
    }

    fn options(&self, catalog: Arc<Catalog>) -> anyhow::Result<StackOptions> {
        let place = |elsewhere: &Option<String>, port| match elsewhere {
            Some(address) => Place::At(address.clone()),
            None => Place::Embedded { port },
        };
        let shoppers = simulate::Settings { rate: self.rate, seed: self.seed, ..Default::default() };
        Ok(StackOptions {
            fresh: self.fresh,
            http_port: self.port,
            kafka: place(&self.kafka, self.kafka_port),
            dynamodb: place(&self.dynamodb, self.dynamodb_port),
            table: self.table.clone(),
            partitions: self.partitions,
            batch_size: self.batch_size.get(),
            batch_window: Duration::from_millis(self.batch_window),
            api: self.api()?,
            simulate: (!self.no_simulate).then_some(shoppers),
            notify: self.notify()?,
            sink: self.sink()?,
            ..StackOptions::new(catalog, &self.data_dir)
        })
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut stop = stop::listen()?;
    let live = Live::new();
    log::init(args.verbose, &live);
    let path = args.sql_path();
    let catalog = Arc::new(match &path {
        Some(path) => sql::load(path)?,
        None => sample()?,
    });
    let schemas = settings::schemas(&catalog, |name| std::env::var(name).ok()).await?;
    let options = StackOptions { schemas, ..args.options(Arc::clone(&catalog))? };
    banner::starting(&args, path.as_deref(), &options);
    let began = Instant::now();
    let stack = match Stack::start(options).await {
        Ok(stack) => stack,
        Err(error) => return Err(advice::explain(error)),
    };
    banner::started(&args, path.as_deref(), &catalog, &stack, began.elapsed())?;
    tokio::select! {
        () = live.run(&stack) => {}
        () = stop.recv() => {}
    }
    live.end();
    println!("stopping: the batches on their way are brought to their end (Ctrl-C again breaks off)");
    stop.kill_next_time();
    summarize(&stack.stop().await?, began.elapsed(), &args);
    Ok(ExitCode::SUCCESS)
}

fn sample() -> anyhow::Result<Catalog> {
    let (name, text) = SAMPLE;
    Ok(Catalog::parse(&[SqlFile { name: name.to_owned(), text: text.to_owned() }])?)
}

fn summarize(counts: &Counts, ran: Duration, args: &Args) {
    let Counts { records, windows, rows, late, dead } = *counts;
    let [records, windows, rows, late, dead] = [records, windows, rows, late, dead].map(HumanCount);
    println!(
        "stopped after {} s: {records} events, {windows} windows closed, {rows} rows, {late} late, {dead} \
         dead-lettered; the next start goes on from {}",
        ran.as_secs(),
        args.data_dir.display(),
    );
}
