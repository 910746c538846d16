//! `WITH (format = 'text', pattern = '...')`, `WITH (format = 'avro', schema = '...')`, `WITH (format = 'protobuf',
//! schema = '...')`: what a topic's records are.

use std::sync::Arc;

use super::{
    error::{Diagnostics, Place},
    names,
    options::WithOptions,
    plan::{Column, Format, Writer},
    template::{self, Template},
};
use crate::{avro, protobuf, value::Type};

const FORMATS: [&str; 8] = [
    "json",
    "text",
    "avro",
    "avro-confluent",
    "avro-glue",
    "protobuf",
    "protobuf-confluent",
    "protobuf-glue",
];

/// An option's text and its place.
type Given = Option<(String, Place)>;

/// Takes the options out. Columns that are `broken` are left in peace.
pub(super) fn check(
    options: &mut WithOptions,
    columns: &[Column],
    broken: &[usize],
    event_time: Option<usize>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Format {
    let format = options.text("format", errors);
    let [pattern, schema, message] = ["pattern", "schema", "message"].map(|name| options.text(name, errors));
    let name = format.as_ref().map_or_else(|| "json".to_owned(), |(name, _)| name.to_ascii_lowercase());
    if let Some((name, at)) = &format
        && FORMATS.iter().all(|known| !name.eq_ignore_ascii_case(known))
    {
        errors.error(at, names::unknown("format", name, FORMATS.into_iter()));
        return Format::Json;
    }
    if let (Some((_, at)), false) = (&pattern, name == "text") {
        errors.error(at, "option \"pattern\" is for plain text; expected format = 'text' beside it");
    }
    if let (Some((_, at)), false) = (&schema, matches!(name.as_str(), "avro" | "protobuf")) {
        errors.error(
            at,
            "option \"schema\" is for Avro or Protobuf without a registry; expected format = 'avro' or 'protobuf' beside it",
        );
    }
    if let (Some((_, at)), false) = (&message, name == "protobuf") {
        errors.error(
            at,
            "option \"message\" is for Protobuf without a registry; expected format = 'protobuf' beside it",
        );
    }
    let columns_of_schema = Columns { all: columns, broken, event_time };
    match name.as_str() {
        "text" => text(pattern, columns, event_time, place, errors),
        "avro" => avro(schema, &columns_of_schema, place, errors),
        "protobuf" => protobuf(
            schema,
            message.as_ref().map(|(name, _)| name.as_str()),
            &columns_of_schema,
            place,
            errors,
        ),
        "avro-confluent" => Some(Format::Avro(Writer::Confluent)),
        "avro-glue" => Some(Format::Avro(Writer::Glue)),
        "protobuf-confluent" => Some(Format::Protobuf(Writer::Confluent)),
        "protobuf-glue" => Some(Format::Protobuf(Writer::Glue)),
        _ => None,
    }
    .unwrap_or_default()
}

fn text(
    pattern: Given,
    columns: &[Column],
    event_time: Option<usize>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Format> {
    let Some((pattern, at)) = pattern else {
        errors.error(
            place,
            "format = 'text' needs a pattern; expected one such as pattern = 'User {user_id} at {ts}'",
        );
        return None;
    };
    only_json_has_fields(columns, &at, errors);
    let pattern = read(&pattern, columns, &at, errors)?;
    all_are_filled(&pattern, columns, event_time, &at, errors);
    Some(Format::Text(pattern))
}

/// The columns that a schema has to feed.
struct Columns<'c> {
    all: &'c [Column],
    broken: &'c [usize],
    event_time: Option<usize>,
}

fn avro(schema: Given, columns: &Columns<'_>, place: &Place, errors: &mut Diagnostics) -> Option<Format> {
    let Some((text, at)) = schema else {
        errors.error(
            place,
            "format = 'avro' needs the schema that all records were written by; expected schema = '{\"type\": \"record\", \
             ...}', or format = 'avro-confluent' or 'avro-glue' where a registry knows it",
        );
        return None;
    };
    match avro::Schema::parse(&text) {
        Ok(schema) => {
            let fields = schema.fields().iter().map(|field| Offered {
                names: [&field.name; 2],
                is: schema.name(field.node),
                fits: Box::new(|kind| schema.fits(field.node, kind)),
            });
            columns.check(&fields.collect::<Vec<_>>(), &at, errors);
            Some(Format::Avro(Writer::Schema(Arc::new(schema))))
        }
        Err(error) => {
            errors.error(&at, format!("option \"schema\" is no Avro schema of records: {error}"));
            None
        }
    }
}

fn protobuf(
    schema: Given,
    message: Option<&str>,
    columns: &Columns<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Format> {
    let Some((text, at)) = schema else {
        errors.error(
            place,
            "format = 'protobuf' needs the schema that all records were written by; expected schema = 'syntax = \"proto3\"; \
             ...', or format = 'protobuf-confluent' or 'protobuf-glue' where a registry knows it",
        );
        return None;
    };
    match protobuf::Record::parse(&text, message) {
        Ok(record) => {
            let fields = record.fields().iter().map(|field| Offered {
                names: field.names(),
                is: record.schema.name(field),
                fits: Box::new(|kind| record.schema.fits(field, kind)),
            });
            let fields: Vec<_> = fields.collect();
            // A build without it knows no fields.
            if cfg!(feature = "protobuf") {
                columns.check(&fields, &at, errors);
            }
            drop(fields);
            Some(Format::Protobuf(Writer::Schema(Arc::new(record))))
        }
        Err(error) => {
            errors.error(&at, format!("option \"schema\" is no Protobuf schema: {error}"));
            None
        }
    }
}

/// A field that a schema has.
struct Offered<'s> {
    /// The names that it goes by; the first is the schema's own.
    names: [&'s str; 2],
    /// What it is, as the schema says it.
    is: String,
    /// Whether it can feed a column of a type.
    fits: Box<dyn Fn(Type) -> bool + 's>,
}

impl Offered<'_> {
    fn feeds(&self, column: &Column) -> bool {
        column.fields.iter().any(|field| self.names.contains(&field.as_str()))
    }

    fn name(&self) -> &str {
        let [name, _] = self.names;
        name
    }
}

impl Columns<'_> {
    /// What no record can have is told here, not by each record.
    fn check(&self, schema: &[Offered<'_>], place: &Place, errors: &mut Diagnostics) {
        let columns = self.all.iter().enumerate().filter(|(slot, _)| !self.broken.contains(slot));
        for (slot, column) in columns {
            let fields = schema.iter().filter(|field| field.feeds(column));
            let mut fields = fields.peekable();
            if fields.peek().is_none() && (column.not_null || self.event_time == Some(slot)) {
                let why = if column.not_null { "NOT NULL" } else { "the event time" };
                let names = column.fields.join(" or ");
                let all: Vec<_> = schema.iter().map(Offered::name).collect();
                let message = format!(
                    "column \"{}\" is {why}, but the schema has no field {names}; expected one of {}",
                    column.name,
                    all.join(", ")
                );
                errors.error(place, message);
            }
            for field in fields.filter(|field| !(field.fits)(column.kind)) {
                let message = format!(
                    "column \"{}\" is {}, but the schema's field \"{}\" is {}; expected another type of column",
                    column.name,
                    column.kind,
                    field.name(),
                    field.is
                );
                errors.error(place, message);
            }
        }
    }
}

fn only_json_has_fields(columns: &[Column], place: &Place, errors: &mut Diagnostics) {
    for column in columns.iter().filter(|column| !column.is_fed_by_its_name()) {
        let message = format!(
            "column \"{}\" names a field in OPTIONS, but the records are plain text; expected a hole {{{0}}} in the \
             pattern and no OPTIONS",
            column.name
        );
        errors.error(place, message);
    }
}

fn read(pattern: &str, columns: &[Column], place: &Place, errors: &mut Diagnostics) -> Option<Template> {
    let names = columns.iter().map(|column| column.name.as_str());
    let name = |slot: usize| columns.get(slot).map_or("", |column| column.name.as_str());
    let mut before: Vec<template::Hole> = Vec::new();
    template::read("pattern", pattern, &names, place, errors, |at, hole, errors| {
        if before.iter().any(|other| other.slot == hole.slot) {
            let message = format!("{{{}}} stands twice in the pattern; expected once", name(hole.slot));
            errors.error(at, message);
        }
        if let Some(last) = before.last().filter(|last| last.then.is_empty()) {
            let message = format!(
                "nothing stands between {{{}}} and {{{}}}; expected text that tells where the first ends",
                name(last.slot),
                name(hole.slot)
            );
            errors.error(at, message);
        }
        before.push(hole.clone());
    })
}

/// What has no hole is NULL in every record.
fn all_are_filled(
    pattern: &Template,
    columns: &[Column],
    event_time: Option<usize>,
    place: &Place,
    errors: &mut Diagnostics,
) {
    for (slot, column) in columns.iter().enumerate() {
        let is_needed = column.not_null || Some(slot) == event_time;
        if is_needed && pattern.holes.iter().all(|hole| hole.slot != slot) {
            let why = if Some(slot) == event_time { "the event time" } else { "NOT NULL" };
            let message = format!(
                "column \"{}\" is {why} and has no hole in the pattern; expected {{{0}}} in it",
                column.name
            );
            errors.error(place, message);
        }
    }
}
