//! `weir prune`.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use indicatif::{HumanCount, HumanDuration};

use super::{
    sql::{self, SqlArgs},
    table::TableArgs,
};
use crate::{
    sql::duration,
    state::{
        Head, Store, ViewId,
        dynamo::{DynamoStore, Remains},
    },
    time::{Clock, Millis, SystemClock},
};

/// Remove the state of views that the SQL does not have any more, or has with another definition
///
/// Windows that a deleted view has closed expire by themselves; rows of views without a window, and what is
/// known of partitions, stay until this removes them. Without --yes it only shows what it would remove.
/// It reads the keys of the whole table.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Remove it
    #[arg(long)]
    yes: bool,
    /// Leave alone what took in a batch within this time: functions may still run the earlier SQL
    #[arg(long, value_name = "TIME", default_value = "1 day", value_parser = span)]
    older_than: Millis,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    sql: SqlArgs,
}

fn span(text: &str) -> Result<Millis, String> {
    duration::parse(text).ok_or_else(|| format!("expected {}", duration::EXPECTED))
}

/// What is left of one view.
struct Left {
    view: ViewId,
    remains: Remains,
    /// How long ago its last batch was; none if there is no telling.
    silent: Option<Millis>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let catalog = sql::load(&args.sql.sql)?;
    let live = catalog.views.iter().map(|view| ViewId::new(&view.name, view.fingerprint)).collect();
    let store = args.table.connect().await?;
    let found = look(&store, store.remains(&live).await?).await?;
    let (old, busy): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|left| left.silent.is_none_or(|silent| silent >= args.older_than));
    if args.yes {
        for left in &old {
            store.remove(&left.view, &left.remains).await?;
        }
    }
    print!("{}", listing(&old, &busy, args.yes));
    Ok(ExitCode::SUCCESS)
}

/// Asks each head when its last batch was.
async fn look(store: &DynamoStore, found: BTreeMap<ViewId, Remains>) -> anyhow::Result<Vec<Left>> {
    let now = SystemClock.now();
    let mut looked = Vec::with_capacity(found.len());
    for (view, remains) in found {
        let last = last_batch(&store.head(&view).await?);
        looked.push(Left { silent: last.map(|at| now - at), view, remains });
    }
    Ok(looked)
}

fn last_batch(head: &Head) -> Option<crate::time::Timestamp> {
    head.partitions.values().map(|progress| progress.seen_at).max()
}

fn listing(old: &[Left], busy: &[Left], is_removal: bool) -> String {
    let fate = if is_removal { "removed" } else { "would be removed" };
    let old_lines = old.iter().map(|left| line(left, fate));
    let busy_lines = busy.iter().map(|left| line(left, "left alone: functions may still run it"));
    old_lines.chain(busy_lines).chain([total(old, is_removal)]).collect()
}

fn total(old: &[Left], is_removal: bool) -> String {
    let items = HumanCount(old.iter().map(|left| left.remains.len() as u64).sum());
    match (old.len(), is_removal) {
        (0, _) => "nothing to remove\n".to_owned(),
        (views, true) => format!("{items} items of {views} views removed\n"),
        (views, false) => format!("{items} items of {views} views; to remove them: --yes\n"),
    }
}

fn line(left: &Left, fate: &str) -> String {
    let items = HumanCount(left.remains.len() as u64);
    let last = match left.silent.and_then(|silent| u64::try_from(silent.0).ok()) {
        Some(millis) => format!("last batch {} ago", HumanDuration(Duration::from_millis(millis))),
        None => "no head".to_owned(),
    };
    format!("{}  {items} items, {last}  {fate}\n", left.view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_says_what_happens_to_what() {
        let left = |name, silent| {
            let (view, remains) = (ViewId::new(name, 0x00c0_ffee), Remains::default());
            Left { view, remains, silent }
        };
        let old = [left("ctr", Some(Millis::days(12))), left("clicks", None)];
        let busy = [left("orders", Some(Millis(61_000)))];
        insta::assert_snapshot!(listing(&old, &busy, false), @r"
        ctr@0000000000c0ffee  0 items, last batch 2 weeks ago  would be removed
        clicks@0000000000c0ffee  0 items, no head  would be removed
        orders@0000000000c0ffee  0 items, last batch 61 seconds ago  left alone: functions may still run it
        0 items of 2 views; to remove them: --yes
        ");
        insta::assert_snapshot!(listing(&old, &busy, true), @r"
        ctr@0000000000c0ffee  0 items, last batch 2 weeks ago  removed
        clicks@0000000000c0ffee  0 items, no head  removed
        orders@0000000000c0ffee  0 items, last batch 61 seconds ago  left alone: functions may still run it
        0 items of 2 views removed
        ");
        insta::assert_snapshot!(listing(&[], &busy, true), @r"
        orders@0000000000c0ffee  0 items, last batch 61 seconds ago  left alone: functions may still run it
        nothing to remove
        ");
    }
}
