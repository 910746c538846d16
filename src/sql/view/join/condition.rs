//! `ON a.key = b.key AND a.window_start = b.window_start AND a.window_end = b.window_end`, or the same with USING.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName};

use super::side::Side;
use crate::sql::{
    error::{Diagnostics, Place},
    names::{self, Match},
    plan::{WINDOW_END, WINDOW_START},
};

/// What is compared of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Key(usize),
    Start,
    End,
}

/// What has been compared.
#[derive(Default)]
struct Pairs {
    /// Keys of the first view with those of the other.
    keys: Vec<(usize, usize)>,
    windows: bool,
}

/// What a condition of two views would be.
pub(super) fn expected(first: &Side<'_>, side: &Side<'_>) -> String {
    let pair = |one: &str, other: &str| format!("{}.{one} = {}.{other}", first.name, side.name);
    let keys = (0..first.view.keys.len()).map(|key| {
        let name = first.key_name(key);
        let twin = (0..side.view.keys.len()).map(|key| side.key_name(key)).find(|other| *other == name);
        pair(name, twin.unwrap_or("..."))
    });
    let bounds = [WINDOW_START, WINDOW_END].map(|bound| pair(bound, bound));
    format!("ON {}", keys.chain(bounds).collect::<Vec<_>>().join(" AND "))
}

/// For each key of the first view that of the other, as ON has it.
pub(super) fn on(
    condition: &Expr,
    first: &Side<'_>,
    side: &Side<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let mut pairs = Pairs::default();
    let mut equations = Vec::new();
    flatten(condition, &mut equations);
    for equation in equations {
        let place = place.at(equation);
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = equation else {
            errors.error(&place, format!("found {equation}; expected {}", expected(first, side)));
            return None;
        };
        let (one, other) = (named(left, [first, side]), named(right, [first, side]));
        let pair = match (one, other) {
            (Some((0, a)), Some((1, b))) | (Some((1, b)), Some((0, a))) => pair(a, b),
            _ => None,
        };
        let Some(pair) = pair else {
            errors.error(&place, format!("found {equation}; expected {}", expected(first, side)));
            return None;
        };
        take(&mut pairs, pair, first, side, &place, errors)?;
    }
    finish(&pairs, first, side, place, errors)
}

/// The same as USING has it, and the names of the keys.
pub(super) fn using(
    columns: &[ObjectName],
    first: &Side<'_>,
    side: &Side<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<(Vec<usize>, Vec<String>)> {
    let (mut pairs, mut merged) = (Pairs::default(), Vec::new());
    for column in columns {
        let place = place.at(column);
        let ident = names::single(column);
        let both = ident.and_then(|name| part(name, first).zip(part(name, side)));
        let Some(pair) = both.and_then(|(a, b)| pair(a, b)) else {
            let message = format!("\"{column}\" is no key of both views; expected {}", expected(first, side));
            errors.error(&place, message);
            return None;
        };
        if let (Part::Key(key), _) = pair {
            merged.push(first.key_name(key).to_owned());
        }
        take(&mut pairs, pair, first, side, &place, errors)?;
    }
    Some((finish(&pairs, first, side, place, errors)?, merged))
}

fn flatten<'e>(condition: &'e Expr, into: &mut Vec<&'e Expr>) {
    match condition {
        Expr::Nested(inner) => flatten(inner, into),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            flatten(left, into);
            flatten(right, into);
        }
        other => into.push(other),
    }
}

/// Which view's what an expression names.
fn named(expr: &Expr, sides: [&Side<'_>; 2]) -> Option<(usize, Part)> {
    match expr {
        Expr::Nested(inner) => named(inner, sides),
        Expr::CompoundIdentifier(parts) => {
            let [qualifier, name] = parts.as_slice() else { return None };
            let all = sides.iter().map(|side| side.name.as_str());
            let Match::One(index) = names::find(qualifier, all) else { return None };
            Some((index, part(name, sides.get(index)?)?))
        }
        Expr::Identifier(name) => {
            let mut found =
                sides.iter().enumerate().filter_map(|(index, side)| Some((index, part(name, side)?)));
            let only = found.next();
            only.filter(|_| found.next().is_none())
        }
        _ => None,
    }
}

fn part(name: &Ident, side: &Side<'_>) -> Option<Part> {
    if let Match::One(column) = names::find(name, side.names()) {
        return side.key_of(column).map(Part::Key);
    }
    let is = |bound: &str| names::same(bound, &name.value);
    if is(WINDOW_START) {
        return Some(Part::Start);
    }
    is(WINDOW_END).then_some(Part::End)
}

/// Two parts, if they are of one kind.
fn pair(one: Part, other: Part) -> Option<(Part, Part)> {
    let is_alike = matches!((one, other), (Part::Key(_), Part::Key(_))) || one == other;
    is_alike.then_some((one, other))
}

fn take(
    pairs: &mut Pairs,
    pair: (Part, Part),
    first: &Side<'_>,
    side: &Side<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<()> {
    let (Part::Key(key), Part::Key(other)) = pair else {
        pairs.windows = true;
        return Some(());
    };
    let kind = |side: &Side<'_>, key: usize| side.view.keys.get(key).map(|field| field.kind);
    if let (Some(a), Some(b)) = (kind(first, key), kind(side, other))
        && a != b
    {
        let (one, other) = (first.key_name(key), side.key_name(other));
        let message = format!(
            "{}.{one} is {a} and {}.{other} is {b}; expected keys of one type",
            first.name, side.name
        );
        errors.error(place, message);
        return None;
    }
    pairs.keys.push((key, other));
    Some(())
}

/// Whether every key has its twin, and windows are compared.
fn finish(
    pairs: &Pairs,
    first: &Side<'_>,
    side: &Side<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let twin = |key: usize| pairs.keys.iter().find(|(one, _)| *one == key).map(|(_, other)| *other);
    let keys: Option<Vec<usize>> = (0..first.view.keys.len()).map(twin).collect();
    let is_each_once =
        pairs.keys.len() == first.view.keys.len() && first.view.keys.len() == side.view.keys.len();
    let others = |keys: &Vec<usize>| (0..side.view.keys.len()).all(|key| keys.contains(&key));
    let keys = keys.filter(|keys| is_each_once && pairs.windows && others(keys));
    if keys.is_none() {
        let message = format!(
            "views are joined row by row, on all keys of both and their windows; expected {}",
            expected(first, side)
        );
        errors.error(place, message);
    }
    keys
}
