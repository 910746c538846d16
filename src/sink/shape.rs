//! What the rows of a view are as columns of a table.
//!
//! A table has the view's columns, then what every row has: its window, its revision, the record that it
//! is of, its id where it is an alert. Behind those stand columns of the sink's own, whose names begin
//! with `weir_`: where in the result topic the row stood.
//!
//! The identity tells one row from another: of several with the same one the highest revision is in force.

use std::collections::HashSet;

use crate::{
    sql::{Catalog, Expr, Output, SOURCE_RECORD, View, Window},
    value::Type,
};

/// The start of a row's window.
const WINDOW_START: &str = "window_start";
/// The end of a row's window.
const WINDOW_END: &str = "window_end";
/// A row's revision.
pub(super) const REVISION: &str = "revision";
/// An alert's id.
const ID: &str = "id";
/// The key of the row's message.
const KEY: &str = "weir_key";
/// The partition of the result topic.
pub(super) const PARTITION: &str = "weir_partition";
/// The offset there.
pub(super) const OFFSET: &str = "weir_offset";
/// The table of all alerts, of whatever view.
pub(super) const ALERTS: &str = "weir_alerts";

/// The columns of a view's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The table's name: that of the view, or [`ALERTS`].
    pub(super) name: String,
    /// Whether the rows are alerts, which stand in the table of all alerts too.
    pub(super) alert: bool,
    /// The columns.
    pub(super) columns: Vec<Column>,
    /// The places of the columns that tell a row from others.
    pub(super) identity: Vec<usize>,
    /// The place of the column whose date the row is kept under: that of its message without one.
    pub(super) time: Option<usize>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: Type,
    /// Where its value comes from.
    pub(super) origin: Origin,
    /// Whether every row has a value.
    pub(super) not_null: bool,
}

/// Where the value of a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The row's field of the column's name.
    Field,
    /// The row, whole.
    Row,
    /// The key of the row's message.
    Key,
    /// The partition of the result topic.
    Partition,
    /// The offset there.
    Offset,
}

/// A view has a column whose name the sink needs itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to make a table of view {view}: {reason}")]
pub struct ShapeError {
    /// The view.
    pub view: String,
    /// What is wrong and what was expected.
    pub reason: String,
}

impl Column {
    fn field(name: &str, kind: Type) -> Self {
        Self { name: name.to_owned(), kind, origin: Origin::Field, not_null: false }
    }

    fn required(name: &str, kind: Type) -> Self {
        Self { not_null: true, ..Self::field(name, kind) }
    }

    /// Its name in files, whose paths have a `view` and a `date` already.
    pub(super) fn name_in_files(&self) -> String {
        let taken = ["date", "view"].iter().any(|taken| self.name.eq_ignore_ascii_case(taken));
        if taken { format!("{}_", self.name) } else { self.name.clone() }
    }

    fn own(name: &str, kind: Type, origin: Origin) -> Self {
        Self { origin, ..Self::required(name, kind) }
    }
}

impl Shape {
    /// The tables of a catalog: one a view, and that of all alerts if there may be any.
    pub(super) fn all(catalog: &Catalog) -> Result<Vec<Self>, ShapeError> {
        let shapes = catalog.views.iter().map(|view| Self::of(view, catalog).checked());
        let mut shapes = shapes.collect::<Result<Vec<_>, _>>()?;
        if shapes.iter().any(|shape| shape.alert) {
            if shapes.iter().any(|shape| shape.name == ALERTS) {
                let reason = "the table of all alerts is called that; expected another name".to_owned();
                return Err(ShapeError { view: ALERTS.to_owned(), reason });
            }
            shapes.push(Self::alerts());
        }
        Ok(shapes)
    }

