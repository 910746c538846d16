//! What FROM may name, and what it does name.

use sqlparser::ast::{Ident, SetExpr, TableFactor, TableWithJoins};

use super::{
    names,
    plan::{Origin, Table, View},
    relation::{Branch, Relation},
    table::TableDraft,
};

/// What FROM may name.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) tables: &'a [TableDraft],
    /// Names of tables with mistakes: what refers to these is not to blame.
    pub(super) broken: &'a [String],
    /// All views.
    pub(super) views: &'a [ViewDraft],
}

/// A view's name and, once it was checked and had no mistakes that matter, the view.
pub(super) struct ViewDraft {
    pub(super) name: String,
    pub(super) view: Option<View>,
}

impl<'a> Known<'a> {
    /// A branch's table, if it is one.
    pub(super) fn table(&self, branch: &Branch) -> Option<&'a Table> {
        match branch.origin {
            Origin::Table(index) => self.tables.get(index).map(|draft| &draft.table),
            Origin::View(_) => None,
        }
    }

    /// A branch's view, if it is one.
    pub(super) fn view(&self, branch: &Branch) -> Option<&'a View> {
        match branch.origin {
            Origin::View(index) => self.views.get(index).and_then(|draft| draft.view.as_ref()),
            Origin::Table(_) => None,
        }
    }

    /// The view that a relation is over, if it is over one.
    pub(super) fn upstream(&self, relation: &Relation) -> Option<&'a View> {
        relation.branches.first().and_then(|branch| self.view(branch))
    }
}

/// The names that FROM has, those in its subqueries too.
pub(super) fn names_in(body: &SetExpr) -> Vec<&Ident> {
    match body {
        SetExpr::Select(select) => {
            select.from.iter().flat_map(factors_of).flat_map(names_in_factor).collect()
        }
        SetExpr::Query(query) => names_in(&query.body),
        SetExpr::SetOperation { left, right, .. } => [names_in(left), names_in(right)].concat(),
        _ => Vec::new(),
    }
}

fn factors_of(from: &TableWithJoins) -> impl Iterator<Item = &TableFactor> {
    std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
}

fn names_in_factor(factor: &TableFactor) -> Vec<&Ident> {
    match factor {
        TableFactor::Table { name, .. } => names::single(name).into_iter().collect(),
        TableFactor::Derived { subquery, .. } => names_in(&subquery.body),
        TableFactor::NestedJoin { table_with_joins, .. } => names_in_factor(&table_with_joins.relation),
        TableFactor::MatchRecognize { table, .. } => names_in_factor(table),
        _ => Vec::new(),
    }
}
