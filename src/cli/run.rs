//! `weir run`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, anyhow, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::{
    input::{Input, total_size},
    sql::{self, SqlArgs},
};
use crate::{
    run::{self, Cut, Outputs, Summary},
    sql::Catalog,
    time::SystemClock,
};

/// Run views over NDJSON files, in memory, to the end of the input
///
/// The same engine as on Lambda: every firing of a window is a line of the output, and the input
/// is cut into batches as an event source would cut it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A topic and the file with its records, an event a line, plain or gzipped; - is standard input
    #[arg(long = "input", required = true, value_name = "TOPIC=FILE", value_parser = assignment)]
    inputs: Vec<(String, PathBuf)>,
    /// Run only this view; may be given several times
    #[arg(long = "view", value_name = "NAME")]
    views: Vec<String>,
    /// How many records a batch has; 0 for the whole input at once
    #[arg(long, value_name = "N", default_value = "10000")]
    batch: usize,
    /// How many partitions each topic has; records are spread over them by the table's key
    #[arg(long, value_name = "N", default_value = "1")]
    partitions: NonZeroU32,
    /// Where the rows go; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Where late events go; they are only counted if it is not given
    #[arg(long, value_name = "FILE")]
    late: Option<PathBuf>,
    /// Where records that do not fit their table go; they are only counted if it is not given
    #[arg(long, value_name = "FILE")]
    dead: Option<PathBuf>,
    #[command(flatten)]
    sql: SqlArgs,
}

fn assignment(text: &str) -> Result<(String, PathBuf), String> {
    let parts = text.split_once('=').filter(|(topic, file)| !topic.is_empty() && !file.is_empty());
    let (topic, file) = parts.ok_or("expected TOPIC=FILE, such as clicks=clicks.ndjson.gz")?;
    Ok((topic.to_owned(), file.into()))
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let catalog = args.catalog()?;
    let files: Vec<PathBuf> = args.inputs.iter().map(|(_, file)| file.clone()).collect();
    let stdins = files.iter().filter(|file| *file == Path::new("-")).count();
    ensure!(stdins <= 1, "standard input can be given for one topic only");
    let bar = progress_bar(total_size(&files)?);
    let inputs = args.inputs.iter().map(|(topic, file)| {
        let lines = Input::open(file, &bar)?.into_reader();
        Ok(run::Input { topic: topic_of(&catalog, topic), lines })
    });
    let inputs = inputs.collect::<anyhow::Result<Vec<_>>>()?;
    let outputs = Outputs {
        views: args.views.clone(),
        rows: writer(Some(&args.output))?,
        late: writer(args.late.as_deref())?,
        dead: writer(args.dead.as_deref())?,
    };
    let batch = if args.batch == 0 { usize::MAX } else { args.batch };
    let cut = Cut { batch, partitions: args.partitions };
    let mut rows = 0;
    let running = run::run(catalog, inputs, cut, outputs, Arc::new(SystemClock), |absorbed| {
        rows += absorbed.rows;
        bar.set_message(format!("{} rows", HumanCount(rows)));
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().context("failed to start the runtime")?;
    let ended = runtime.block_on(running);
    bar.finish_and_clear();
    match ended {
        Ok(summary) => {
            args.report(&summary);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
    }
}

impl Args {
    fn catalog(&self) -> anyhow::Result<Catalog> {
        let mut catalog = sql::load(&self.sql.sql)?;
        for name in &self.views {
            sql::view(&catalog, name)?;
        }
        if !self.views.is_empty() {
            catalog.keep(&self.views);
        }
        ensure!(!catalog.views.is_empty(), "{} has no views to run", self.sql.sql.display());
        Ok(catalog)
    }

    fn report(&self, summary: &Summary) {
        let Summary { records, rows, late, dead } = *summary;
        let kept = |count: u64, file: &Option<PathBuf>, option: &str| match file {
            None if count > 0 => format!(" (not kept: give {option} FILE)"),
            _ => String::new(),
        };
        eprintln!(
            "{} records, {} rows, {} late{}, {} dead letters{}",
            HumanCount(records),
            HumanCount(rows),
            HumanCount(late),
            kept(late, &self.late, "--late"),
            HumanCount(dead),
            kept(dead, &self.dead, "--dead"),
        );
    }
}

/// The topic of that name, or that of the table of that name.
fn topic_of(catalog: &Catalog, name: &str) -> String {
    let is_topic = catalog.table_of_topic(name).is_some();
    let table = catalog.table(name).filter(|_| !is_topic);
    table.map_or_else(|| name.to_owned(), |table| table.topic.clone())
}

fn writer(path: Option<&Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    Ok(match path {
        None => Box::new(io::sink()),
        Some(path) if path == Path::new("-") => Box::new(BufWriter::new(io::stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| anyhow!("failed to create {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
    })
}

/// A bar over the bytes of the input; a spinner where their number is not known.
fn progress_bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{wide_bar:.cyan/blue} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {bytes_per_sec} {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
