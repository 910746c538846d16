//! SELECT's list as far as it is bound.

use std::ops::Deref;

use sqlparser::ast::Ident;

use crate::{
    sql::{
        bind::Typed,
        expr::Expr,
        names::{self, Match},
        plan::{Field, Output},
    },
    value::Type,
};

/// The columns so far, each known to those behind it.
#[derive(Debug)]
pub(super) struct List {
    /// The slot of the first.
    slots: usize,
    columns: Vec<Output>,
    /// Those whose type is unknown because of a mistake, and bare NULLs.
    untyped: Vec<usize>,
}

impl List {
    /// No columns; the first will have this slot.
    pub(super) const fn new(slots: usize) -> Self {
        Self { slots, columns: Vec::new(), untyped: Vec::new() }
    }

    /// Adds a column.
    pub(super) fn push(&mut self, name: String, Typed { expr, kind }: Typed) {
        if kind.is_none() {
            self.untyped.push(self.columns.len());
        }
        self.columns.push(Output { field: Field { name, kind: kind.unwrap_or(Type::Text) }, expr });
    }

    /// The column of a name, by its slot.
    pub(super) fn find(&self, name: &Ident) -> Option<Typed> {
        let all = self.columns.iter().map(|column| column.field.name.as_str());
        let Match::One(index) = names::find(name, all) else { return None };
        if self.untyped.contains(&index) {
            return Some(Typed::UNKNOWN);
        }
        Some(Typed::new(Expr::Column(self.slots + index), self.columns.get(index)?.field.kind))
    }

    /// The names and types of those whose type is known.
    pub(super) fn kinds(&self) -> Vec<(String, Type)> {
        let typed = self.columns.iter().enumerate().filter(|(index, _)| !self.untyped.contains(index));
        typed.map(|(_, column)| (column.field.name.clone(), column.field.kind)).collect()
    }

    /// What a slot, such as a key's, is called where it stands in the list as it is.
    pub(super) fn name_of(&self, slot: usize) -> Option<String> {
        let column = self.columns.iter().find(|column| column.expr == Expr::Column(slot));
        column.map(|column| column.field.name.clone())
    }
}

impl Deref for List {
    type Target = [Output];

    fn deref(&self) -> &[Output] {
        &self.columns
    }
}
