//! `weir sink`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, ensure};
use indicatif::ProgressBar;

use super::{
    input::Input,
    sql::{self, SqlArgs},
};
use crate::{
    event::RawBatch,
    publish::{MemoryPublisher, Message},
    sink::{Settings, Sink, Target},
    time::{Offset, SystemClock, Timestamp},
};

/// Write rows, as `weir run` gives them, to Parquet files or ClickHouse
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file with a row a line, plain or gzipped; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// `file:///FOLDER`, `s3://BUCKET/PREFIX` or `clickhouse://USER:PASSWORD@HOST:8123/DATABASE`; several
    /// between commas
    // Read after clap, whose errors would show what is secret.
    #[arg(long, value_name = "TARGETS", env = "WEIR_SINK", hide_env_values = true)]
    to: String,
    /// How many rows are written at once
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    #[command(flatten)]
    sql: SqlArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let targets = Target::list(&args.to).context("failed to read --to")?;
    ensure!(!targets.is_empty(), "--to names no target");
    let catalog = sql::load(&args.sql.sql)?;
    let settings = Settings { targets, ..Settings::default() };
    let letters = Arc::new(MemoryPublisher::default());
    let sink = Sink::connect(settings, &catalog, Arc::clone(&letters), Arc::new(SystemClock)).await?;
    let mut input = Input::open(&args.file, &ProgressBar::hidden())?;
    let (mut rows, mut dead) = (0, 0);
    while let Some((places, batch)) = next(&mut input, &args)? {
        let sunk = sink.sink(std::slice::from_ref(&batch), Timestamp::MAX).await?;
        rows += sunk.rows;
        dead += sunk.dead;
        for letter in letters.take() {
            eprintln!("{}", told(&places, &batch, &letter));
        }
    }
    println!("{rows} rows written, {dead} lines that are none");
    Ok(if dead == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The next lines, and where they stand. A file is a topic of one partition, so that the same file is written
/// to the same places again.
fn next(input: &mut Input, args: &Args) -> anyhow::Result<Option<(Vec<String>, RawBatch)>> {
    let (mut places, mut batch) = (Vec::new(), RawBatch { topic: topic(&args.file), ..RawBatch::default() });
    while places.len() < args.batch.try_into()?
        && let Some((place, line)) = input.next_line()?
    {
        let number: i64 = place.rsplit_once(':').map_or("", |(_, number)| number).parse()?;
        batch.push(Offset::at(number), None, &line);
        places.push(place);
    }
    Ok(if places.is_empty() { None } else { Some((places, batch)) })
}

/// The name of the file, without its folder.
fn topic(file: &Path) -> String {
    file.file_name().map_or_else(|| "rows".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// `rows.ndjson:3: "ctr" is "x", expected a DOUBLE`.
fn told(places: &[String], batch: &RawBatch, letter: &Message) -> String {
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let record = batch.records.iter().position(|record| record.offset.to_string() == header("weir.offset"));
    let place = record.and_then(|record| places.get(record)).map(String::as_str).unwrap_or_default();
    format!("{place}: {}", header("weir.reason"))
}
