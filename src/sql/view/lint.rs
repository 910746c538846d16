//! What would parse and be wrong.

use super::group::{Group, Key};
use crate::sql::{
    error::{Diagnostics, Place},
    expr::Expr,
    plan::Window,
    relation::{Known, Relation},
};

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
        let Some(table) = known.tables.get(branch.table).map(|draft| &draft.table) else { continue };
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
