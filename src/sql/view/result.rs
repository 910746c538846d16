//! The scope of SELECT and HAVING: group keys, aggregates, the window's bounds, earlier columns.

use sqlparser::ast::{self, Ident, SelectItem};

use super::{aggregate, group::Group, list::List, window};
use crate::{
    sql::{
        aggregates::{self, Aggregate},
        bind::{AGGREGATE, Binder, RowScope, Scope, Typed},
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        names::{self, Match},
        plan::{Input, WINDOW_END, WINDOW_START, Window},
        relation::Relation,
    },
    value::Type,
};

/// While it is not known how many aggregates there are, their slots and those behind them stand far
/// apart; [`Layout`] puts them where [`Output`] says.
const AGGREGATE_SLOTS: usize = 1 << 24;
pub(super) const START: usize = 2 << 24;
pub(super) const END: usize = START + 1;
pub(super) const PREVIOUS_SLOTS: usize = 3 << 24;
const OUTPUT_SLOTS: usize = 4 << 24;

/// The scope; it collects the aggregates that it meets.
pub(super) struct ResultScope<'a> {
    pub(super) relation: &'a Relation,
    pub(super) group: &'a Group,
    /// Where in the statement this is, for errors.
    pub(super) clause: &'static str,
    /// The aggregates so far, their inputs over the relation's columns.
    pub(super) aggregates: Vec<(Aggregate, Input)>,
    /// The columns so far.
    pub(super) outputs: List,
    items: &'a [SelectItem],
    /// The columns that `previous` names.
    pub(super) previous: Vec<String>,
    /// The types of all columns, as far as they are known without `previous`.
    pub(super) kinds: &'a [(String, Type)],
}

/// Where the slots finally lie.
pub(super) struct Layout {
    keys: usize,
    aggregates: usize,
    previous: usize,
}

impl Layout {
    /// An expression over the final slots.
    pub(super) fn place(&self, expr: &Expr) -> Expr {
        let bounds = self.keys + self.aggregates;
        expr.replace_columns(&|slot| {
            Expr::Column(match slot {
                OUTPUT_SLOTS.. => bounds + 2 + self.previous + (slot - OUTPUT_SLOTS),
                PREVIOUS_SLOTS.. => bounds + 2 + (slot - PREVIOUS_SLOTS),
                START.. => bounds + (slot - START),
                AGGREGATE_SLOTS.. => self.keys + (slot - AGGREGATE_SLOTS),
                key => key,
            })
        })
    }
}

impl<'a> ResultScope<'a> {
    pub(super) const fn new(
        relation: &'a Relation,
        group: &'a Group,
        items: &'a [SelectItem],
        kinds: &'a [(String, Type)],
    ) -> Self {
        Self {
            relation,
            group,
            items,
            kinds,
            previous: Vec::new(),
            clause: "SELECT",
            aggregates: Vec::new(),
            outputs: List::new(OUTPUT_SLOTS),
        }
    }

    pub(super) const fn layout(&self) -> Layout {
        Layout {
            keys: self.group.keys.len(),
            aggregates: self.aggregates.len(),
            previous: self.previous.len(),
        }
    }

    /// Whether rows are of windows.
    pub(super) fn has_windows(&self) -> bool {
        self.group.window != Window::Running
    }

    /// Whether each row of a view makes one.
    pub(super) const fn is_each_row(&self) -> bool {
        self.group.is_each_row
    }

