//! Loading SQL for a command.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use crate::sql::{Catalog, LoadError, View};

/// Where the SQL is.
#[derive(Debug, clap::Args)]
pub(super) struct SqlArgs {
    /// An SQL file, or a folder of files that end in .sql
    #[arg(long, value_name = "PATH", env = "WEIR_SQL", default_value = SqlArgs::DEFAULT)]
    pub(super) sql: PathBuf,
}

impl SqlArgs {
    pub(super) const DEFAULT: &str = "sql";
}

/// Loads a catalog. What is wrong with the SQL is shown with its source lines.
pub(super) fn load(path: &Path) -> anyhow::Result<Catalog> {
    Catalog::load(path).map_err(|error| match error {
        LoadError::Sql(errors) => anyhow!("failed to check {}\n\n{}", path.display(), errors.render()),
        LoadError::Read { .. } | LoadError::Empty { .. } => error.into(),
    })
}

/// The view of a name, or the names that there are.
pub(super) fn view<'a>(catalog: &'a Catalog, name: &str) -> anyhow::Result<&'a View> {
    if let Some(view) = catalog.view(name) {
        return Ok(view);
    }
    let names: Vec<&str> = catalog.views.iter().map(|view| view.name.as_str()).collect();
    bail!("there is no view {name:?}; there are: {}", names.join(", "))
}