    fn of(view: &View, catalog: &Catalog) -> Self {
        let column = |output: &Output| Column::field(&output.field.name, output.field.kind);
        let mut columns: Vec<Column> = view.outputs.iter().map(column).collect();
        // The id of an alert stands in the place of a column of that name.
        columns.retain(|column| !(view.options.alert && column.name == ID));
        let mut identity = if view.options.alert { Vec::new() } else { keys(view, catalog, &mut columns) };
        let mut add = |column, tells| {
            if tells {
                identity.push(columns.len());
            }
            columns.push(column);
            columns.len() - 1
        };
        let time = (view.window != Window::Running).then(|| {
            let start = add(Column::required(WINDOW_START, Type::Timestamp), true);
            add(Column::required(WINDOW_END, Type::Timestamp), true);
            start
        });
        if view.options.alert {
            add(Column::required(ID, Type::Text), true);
        }
        add(Column::required(REVISION, Type::BigInt), false);
        if view.window.is_by_event() {
            add(Column::required(SOURCE_RECORD, Type::Text), true);
        }
        columns.extend(place());
        Self { name: view.name.clone(), alert: view.options.alert, columns, identity, time }
    }

    /// The table of all alerts: what all of them have, and the row as JSON.
    fn alerts() -> Self {
        let mut columns = vec![
            Column::required(ID, Type::Text),
            Column::required("view", Type::Text),
            Column::field("severity", Type::Text),
            Column::field("rule", Type::Text),
            Column::field(WINDOW_START, Type::Timestamp),
            Column::field(WINDOW_END, Type::Timestamp),
            Column::required(REVISION, Type::BigInt),
            Column::own("alert", Type::Json, Origin::Row),
        ];
        columns.extend(place());
        Self { name: ALERTS.to_owned(), alert: false, columns, identity: vec![0], time: Some(4) }
    }

    fn checked(self) -> Result<Self, ShapeError> {
        let mut names = HashSet::new();
        // As DuckDB and Athena compare names.
        let twice = self.columns.iter().find(|column| !names.insert(column.name_in_files().to_lowercase()));
        let Some(Column { name, .. }) = twice else { return Ok(self) };
        let reason = format!(
            "another column is called \"{name}\" too, but for capitals perhaps; expected another name behind AS"
        );
        Err(ShapeError { view: self.name, reason })
    }

    /// The columns that tell a row from others.
    pub(super) fn identity(&self) -> impl Iterator<Item = &Column> {
        self.identity.iter().filter_map(|place| self.columns.get(*place))
    }
}

/// Where in the result topic a row stood.
fn place() -> [Column; 2] {
    let own = |name, origin| Column::own(name, Type::BigInt, origin);
    [own(PARTITION, Origin::Partition), own(OFFSET, Origin::Offset)]
}

/// The places of the group key's columns. Where the view does not show all of them, or has none and no
/// window either, the message's key is a column too.
fn keys(view: &View, catalog: &Catalog, columns: &mut Vec<Column>) -> Vec<usize> {
    let shown = |slot| view.outputs.iter().position(|output| output.expr == Expr::Column(slot));
    let places: Vec<Option<usize>> = (0..view.keys.len()).map(shown).collect();
    for (slot, place) in places.iter().enumerate() {
        if let Some(column) = place.and_then(|place| columns.get_mut(place)) {
            column.not_null =
                view.sources.iter().all(|source| is_not_null(source.keys.get(slot), source.table(catalog)));
        }
    }
    let alone = view.keys.is_empty() && view.window == Window::Running;
    let hidden = places.contains(&None) || alone;
    let mut identity: Vec<usize> = places.into_iter().flatten().collect();
    if hidden {
        identity.push(columns.len());
        columns.push(Column { not_null: !alone, ..Column::own(KEY, Type::Text, Origin::Key) });
    }
    identity
}

fn is_not_null(key: Option<&Expr>, table: Option<&crate::sql::Table>) -> bool {
    let (Some(Expr::Column(column)), Some(table)) = (key, table) else { return false };
    table.columns.get(*column).is_some_and(|column| column.not_null)
}
