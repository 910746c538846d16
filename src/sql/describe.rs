//! A view's plan in words: what `weir explain` prints.

use std::fmt::{self, Write as _};

use super::plan::{Aggregate, AggregateFunction, Catalog, Field, Input, Source, Table, View, Window};

impl View {
    /// The plan: window, sources with their filters and inputs, outputs, options.
    pub fn describe(&self, catalog: &Catalog) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, catalog);
        text
    }

    fn write(&self, text: &mut String, catalog: &Catalog) -> fmt::Result {
        writeln!(text, "view {}", self.name)?;
        writeln!(text, "  window {}", self.window)?;
        let keys: Vec<String> = self.keys.iter().map(|key| format!("{} {}", key.name, key.kind)).collect();
        writeln!(
            text,
            "  key {}",
            match (keys.is_empty(), self.window.is_by_event()) {
                (true, true) => "none".to_owned(),
                (true, false) => "none: one row a window".to_owned(),
                _ => keys.join(", "),
            }
        )?;
        self.write_sources(text, catalog)?;
        for output in &self.outputs {
            let name = |slot| self.slot_name(slot);
            writeln!(
                text,
                "  output {} {} = {}",
                quoted(&output.field.name),
                output.field.kind,
                output.expr.display(&name)
            )?;
        }
        if let Some(having) = &self.having {
            let clause = if self.window.is_by_event() { "qualify" } else { "having" };
            writeln!(text, "  {clause} {}", having.display(&|slot| self.slot_name(slot)))?;
        }
        let options = &self.options;
        writeln!(text, "  allowed lateness {}", options.allowed_lateness)?;
        writeln!(text, "  idle after {}, flushed after {}", options.idle_timeout, options.flush_after)?;
        writeln!(text, "  history {}", options.history)?;
        writeln!(
            text,
            "  results to {}",
            options.topic.as_deref().map_or("no topic".to_owned(), |topic| format!("topic {topic}"))
        )
    }

    /// Sources that read alike share one paragraph.
    fn write_sources(&self, text: &mut String, catalog: &Catalog) -> fmt::Result {
        let mut last: Option<String> = None;
        let mut bodies: Vec<(String, String)> = Vec::new();
        for source in &self.sources {
            let Some(table) = catalog.tables.get(source.table) else { continue };
            let (mut head, mut body) = (String::new(), String::new());
            self.write_source(&mut body, source, table)?;
            write_head(&mut head, table)?;
            bodies.push((head, body));
        }
        for (head, body) in &bodies {
            if last.as_ref().is_some_and(|last| last != body) {
                text.push_str(last.as_deref().unwrap_or_default());
            }
            text.push_str(head);
            last = Some(body.clone());
        }
        text.push_str(last.as_deref().unwrap_or_default());
        Ok(())
    }

    fn write_source(&self, text: &mut String, source: &Source, table: &Table) -> fmt::Result {
        let name = |slot| column_name(table, slot);
        if let Some(filter) = &source.filter {
            writeln!(text, "    where {}", filter.display(&name))?;
        }
        for (key, field) in source.keys.iter().zip(&self.keys) {
            writeln!(text, "    key {} = {}", field.name, key.display(&name))?;
        }
        for (index, (input, function)) in source.inputs.iter().zip(&self.aggregates).enumerate() {
            writeln!(
                text,
                "    #{} {} = {}",
                index + 1,
                function.result,
                aggregate(*function, input, &name)
            )?;
        }
        for (field, expr) in self.carried.iter().zip(&source.carried) {
            writeln!(text, "    carries {} {} = {}", quoted(&field.name), field.kind, expr.display(&name))?;
        }
        Ok(())
    }

    /// The name of a slot of [`super::Output::expr`]; aggregates are numbered from 1.
    fn slot_name(&self, slot: usize) -> String {
        let (keys, bounds) = (self.keys.len(), self.window_start_slot());
        if let Some(key) = self.keys.get(slot) {
            return quoted(&key.name);
        }
        if slot < bounds {
            return format!("#{}", slot - keys + 1);
        }
        match slot - bounds {
            0 => "window_start".to_owned(),
            1 => "window_end".to_owned(),
            _ => self.field_of_event(slot).map_or_else(String::new, |field| quoted(&field.name)),
        }
    }

    /// What stands in a slot behind the window's bounds.
    fn field_of_event(&self, slot: usize) -> Option<&Field> {
        match slot.checked_sub(self.first_output_slot()) {
            Some(output) => self.outputs.get(output).map(|output| &output.field),
            None => self.carried.get(slot.checked_sub(self.first_carried_slot())?),
        }
    }
}

fn write_head(text: &mut String, table: &Table) -> fmt::Result {
    writeln!(
        text,
        "  from {} (topic {}, event time {}, watermark delay {})",
        table.name,
        table.topic,
        column_name(table, table.event_time),
        table.watermark_delay
    )
}

/// A table's column as SQL.
pub(super) fn column_name(table: &Table, slot: usize) -> String {
    table.columns.get(slot).map_or_else(String::new, |column| quoted(&column.name))
}

/// A name as SQL: in quotes unless it reads plainly without.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// An aggregate with its input as SQL.
pub(super) fn aggregate(aggregate: Aggregate, input: &Input, names: &impl Fn(usize) -> String) -> String {
    let argument = input.argument.as_ref().map_or_else(|| "*".to_owned(), |it| it.display(names).to_string());
    let filter = input.filter.as_ref().map(|it| format!(" FILTER (WHERE {})", it.display(names)));
    let (name, distinct) = match aggregate.function {
        AggregateFunction::Count => ("count", ""),
        AggregateFunction::CountDistinct => ("count", "DISTINCT "),
        AggregateFunction::Sum => ("sum", ""),
        AggregateFunction::Min => ("min", ""),
        AggregateFunction::Max => ("max", ""),
        AggregateFunction::Avg => ("avg", ""),
    };
    format!("{name}({distinct}{argument}){}", filter.unwrap_or_default())
}

impl fmt::Display for Window {
    /// `TUMBLE 10 s`, `HOP 5 min every 10 s`, `SESSION gap 30 min`, `OVER 10 min preceding`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grid { size, slide } if size == slide => write!(f, "TUMBLE {size}"),
            Self::Grid { size, slide } => write!(f, "HOP {size} every {slide}"),
            Self::Session { gap } => write!(f, "SESSION gap {gap}"),
            Self::Over { range } => write!(f, "OVER {range} preceding: a row an event"),
            Self::Event => f.write_str("none: a row an event"),
        }
    }
}
