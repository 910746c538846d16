//! `weir check`.

use std::{path::PathBuf, process::ExitCode};

use super::sql::SqlArgs;
use crate::sql::{Catalog, LoadError};

/// Check SQL and print what is wrong with it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An SQL file, or a folder of files that end in .sql
    #[arg(value_name = "PATH", env = "WEIR_SQL", default_value = SqlArgs::DEFAULT)]
    path: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let catalog = match Catalog::load(&args.path) {
        Ok(catalog) => catalog,
        Err(LoadError::Sql(errors)) => {
            eprintln!("{}\n\n{}", errors.render(), count(errors.len(), "error"));
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    for warning in catalog.warnings() {
        eprintln!("warning: {warning}");
    }
    println!("ok: {}, {}", count(catalog.tables.len(), "table"), count(catalog.views.len(), "view"));
    Ok(ExitCode::SUCCESS)
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
