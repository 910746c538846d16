//! What is said when the stack starts: where to look, and what to type.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::{Args, SAMPLE};
use crate::{
    local::stack::{Stack, StackOptions},
    sql::{Catalog, Table, View, Window},
    time::{Clock as _, Millis, SystemClock},
    value::Type,
};

/// The file in the data folder that tells functions about the stack, for a shell to read.
const ENVIRONMENT: &str = "env";

/// Says what is about to happen.
pub(super) fn starting(args: &Args, sql: Option<&Path>, options: &StackOptions) {
    match sql {
        Some(path) => println!("weir {}: the views of {}", env!("CARGO_PKG_VERSION"), path.display()),
        None => println!(
            "weir {}: the built-in sample, since there is no folder {:?} here; name your own SQL with --sql",
            env!("CARGO_PKG_VERSION"),
            super::sql::SqlArgs::DEFAULT
        ),
    }
    if args.fresh {
        println!("wiping the state in {}", args.data_dir.display());
    }
    println!(
        "starting the broker, DynamoDB, the functions and the API, state in {}",
        args.data_dir.display()
    );
    if options.simulate.is_some() && !options.can_simulate() {
        println!("no simulated shoppers: there are no tables for the topics of impressions and clicks");
    }
}

/// Says where everything is.
pub(super) fn started(
    args: &Args,
    sql: Option<&Path>,
    catalog: &Catalog,
    stack: &Stack,
    took: Duration,
) -> anyhow::Result<()> {
    write_environment(stack, sql)?;
    let url = stack.url();
    let from = if stack.is_new() { "with no state yet" } else { "where the last run stopped" };
    println!("started in {:.1} s, {from}\n", took.as_secs_f64());
    println!("  API       {url}/");
    if let Some(view) = catalog.views.first() {
        println!("            curl {url}/{}/latest", view.name);
    }
    if let Some(table) = catalog.tables.first() {
        println!("            curl -d '{}' {url}/events/{}", example(table), table.name);
    }
    println!("  Kafka     {}", stack.bootstrap());
    println!("  DynamoDB  {}, table {}", stack.dynamodb(), args.table);
    if let (Some(lake), Some(view)) =
        (stack.lake(), catalog.views.iter().find(|view| view.options.topic.is_some()))
    {
        println!("  Rows      weir query --from {lake} \"SELECT * FROM {} LIMIT 10\"", view.name);
    }
    let file = args.data_dir.join(ENVIRONMENT);
    println!("  Functions . {}  (then cargo lambda watch works on this stack)", file.display());
    println!("  Stop      Ctrl-C; the next start goes on from here, --fresh begins anew\n");
    if let Some(first) = first_rows(catalog).filter(|_| stack.is_new()) {
        println!("the first windows are closed in about {first}\n");
    }
    Ok(())
}

/// Writes down what a function has to know, and where; also the sample, where that is what runs.
fn write_environment(stack: &Stack, sql: Option<&Path>) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| {
        let path = stack.data_dir().join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        anyhow::Ok(path)
    };
    let sql = match sql {
        Some(path) => fs::canonicalize(path).with_context(|| format!("failed to find {}", path.display()))?,
        None => write(SAMPLE.0, SAMPLE.1)?,
    };
    let mut variables = stack.environment();
    variables.push(("WEIR_SQL", sql.display().to_string()));
    variables.push(("WEIR_URL", stack.url()));
    let lines: Vec<String> = variables.iter().map(|(name, value)| export(name, value)).collect();
    write(ENVIRONMENT, &lines.concat()).map(drop)
}

/// A line that sets a variable, for a shell.
fn export(name: &str, value: &str) -> String {
    format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
}

/// The smallest event of a table that happens now.
fn example(table: &Table) -> String {
    let is_needed = |(index, column): &(usize, &crate::sql::Column)| {
        column.not_null || *index == table.event_time || Some(*index) == table.key
    };
    let columns = table.columns.iter().enumerate().filter(is_needed);
    let event: Map<String, Value> =
        columns.map(|(_, column)| (field(column), sample_value(column.kind))).collect();
    Value::from(event).to_string()
}

/// The field that goes before all others that feed a column.
fn field(column: &crate::sql::Column) -> String {
    column.fields.first().unwrap_or(&column.name).clone()
}

fn sample_value(kind: Type) -> Value {
    match kind {
        Type::Text => "a".into(),
        Type::BigInt => 1.into(),
        Type::Double => 1.5.into(),
        Type::Boolean => true.into(),
        Type::Timestamp => SystemClock.now().0.into(),
        Type::Json => Map::new().into(),
    }
}

/// How long the shortest window takes to close; none where there are no windows.
fn first_rows(catalog: &Catalog) -> Option<Millis> {
    let closes = |view: &View| match view.window {
        Window::Grid { slide, .. } => Some(slide + view.watermark_delay(catalog)),
        Window::Session { gap } => Some(gap + view.watermark_delay(catalog)),
        Window::Over { .. } | Window::Match { .. } | Window::Event | Window::Running => None,
    };
    catalog.views.iter().filter_map(closes).min()
}
