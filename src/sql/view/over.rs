//! Views in which every event makes a row: aggregates `OVER` the events before it, `QUALIFY`, and a
//! SELECT with neither GROUP BY nor aggregates.

pub(super) mod frame;
mod scope;

use sqlparser::ast::{self, GroupByExpr, Ident, Select, SelectItem, WindowType};

pub(super) use self::scope::{END, START};
use self::{
    frame::Frame,
    scope::{Layout, OverScope},
};
use super::{RESERVED, default_name, group::Key, lint, sentence::SentenceDraft};
use crate::{
    sql::{
        aggregates,
        bind::{Binder, Scope, Typed},
        error::{Diagnostics, Place},
        expr::Expr,
        known::Known,
        names,
        plan::{Field, Options, Output, SOURCE_RECORD, Source, View, WINDOW_END, WINDOW_START, Window},
        relation::Relation,
    },
    value::Type,
};

/// What a SELECT has in it.
#[derive(Default)]
struct Probe {
    /// What stands behind each OVER.
    windows: Vec<WindowType>,
    /// Whether there are aggregates without OVER.
    aggregates: bool,
}

impl Scope for Probe {
    fn column(&mut self, _: &[Ident], _: &Place, _: &mut Diagnostics) -> Typed {
        Typed::UNKNOWN
    }

    fn function(&mut self, call: &ast::Function, _: &Place, _: &mut Diagnostics) -> Option<Typed> {
        let is_aggregate = aggregates::find(&call.name.to_string().to_ascii_lowercase()).is_some();
        self.aggregates |= is_aggregate;
        is_aggregate.then_some(Typed::UNKNOWN)
    }

    fn over(&mut self, call: &ast::Function, _: &Place, _: &mut Diagnostics) -> Typed {
        self.windows.extend(call.over.clone());
        Typed::UNKNOWN
    }
}

impl Probe {
    fn of(select: &Select, place: &Place) -> Self {
        let mut probe = Self::default();
        let mut ignored = Diagnostics::default();
        let items = select.projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        });
        for expr in items.chain(&select.qualify) {
            Binder::new(&mut probe, &mut ignored, place).bind(expr);
        }
        probe
    }
}

/// Whether every event makes a row.
pub(super) fn is_meant(select: &Select, place: &Place) -> bool {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    if is_grouped {
        return false;
    }
    let probe = Probe::of(select, place);
    let says_so = !probe.windows.is_empty() || select.qualify.is_some() || !select.named_window.is_empty();
    says_so || !(probe.aggregates || select.having.is_some())
}

/// What stands before SELECT, and its WHERE.
pub(super) struct Head<'a> {
    pub(super) name: Option<String>,
    pub(super) options: Options,
    pub(super) sentence: Option<SentenceDraft>,
    pub(super) filter: Option<&'a Expr>,
}

/// Checks a SELECT in which every event makes a row.
pub(super) fn check(
    mut head: Head<'_>,
    select: &Select,
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<View> {
    if let Some(having) = &select.having {
        errors.error(&place.at(having), "HAVING needs GROUP BY; expected QUALIFY");
    }
    let windows = Probe::of(select, place).windows;
    let frame = match windows.first() {
        Some(window) => Some(frame::of(window, select, relation, known, place, errors)?),
        None => None,
    };
    if frame.is_some() {
        lint::one_table(relation, place, errors);
    }
    let keys = match &frame {
        Some(frame) => {
            lint::over_keys(&frame.keys, place, relation, known, errors);
            frame.keys.clone()
        }
        None => topic_key(relation, known),
    };
    let mut scope = OverScope::new(relation, known, select, &keys, frame.as_ref());
    columns(&select.projection, &mut scope, place, errors);
    lint::alert(&head.options, &scope.outputs, place, errors);
    lint::by_event(&head.options, frame.is_some(), place, errors);
    head.options.sentence = head.sentence.and_then(|sentence| sentence.bind(&scope.outputs, errors));
    let qualify = select.qualify.as_ref().map(|condition| {
        scope.clause = "QUALIFY";
        Binder::new(&mut scope, errors, place).condition(condition)
    });
    let window = frame.as_ref().map_or(Window::Event, |Frame { range, .. }| Window::Over { range: *range });
    Some(assemble(head.name?, head.options, window, head.filter, &scope, qualify.as_ref()))
}

/// Without PARTITION BY rows are kept by the topic's key, if every branch has it in the same column.
fn topic_key(relation: &Relation, known: Known<'_>) -> Vec<Key> {
    let is_key = |slot: usize| {
        relation.branches.iter().all(|branch| {
            let key = known.table(branch).and_then(|table| table.key);
            key.is_some() && branch.columns.get(slot) == key.map(Expr::Column).as_ref()
        })
    };
    let columns = relation.columns.iter().enumerate();
    let found = columns.into_iter().find(|(slot, column)| column.kind.is_some() && is_key(*slot));
    let key = found.map(|(slot, column)| Key {
        name: column.name.clone(),
        expr: Expr::Column(slot),
        kind: column.kind,
    });
    key.into_iter().collect()
}

/// A scope in which each column of a list is known to those behind it.
pub(super) trait ListScope: Scope {
    /// `*`: all columns that are there before the list.
    fn all(&mut self) -> Vec<(String, Typed)>;

    /// The columns so far.
    fn outputs(&self) -> &[Output];

    /// Makes a column known to those behind it.
    fn push(&mut self, name: String, typed: Typed);
}

/// Binds SELECT's list; each column is known to those behind it.
pub(super) fn columns(
    items: &[SelectItem],
    scope: &mut impl ListScope,
    place: &Place,
    errors: &mut Diagnostics,
) {
    for (index, item) in items.iter().enumerate() {
        let place = place.at(item);
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            SelectItem::Wildcard(options) if options.to_string().is_empty() => {
                for (name, typed) in scope.all() {
                    admit(name, typed, scope, &place, errors);
                }
                continue;
            }
            _ => {
                errors.error(&place, format!("{item} is not supported here; expected *, or columns by name"));
                continue;
            }
        };
        let typed = Binder::new(scope, errors, &place).bind(expr);
        let name = alias.map_or_else(|| default_name(expr, index), |alias| alias.value.clone());
        let place = alias.map_or_else(|| place.clone(), |alias| place.with_span(alias.span));
        admit(name, typed, scope, &place, errors);
    }
}

