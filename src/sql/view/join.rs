//! `FROM view JOIN view ON ...`: views that group by the same keys, in the same windows, as one.
//!
//! No row of the joined views is read. A join is one aggregate over the tables of all of them, and each
//! event counts in the aggregates of the views that take it in; so it costs what a view over a UNION ALL
//! costs, waits for the watermarks of all tables, and follows late events. A view's part of a row is there if
//! it has an event in the window and its HAVING holds.

mod condition;
mod scope;
mod side;

use sqlparser::ast::{GroupByExpr, Select};

use self::{scope::JoinScope, side::Side};
use super::{
    lint,
    over::{END, Head, START, columns},
};
use crate::{
    sql::{
        aggregates::{Aggregate, AggregateFunction},
        bind::Binder,
        error::{Diagnostics, Place},
        expr::Expr,
        known::Known,
        plan::{Field, Options, Output, Source, View, Window},
        shape,
    },
    value::Type,
};

/// How the events of a view are counted, to know whether there is any.
const PRESENCE: Aggregate =
    Aggregate { function: AggregateFunction::Count, argument: Type::BigInt, result: Type::BigInt };

/// Whether FROM joins.
pub(super) fn is_meant(select: &Select) -> bool {
    select.from.first().is_some_and(|from| !from.joins.is_empty())
}

/// Checks a view over a join.
pub(super) fn check(
    mut head: Head<'_>,
    select: &Select,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<View> {
    shape::refuse_over(select, place, errors);
    refuse_groups(select, place, errors);
    let sides = side::of_select(select, known, place, errors)?;
    let sources = side::sources(&sides, known, place, errors)?;
    let mut scope = JoinScope::new(&sides);
    columns(&select.projection, &mut scope, place, errors);
    lint::alert(&head.options, &scope.outputs, place, errors);
    head.options.sentence = head.sentence.take().and_then(|sentence| sentence.bind(&scope.outputs, errors));
    let filter = select.selection.as_ref().map(|condition| {
        scope.clause = "WHERE";
        Binder::new(&mut scope, errors, place).condition(condition)
    });
    assemble(head.name?, head.options, &sides, sources, &scope.outputs, filter)
}

fn refuse_groups(select: &Select, place: &Place, errors: &mut Diagnostics) {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    if is_grouped || select.having.is_some() {
        let message = "a join has a row for each key and window of its views; expected no GROUP BY and no HAVING, or these \
                       in a view over this one";
        errors.error(place, message);
    }
}

fn assemble(
    name: String,
    options: Options,
    sides: &[Side<'_>],
    sources: Vec<Source>,
    outputs: &[Output],
    filter: Option<Expr>,
) -> Option<View> {
    let first = sides.first()?;
    let (keys, aggregates) = (first.keys.len(), sides.last()?.presence + 1 - first.keys.len());
    let place = |expr: &Expr| {
        expr.replace_columns(&|slot| {
            Expr::Column(match slot {
                scope::OUTPUT_SLOTS.. => keys + aggregates + 2 + (slot - scope::OUTPUT_SLOTS),
                START..=END => keys + aggregates + (slot - START),
                key_or_aggregate => key_or_aggregate,
            })
        })
    };
    let key_field = |(slot, key): (usize, &usize)| {
        let shown = outputs.iter().find(|output| output.expr == Expr::Column(slot));
        let known = first.view.keys.get(*key);
        shown.map(|output| &output.field).or(known).cloned()
    };
    Some(View {
        name,
        fingerprint: 0,
        sources,
        window: first.view.window,
        keeps_windows: false,
        keys: first.keys.iter().enumerate().filter_map(key_field).collect::<Vec<Field>>(),
        aggregates: sides.iter().flat_map(Side::aggregates).collect(),
        previous: Vec::new(),
        carried: Vec::new(),
        pattern: None,
        having: Expr::both(Some(side::presence(sides)), filter).as_ref().map(place),
        outputs: outputs
            .iter()
            .map(|output| Output { expr: place(&output.expr), ..output.clone() })
            .collect(),
        options,
    })
}

/// A window, as errors name it.
fn window_name(window: Window) -> String {
    match window {
        Window::Grid { size, slide } if size == slide => format!("TUMBLE of {size}"),
        Window::Grid { size, slide } => format!("HOP of {size} every {slide}"),
        Window::Session { gap } => format!("SESSION of {gap}"),
        Window::Running | Window::Over { .. } | Window::Event | Window::Match { .. } => {
            "no window".to_owned()
        }
    }
}
