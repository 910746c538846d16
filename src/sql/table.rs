//! `CREATE TABLE name (column TYPE [NOT NULL], ...) WITH (...)`: a topic and its records.

use sqlparser::ast::{ColumnDef, ColumnOption, CreateTable, CreateTableOptions, Ident, Spanned};

use super::{
    entrance,
    error::{Diagnostics, Place},
    fallback, format,
    names::{self, Match},
    options::WithOptions,
    plan::{Column, Entrance, Format, Table},
    types,
};
use crate::{time::Millis, value::Type};

const OPTIONS: [&str; 11] = [
    "topic",
    "key",
    "event_time",
    "watermark_delay",
    "max_ahead",
    "format",
    "pattern",
    "schema",
    "message",
    "route",
    "websocket",
];

/// A table, and what of it could not be made out.
pub(super) struct TableDraft {
    pub(super) table: Table,
    /// Where its statement stands.
    pub(super) place: Place,
    /// The columns whose type is unknown: what refers to them is not to blame.
    pub(super) broken: Vec<usize>,
}

/// Checks a statement. Without event time there is no table.
pub(super) fn check(create: &CreateTable, place: &Place, errors: &mut Diagnostics) -> Option<TableDraft> {
    let name = names::single(&create.name);
    let place = place.at(&create.name);
    let Some(name) = name else {
        errors.error(&place, format!("found {}; expected a name without a schema", create.name));
        return None;
    };
    check_shape(create, &place, errors);
    let (columns, broken) = columns(&create.columns, &place, errors);
    let mut options = WithOptions::read(&create.table_options, &OPTIONS, &place, errors);
    let topic = options.text("topic", errors).map_or_else(|| name.value.clone(), |(topic, _)| topic);
    let key =
        options.text("key", errors).and_then(|(key, at)| column_named("key", &key, &columns, &at, errors));
    let watermark_delay = options.span("watermark_delay", Millis(0), errors);
    let max_ahead = options.span("max_ahead", Millis::hours(1), errors);
    let event_time = event_time(&mut options, &columns, &broken, &place, errors);
    let format = format::check(&mut options, &columns, &broken, event_time, &place, errors);
    let entrance = entrance::check(&mut options, errors);
    no_default_without_json(&columns, &format, &place, errors);
    no_entrance_for_bare_records(&entrance, &format, &place, errors);
    let (name, event_time) = (name.value.clone(), event_time?);
    let table = Table { name, topic, columns, format, key, event_time, watermark_delay, max_ahead, entrance };
    Some(TableDraft { table, place, broken })
}

/// Plain text is taken as it is; bare Avro and Protobuf the API does not take at all.
fn no_default_without_json(columns: &[Column], format: &Format, place: &Place, errors: &mut Diagnostics) {
    let records = match (format, format.bare()) {
        (Format::Text(_), _) => "plain text".to_owned(),
        (_, Some(records)) => format!("{records} without a registry"),
        (_, None) => return,
    };
    if let Some(column) = columns.iter().find(|column| column.fallback.is_some()) {
        let message = format!(
            "column \"{}\" has a DEFAULT, but records of {records} are taken as they are; expected none",
            column.name
        );
        errors.error(place, message);
    }
}

fn no_entrance_for_bare_records(
    entrance: &Entrance,
    format: &Format,
    place: &Place,
    errors: &mut Diagnostics,
) {
    if let (true, Some(records)) = (entrance.route.is_some() || entrance.websocket, format.bare()) {
        let message = format!(
            "the API takes no events for a topic of {records} without a registry; expected neither \"route\" nor \
             \"websocket\""
        );
        errors.error(place, message);
    }
}

fn check_shape(create: &CreateTable, place: &Place, errors: &mut Diagnostics) {
    if create.query.is_some() || create.like.is_some() || create.clone.is_some() {
        errors
            .error(place, "a table describes a topic: expected its columns, found a query or another table");
    }
    for constraint in &create.constraints {
        let message = format!(
            "table constraints are not supported, found {constraint}; expected columns such as user_id TEXT NOT NULL"
        );
        errors.error(&place.at(constraint), message);
    }
    if create.columns.is_empty() {
        errors.error(place, "a table needs columns, such as (user_id TEXT NOT NULL, ts TIMESTAMP NOT NULL)");
    }
}

