//! `UNION ALL`: several relations as one.
//!
//! Where every branch is `SELECT *`, columns are matched by name: one that a branch lacks is NULL
//! there, of the others' type. Otherwise they are matched by position, as in standard SQL, and the
//! first branch names them. Types must agree; BIGINT beside DOUBLE becomes DOUBLE.

use super::{
    bind::{Typed, Variable, common, convert},
    error::{Diagnostics, Place},
    expr::{Expr, Function},
    relation::{Branch, Relation},
};
use crate::value::Type;

/// The union of at least one relation.
pub(super) fn of(
    relations: Vec<Relation>,
    by_name: bool,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Relation> {
    let mut relations = relations.into_iter();
    let mut all = relations.next()?;
    for next in relations {
        let next = if by_name { aligned(&mut all, &next) } else { next };
        if all.columns.len() != next.columns.len() {
            let message = format!(
                "UNION ALL joins {} columns with {}; expected as many on each side",
                all.columns.len(),
                next.columns.len()
            );
            errors.error(place, message);
            return None;
        }
        append(&mut all, next, place, errors);
    }
    Some(all)
}

/// `next` with the columns of `all`, in their order; `all` gains those that it lacks.
fn aligned(all: &mut Relation, next: &Relation) -> Relation {
    for column in &next.columns {
        if !all.columns.iter().any(|known| known.name == column.name) {
            all.columns.push(Variable { name: column.name.clone(), kind: None });
            all.branches.iter_mut().for_each(|branch| branch.columns.push(Expr::NULL));
        }
    }
    let index = |name: &str| next.columns.iter().position(|column| column.name == name);
    let columns: Vec<Variable> = all
        .columns
        .iter()
        .map(|column| Variable {
            name: column.name.clone(),
            kind: index(&column.name).and_then(|at| next.columns.get(at)).and_then(|column| column.kind),
        })
        .collect();
    let branches = next.branches.iter().map(|branch| {
        let pick = |column: &Variable| index(&column.name).and_then(|at| branch.columns.get(at)).cloned();
        let columns = columns.iter().map(|column| pick(column).unwrap_or(Expr::NULL)).collect();
        Branch { columns, ..branch.clone() }
    });
    let branches = branches.collect();
    Relation { columns, branches, qualifier: None }
}

/// Adds the branches of `next`, whose columns stand in the same order.
fn append(all: &mut Relation, mut next: Relation, place: &Place, errors: &mut Diagnostics) {
    for (slot, (ours, theirs)) in all.columns.iter_mut().zip(&next.columns).enumerate() {
        let typed = Typed { expr: Expr::Column(slot), kind: theirs.kind };
        match common(ours.kind, &typed) {
            Ok(Some(kind)) => {
                widen(&mut all.branches, slot, ours.kind, kind);
                widen(&mut next.branches, slot, theirs.kind, kind);
                ours.kind = Some(kind);
            }
            Ok(None) => {}
            Err((a, b)) => {
                let message =
                    format!("column \"{}\" is {a} in one branch of UNION ALL and {b} in another", ours.name);
                errors.error(place, message);
                ours.kind = None;
            }
        }
    }
    all.branches.append(&mut next.branches);
}

fn widen(branches: &mut [Branch], slot: usize, from: Option<Type>, to: Type) {
    for column in branches.iter_mut().filter_map(|branch| branch.columns.get_mut(slot)) {
        let typed = Typed { expr: column.clone(), kind: from };
        let cast = || Expr::call(Function::Cast(to), vec![column.clone()]);
        *column = convert(typed, to).map_or_else(cast, |typed| typed.expr);
    }
}
