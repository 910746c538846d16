//! One of the views of a join: what it brings, and whether it is there.

use sqlparser::ast::{Join, JoinConstraint, JoinOperator, Select, TableFactor};

use super::{super::over::START, PRESENCE, condition, window_name};
use crate::{
    sql::{
        aggregates::Aggregate,
        bind::Typed,
        error::{Diagnostics, Place},
        expr::{Comparison, Expr, Function},
        known::Known,
        names::{self, Match},
        plan::{Input, Origin, Source, View, Window},
    },
    time::Millis,
    value::Value,
};

/// One of the views of a join. Slots are those of the join: its keys, then the aggregates of each view, behind
/// these how many events the view has; the rest as `over` has them while a list is bound.
#[derive(Debug)]
pub(super) struct Side<'a> {
    /// What stands before its columns' dots.
    pub(super) name: String,
    pub(super) view: &'a View,
    /// For each key of the join, which of the view's it is.
    pub(super) keys: Vec<usize>,
    /// The slot of its first aggregate.
    first: usize,
    /// The slot of how many events it has.
    pub(super) presence: usize,
    /// Whether rows may lack it.
    pub(super) is_optional: bool,
    /// The keys that USING names: bare, they mean the join's.
    pub(super) merged: Vec<String>,
}

impl Side<'_> {
    /// Its aggregates, and how many events it has.
    pub(super) fn aggregates(&self) -> impl Iterator<Item = Aggregate> {
        self.view.aggregates.iter().copied().chain([PRESENCE])
    }

    /// An expression over the view's slots as one over the join's.
    fn resolve(&self, expr: &Expr) -> Expr {
        let view = self.view;
        let (keys, bounds, outputs) = (view.keys.len(), view.window_start_slot(), view.first_output_slot());
        expr.replace_columns(&|slot| match slot {
            slot if slot >= outputs => {
                view.outputs.get(slot - outputs).map_or(Expr::NULL, |output| self.resolve(&output.expr))
            }
            slot if slot >= bounds => Expr::Column(START + slot - bounds),
            slot if slot >= keys => Expr::Column(self.first + slot - keys),
            key => self.keys.iter().position(|of| *of == key).map_or(Expr::NULL, Expr::Column),
        })
    }

    /// Whether a row has its part.
    fn is_there(&self) -> Expr {
        let zero = Expr::Literal(Value::Int(0));
        let any = Expr::compare(Comparison::Greater, Expr::Column(self.presence), zero);
        let having = self.view.having.as_ref().map(|having| self.resolve(having));
        Expr::call(Function::And, std::iter::once(any).chain(having).collect())
    }

    /// Its columns, NULL in a row that lacks it.
    pub(super) fn column(&self, index: usize) -> Typed {
        let Some(output) = self.view.outputs.get(index) else { return Typed::UNKNOWN };
        let expr = self.resolve(&output.expr);
        let expr = if self.is_optional {
            Expr::call(Function::Case, vec![self.is_there(), expr, Expr::NULL])
        } else {
            expr
        };
        Typed::new(expr, output.field.kind)
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.view.outputs.iter().map(|output| output.field.name.as_str())
    }

    /// Which of the view's keys a column is.
    pub(super) fn key_of(&self, column: usize) -> Option<usize> {
        match self.view.outputs.get(column)?.expr {
            Expr::Column(slot) if slot < self.view.keys.len() => Some(slot),
            _ => None,
        }
    }

    /// The name of a key of the view, as its rows have it.
    pub(super) fn key_name(&self, key: usize) -> &str {
        let shown = self.view.outputs.iter().find(|output| output.expr == Expr::Column(key));
        let known = self.view.keys.get(key);
        shown.map(|output| &output.field).or(known).map_or("", |field| field.name.as_str())
    }
}

