//! A view's plan in words: what `weir explain` prints.

use std::fmt::{self, Write as _};

use super::{
    aggregates::{Aggregate, AggregateFunction, Spread},
    expr::{Expr, Function},
    pattern::{Pattern, PatternVariable, Pick},
    plan::{
        Catalog, Earlier, Format, Input, Sentence, Source, Table, View, WINDOW_END, WINDOW_START, Window,
        Writer,
    },
};
use crate::{avro, protobuf};

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
            match (keys.is_empty(), self.window) {
                (true, Window::Running) => "none: one row".to_owned(),
                (true, Window::Match { .. } | Window::Over { .. } | Window::Event) => "none".to_owned(),
                (true, _) => "none: one row a window".to_owned(),
                _ => keys.join(", "),
            }
        )?;
        self.write_sources(text, catalog)?;
        if let Some(pattern) = &self.pattern {
            self.write_pattern(text, pattern)?;
        }
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
            let clause = match self.window {
                window if window.is_by_event() => "qualify",
                Window::Match { .. } => "where",
                _ => "having",
            };
            writeln!(text, "  {clause} {}", having.display(&|slot| self.slot_name(slot)))?;
        }
        let options = &self.options;
        if let Some(generation) = &options.generation {
            writeln!(text, "  generation {generation}")?;
        }
        writeln!(text, "  allowed lateness {}", options.allowed_lateness)?;
        writeln!(text, "  idle after {}, flushed after {}", options.idle_timeout, options.flush_after)?;
        writeln!(text, "  history {}", options.history)?;
        if options.alert {
            writeln!(text, "  alerts, at most one a key in {}", options.cooldown)?;
        }
        writeln!(
            text,
            "  results to {}",
            options.topic.as_deref().map_or("no topic".to_owned(), |topic| format!("topic {topic}"))
        )?;
        if let Some(Sentence { topic, template }) = &options.sentence {
            let template = template.display(|slot| self.told_name(slot).to_owned());
            writeln!(text, "  sentences to topic {topic}: {template}")?;
        }
        Ok(())
    }

    /// The name of a slot of [`Sentence::template`].
    fn told_name(&self, slot: usize) -> &str {
        match self.outputs.get(slot) {
            Some(output) => &output.field.name,
            None => Sentence::BEYOND.get(slot - self.outputs.len()).copied().unwrap_or_default(),
        }
    }

    /// Sources that read alike share one paragraph.
    fn write_sources(&self, text: &mut String, catalog: &Catalog) -> fmt::Result {
        let mut last: Option<String> = None;
        let mut bodies: Vec<(String, String)> = Vec::new();
        for source in &self.sources {
            let (mut head, mut body) = (String::new(), String::new());
            if let Some(table) = source.table(catalog) {
                self.write_source(&mut body, source, &|slot| column_name(table, slot))?;
                write_head(&mut head, table)?;
            } else if let Some(upstream) = source.view(catalog) {
                let columns: Vec<String> = upstream.row_columns().map(|field| quoted(&field.name)).collect();
                let name = |slot: usize| columns.get(slot).cloned().unwrap_or_default();
                self.write_source(&mut body, source, &name)?;
                let windows = if self.keeps_windows { ", in its windows" } else { "" };
                writeln!(head, "  from view {}{windows}", upstream.name)?;
            }
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

    fn write_source(
        &self,
        text: &mut String,
        source: &Source,
        name: &impl Fn(usize) -> String,
    ) -> fmt::Result {
        if let Some(filter) = &source.filter {
            writeln!(text, "    where {}", filter.display(name))?;
        }
        for (key, field) in source.keys.iter().zip(&self.keys) {
            writeln!(text, "    key {} = {}", field.name, key.display(name))?;
        }
        for (index, (input, function)) in source.inputs.iter().zip(&self.aggregates).enumerate() {
            writeln!(text, "    #{} {} = {}", index + 1, function.result, aggregate(*function, input, name))?;
        }
        for (field, expr) in self.carried.iter().zip(&source.carried) {
            writeln!(text, "    carries {} {} = {}", quoted(&field.name), field.kind, expr.display(&name))?;
        }
        Ok(())
    }

    fn write_pattern(&self, text: &mut String, pattern: &Pattern) -> fmt::Result {
        let Pattern { variables, runs, skip, .. } = pattern;
        writeln!(text, "  pattern {}, skip {skip}", runs.display(variables))?;
        for PatternVariable { name, condition } in variables {
            if let Some(condition) = condition {
                let condition = condition.display(&|slot| self.slot_name(slot)).to_string();
                writeln!(text, "    {} where {condition}", quoted(name))?;
            }
        }
        for (index, variable) in pattern.taken_by.iter().enumerate() {
            if let Some(variable) = variable.and_then(|variable| variables.get(variable)) {
                writeln!(text, "    #{} of {}", index + 1, quoted(&variable.name))?;
            }
        }
        Ok(())
    }

    /// `FIRST(x.col)`, `LAST(x.col, 1)`.
    fn pick_name(&self, pick: Pick) -> String {
        let variables = self.pattern.as_ref().map_or(&[][..], |pattern| &pattern.variables);
        let variable = pick.variable.and_then(|variable| variables.get(variable));
        let variable = variable.map_or_else(String::new, |variable| format!("{}.", quoted(&variable.name)));
        let column = self.carried.get(pick.carried).map_or_else(String::new, |field| quoted(&field.name));
        let end = if pick.from_first { "FIRST" } else { "LAST" };
        let away = if pick.away == 0 { String::new() } else { format!(", {}", pick.away) };
        format!("{end}({variable}{column}{away})")
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
            behind => match self.previous.get(behind - 2) {
                Some(earlier) => format!("previous({})", self.earlier_name(*earlier)),
                None => self.name_behind_previous(slot),
            },
        }
    }
}

