//! `CREATE VIEW name WITH (...) AS SELECT ...`: an aggregate.

mod aggregate;
mod group;
mod join;
mod lint;
mod list;
mod look_back;
mod matching;
mod over;
mod result;
mod sentence;
mod window;

use sqlparser::ast::{self, CreateView, Ident, SelectItem, SetExpr};

use self::{group::Group, result::ResultScope, sentence::SentenceDraft};
use super::{
    bind::{Binder, Typed},
    error::{Diagnostics, Place},
    expr::Expr,
    known::Known,
    names,
    options::WithOptions,
    plan::{ALERTS, Field, Options, Output, Source, View, WINDOW_END, WINDOW_START},
    relation::{self, Relation},
    shape,
};
use crate::value::Type;

const OPTIONS: [&str; 10] = [
    "topic",
    "text_topic",
    "template",
    "allowed_lateness",
    "idle_timeout",
    "flush_after",
    "history",
    "alert",
    "cooldown",
    "generation",
];

/// Names that every row has, which no column may take.
const RESERVED: [&str; 2] = ["view", "revision"];

/// Checks a statement. Its fingerprint is not set yet.
pub(super) fn check(
    create: &CreateView,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<View> {
    let place = place.at(&create.name);
    let name = name(create, &place, errors);
    if !create.columns.is_empty() {
        errors.error(&place, "column names behind the view's name are not supported; expected AS in SELECT");
    }
    let (mut options, sentence) = options(create, &place, errors);
    let SetExpr::Select(select) = create.query.body.as_ref() else {
        let message = "expected CREATE VIEW ... AS SELECT; UNION ALL is supported in FROM: \
                       FROM (SELECT ... UNION ALL SELECT ...) AS x";
        errors.error(&place.at(create.query.body.as_ref()), message);
        return None;
    };
    let place = place.with_span(select.select_token.0.span);
    shape::check_view(&create.query, select, &place, errors);
    if let Some(recognize) = matching::of_select(select) {
        let head = over::Head { name, options, sentence, filter: None };
        return matching::check(head, select, recognize, known, &place, errors);
    }
    if join::is_meant(select) {
        let head = over::Head { name, options, sentence, filter: None };
        return join::check(head, select, known, &place, errors);
    }
    let relation = relation::of_select(select, known, &place, errors)?;
    let filter = select.selection.as_ref().map(|condition| {
        let mut scope = relation.scope("WHERE");
        Binder::new(&mut scope, errors, &place).condition(condition)
    });
    if known.upstream(&relation).is_none() && over::is_meant(select, &place) {
        let head = over::Head { name, options, sentence, filter: filter.as_ref() };
        return over::check(head, select, &relation, known, &place, errors);
    }
    shape::refuse_over(select, &place, errors);
    let group = group::of_select(select, &relation, known, &place, errors)?;
    lint::session_keys(&group, &relation, known, errors);
    let kinds = kinds(&select.projection, &relation, &group, &place);
    let mut scope = ResultScope::new(&relation, &group, &select.projection, &kinds);
    outputs(&select.projection, &mut scope, &place, errors);
    lint::alert(&options, &scope.outputs, &place, errors);
    lint::running(&options, &group, errors);
    lint::over_view(&options, &group, known.upstream(&relation), errors);
    options.sentence = sentence.and_then(|sentence| sentence.bind(&scope.outputs, errors));
    let having = select.having.as_ref().map(|condition| {
        scope.clause = "HAVING";
        Binder::new(&mut scope, errors, &place).condition(condition)
    });
    Some(assemble(name?, options, &relation, filter.as_ref(), &group, &scope, having.as_ref()))
}

fn name(create: &CreateView, place: &Place, errors: &mut Diagnostics) -> Option<String> {
    let Some(name) = names::single(&create.name) else {
        errors.error(place, format!("found {}; expected a name without a schema", create.name));
        return None;
    };
    if !names::is_path_segment(&name.value) {
        let message = format!(
            "\"{}\" cannot stand in the API's paths; expected a name of letters, digits, _, - and .",
            name.value
        );
        errors.error(place, message);
    }
    Some(name.value.clone())
}

/// The options; the sentence is left to be bound to SELECT's columns.
fn options(create: &CreateView, place: &Place, errors: &mut Diagnostics) -> (Options, Option<SentenceDraft>) {
    let defaults = Options::default();
    let mut given = WithOptions::read(&create.options, &OPTIONS, place, errors);
    let alert = given.flag("alert", errors);
    let topic = given.text("topic", errors).map(|(topic, _)| topic);
    let topic = topic.or_else(|| alert.then(|| ALERTS.to_owned()));
    let sentence = SentenceDraft::read(&mut given, topic.as_deref(), errors);
    let options = Options {
        topic,
        sentence: None,
        alert,
        cooldown: given.span("cooldown", defaults.cooldown, errors),
        allowed_lateness: given.span("allowed_lateness", defaults.allowed_lateness, errors),
        idle_timeout: given.span("idle_timeout", defaults.idle_timeout, errors),
        flush_after: given.span("flush_after", defaults.flush_after, errors),
        history: given.span("history", defaults.history, errors),
        generation: given.text("generation", errors).map(|(generation, _)| generation),
    };
    (options, sentence)
}

/// The types of SELECT's columns, which `previous` may name before they are computed. Mistakes are
/// noted when the columns are bound for good.
fn kinds(items: &[SelectItem], relation: &Relation, group: &Group, place: &Place) -> Vec<(String, Type)> {
    let mut known = Vec::new();
    // A column may have its type of another's previous value: as often as there are columns.
    for _ in items {
        let mut scope = ResultScope::new(relation, group, items, &known);
        outputs(items, &mut scope, place, &mut Diagnostics::default());
        let found = scope.outputs.kinds();
        if found.len() == known.len() {
            break;
        }
        known = found;
    }
    known
}

/// Binds SELECT's list; each column is known to those behind it.
fn outputs(items: &[SelectItem], scope: &mut ResultScope<'_>, place: &Place, errors: &mut Diagnostics) {
    for (index, item) in items.iter().enumerate() {
        let place = place.at(item);
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            SelectItem::Wildcard(options) if scope.is_each_row() && options.to_string().is_empty() => {
                scope.push_all();
                continue;
            }
            _ => {
                errors.error(
                    &place,
                    format!("{item} is not supported here; expected group columns and aggregates"),
                );
                continue;
            }
        };
        let typed = Binder::new(scope, errors, &place).bind(expr);
        let name = alias.map_or_else(|| default_name(expr, index), |alias| alias.value.clone());
        let place = alias.map_or_else(|| place.clone(), |alias| place.with_span(alias.span));
        if let Some(name) = admitted(name, &typed, scope, &place, errors) {
            scope.outputs.push(name, typed);
        }
    }
}

