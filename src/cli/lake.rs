//! `weir compact`, `weir schema` and `weir query`: what there is to do with rows that were written.

use std::{
    io,
    process::{Command, ExitCode},
};

use anyhow::{Context, anyhow, bail};

use super::sql::{self, SqlArgs};
use crate::sink::{self, Compacted, Limits, Reader, Scope, Target};

/// Put the small Parquet files of each view and date together, and leave out rows that newer ones replace
///
/// New files are written before old ones are deleted. It may be stopped and run again at any time, also while
/// rows are written.
#[derive(Debug, clap::Args)]
pub(super) struct CompactArgs {
    #[command(flatten)]
    from: From,
    /// Only this view; may be given several times
    #[arg(long = "view", value_name = "NAME")]
    views: Vec<String>,
    /// Only dates before this one, such as 2026-11-21
    #[arg(long, value_name = "DATE", value_parser = date)]
    before: Option<String>,
}

/// Print the statements that make the tables known to DuckDB, Athena or ClickHouse
#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// duckdb, athena or clickhouse
    reader: Reader,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    sql: SqlArgs,
}

/// Ask the Parquet files a question in SQL, with the duckdb command
///
/// Each view is a table with one row an identity; `NAME_revisions` has every row that was ever given.
#[derive(Debug, clap::Args)]
pub(super) struct QueryArgs {
    /// The question, in DuckDB's SQL
    question: String,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    sql: SqlArgs,
}

/// Where the files are.
#[derive(Debug, clap::Args)]
struct From {
    /// Where the files are: `file:///FOLDER` or `s3://BUCKET/PREFIX`; of several the first
    // Read after clap, whose errors would show what is secret.
    #[arg(long, value_name = "TARGET", env = "WEIR_SINK", hide_env_values = true)]
    from: String,
}

impl From {
    fn lake(&self) -> anyhow::Result<Target> {
        let targets = Target::list(&self.from).context("failed to read --from")?;
        let lake = targets.into_iter().find(Target::is_lake);
        lake.ok_or_else(|| anyhow!("--from names no files; expected file:///FOLDER or s3://BUCKET/PREFIX"))
    }
}

fn date(text: &str) -> Result<String, String> {
    let date: Result<jiff::civil::Date, _> = text.parse();
    date.map(|date| date.to_string()).map_err(|_| "expected a date such as 2026-11-21".to_owned())
}

pub(super) async fn compact(args: CompactArgs) -> anyhow::Result<ExitCode> {
    let scope = Scope { views: args.views, before: args.before };
    let mut folders = 0;
    let done = |Compacted { folder, files, rows }: Compacted| {
        folders += 1;
        println!("{folder}: {} files to {}, {} rows to {}", files.0, files.1, rows.0, rows.1);
    };
    sink::compact(&args.from.lake()?, &scope, Limits::default(), done).await?;
    if folders == 0 {
        println!("nothing to compact");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let target = match args.reader {
        Reader::ClickHouse => {
            Target::list(&args.from.from).context("failed to read --from")?.into_iter().next()
        }
        Reader::Athena | Reader::DuckDb => Some(args.from.lake()?),
    };
    let target = target.ok_or_else(|| anyhow!("--from names no target"))?;
    let statements = sink::schema(&catalog, args.reader, &target)?;
    print!("{}", statements.into_iter().map(|statement| statement.sql).collect::<Vec<_>>().join("\n"));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn query(args: &QueryArgs) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let statements = sink::schema(&catalog, Reader::DuckDb, &args.from.lake()?)?;
    // A table without files cannot be made; who does not ask for it need not have any.
    let asked = args.question.to_lowercase();
    let asked_for = statements.into_iter().filter(|statement| asked.contains(&statement.view.to_lowercase()));
    let tables: String = asked_for.map(|statement| statement.sql).collect();
    let duckdb = Command::new("duckdb").args(["-c", &format!("{tables}\n{}", args.question)]).status();
    match duckdb {
        Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "there is no duckdb command: install it (https://duckdb.org/docs/installation), or give what \
             `weir schema duckdb` prints to any other DuckDB"
        ),
        Err(error) => Err(error).context("failed to run duckdb"),
    }
}
