//! `weir inspect`.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use clap::ValueEnum;

use super::{
    sql::{self, SqlArgs},
    table::TableArgs,
};
use crate::{
    engine::Inspector,
    state::{Head, ItemKey, Span, Store},
    time::Timestamp,
};

/// Print what a view keeps in DynamoDB, an item a line, in clear
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The view
    view: String,
    /// What to print
    #[arg(value_enum, default_value = "head")]
    what: What,
    /// Only slices that begin at or after this (epoch milliseconds or RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only slices that begin at or before this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    sql: SqlArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// How far each source partition has come, up to where windows are closed
    Head,
    /// The partial aggregates of each source partition and slice
    Slabs,
    /// The latest and previous row of each key
    Pages,
    /// The closed rows
    History,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_millis_or_rfc3339(text)
        .ok_or_else(|| "expected epoch milliseconds, or RFC 3339 such as 2026-01-31T12:00:00Z".into())
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let inspector = Inspector::new(&catalog, sql::view(&catalog, &args.view)?);
    let store = args.table.connect().await?;
    let head = store.head(inspector.id()).await?;
    let mut out = stdout().lock();
    if matches!(args.what, What::Head) {
        writeln!(out, "{}", inspector.head(&head))?;
        return Ok(ExitCode::SUCCESS);
    }
    for span in args.spans(&inspector, &head) {
        let items: Vec<(ItemKey, _)> = store.scan(&span).await?;
        for (key, item) in items {
            writeln!(out, "{}", inspector.item(&store, &key, item).await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn spans(&self, inspector: &Inspector, head: &Head) -> Vec<Span> {
        let view = inspector.id().clone();
        let (from, to) = (self.from.unwrap_or(Timestamp::MIN), self.to.unwrap_or(Timestamp::MAX));
        match self.what {
            What::Head => Vec::new(),
            What::Pages => vec![Span::Pages { view }],
            What::History => vec![Span::History { view, from, to }],
            What::Slabs => {
                let slabs = |(partition, progress): (&crate::state::Partition, &crate::state::Progress)| {
                    let (partition, backfilled) = (partition.clone(), progress.lineage().backfilled);
                    Span::Slabs { view: view.clone(), partition, backfilled, from, to }
                };
                head.partitions.iter().map(slabs).collect()
            }
        }
    }
}
