//! `OVER (PARTITION BY key ORDER BY ts RANGE BETWEEN INTERVAL ... PRECEDING AND CURRENT ROW)`.

use sqlparser::ast::{
    self, NamedWindowExpr, OrderByExpr, OrderBySort, Select, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowSpec, WindowType,
};

use crate::{
    sql::{
        bind::Binder,
        error::{Diagnostics, Place},
        known::Known,
        names,
        relation::Relation,
        view::{default_name, group::Key, window},
    },
    time::Millis,
    value::Type,
};

const EXPECTED: &str =
    "PARTITION BY key ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW";
const EXPECTED_FRAME: &str = "RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW";

/// Which events count for an event: those of its key that are at most `range` older, itself and those
/// of its own time.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Over the relation's columns.
    pub(super) keys: Vec<Key>,
    pub(super) range: Millis,
}

impl Frame {
    /// Whether both hold the same events.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let has = |keys: &[Key], key: &Key| keys.iter().any(|known| known.expr == key.expr);
        self.range == other.range
            && self.keys.iter().all(|key| has(&other.keys, key))
            && other.keys.iter().all(|key| has(&self.keys, key))
    }
}

/// What stands behind an OVER; None if a mistake was noted.
pub(super) fn of(
    window: &WindowType,
    select: &Select,
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Frame> {
    let spec = spec(window, select, place, errors)?;
    if let Some(base) = &spec.window_name {
        let message =
            format!("a window made of window \"{}\" is not supported; expected {EXPECTED}", base.value);
        errors.error(&place.with_span(base.span), message);
        return None;
    }
    let keys = keys(&spec.partition_by, relation, place, errors);
    let is_ordered = check_order(&spec.order_by, relation, known, place, errors);
    let range = range(spec.window_frame.as_ref(), place, errors);
    is_ordered.then_some(Frame { keys, range: range? })
}

/// A window's definition, which may stand behind WINDOW.
fn spec<'s>(
    window: &'s WindowType,
    select: &'s Select,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<&'s WindowSpec> {
    let mut name = match window {
        WindowType::WindowSpec(spec) => return Some(spec),
        WindowType::NamedWindow(name) => name,
    };
    // Each may name another; more steps than there are names go in a circle.
    for _ in &select.named_window {
        let all = select.named_window.iter().map(|definition| definition.0.value.as_str());
        let names::Match::One(index) = names::find(name, all) else { break };
        match &select.named_window.get(index)?.1 {
            NamedWindowExpr::WindowSpec(spec) => return Some(spec),
            NamedWindowExpr::NamedWindow(other) => name = other,
        }
    }
    let all = select.named_window.iter().map(|definition| definition.0.value.as_str());
    let mut message = names::unknown("window", &name.value, all);
    if select.named_window.is_empty() {
        message = format!("{message}; expected WINDOW {} AS ({EXPECTED}) at the end", name.value);
    }
    errors.error(&place.with_span(name.span), message);
    None
}

/// The key that PARTITION BY makes.
pub(in crate::sql::view) fn keys(
    partition_by: &[ast::Expr],
    relation: &Relation,
    place: &Place,
    errors: &mut Diagnostics,
) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for (index, expr) in partition_by.iter().enumerate() {
        let place = place.at(expr);
        let mut scope = relation.scope("PARTITION BY");
        let typed = Binder::new(&mut scope, errors, &place).bind(expr);
        if typed.kind == Some(Type::Json) {
            errors
                .error(&place, "cannot partition by JSON; expected a path to a text (->> 'field') or a cast");
        }
        if !keys.iter().any(|key| key.expr == typed.expr && typed.kind.is_some()) {
            keys.push(Key { name: default_name(expr, index), expr: typed.expr, kind: typed.kind });
        }
    }
    keys
}

/// Frames are by time: ORDER BY is the event time, rising.
fn check_order(
    order: &[OrderByExpr],
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> bool {
    let [by] = order else {
        let found = if order.is_empty() { "no ORDER BY" } else { "several columns in ORDER BY" };
        errors.error(place, format!("found {found} in OVER; expected {EXPECTED}"));
        return false;
    };
    if !matches!(by.options.sort, None | Some(OrderBySort::Asc)) || by.with_fill.is_some() {
        errors.error(&place.at(&by.expr), format!("found ORDER BY {by} in OVER; expected rising event time"));
        return false;
    }
    window::check_time(&by.expr, relation, known, place, errors);
    true
}

fn range(frame: Option<&WindowFrame>, place: &Place, errors: &mut Diagnostics) -> Option<Millis> {
    let found = match frame {
        None => "OVER without a frame, which would be all events there ever were".to_owned(),
        Some(WindowFrame { units: units @ (WindowFrameUnits::Rows | WindowFrameUnits::Groups), .. }) => {
            format!("a frame of {units}, and events are counted by time")
        }
        Some(WindowFrame {
            start_bound: WindowFrameBound::Preceding(Some(span)),
            end_bound: None | Some(WindowFrameBound::CurrentRow),
            ..
        }) => return window::positive(span, place, errors),
        Some(WindowFrame { start_bound, end_bound: None, .. }) => format!("RANGE {start_bound}"),
        Some(WindowFrame { start_bound, end_bound: Some(end), .. }) => {
            format!("RANGE BETWEEN {start_bound} AND {end}")
        }
    };
    errors.error(place, format!("found {found}; expected {EXPECTED_FRAME}"));
    None
}
