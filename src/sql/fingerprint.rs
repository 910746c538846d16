//! A view's identity: a hash of everything that decides its rows.
//!
//! It is made of a canonical text of the resolved plan: topics and the columns that are read from them, the
//! watermark's delay, filters, keys, inputs, window, outputs, HAVING, allowed lateness, generation. Names of files, tables and
//! views, comments, layout, where results go and how long they are kept decide no row.

use std::fmt::{self, Write as _};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    describe,
    pattern::{Pattern, PatternVariable},
    plan::{Catalog, Format, Source, Table, View, Window},
};
use crate::time::Millis;

/// The fingerprint of a view.
pub(super) fn of(view: &View, catalog: &Catalog) -> u64 {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, view, catalog);
    xxh3_64(text.as_bytes())
}

fn write(text: &mut String, view: &View, catalog: &Catalog) -> fmt::Result {
    for source in &view.sources {
        if let Some(table) = source.table(catalog) {
            write_table(text, source, table)?;
            write_source(text, view, source, &|slot| describe::column_name(table, slot))?;
        } else if let Some(upstream) = source.view(catalog) {
            writeln!(text, "view {:016x} {}", of(upstream, catalog), view.keeps_windows)?;
            write_source(text, view, source, &|slot| format!("#{slot}"))?;
        }
    }
    match view.window {
        Window::Grid { size, slide } => writeln!(text, "grid {} {}", size.0, slide.0)?,
        Window::Session { gap } => writeln!(text, "session {}", gap.0)?,
        Window::Over { range } => writeln!(text, "over {}", range.0)?,
        Window::Event => writeln!(text, "event")?,
        Window::Match { within } => writeln!(text, "match {}", within.0)?,
        Window::Running => writeln!(text, "running")?,
    }
    if let Some(pattern) = &view.pattern {
        write_pattern(text, pattern)?;
    }
    for key in &view.keys {
        writeln!(text, "key {:?} {}", key.name, key.kind)?;
    }
    for aggregate in &view.aggregates {
        writeln!(text, "aggregate {:?} {} {}", aggregate.function, aggregate.argument, aggregate.result)?;
    }
    // Slots as numbers: two columns may read alike, two slots never do.
    let slot = |slot| format!("#{slot}");
    for output in &view.outputs {
        writeln!(
            text,
            "output {:?} {} {}",
            output.field.name,
            output.field.kind,
            output.expr.display(&slot)
        )?;
    }
    if let Some(having) = &view.having {
        writeln!(text, "having {}", having.display(&slot))?;
    }
    for earlier in &view.previous {
        writeln!(text, "previous {earlier:?}")?;
    }
    if view.options.cooldown > Millis(0) {
        writeln!(text, "cooldown {}", view.options.cooldown.0)?;
    }
    if let Some(generation) = &view.options.generation {
        writeln!(text, "generation {generation:?}")?;
    }
    writeln!(text, "lateness {}", view.options.allowed_lateness.0)
}

fn write_pattern(text: &mut String, pattern: &Pattern) -> fmt::Result {
    writeln!(text, "pattern {} skip {}", pattern.runs.display(&pattern.variables), pattern.skip)?;
    for PatternVariable { name, condition } in &pattern.variables {
        let condition =
            condition.as_ref().map(|condition| condition.display(&|slot| format!("#{slot}")).to_string());
        writeln!(text, "variable {name:?} {condition:?}")?;
    }
    for pick in &pattern.picks {
        writeln!(text, "pick {:?} {} {} {}", pick.variable, pick.from_first, pick.away, pick.carried)?;
    }
    writeln!(text, "taken by {:?}", pattern.taken_by)
}

fn write_table(text: &mut String, source: &Source, table: &Table) -> fmt::Result {
    let name = |slot| describe::column_name(table, slot);
    writeln!(
        text,
        "topic {:?} delay {} time {}",
        table.topic,
        table.watermark_delay.0,
        name(table.event_time)
    )?;
    for slot in source.columns().into_iter().chain([table.event_time]) {
        if let Some(column) = table.columns.get(slot) {
            writeln!(text, "column {:?} {} {}", column.name, column.kind, column.not_null)?;
            if !column.is_fed_by_its_name() {
                writeln!(text, "fed by {:?}", column.fields)?;
            }
        }
    }
    match &table.format {
        Format::Json => {}
        Format::Text(pattern) => {
            let name = |slot| describe::column_name(table, slot);
            writeln!(text, "pattern {:?}", pattern.display(name))?;
        }
        // Not the schema: of another one the same columns come.
        Format::Avro(_) | Format::Protobuf(_) => writeln!(text, "format {}", table.format.name())?,
    }
    Ok(())
}

fn write_source(
    text: &mut String,
    view: &View,
    source: &Source,
    name: &impl Fn(usize) -> String,
) -> fmt::Result {
    if let Some(filter) = &source.filter {
        writeln!(text, "filter {}", filter.display(name))?;
    }
    for key in &source.keys {
        writeln!(text, "by {}", key.display(name))?;
    }
    for (input, aggregate) in source.inputs.iter().zip(&view.aggregates) {
        writeln!(text, "input {}", describe::aggregate(*aggregate, input, name))?;
    }
    for (field, expr) in view.carried.iter().zip(&source.carried) {
        writeln!(text, "carries {} {}", field.kind, expr.display(&name))?;
    }
    Ok(())
}
