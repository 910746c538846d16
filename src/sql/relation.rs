//! FROM: which rows a view sees.
//!
//! A relation is a list of columns and, for each table that it is made of (its *branches*), how the
//! table's columns compute them. A subquery only replaces expressions, so that nothing of it is
//! left when events are read.

use sqlparser::ast::{
    Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor,
};

use super::{
    bind::{Binder, RowScope, Typed, Variable},
    error::{Diagnostics, Place},
    expr::Expr,
    known::Known,
    names::{self, Match},
    plan::{Input, Origin, Window},
    shape, union, view,
};

/// The rows that FROM gives.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) columns: Vec<Variable>,
    pub(super) branches: Vec<Branch>,
    /// What may stand before a column's dot.
    pub(super) qualifier: Option<String>,
}

/// One table's or view's part in a relation. Its expressions are over that one's columns.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Which table or view.
    pub(super) origin: Origin,
    /// For each of the relation's columns, how it is computed.
    pub(super) columns: Vec<Expr>,
    pub(super) filter: Option<Expr>,
}

impl Branch {
    /// An expression over the relation's columns as one over the table's.
    pub(super) fn resolve(&self, expr: &Expr) -> Expr {
        expr.replace_columns(&|slot| self.columns.get(slot).cloned().unwrap_or(Expr::NULL))
    }

    /// What aggregates take in, over the relation's columns, as over the table's.
    pub(super) fn inputs<'i>(&self, inputs: impl Iterator<Item = &'i Input>) -> Vec<Input> {
        let resolve = |expr: &Option<Expr>| expr.as_ref().map(|expr| self.resolve(expr));
        let input =
            |input: &Input| Input { argument: resolve(&input.argument), filter: resolve(&input.filter) };
        inputs.map(input).collect()
    }
}