fn columns(defs: &[ColumnDef], place: &Place, errors: &mut Diagnostics) -> (Vec<Column>, Vec<usize>) {
    let mut columns: Vec<Column> = Vec::with_capacity(defs.len());
    let mut broken = Vec::new();
    for def in defs {
        let at = place.with_span(def.name.span);
        if columns.iter().any(|column| column.name == def.name.value) {
            errors.error(&at, format!("column \"{}\" is declared twice", def.name.value));
            continue;
        }
        let kind = types::of(&def.data_type);
        if kind.is_none() {
            let message = format!("unknown type {}; expected {}", def.data_type, types::EXPECTED);
            errors.error(&at, message);
            broken.push(columns.len());
        }
        let column = Column::new(&def.name.value, kind.unwrap_or(Type::Text), false);
        columns.push(constrained(column, def, &at, errors));
    }
    no_field_feeds_two(&columns, defs, place, errors);
    (columns, broken)
}

/// The column with what stands behind its type.
fn constrained(mut column: Column, def: &ColumnDef, place: &Place, errors: &mut Diagnostics) -> Column {
    for option in &def.options {
        match &option.option {
            ColumnOption::NotNull => column.not_null = true,
            ColumnOption::Null | ColumnOption::Comment(_) => {}
            ColumnOption::Options(options) => {
                let options = CreateTableOptions::With(options.clone());
                let mut options = WithOptions::read(&options, &["field"], place, errors);
                if let Some((names, at)) = options.text("field", errors) {
                    column.fields = fields(&names, &at, errors);
                }
            }
            ColumnOption::Default(value) => column.fallback = fallback::check(&column, value, place, errors),
            other => {
                let message = format!(
                    "found {other}; expected NOT NULL, DEFAULT ..., OPTIONS (field = '...') or nothing"
                );
                errors.error(&place.with_span(other.span()), message);
            }
        }
    }
    column
}

/// The names of fields, with commas between.
fn fields(names: &str, place: &Place, errors: &mut Diagnostics) -> Vec<String> {
    let fields: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if fields.iter().any(String::is_empty) || fields.len() > MAX_FIELDS {
        let message = format!(
            "option \"field\" is '{names}'; expected the names of at most {MAX_FIELDS} fields with commas between, \
             such as field = 'timestamp, ts'"
        );
        errors.error(place, message);
    }
    fields
}

/// How many fields may feed a column.
const MAX_FIELDS: usize = 100;

fn no_field_feeds_two(columns: &[Column], defs: &[ColumnDef], place: &Place, errors: &mut Diagnostics) {
    let mut fed: Vec<(&str, &str)> = Vec::new();
    for column in columns {
        for field in &column.fields {
            if let Some((_, other)) = fed.iter().find(|(known, _)| known == field) {
                let def = defs.iter().rfind(|def| def.name.value == column.name);
                let at = def.map_or_else(|| place.clone(), |def| place.with_span(def.name.span));
                let message = format!(
                    "field \"{field}\" feeds column \"{other}\" already; expected a field that feeds one column"
                );
                errors.error(&at, message);
            }
            fed.push((field, &column.name));
        }
    }
}

/// The column that an option names.
fn column_named(
    option: &str,
    name: &str,
    columns: &[Column],
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<usize> {
    let candidates = columns.iter().map(|column| column.name.as_str());
    if let Match::One(index) = names::find(&Ident::new(name), candidates.clone()) {
        return Some(index);
    }
    errors.error(place, format!("{} in option \"{option}\"", names::unknown("column", name, candidates)));
    None
}

/// The option's column, or the only TIMESTAMP.
fn event_time(
    options: &mut WithOptions,
    columns: &[Column],
    broken: &[usize],
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<usize> {
    if let Some((name, at)) = options.text("event_time", errors) {
        let index = column_named("event_time", &name, columns, &at, errors)?;
        let column = columns.get(index)?;
        if !matches!(column.kind, Type::Timestamp | Type::BigInt) && !broken.contains(&index) {
            let message = format!(
                "event_time column \"{}\" is {}; expected TIMESTAMP, or BIGINT for epoch milliseconds",
                column.name, column.kind
            );
            errors.error(&at, message);
        }
        return Some(index);
    }
    let mut timestamps = columns.iter().enumerate().filter(|(_, column)| column.kind == Type::Timestamp);
    match (timestamps.next(), timestamps.next()) {
        (Some((index, _)), None) => Some(index),
        (found, _) => {
            let why = if found.is_some() { "several TIMESTAMP columns" } else { "no TIMESTAMP column" };
            let message =
                format!("this table has {why}; expected WITH (event_time = '...') to name its event time");
            errors.error(place, message);
            None
        }
    }
}
