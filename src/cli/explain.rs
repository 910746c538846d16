//! `weir explain`.

use std::process::ExitCode;

use super::sql::{self, SqlArgs};

/// Print how a view is computed: its windows, what it reads, its columns
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The view; all of them unless one is named
    view: Option<String>,
    #[command(flatten)]
    sql: SqlArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let views = match &args.view {
        Some(name) => vec![sql::view(&catalog, name)?],
        None => catalog.views.iter().collect(),
    };
    let texts: Vec<String> = views.into_iter().map(|view| view.describe(&catalog)).collect();
    print!("{}", texts.join("\n"));
    Ok(ExitCode::SUCCESS)
}