/// What has to hold for a row to be.
pub(super) fn presence(sides: &[Side<'_>]) -> Expr {
    let needed: Vec<_> = sides.iter().filter(|side| !side.is_optional).map(Side::is_there).collect();
    if needed.is_empty() {
        let any = sides.iter().map(Side::is_there).collect();
        return Expr::call(Function::Or, any);
    }
    Expr::call(Function::And, needed)
}

/// The views that FROM joins.
pub(super) fn of_select<'a>(
    select: &Select,
    known: Known<'a>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Vec<Side<'a>>> {
    let from = select.from.first()?;
    if let Some(second) = select.from.get(1) {
        errors.error(&place.at(second), "expected JOIN ... ON between views, and no comma");
        return None;
    }
    let (name, view) = of_factor(&from.relation, known, &place.at(&from.relation), errors)?;
    let keys: Vec<usize> = (0..view.keys.len()).collect();
    let presence = keys.len() + view.aggregates.len();
    let side = Side { name, view, first: keys.len(), keys, presence, is_optional: false, merged: Vec::new() };
    let mut sides = vec![side];
    for join in &from.joins {
        let place = place.at(&join.relation);
        let (name, view) = of_factor(&join.relation, known, &place, errors)?;
        if let Some(twin) = sides.iter().find(|side| names::same(&side.name, &name)) {
            let message = format!("\"{}\" is joined with itself; expected another name behind AS", twin.name);
            errors.error(&place, message);
            return None;
        }
        add(&mut sides, name, view, join, &place, errors)?;
    }
    Some(sides)
}

/// Adds a view that is joined with those before it.
fn add<'a>(
    sides: &mut Vec<Side<'a>>,
    name: String,
    view: &'a View,
    join: &Join,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<()> {
    let is_second = sides.len() == 1;
    let first = sides.first_mut()?;
    let (constraint, is_optional) = match &join.join_operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (constraint, false),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (constraint, true),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) if is_second => {
            first.is_optional = true;
            (constraint, false)
        }
        JoinOperator::FullOuter(constraint) if is_second => {
            first.is_optional = true;
            (constraint, true)
        }
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_) => {
            errors
                .error(place, "RIGHT and FULL JOIN are of two views; expected JOIN or LEFT JOIN behind them");
            return None;
        }
        _ => {
            errors.error(place, "expected JOIN, LEFT JOIN, RIGHT JOIN or FULL JOIN");
            return None;
        }
    };
    check_window(first, view, &name, place, errors);
    let last = sides.last()?.presence;
    let side = Side {
        name,
        view,
        keys: Vec::new(),
        first: last + 1,
        presence: last + 1 + view.aggregates.len(),
        is_optional,
        merged: Vec::new(),
    };
    let first = sides.first()?;
    let (keys, merged) = match constraint {
        JoinConstraint::On(condition) => (condition::on(condition, first, &side, place, errors)?, Vec::new()),
        JoinConstraint::Using(names) => condition::using(names, first, &side, place, errors)?,
        JoinConstraint::Natural | JoinConstraint::None => {
            errors.error(place, format!("expected {}", condition::expected(first, &side)));
            return None;
        }
    };
    sides.push(Side { keys, merged, ..side });
    Some(())
}

fn check_window(first: &Side<'_>, view: &View, name: &str, place: &Place, errors: &mut Diagnostics) {
    if first.view.window != view.window {
        let message = format!(
            "the windows of \"{}\" ({}) and \"{name}\" ({}) differ; expected views with the same",
            first.name,
            window_name(first.view.window),
            window_name(view.window)
        );
        errors.error(place, message);
    }
}

fn of_factor<'a>(
    factor: &TableFactor,
    known: Known<'a>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<(String, &'a View)> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else {
        errors.error(
            place,
            format!("found {factor}; expected a view by its name: write the query as a view of its own"),
        );
        return None;
    };
    let ident = names::single(name);
    let views = known.views.iter().map(|draft| draft.name.as_str());
    let Some(Match::One(index)) = ident.map(|ident| names::find(ident, views.clone())) else {
        let tables = known.tables.iter().map(|draft| draft.table.name.as_str());
        let is_table = ident.is_some_and(|ident| names::find(ident, tables) != Match::None);
        let message = if is_table {
            format!(
                "\"{name}\" is a table, and joins are of views with TUMBLE or HOP; expected a view over it, or FROM (SELECT ... \
                 UNION ALL SELECT ...) AS x for the events of several tables"
            )
        } else {
            names::unknown("view", &name.to_string(), views)
        };
        errors.error(place, message);
        return None;
    };
    // A view with mistakes, which were told.
    let view = known.views.get(index)?.view.as_ref()?;
    let alias = alias.as_ref().map_or(&view.name, |alias| &alias.name.value).clone();
    match obstacle(view) {
        None => Some((alias, view)),
        Some(obstacle) => {
            let message = format!("view \"{}\" {obstacle}", view.name);
            errors.error(place, message);
            None
        }
    }
}