/// Resolves FROM; None if a mistake was noted or lies in a table's own statement.
pub(super) fn of_select(
    select: &Select,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Relation> {
    let [from] = select.from.as_slice() else {
        let message = match select.from.as_slice() {
            [] => "FROM is missing; expected FROM table, or FROM (SELECT ... UNION ALL SELECT ...) AS x",
            _ => {
                "expected one table, (SELECT ... UNION ALL SELECT ...) AS x, or views with JOIN ... ON between them"
            }
        };
        let place = select.from.get(1).map_or_else(|| place.clone(), |second| place.at(second));
        errors.error(&place, message);
        return None;
    };
    if let Some(join) = from.joins.first() {
        let message = "JOIN cannot stand in a subquery; expected it in the view's own FROM";
        errors.error(&place.at(&join.relation), message);
        return None;
    }
    of_factor(&from.relation, known, &place.at(&from.relation), errors)
}

pub(super) fn of_factor(
    factor: &TableFactor,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Relation> {
    let (mut relation, alias) = match factor {
        TableFactor::Table {
            name, alias, args: None, version: None, json_path: None, sample: None, ..
        } => (of_table(name, known, place, errors)?, alias),
        TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
            shape::check_query(subquery, place, errors);
            (of_query(subquery, known, place, errors)?, alias)
        }
        TableFactor::NestedJoin { table_with_joins, alias } if table_with_joins.joins.is_empty() => {
            (of_factor(&table_with_joins.relation, known, place, errors)?, alias)
        }
        TableFactor::MatchRecognize { .. } => {
            errors.error(
                place,
                "MATCH_RECOGNIZE cannot stand in a subquery; expected it in the view's own FROM",
            );
            return None;
        }
        other => {
            let message =
                format!("found {other}; expected one table, or (SELECT ... UNION ALL SELECT ...) AS x");
            errors.error(place, message);
            return None;
        }
    };
    if let Some(TableAlias { name, columns, .. }) = alias {
        if !columns.is_empty() {
            errors.error(
                &place.with_span(name.span),
                "column names behind FROM's alias are not supported; expected AS in the subquery",
            );
        }
        relation.qualifier = Some(name.value.clone());
    }
    Some(relation)
}

fn of_table(
    name: &sqlparser::ast::ObjectName,
    known: Known<'_>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Option<Relation> {
    let Some(ident) = names::single(name) else {
        errors.error(place, format!("found {name}; expected a table's name without a schema"));
        return None;
    };
    let tables = known.tables.iter().map(|draft| draft.table.name.as_str());
    if let Match::One(index) = names::find(ident, tables.clone()) {
        let draft = known.tables.get(index)?;
        let columns = draft.table.columns.iter().enumerate().map(|(slot, column)| Variable {
            name: column.name.clone(),
            kind: (!draft.broken.contains(&slot)).then_some(column.kind),
        });
        return Some(whole(Origin::Table(index), &draft.table.name, columns.collect()));
    }
    let views = known.views.iter().map(|draft| draft.name.as_str());
    if let Match::One(index) = names::find(ident, views) {
        let view = known.views.get(index)?.view.as_ref()?;
        if let Window::Match { .. } = view.window {
            let message = format!(
                "view \"{}\" has a row for each match and no windows; expected a table, or a view with a window",
                view.name
            );
            errors.error(place, message);
        }
        if view.window.is_by_event() {
            let message = format!(
                "view \"{}\" has a row for each event and no windows; expected a table, or a view with a window",
                view.name
            );
            errors.error(place, message);
        }
        if view.window == Window::Running {
            let message = format!(
                "view \"{}\" has no window, so its rows are never final; expected a table, or a view with a window",
                view.name
            );
            errors.error(place, message);
        }
        let columns = view.row_columns().map(|field| Variable { name: field.name, kind: Some(field.kind) });
        return Some(whole(Origin::View(index), &view.name, columns.collect()));
    }
    if !known.broken.iter().any(|broken| names::same(broken, &ident.value)) {
        let checked =
            known.views.iter().filter(|draft| draft.view.is_some()).map(|draft| draft.name.as_str());
        let all = tables.chain(checked).chain(known.broken.iter().map(String::as_str));
        errors.error(place, names::unknown("table", &ident.value, all));
    }
    None
}

/// All of a table or view.
fn whole(origin: Origin, name: &str, columns: Vec<Variable>) -> Relation {
    let branch = Branch { origin, columns: (0..columns.len()).map(Expr::Column).collect(), filter: None };
    Relation { columns, branches: vec![branch], qualifier: Some(name.to_owned()) }
}

/// A subquery: one SELECT, or several joined by UNION ALL.
fn of_query(query: &Query, known: Known<'_>, place: &Place, errors: &mut Diagnostics) -> Option<Relation> {
    let mut selects = Vec::new();
    if let Err(message) = flatten(&query.body, &mut selects, place, errors) {
        errors.error(&place.at(query.body.as_ref()), message);
        return None;
    }
    let is_star = |select: &&Select| matches!(select.projection.as_slice(), [SelectItem::Wildcard(_)]);
    let by_name = selects.iter().all(is_star);
    // All branches are looked at before the first mistake ends it.
    let relations: Vec<_> =
        selects.iter().map(|select| of_branch(select, known, &place.at(*select), errors)).collect();
    let relations = relations.into_iter().collect::<Option<Vec<_>>>()?;
    let relation = union::of(relations, by_name, place, errors)?;
    check_tables_differ(&relation, known, place, errors);
    Some(relation)
}

/// The branches of a UNION ALL, or what stands there instead.
fn flatten<'q>(
    body: &'q SetExpr,
    into: &mut Vec<&'q Select>,
    place: &Place,
    errors: &mut Diagnostics,
) -> Result<(), String> {
    match body {
        SetExpr::Select(select) => into.push(select),
        SetExpr::Query(query) => {
            shape::check_query(query, place, errors);
            flatten(&query.body, into, place, errors)?;
        }
        SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier: SetQuantifier::All, right } => {
            flatten(left, into, place, errors)?;
            flatten(right, into, place, errors)?;
        }
        SetExpr::SetOperation { op, set_quantifier, .. } => {
            return Err(
                format!("{op} {set_quantifier} is not supported; expected UNION ALL").replace("  ", " ")
            );
        }
        other => return Err(format!("found {other}; expected SELECT ... FROM table")),
    }
    Ok(())
}