impl View {
    /// The name of a slot of something of the event, or of a column.
    fn name_behind_previous(&self, slot: usize) -> String {
        if let Some(output) = slot.checked_sub(self.first_output_slot()) {
            return self.output_name(output);
        }
        let pick = slot.checked_sub(self.first_pick_slot());
        if let Some(pick) = pick.and_then(|pick| self.pattern.as_ref()?.picks.get(pick)) {
            return self.pick_name(*pick);
        }
        let carried = slot.checked_sub(self.first_carried_slot());
        let field = carried.and_then(|carried| self.carried.get(carried));
        field.map_or_else(String::new, |field| quoted(&field.name))
    }

    fn output_name(&self, output: usize) -> String {
        self.outputs.get(output).map_or_else(String::new, |output| quoted(&output.field.name))
    }

    fn earlier_name(&self, earlier: Earlier) -> String {
        match earlier {
            Earlier::Output(output) => self.output_name(output),
            Earlier::Start => WINDOW_START.to_owned(),
            Earlier::End => WINDOW_END.to_owned(),
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
    )?;
    match &table.format {
        Format::Json => {}
        Format::Text(pattern) => {
            writeln!(text, "    text {}", pattern.display(|slot| column_name(table, slot)))?;
        }
        Format::Avro(Writer::Schema(schema)) => {
            let field = |field: &avro::Field| format!("{} {}", field.name, schema.name(field.node));
            let fields: Vec<_> = schema.fields().iter().map(field).collect();
            writeln!(text, "    avro {}", fields.join(", "))?;
        }
        Format::Protobuf(Writer::Schema(record)) => {
            let schema = &record.schema;
            let field = |field: &protobuf::Field| format!("{} {}", field.name, schema.name(field));
            let fields: Vec<_> = record.fields().iter().map(field).collect();
            writeln!(text, "    protobuf {}: {}", schema.message(record.message).name, fields.join(", "))?;
        }
        Format::Avro(Writer::Confluent) => {
            writeln!(text, "    avro by the schemas of a registry (Confluent's frame)")?;
        }
        Format::Avro(Writer::Glue) => writeln!(text, "    avro by the schemas of AWS Glue's registry")?,
        Format::Protobuf(Writer::Confluent) => {
            writeln!(text, "    protobuf by the schemas of a registry (Confluent's frame)")?;
        }
        Format::Protobuf(Writer::Glue) => {
            writeln!(text, "    protobuf by the schemas of AWS Glue's registry")?;
        }
    }
    for column in table.columns.iter().filter(|column| !column.is_fed_by_its_name()) {
        writeln!(text, "    column {} = field {}", quoted(&column.name), column.fields.join(", else "))?;
    }
    Ok(())
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
    use AggregateFunction as F;
    let argument = match &input.argument {
        None => "*".to_owned(),
        Some(Expr::Call { function: Function::Steps, arguments }) => {
            let steps = arguments.iter().map(|step| step.display(names).to_string());
            steps.collect::<Vec<_>>().join(", ")
        }
        Some(argument) => argument.display(names).to_string(),
    };
    let call = match aggregate.function {
        F::Count => format!("count({argument})"),
        F::CountDistinct => format!("count(DISTINCT {argument})"),
        F::Sum => format!("sum({argument})"),
        F::Min => format!("min({argument})"),
        F::Max => format!("max({argument})"),
        F::Avg => format!("avg({argument})"),
        F::ArrayDistinct => format!("array_agg(DISTINCT {argument})"),
        F::First => format!("first({argument})"),
        F::Last => format!("last({argument})"),
        F::ApproxCountDistinct => format!("approx_count_distinct({argument})"),
        F::ApproxPercentile(fraction) => format!("approx_percentile({argument}, {fraction:?})"),
        F::Spread(Spread::DeviationOfSample) => format!("stddev_samp({argument})"),
        F::Spread(Spread::Deviation) => format!("stddev_pop({argument})"),
        F::Spread(Spread::VarianceOfSample) => format!("var_samp({argument})"),
        F::Spread(Spread::Variance) => format!("var_pop({argument})"),
        F::WindowFunnel(span) => format!("window_funnel(INTERVAL '{span}', {argument})"),
    };
    let filter = input.filter.as_ref().map(|it| format!(" FILTER (WHERE {})", it.display(names)));
    call + filter.as_deref().unwrap_or_default()
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
            Self::Match { within } => write!(f, "MATCH within {within}: a row a match"),
            Self::Running => f.write_str("none: rows so far, for ever"),
        }
    }
}