    fn rows(&self, clause: &'static str) -> RowScope<'a> {
        self.relation.scope(clause)
    }

    /// The key that computes the same as `typed`, which is over the relation's columns.
    pub(super) fn key_of(&self, typed: &Typed) -> Option<Typed> {
        let slot = self.group.keys.iter().position(|key| key.expr == typed.expr && key.kind.is_some())?;
        Some(Typed { expr: Expr::Column(slot), kind: typed.kind })
    }

    fn bound(name: &Ident) -> Option<Typed> {
        let is = |bound: &str| names::same(&name.value, bound);
        let slot = if is(WINDOW_START) {
            START
        } else if is(WINDOW_END) {
            END
        } else {
            return None;
        };
        Some(Typed::new(Expr::Column(slot), Type::Timestamp))
    }

    /// Says what is wrong with a name that is no key, no bound of the window and no earlier column.
    fn refuse(&self, name: &Ident, rows: &mut RowScope<'_>, place: &Place, errors: &mut Diagnostics) {
        let value = &name.value;
        match rows.find(name) {
            Match::One(slot) => {
                let known = self.relation.columns.get(slot).is_some_and(|column| column.kind.is_some());
                if known {
                    let message = format!(
                        "column \"{value}\" is neither in GROUP BY nor in an aggregate; expected one of these, such \
                         as max({value})"
                    );
                    errors.error(place, message);
                }
            }
            Match::Several => {
                rows.column(std::slice::from_ref(name), place, errors);
            }
            Match::None if self.is_alias(name) => {
                let message =
                    format!("column \"{value}\" is computed further behind; expected it before its use");
                errors.error(place, message);
            }
            Match::None => {
                let columns = self.relation.columns.iter().map(|column| column.name.as_str());
                let mut all: Vec<&str> = columns.chain([WINDOW_START, WINDOW_END]).collect();
                for output in self.outputs.iter() {
                    let name = output.field.name.as_str();
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
                errors.error(place, names::unknown("column", value, all.iter().copied()));
            }
        }
    }

    /// Whether some column of SELECT has this name.
    pub(super) fn is_alias(&self, name: &Ident) -> bool {
        let aliases = self.items.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias),
            _ => None,
        });
        aliases.into_iter().any(|alias| names::same(&alias.value, &name.value))
    }

    /// The result of an aggregate.
    fn aggregate(&mut self, call: aggregate::Call) -> Typed {
        let slot = self.share(call.aggregate, call.input);
        match call.joined_by {
            Some(separator) => {
                Typed::new(Expr::call(Function::ArrayToString, vec![slot, separator]), Type::Text)
            }
            None => Typed::new(slot, call.aggregate.result),
        }
    }

    /// The slot of an aggregate: that of an identical one if there is one.
    pub(super) fn share(&mut self, aggregate: Aggregate, input: Input) -> Expr {
        let same = |(other, others): &(Aggregate, Input)| {
            *other == aggregate && others.argument == input.argument && others.filter == input.filter
        };
        let index = self.aggregates.iter().position(same).unwrap_or_else(|| {
            self.aggregates.push((aggregate, input));
            self.aggregates.len() - 1
        });
        Expr::Column(AGGREGATE_SLOTS + index)
    }
}

impl Scope for ResultScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let mut rows = self.rows(self.clause);
        let Some(name) = rows.unqualified(parts, place, errors) else { return Typed::UNKNOWN };
        if let Match::One(_) = rows.find(name) {
            let typed = rows.column(std::slice::from_ref(name), place, errors);
            if let Some(key) = self.key_of(&typed) {
                return key;
            }
            if self.group.is_each_row && Self::bound(name).is_none() {
                return self.of_row(typed);
            }
        }
        let bound = Self::bound(name).filter(|_| self.has_windows());
        if let Some(typed) = bound.or_else(|| self.outputs.find(name)) {
            return typed;
        }
        self.refuse(name, &mut rows, place, errors);
        Typed::UNKNOWN
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        if name == "previous" {
            return Some(self.previous(call, place, errors));
        }
        if let Some(kind) = aggregates::find(&name) {
            if self.group.is_each_row {
                let message = format!("{name} needs groups; expected GROUP BY window_start, window_end");
                errors.error(place, message);
                return Some(Typed::UNKNOWN);
            }
            let mut rows = self.rows(AGGREGATE);
            let call = aggregate::of_call((&name, kind), call, &mut rows, place, errors);
            return Some(call.map_or(Typed::UNKNOWN, |call| self.aggregate(call)));
        }
        // Flink's TUMBLE_START(ts, size) and its like name the bounds of the view's only window.
        let (kind, slot) = match (name.strip_suffix("_start"), name.strip_suffix("_end")) {
            (Some(kind), _) => (kind, START),
            (_, Some(kind)) => (kind, END),
            _ => (name.as_str(), START),
        };
        window::Kind::of(kind)?;
        if kind == name {
            let message =
                format!("{name} belongs in GROUP BY; in {} expected window_start or window_end", self.clause);
            errors.error(place, message);
            return Some(Typed::UNKNOWN);
        }
        Some(Typed::new(Expr::Column(slot), Type::Timestamp))
    }

    /// An expression that GROUP BY has too is the key, not computed from it.
    fn known(&mut self, expr: &ast::Expr, place: &Place) -> Option<Typed> {
        if matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) | ast::Expr::Value(_)) {
            return None;
        }
        if self.group.keys.iter().all(|key| matches!(key.expr, Expr::Column(_))) {
            return None;
        }
        let mut ignored = Diagnostics::default();
        let mut rows = self.rows("SELECT");
        let typed = Binder::new(&mut rows, &mut ignored, place).bind(expr);
        if ignored.is_empty() { self.key_of(&typed) } else { None }
    }
}
