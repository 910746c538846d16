//! `WITH (format = 'text', pattern = '...')`: what a topic's records are.

use super::{
    error::{Diagnostics, Place},
    names,
    options::WithOptions,
    plan::{Column, Format},
    template::{self, Template},
};

const FORMATS: [&str; 2] = ["json", "text"];

/// Takes the options out. Columns that are `broken` are left in peace.
pub(super) fn check(
    options: &mut WithOptions,
    columns: &[Column],
    event_time: Option<usize>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Format {
    let format = options.text("format", errors);
    let pattern = options.text("pattern", errors);
    let is_text = format.as_ref().is_some_and(|(name, _)| name.eq_ignore_ascii_case("text"));
    match (format, pattern) {
        (Some((name, at)), _) if FORMATS.iter().all(|known| !name.eq_ignore_ascii_case(known)) => {
            errors.error(&at, names::unknown("format", &name, FORMATS.into_iter()));
        }
        (_, Some((pattern, at))) if is_text => {
            only_json_has_fields(columns, &at, errors);
            if let Some(pattern) = read(&pattern, columns, &at, errors) {
                all_are_filled(&pattern, columns, event_time, &at, errors);
                return Format::Text(pattern);
            }
        }
        (_, Some((_, at))) => {
            errors.error(&at, "option \"pattern\" is for plain text; expected format = 'text' beside it");
        }
        (_, None) if is_text => errors.error(
            place,
            "format = 'text' needs a pattern; expected one such as pattern = 'User {user_id} at {ts}'",
        ),
        (_, None) => {}
    }
    Format::Json
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