/// `SELECT ... FROM ... WHERE ...` within a subquery.
fn of_branch(select: &Select, known: Known<'_>, place: &Place, errors: &mut Diagnostics) -> Option<Relation> {
    shape::check_branch(select, place, errors);
    let inner = of_select(select, known, place, errors)?;
    let filter = select.selection.as_ref().map(|condition| {
        let mut scope = inner.scope("WHERE");
        Binder::new(&mut scope, errors, place).condition(condition)
    });
    let mut columns: Vec<(String, Typed)> = Vec::new();
    for (index, item) in select.projection.iter().enumerate() {
        let place = place.at(item);
        match item {
            SelectItem::Wildcard(options) if options.to_string().is_empty() => columns.extend(inner.all()),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                errors.error(&place, format!("found {item}; expected a plain * or the columns by name"));
                columns.extend(inner.all());
            }
            SelectItem::UnnamedExpr(expr) => {
                let mut scope = inner.scope("a subquery");
                let typed = Binder::new(&mut scope, errors, &place).bind(expr);
                columns.push((view::default_name(expr, index), typed));
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let mut scope = inner.scope("a subquery");
                let typed = Binder::new(&mut scope, errors, &place).bind(expr);
                columns.push((alias.value.clone(), typed));
            }
            SelectItem::ExprWithAliases { .. } => errors.error(&place, "expected one name behind AS"),
        }
    }
    check_names_differ(&columns, place, errors);
    let branches = inner.branches.iter().map(|branch| Branch {
        origin: branch.origin,
        columns: columns.iter().map(|(_, typed)| branch.resolve(&typed.expr)).collect(),
        filter: Expr::both(branch.filter.clone(), filter.as_ref().map(|filter| branch.resolve(filter))),
    });
    let branches = branches.collect();
    let columns = columns.into_iter().map(|(name, typed)| Variable { name, kind: typed.kind }).collect();
    Some(Relation { columns, branches, qualifier: None })
}

fn check_names_differ(columns: &[(String, Typed)], place: &Place, errors: &mut Diagnostics) {
    for (index, (name, _)) in columns.iter().enumerate() {
        if columns.iter().take(index).any(|(other, _)| other == name) {
            errors.error(
                place,
                format!("the subquery has two columns \"{name}\"; expected AS and another name"),
            );
        }
    }
}

/// An event that came twice through one view would have to be stored twice.
fn check_tables_differ(relation: &Relation, known: Known<'_>, place: &Place, errors: &mut Diagnostics) {
    for (index, branch) in relation.branches.iter().enumerate() {
        if let Some(view) = known.view(branch).filter(|_| relation.branches.len() > 1) {
            let message = format!(
                "view \"{}\" cannot be one of several in UNION ALL; expected tables, or one view alone",
                view.name
            );
            errors.error(place, message);
        } else if relation.branches.iter().take(index).any(|other| other.origin == branch.origin) {
            let name = known.table(branch).map_or("", |table| table.name.as_str());
            let message = format!(
                "table \"{name}\" is read twice; expected each table in one branch (join conditions by OR, compute with CASE)"
            );
            errors.error(place, message);
        }
    }
}

impl Relation {
    /// The scope of its columns.
    pub(super) fn scope(&self, clause: &'static str) -> RowScope<'_> {
        RowScope { columns: &self.columns, qualifier: self.qualifier.as_deref(), clause }
    }

    fn all(&self) -> impl Iterator<Item = (String, Typed)> + '_ {
        self.columns.iter().enumerate().map(|(slot, column)| {
            (column.name.clone(), Typed { expr: Expr::Column(slot), kind: column.kind })
        })
    }
}
