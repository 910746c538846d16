//! `weir explain`.

use std::process::ExitCode;

use super::sql::{self, SqlArgs};
use crate::{
    sql::{Origin, View, Window},
    window::Slices,
};

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
    let text = |view: &View| format!("{}{}", view.describe(&catalog), slices(view));
    let texts: Vec<String> = views.into_iter().map(text).collect();
    print!("{}", texts.join("\n"));
    Ok(ExitCode::SUCCESS)
}

/// How the view's time is cut, and what that costs.
fn slices(view: &View) -> String {
    if view.sources.iter().any(|source| matches!(source.origin, Origin::View(_))) {
        return "slices: none of its own; it is computed from the history of the view that it reads\n"
            .to_owned();
    }
    let length = Slices::of(view.window).length();
    let share = match view.window {
        Window::Grid { size, .. } => format!("{} in a window", size.0 / length.0),
        Window::Session { .. } => "as many as a session lasts".to_owned(),
        Window::Over { range } | Window::Match { within: range } => {
            format!("{} of recent events", 1 + (2 * range.0) / length.0)
        }
        Window::Event => {
            return "slices: none; nothing of an event is kept\nwrites: for each batch the head\n".to_owned();
        }
        Window::Running => {
            return "slices: one for ever; each batch writes the parts of it that have its keys, and the head\n"
                .to_owned();
        }
    };
    format!(
        "slices: {length}, {share}; an event is folded into one\n\
         writes: for each batch the slab of each slice that it has events of, and the head\n"
    )
}
