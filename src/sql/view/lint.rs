//! What would parse and be wrong.

use super::group::{Group, Key};
use crate::sql::{
    error::{Diagnostics, Place},
    expr::Expr,
    known::Known,
    plan::{Options, Output, View, Window},
    relation::Relation,
};
use crate::{time::Millis, value::Type};

/// A session's key must not be spread over partitions: the group key has to hold the topic's key.
pub(super) fn session_keys(group: &Group, relation: &Relation, known: Known<'_>, errors: &mut Diagnostics) {
    if let Window::Session { .. } = group.window {
        keys_stay(("SESSION", "GROUP BY"), &group.keys, &group.place, relation, known, errors);
    }
}

/// The events before an event must be in its partition: PARTITION BY has to hold the topic's key.
pub(super) fn over_keys(
    keys: &[Key],
    place: &Place,
    relation: &Relation,
    known: Known<'_>,
    errors: &mut Diagnostics,
) {
    keys_stay(("OVER", "PARTITION BY"), keys, place, relation, known, errors);
}

/// The events of a match must be in partitions of one number.
pub(super) fn match_keys(
    keys: &[Key],
    place: &Place,
    relation: &Relation,
    known: Known<'_>,
    errors: &mut Diagnostics,
) {
    keys_stay(("MATCH_RECOGNIZE", "PARTITION BY"), keys, place, relation, known, errors);
}

/// What a view in which every match makes a row cannot have.
pub(super) fn matching(options: &Options, place: &Place, errors: &mut Diagnostics) {
    if options.cooldown > Millis(0) {
        let message = "\"cooldown\" is from window to window, and here every match makes a row; expected a pattern that \
                       matches less often";
        errors.error(place, message);
    }
    if options.allowed_lateness > Millis(0) {
        let message = "a match is final when it is given; expected no \"allowed_lateness\", or a larger \
                       watermark_delay on the table";
        errors.error(place, message);
    }
}

/// A key's events must not be in partitions of several topics, each of which has a writer of its own.
pub(super) fn one_table(relation: &Relation, place: &Place, errors: &mut Diagnostics) {
    if relation.branches.len() > 1 {
        errors.error(place, "OVER reads one table, and FROM has several; expected a view for each");
    }
}

fn keys_stay(
    (what, clause): (&str, &str),
    keys: &[Key],
    place: &Place,
    relation: &Relation,
    known: Known<'_>,
    errors: &mut Diagnostics,
) {
    for branch in &relation.branches {
        let Some(table) = known.table(branch) else { continue };
        let Some(key) = table.key else { continue };
        if keys.iter().any(|part| branch.resolve(&part.expr) == Expr::Column(key)) {
            continue;
        }
        let name = table.columns.get(key).map_or("", |column| column.name.as_str());
        let message = format!(
            "{what} needs each key's events in one partition, but topic \"{}\" is keyed by \"{name}\"; expected \
             \"{name}\" in {clause}, or a topic that is keyed by what is in {clause}",
            table.topic
        );
        errors.error(place, message);
    }
}

/// An alert says how severe it is.
pub(super) fn alert(options: &Options, outputs: &[Output], place: &Place, errors: &mut Diagnostics) {
    let severity = outputs.iter().find(|output| output.field.name == "severity");
    if options.alert && severity.is_none_or(|output| output.field.kind != Type::Text) {
        let found = severity.map_or("none".to_owned(), |output| output.field.kind.to_string());
        errors.error(
            place,
            format!("an alert has a column \"severity\" of type TEXT, found {found}; expected such as 'HIGH' AS severity"),
        );
    }
    if !options.alert && options.cooldown > Millis(0) {
        errors.error(place, "\"cooldown\" is of alerts; expected alert = true beside it");
    }
}

/// Without a window nothing is late.
pub(super) fn running(options: &Options, group: &Group, errors: &mut Diagnostics) {
    if group.window == Window::Running && options.allowed_lateness > Millis(0) {
        let message = "a view without a window takes every event; expected no \"allowed_lateness\", or GROUP BY with \
                       one of TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts, gap)";
        errors.error(&group.place, message);
    }
}

/// What a view in which every event makes a row cannot have.
pub(super) fn by_event(options: &Options, has_frames: bool, place: &Place, errors: &mut Diagnostics) {
    if options.cooldown > Millis(0) {
        let message = "\"cooldown\" is from window to window, and here every event makes a row; expected it on a view \
                       with a window";
        errors.error(place, message);
    }
    if !has_frames && options.allowed_lateness > Millis(0) {
        let message = "a view without OVER and GROUP BY takes every event; expected no \"allowed_lateness\"";
        errors.error(place, message);
    }
}

/// What a view over a view cannot have.
pub(super) fn over_view(options: &Options, group: &Group, upstream: Option<&View>, errors: &mut Diagnostics) {
    let Some(upstream) = upstream else { return };
    if options.allowed_lateness > Millis(0) {
        let message = format!(
            "a view over a view follows every revision; expected \"allowed_lateness\" on \"{}\" alone",
            upstream.name
        );
        errors.error(&group.place, message);
    }
    if let (true, Window::Grid { size, slide }) = (group.keeps_windows, upstream.window)
        && size.0 % slide.0 != 0
    {
        let message = format!(
            "the windows of view \"{}\" end off the grid of their slide; expected a size ({size}) that is a \
             multiple of the slide ({slide}), or TUMBLE(window_time, size)",
            upstream.name
        );
        errors.error(&group.place, message);
    }
    let is_session = matches!(upstream.window, Window::Session { .. });
    if is_session && upstream.options.allowed_lateness > Millis(0) {
        let message = format!(
            "sessions of view \"{}\" may still grow after they were given, which cannot be taken back here; \
             expected no \"allowed_lateness\" on it",
            upstream.name
        );
        errors.error(&group.place, message);
    }
}
