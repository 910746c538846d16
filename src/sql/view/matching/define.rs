//! DEFINE: which events a variable may be.

use sqlparser::ast::SymbolDefinition;

use super::{
    parts::{PICK_SLOTS, Parts},
    scopes::DefineScope,
};
use crate::{
    sql::{
        bind::{Binder, Typed},
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        names,
    },
    value::Value,
};

/// Binds DEFINE. What is asked of an event alone goes into the bits that are kept of it; the rest is
/// answered.
pub(super) fn define(
    definitions: &[SymbolDefinition],
    parts: &mut Parts<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Vec<Option<Expr>> {
    let mut alone: Vec<Option<Expr>> = vec![None; parts.variables.len()];
    let mut given: Vec<Option<Expr>> = vec![None; parts.variables.len()];
    let mut seen = Vec::new();
    for SymbolDefinition { symbol, definition } in definitions {
        let here = place.with_span(symbol.span);
        let Some(variable) = parts.variable(symbol) else {
            let known = parts.variables.iter().map(|known| known.value.as_str());
            errors.error(&here, names::unknown("pattern variable", &symbol.value, known));
            continue;
        };
        if seen.contains(&variable) {
            errors.error(&here, format!("\"{symbol}\" is defined twice; expected one condition"));
        }
        seen.push(variable);
        let mut scope = DefineScope { parts, variable };
        let condition = Binder::new(&mut scope, errors, &here).condition(definition);
        for part in conjuncts(condition) {
            let reads_others = reads(&part, |slot| slot >= PICK_SLOTS);
            let kept = if reads_others { &mut given } else { &mut alone };
            let part = if reads_others { with_own_columns(&part, parts) } else { part };
            if let Some(kept) = kept.get_mut(variable) {
                *kept = Expr::both(kept.take(), Some(part));
            }
        }
    }
    let all = Expr::Literal(Value::Bool(true));
    let bits = alone.into_iter().map(|condition| condition.unwrap_or_else(|| all.clone())).collect();
    if let Some((_, fits)) = parts.carried.first_mut() {
        *fits = Expr::call(Function::Steps, bits);
    }
    given
}

/// The parts of a condition that all have to hold.
fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::Call { function: Function::And, arguments } => arguments,
        other => vec![other],
    }
}

fn reads(expr: &Expr, is_meant: impl Fn(usize) -> bool) -> bool {
    let mut found = false;
    expr.for_each_column(&mut |slot| found |= is_meant(slot));
    found
}

/// A condition whose event's own columns are read from what is kept of it.
fn with_own_columns(condition: &Expr, parts: &mut Parts<'_>) -> Expr {
    let mut own = Vec::new();
    condition.for_each_column(&mut |slot| own.push(slot));
    let mut kept = Vec::new();
    for slot in own.into_iter().filter(|slot| *slot < PICK_SLOTS) {
        let column = parts.relation.columns.get(slot);
        let (name, kind) = column.map_or((String::new(), None), |column| (column.name.clone(), column.kind));
        kept.push((slot, parts.carry(name, Typed { expr: Expr::Column(slot), kind }).expr));
    }
    condition.replace_columns(&|slot| {
        let carried = kept.iter().find(|(own, _)| *own == slot);
        carried.map_or(Expr::Column(slot), |(_, carried)| carried.clone())
    })
}
