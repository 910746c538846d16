//! What would parse and be wrong.

use super::group::Group;
use crate::sql::{
    error::{Diagnostics, Place},
    expr::Expr,
    plan::Window,
    relation::{Known, Relation},
};

/// A session's key must not be spread over partitions: the group key has to hold the topic's key.
pub(super) fn session_keys(group: &Group, relation: &Relation, known: Known<'_>, errors: &mut Diagnostics) {
    let Window::Session { .. } = group.window else { return };
    let place: &Place = &group.place;
    for branch in &relation.branches {
        let Some(table) = known.tables.get(branch.table).map(|draft| &draft.table) else { continue };
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
