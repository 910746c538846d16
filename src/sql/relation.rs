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
    names::{self, Match},
    shape,
    table::TableDraft,
    union, view,
};

/// The rows that FROM gives.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) columns: Vec<Variable>,
    pub(super) branches: Vec<Branch>,
    /// What may stand before a column's dot.
    pub(super) qualifier: Option<String>,
}

/// One table's part in a relation. Its expressions are over the table's columns.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// The index of its table.
    pub(super) table: usize,
    /// For each of the relation's columns, how it is computed.
    pub(super) columns: Vec<Expr>,
    pub(super) filter: Option<Expr>,
}

impl Branch {
    /// An expression over the relation's columns as one over the table's.
    pub(super) fn resolve(&self, expr: &Expr) -> Expr {
        expr.replace_columns(&|slot| self.columns.get(slot).cloned().unwrap_or(Expr::NULL))
    }
}

/// What FROM may name.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) tables: &'a [TableDraft],
    /// Names of tables with mistakes: what refers to these is not to blame.
    pub(super) broken: &'a [String],
    /// Names of views, which FROM may not name.
    pub(super) views: &'a [String],
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
            _ => "joins are not supported; expected one table, or (SELECT ... UNION ALL SELECT ...) AS x",
        };
        let place = select.from.get(1).map_or_else(|| place.clone(), |second| place.at(second));
        errors.error(&place, message);
        return None;
    };
    if let Some(join) = from.joins.first() {
        let message =
            "joins are not supported; expected one table, or (SELECT ... UNION ALL SELECT ...) AS x";
        errors.error(&place.at(&join.relation), message);
        return None;
    }
    of_factor(&from.relation, known, &place.at(&from.relation), errors)
}

fn of_factor(
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
    let all = known.tables.iter().map(|draft| draft.table.name.as_str());
    let index = match names::find(ident, all.clone()) {
        Match::One(index) => index,
        _ if known.broken.iter().any(|broken| names::same(broken, &ident.value)) => return None,
        _ if known.views.iter().any(|view| names::same(view, &ident.value)) => {
            let message = format!(
                "\"{}\" is a view; views over views are not supported, expected one of {}",
                ident.value,
                all.collect::<Vec<_>>().join(", ")
            );
            errors.error(place, message);
            return None;
        }
        _ => {
            let all = all.chain(known.broken.iter().map(String::as_str));
            errors.error(place, names::unknown("table", &ident.value, all));
            return None;
        }
    };
    let draft = known.tables.get(index)?;
    let columns = draft.table.columns.iter().enumerate().map(|(slot, column)| Variable {
        name: column.name.clone(),
        kind: (!draft.broken.contains(&slot)).then_some(column.kind),
    });
    let columns: Vec<Variable> = columns.collect();
    let branch =
        Branch { table: index, columns: (0..columns.len()).map(Expr::Column).collect(), filter: None };
    Some(Relation { columns, branches: vec![branch], qualifier: Some(draft.table.name.clone()) })
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
        table: branch.table,
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
        if relation.branches.iter().take(index).any(|other| other.table == branch.table) {
            let name = known.tables.get(branch.table).map_or("", |draft| draft.table.name.as_str());
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