/// Why a view cannot be joined.
fn obstacle(view: &View) -> Option<&'static str> {
    if !matches!(view.window, Window::Grid { .. }) {
        return Some(
            "cannot be joined; expected a view with TUMBLE or HOP, whose windows others may have too",
        );
    }
    if view.sources.iter().any(|source| matches!(source.origin, Origin::View(_))) {
        return Some("reads another view, and cannot be joined; expected views over tables");
    }
    if !view.previous.is_empty() {
        return Some("has previous(...), and cannot be joined; expected this in a view over the join");
    }
    if view.options.cooldown > Millis(0) {
        return Some("leaves rows out by its cooldown, and cannot be joined; expected a view without");
    }
    None
}

/// The sources of all views; a table that several of them read is one.
pub(super) fn sources(
    sides: &[Side<'_>],
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Vec<Source>> {
    let (keys, last) = (sides.first()?.keys.len(), sides.last()?.presence);
    let mut all: Vec<Source> = Vec::new();
    for side in sides {
        for source in &side.view.sources {
            let reads =
                |side: &&Side<'_>| side.view.sources.iter().any(|other| other.origin == source.origin);
            let is_shared = sides.iter().filter(reads).count() > 1;
            let part = part(source, side, last + 1 - keys, is_shared);
            let Some(twin) = all.iter_mut().find(|known| known.origin == part.origin) else {
                all.push(part);
                continue;
            };
            if twin.keys != part.keys {
                let table = match part.origin {
                    Origin::Table(index) => known.tables.get(index).map(|draft| draft.table.name.as_str()),
                    Origin::View(_) => None,
                };
                let message = format!(
                    "table \"{}\" is read by several of the views, which do not group its events alike; expected the same \
                     key of it in each",
                    table.unwrap_or_default()
                );
                errors.error(place, message);
                return None;
            }
            let own = side.first - keys..=side.presence - keys;
            merge(twin, part, own);
        }
    }
    Some(all)
}

/// What a view takes in of a table, among the aggregates of all. Where other views read the table too, each
/// aggregate has its view's WHERE, beside that of all.
fn part(source: &Source, side: &Side<'_>, aggregates: usize, is_shared: bool) -> Source {
    let first = side.first - side.keys.len();
    let everything = Input { argument: None, filter: None };
    let own: Vec<Input> = source.inputs.iter().chain([&everything]).cloned().collect();
    let input = |index: usize| {
        let own = index.checked_sub(first).and_then(|index| own.get(index)).cloned();
        own.map_or_else(nothing, |own| {
            let filter = if is_shared { Expr::both(source.filter.clone(), own.filter) } else { own.filter };
            Input { filter, ..own }
        })
    };
    Source {
        origin: source.origin,
        filter: source.filter.clone(),
        keys: side.keys.iter().filter_map(|key| source.keys.get(*key)).cloned().collect(),
        inputs: (0..aggregates).map(input).collect(),
        carried: Vec::new(),
    }
}

/// What an aggregate takes in of a table that its view does not read.
fn nothing() -> Input {
    Input { argument: None, filter: Some(Expr::Literal(Value::Bool(false))) }
}

/// Lets a table's events count for one more view.
fn merge(known: &mut Source, part: Source, own: std::ops::RangeInclusive<usize>) {
    known.filter = match (known.filter.take(), part.filter) {
        (Some(one), Some(other)) => Some(Expr::call(Function::Or, vec![one, other])),
        _ => None,
    };
    for (index, input) in part.inputs.into_iter().enumerate().filter(|(index, _)| own.contains(index)) {
        if let Some(known) = known.inputs.get_mut(index) {
            *known = input;
        }
    }
}
