//! Views in which every match of a pattern makes a row: `FROM table MATCH_RECOGNIZE (...)`.

mod define;
mod outer;
mod parts;
mod runs;
mod scopes;

use sqlparser::ast::{
    AfterMatchSkip, Ident, MatchRecognizePattern, Measure, OrderByExpr, OrderBySort, RowsPerMatch, Select,
    SymbolDefinition, TableAlias, TableFactor,
};

use self::{
    define::define,
    outer::OuterScope,
    parts::{CARRIED_SLOTS, OUTPUT_SLOTS, PICK_SLOTS, Parts},
    scopes::MeasureScope,
};
use super::{
    group::Key,
    lint,
    over::{END, Head, START, columns, frame},
    window,
};
use crate::{
    sql::{
        bind::{Binder, Typed},
        error::{Diagnostics, Place},
        expr::Expr,
        known::Known,
        pattern::{Pattern, PatternVariable, Runs, Skip},
        plan::{Field, Options, Output, Source, View, Window},
        recognize,
        relation::{self, Relation},
        shape,
    },
    time::Millis,
    value::Type,
};

/// What stands between the parentheses of `MATCH_RECOGNIZE`, and before and behind them.
#[derive(Clone, Copy)]
pub(super) struct Recognize<'s> {
    table: &'s TableFactor,
    partition_by: &'s [sqlparser::ast::Expr],
    order_by: &'s [OrderByExpr],
    measures: &'s [Measure],
    rows_per_match: Option<&'s RowsPerMatch>,
    skip: Option<&'s AfterMatchSkip>,
    pattern: &'s MatchRecognizePattern,
    symbols: &'s [SymbolDefinition],
    alias: Option<&'s TableAlias>,
}

/// The `MATCH_RECOGNIZE` of a SELECT, if there is one.
pub(super) fn of_select(select: &Select) -> Option<Recognize<'_>> {
    let [from] = select.from.as_slice() else { return None };
    match &from.relation {
        TableFactor::MatchRecognize {
            table,
            partition_by,
            order_by,
            measures,
            rows_per_match,
            after_match_skip,
            pattern,
            symbols,
            alias,
        } if from.joins.is_empty() => Some(Recognize {
            table,
            partition_by,
            order_by,
            measures,
            rows_per_match: rows_per_match.as_ref(),
            skip: after_match_skip.as_ref(),
            pattern,
            symbols,
            alias: alias.as_ref(),
        }),
        _ => None,
    }
}

/// Checks a SELECT over matches.
pub(super) fn check(
    mut head: Head<'_>,
    select: &Select,
    recognize: Recognize<'_>,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<View> {
    shape::refuse_over(select, place, errors);
    let place = place.at(recognize.table);
    let relation = relation::of_factor(recognize.table, known, &place, errors)?;
    if let Some(view) = known.upstream(&relation) {
        let message = format!(
            "MATCH_RECOGNIZE is over events; expected a table instead of view \"{}\", or UNION ALL of tables",
            view.name
        );
        errors.error(&place, message);
        return None;
    }
    let keys = frame::keys(recognize.partition_by, &relation, &place, errors);
    lint::match_keys(&keys, &place, &relation, known, errors);
    lint::matching(&head.options, &place, errors);
    check_order(recognize.order_by, &relation, known, &place, errors);
    check_rows(recognize.rows_per_match, &place, errors);
    let skip = skip(recognize.skip, &place, errors);
    let (within, definitions) = within(recognize.symbols, &place, errors);
    let (variables, runs) = runs::of(recognize.pattern, &place, errors)?;
    let mut parts = Parts {
        relation: &relation,
        variables: &variables,
        keys: &keys,
        carried: vec![(Field { name: "variables".to_owned(), kind: Type::BigInt }, Expr::NULL)],
        picks: Vec::new(),
        aggregates: Vec::new(),
    };
    let conditions = define(definitions, &mut parts, &place, errors);
    let measures = measures(recognize.measures, &mut parts, &place, errors);
    let mut scope = OuterScope::new(measures, recognize.alias.map(|alias| alias.name.value.as_str()));
    columns(&select.projection, &mut scope, &place, errors);
    lint::alert(&head.options, &scope.outputs, &place, errors);
    head.options.sentence = head.sentence.take().and_then(|sentence| sentence.bind(&scope.outputs, errors));
    let filter = outer::filter(select, skip, &mut scope, &place, errors);
    let outputs = scope.outputs.to_vec();
    let meaning = Meaning { runs, skip, within: within?, conditions, outputs, filter };
    Some(assemble(head.name?, head.options, &parts, meaning))
}

/// What the clauses say, over slots that stand far apart.
struct Meaning {
    runs: Runs,
    skip: Skip,
    within: Millis,
    /// What each variable asks of the events of the match before.
    conditions: Vec<Option<Expr>>,
    outputs: Vec<Output>,
    filter: Option<Expr>,
}

fn check_order(
    order: &[OrderByExpr],
    relation: &Relation,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) {
    match order {
        [by] if matches!(by.options.sort, None | Some(OrderBySort::Asc)) && by.with_fill.is_none() => {
            window::check_time(&by.expr, relation, known, place, errors);
        }
        [by, ..] => {
            let message = format!("found ORDER BY {by} in MATCH_RECOGNIZE; expected rising event time alone");
            errors.error(&place.at(&by.expr), message);
        }
        [] => {
            errors.error(place, "found no ORDER BY in MATCH_RECOGNIZE; expected ORDER BY and the event time");
        }
    }
}

