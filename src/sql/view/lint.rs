//! What would parse and be wrong.

use super::group::Group;
use crate::sql::{
    error::{Diagnostics, Place},
    expr::Expr,
    plan::{Options, Output, View, Window},
    relation::{Known, Relation},
};
use crate::{time::Millis, value::Type};

/// A session's key must not be spread over partitions: the group key has to hold the topic's key.
pub(super) fn session_keys(group: &Group, relation: &Relation, known: Known<'_>, errors: &mut Diagnostics) {
    let Window::Session { .. } = group.window else { return };
    let place: &Place = &group.place;
    for branch in &relation.branches {
        let Some(table) = known.table(branch) else { continue };
        let Some(key) = table.key else { continue };
        if group.keys.iter().any(|part| branch.resolve(&part.expr) == Expr::Column(key)) {
            continue;
        }
        let name = table.columns.get(key).map_or("", |column| column.name.as_str());
        let message = format!(
            "SESSION needs each key's events in one partition, but topic \"{}\" is keyed by \"{name}\"; expected \
             \"{name}\" in GROUP BY, or a topic that is keyed by what is grouped by",
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
