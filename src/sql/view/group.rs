//! GROUP BY: the keys and the window.

use sqlparser::ast::{self, GroupByExpr, Ident, Select, SelectItem};

use super::{default_name, window};
use crate::{
    sql::{
        bind::Binder,
        error::{Diagnostics, Place},
        expr::Expr,
        names::{self, Match},
        plan::{View, WINDOW_END, WINDOW_START, Window},
        relation::{Known, Relation},
    },
    value::Type,
};

/// What a view groups by.
pub(super) struct Group {
    pub(super) keys: Vec<Key>,
    pub(super) window: Window,
    /// Whether the window is that of the rows of the view that is read.
    pub(super) keeps_windows: bool,
    /// Whether there is no GROUP BY over a view: each row of it makes one.
    pub(super) is_each_row: bool,
    /// Where the window stands.
    pub(super) place: Place,
}

/// One part of the group key, over the relation's columns.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// What it is called where SELECT does not name it.
    pub(super) name: String,
    pub(super) expr: Expr,
    pub(super) kind: Option<Type>,
}

const EXPECTED: &str = "GROUP BY with one of TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts, gap)";
const EXPECTED_OVER_VIEW: &str = "window_start and window_end in GROUP BY for the windows of that view's rows, \
                                  or TUMBLE(window_time, size), HOP(window_time, slide, size)";

/// Checks GROUP BY.
pub(super) fn of_select(
    select: &Select,
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Group> {
    let GroupByExpr::Expressions(list, modifiers) = &select.group_by else {
        errors.error(place, format!("GROUP BY ALL is not supported; expected {EXPECTED}"));
        return None;
    };
    if !modifiers.is_empty() {
        errors.error(&place.at(&select.group_by), format!("found {}; expected {EXPECTED}", select.group_by));
    }
    let upstream = known.upstream(relation);
    let mut keys: Vec<Key> = Vec::new();
    let mut windows = Vec::new();
    let mut keeps_windows = false;
    for (index, expr) in list.iter().enumerate() {
        let place = place.at(expr);
        if let ast::Expr::Function(call) = expr
            && let Some(kind) = window::Kind::of(&call.name.to_string())
        {
            windows.push((window::check(kind, call, relation, known, &place, errors), place));
            continue;
        }
        if is_window_bound(expr, relation, upstream) {
            keeps_windows |= upstream.is_some();
            continue;
        }
        let key = key(expr, index, select, relation, &place, errors);
        if !keys.iter().any(|other| other.expr == key.expr && key.kind.is_some()) {
            keys.push(key);
        }
    }
    if let Some((_, place)) = windows.get(1) {
        errors.error(place, format!("a view has one window; expected {EXPECTED}"));
    }
    if let Some((window, place)) = windows.into_iter().next() {
        // A window with a mistake, which is noted, still lets the rest be checked.
        let window = window.unwrap_or(Window::Session { gap: crate::time::Millis(1) });
        return Some(Group { keys, window, keeps_windows: false, is_each_row: false, place });
    }
    let place = place.clone();
    let Some(upstream) = upstream else {
        let window = Window::Running;
        return Some(Group { keys, window, keeps_windows, is_each_row: false, place });
    };
    let is_each_row = list.is_empty();
    if is_each_row {
        keys = keys_of(upstream, relation, &place, errors);
    } else if !keeps_windows {
        errors.error(
            &place,
            format!(
                "rows of view \"{}\" are not grouped in time; expected {EXPECTED_OVER_VIEW}",
                upstream.name
            ),
        );
    }
    if let Window::Session { .. } = upstream.window {
        let message = format!(
            "the sessions of view \"{}\" have windows of their own each; expected TUMBLE(window_time, size) or \
             HOP(window_time, slide, size)",
            upstream.name
        );
        errors.error(&place, message);
    }
    Some(Group { keys, window: upstream.window, keeps_windows: true, is_each_row, place })
}

/// The keys of a view's rows, as columns of a relation over it.
fn keys_of(view: &View, relation: &Relation, place: &Place, errors: &mut Diagnostics) -> Vec<Key> {
    let columns = relation.branches.first().map(|branch| branch.columns.as_slice()).unwrap_or_default();
    let mut keys = Vec::new();
    for (number, field) in view.keys.iter().enumerate() {
        let output = view.outputs.iter().position(|output| output.expr == Expr::Column(number));
        let slot =
            output.and_then(|output| columns.iter().position(|column| *column == Expr::Column(output)));
        match slot {
            Some(slot) => {
                keys.push(Key { name: field.name.clone(), expr: Expr::Column(slot), kind: Some(field.kind) });
            }
            None => errors.error(
                place,
                format!(
                    "rows of view \"{}\" are told apart by \"{}\", which FROM does not give; expected it in \
                     the SELECT of \"{}\"",
                    view.name, field.name, view.name
                ),
            ),
        }
    }
    keys
}

/// `GROUP BY ..., window_start, window_end` beside a window says nothing new; over a view it asks for
/// the windows of that view's rows.
fn is_window_bound(expr: &ast::Expr, relation: &Relation, upstream: Option<&View>) -> bool {
    let ast::Expr::Identifier(name) = expr else { return false };
    [WINDOW_START, WINDOW_END].iter().any(|bound| names::same(bound, &name.value))
        && (upstream.is_some() || relation.scope("GROUP BY").find(name) == Match::None)
}

fn key(
    expr: &ast::Expr,
    index: usize,
    select: &Select,
    relation: &Relation,
    place: &Place,
    errors: &mut Diagnostics,
) -> Key {
    let meant = item_of(expr, select, relation).unwrap_or(expr);
    let mut scope = relation.scope("GROUP BY");
    let typed = Binder::new(&mut scope, errors, place).bind(meant);
    if typed.kind == Some(Type::Json) {
        errors.error(place, "cannot group by JSON; expected a path to a text (->> 'field') or a cast");
    }
    let name = match expr {
        ast::Expr::Identifier(Ident { value, .. }) => value.clone(),
        other => default_name(other, index),
    };
    Key { name, expr: typed.expr, kind: typed.kind }
}

/// What `GROUP BY 2` and `GROUP BY alias` refer to in SELECT. A column of FROM goes before an alias.
fn item_of<'s>(expr: &ast::Expr, select: &'s Select, relation: &Relation) -> Option<&'s ast::Expr> {
    match expr {
        ast::Expr::Value(value) => {
            let ast::Value::Number(number, _) = &value.value else { return None };
            let index = number.parse::<usize>().ok()?.checked_sub(1)?;
            match select.projection.get(index)? {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
                _ => None,
            }
        }
        ast::Expr::Identifier(name) if relation.scope("GROUP BY").find(name) == Match::None => {
            let aliased = select.projection.iter().filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => Some((expr, alias.value.as_str())),
                _ => None,
            });
            match names::find(name, aliased.clone().map(|(_, alias)| alias)) {
                Match::One(index) => aliased.map(|(expr, _)| expr).nth(index),
                Match::Several | Match::None => None,
            }
        }
        _ => None,
    }
}