fn check_rows(rows: Option<&RowsPerMatch>, place: &Place, errors: &mut Diagnostics) {
    if let Some(rows @ RowsPerMatch::AllRows(_)) = rows {
        errors.error(place, format!("{rows} is not supported; expected ONE ROW PER MATCH"));
    }
}

fn skip(skip: Option<&AfterMatchSkip>, place: &Place, errors: &mut Diagnostics) -> Skip {
    match skip {
        None | Some(AfterMatchSkip::PastLastRow) => Skip::PastLastRow,
        Some(AfterMatchSkip::ToNextRow) => Skip::ToNextRow,
        Some(other @ (AfterMatchSkip::ToFirst(_) | AfterMatchSkip::ToLast(_))) => {
            let message = format!(
                "{other} is not supported; expected AFTER MATCH SKIP PAST LAST ROW or AFTER MATCH SKIP TO NEXT ROW"
            );
            errors.error(place, message);
            Skip::PastLastRow
        }
    }
}

/// WITHIN's span, which stands before the definitions.
fn within<'s>(
    symbols: &'s [SymbolDefinition],
    place: &Place,
    errors: &mut Diagnostics,
) -> (Option<Millis>, &'s [SymbolDefinition]) {
    match symbols {
        [first, rest @ ..] if recognize::is_within(&first.symbol) => {
            (window::positive(&first.definition, &place.with_span(first.symbol.span), errors), rest)
        }
        all => {
            let message = "found no WITHIN behind PATTERN (...), so that a match could wait for its next event for \
                           ever; expected such as WITHIN INTERVAL '5' MINUTE";
            errors.error(place, message);
            (None, all)
        }
    }
}

/// The columns of the rows of matches: the key, and the measures.
fn measures(
    measures: &[Measure],
    parts: &mut Parts<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Vec<(String, Typed)> {
    let of_key =
        |(slot, key): (usize, &Key)| (key.name.clone(), Typed { expr: Expr::Column(slot), kind: key.kind });
    let mut columns: Vec<_> = parts.keys.iter().enumerate().map(of_key).collect();
    for Measure { expr, alias } in measures {
        let mut scope = MeasureScope { parts };
        let typed = Binder::new(&mut scope, errors, &place.with_span(alias.span)).bind(expr);
        if columns.iter().any(|(name, _)| *name == alias.value) {
            let message = format!("two columns are called \"{alias}\"; expected another name behind AS");
            errors.error(&place.with_span(alias.span), message);
        }
        columns.push((alias.value.clone(), typed));
    }
    columns
}

fn assemble(name: String, options: Options, parts: &Parts<'_>, meaning: Meaning) -> View {
    let bounds = parts.keys.len() + parts.aggregates.len();
    let picks = bounds + 2 + parts.carried.len();
    let placed = |expr: &Expr| {
        expr.replace_columns(&|slot| {
            Expr::Column(match slot {
                OUTPUT_SLOTS.. => picks + parts.picks.len() + (slot - OUTPUT_SLOTS),
                PICK_SLOTS.. => picks + (slot - PICK_SLOTS),
                CARRIED_SLOTS.. => bounds + 2 + (slot - CARRIED_SLOTS),
                START..=END => bounds + (slot - START),
                parts::AGGREGATE_SLOTS.. => parts.keys.len() + (slot - parts::AGGREGATE_SLOTS),
                key => key,
            })
        })
    };
    let sources = parts.relation.branches.iter().map(|branch| Source {
        origin: branch.origin,
        filter: branch.filter.clone(),
        keys: parts.keys.iter().map(|key| branch.resolve(&key.expr)).collect(),
        inputs: branch.inputs(parts.aggregates.iter().map(|(_, input, _)| input)),
        carried: parts.carried.iter().map(|(_, expr)| branch.resolve(expr)).collect(),
    });
    let key_name = |slot: usize| {
        let output = meaning.outputs.iter().find(|output| output.expr == Expr::Column(slot));
        output.map(|output| output.field.name.clone())
    };
    let keys = parts.keys.iter().enumerate().map(|(slot, key)| Field {
        name: key_name(slot).unwrap_or_else(|| key.name.clone()),
        kind: key.kind.unwrap_or(Type::Text),
    });
    let variable = |(name, condition): (&Ident, &Option<Expr>)| PatternVariable {
        name: name.value.clone(),
        condition: condition.as_ref().map(placed),
    };
    let pattern = Pattern {
        variables: parts.variables.iter().zip(&meaning.conditions).map(variable).collect(),
        runs: meaning.runs,
        skip: meaning.skip,
        picks: parts.picks.clone(),
        taken_by: parts.aggregates.iter().map(|(.., variable)| *variable).collect(),
    };
    let output = |output: &Output| Output { field: output.field.clone(), expr: placed(&output.expr) };
    View {
        name,
        fingerprint: 0,
        sources: sources.collect(),
        window: Window::Match { within: meaning.within },
        keeps_windows: false,
        keys: keys.collect(),
        aggregates: parts.aggregates.iter().map(|(aggregate, ..)| *aggregate).collect(),
        previous: Vec::new(),
        carried: parts.carried.iter().map(|(field, _)| field.clone()).collect(),
        pattern: Some(pattern),
        outputs: meaning.outputs.iter().map(output).collect(),
        having: meaning.filter.as_ref().map(placed),
        options,
    }
}