/// Makes a column one of the rows', unless its name is taken.
fn admit(name: String, typed: Typed, scope: &mut impl ListScope, place: &Place, errors: &mut Diagnostics) {
    if is_admitted(&name, &typed, scope.outputs(), place, errors) {
        scope.push(name, typed);
    }
}

/// Whether a column is to be one of the rows'. The bounds of the event's frame stand in every row anyway, and are
/// none of the columns. A name that is taken is noted.
fn is_admitted(
    name: &str,
    typed: &Typed,
    outputs: &[Output],
    place: &Place,
    errors: &mut Diagnostics,
) -> bool {
    for (bound, slot) in [(WINDOW_START, START), (WINDOW_END, END)] {
        if names::same(name, bound) {
            if typed.expr != Expr::Column(slot) && typed.kind.is_some() {
                taken(bound, place, errors);
            }
            return false;
        }
    }
    if RESERVED.contains(&name) || name == SOURCE_RECORD {
        taken(name, place, errors);
    } else if outputs.iter().any(|output| output.field.name == name) {
        errors.error(place, format!("two columns are called \"{name}\"; expected AS and another name"));
    }
    true
}

fn taken(name: &str, place: &Place, errors: &mut Diagnostics) {
    errors.error(place, format!("every row has a \"{name}\" of its own; expected another name behind AS"));
}

fn assemble(
    name: String,
    options: Options,
    window: Window,
    filter: Option<&Expr>,
    scope: &OverScope<'_>,
    qualify: Option<&Expr>,
) -> View {
    let layout = Layout::of(scope, qualify);
    let carried: Vec<_> = layout.carried(scope).collect();
    let sources = scope.relation.branches.iter().map(|branch| Source {
        origin: branch.origin,
        filter: Expr::both(branch.filter.clone(), filter.map(|filter| branch.resolve(filter))),
        keys: scope.keys.iter().map(|key| branch.resolve(&key.expr)).collect(),
        inputs: branch.inputs(scope.aggregates.iter().map(|(_, input)| input)),
        carried: carried.iter().map(|(_, expr)| branch.resolve(expr)).collect(),
    });
    let keys = scope.keys.iter().enumerate().map(|(slot, key)| Field {
        name: scope.outputs.name_of(slot).unwrap_or_else(|| key.name.clone()),
        kind: key.kind.unwrap_or(Type::Text),
    });
    View {
        name,
        fingerprint: 0,
        sources: sources.collect(),
        window,
        keeps_windows: false,
        keys: keys.collect(),
        previous: Vec::new(),
        aggregates: scope.aggregates.iter().map(|(aggregate, _)| *aggregate).collect(),
        outputs: scope.outputs.iter().map(|output| layout.output(output)).collect(),
        having: qualify.map(|qualify| layout.place(qualify)),
        carried: carried.into_iter().map(|(field, _)| field).collect(),
        pattern: None,
        options,
    }
}