/// The name under which a column may stand in the rows. The window's own bounds stand in every row
/// anyway, and are none of the outputs.
fn admitted(
    name: String,
    typed: &Typed,
    scope: &ResultScope<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<String> {
    for (bound, slot) in [(WINDOW_START, result::START), (WINDOW_END, result::END)] {
        if scope.has_windows() && names::same(&name, bound) {
            if typed.expr != Expr::Column(slot) && typed.kind.is_some() {
                let message =
                    format!("every row has a \"{bound}\" of its own; expected another name behind AS");
                errors.error(place, message);
            }
            return None;
        }
    }
    if RESERVED.contains(&name.as_str()) {
        errors
            .error(place, format!("every row has a \"{name}\" of its own; expected another name behind AS"));
    } else if scope.outputs.iter().any(|output| output.field.name == name) {
        errors.error(place, format!("two columns are called \"{name}\"; expected AS and another name"));
    }
    Some(name)
}

/// The name of a column without AS: that of a column or a function, else `column3`.
pub(super) fn default_name(expr: &ast::Expr, index: usize) -> String {
    use ast::Expr as E;
    match expr {
        E::Identifier(Ident { value, .. }) => value.clone(),
        E::CompoundIdentifier(parts) => {
            parts.last().map_or_else(|| format!("column{}", index + 1), |part| part.value.clone())
        }
        E::Nested(inner) | E::Cast { expr: inner, .. } => default_name(inner, index),
        E::Function(function) => function.name.to_string().to_lowercase(),
        E::Case { .. } => "case".to_owned(),
        E::Extract { .. } => "extract".to_owned(),
        E::Floor { .. } => "floor".to_owned(),
        E::Ceil { .. } => "ceil".to_owned(),
        E::Trim { .. } => "trim".to_owned(),
        E::Substring { .. } => "substr".to_owned(),
        E::Position { .. } => "position".to_owned(),
        _ => format!("column{}", index + 1),
    }
}

fn assemble(
    name: String,
    options: Options,
    relation: &Relation,
    filter: Option<&Expr>,
    group: &Group,
    scope: &ResultScope<'_>,
    having: Option<&Expr>,
) -> View {
    let slots = scope.layout();
    let sources = relation.branches.iter().map(|branch| Source {
        origin: branch.origin,
        filter: Expr::both(branch.filter.clone(), filter.map(|filter| branch.resolve(filter))),
        keys: group.keys.iter().map(|key| branch.resolve(&key.expr)).collect(),
        inputs: branch.inputs(scope.aggregates.iter().map(|(_, input)| input)),
        carried: Vec::new(),
    });
    let sources = sources.collect();
    let outputs = scope
        .outputs
        .iter()
        .map(|output| Output { field: output.field.clone(), expr: slots.place(&output.expr) });
    let keys = group.keys.iter().enumerate().map(|(slot, key)| Field {
        name: scope.outputs.name_of(slot).unwrap_or_else(|| key.name.clone()),
        kind: key.kind.unwrap_or(Type::Text),
    });
    View {
        name,
        fingerprint: 0,
        sources,
        window: group.window,
        keeps_windows: group.keeps_windows,
        keys: keys.collect(),
        aggregates: scope.aggregates.iter().map(|(aggregate, _)| *aggregate).collect(),
        previous: scope.earlier(),
        carried: Vec::new(),
        outputs: outputs.collect(),
        pattern: None,
        having: having.map(|having| slots.place(having)),
        options,
    }
}
