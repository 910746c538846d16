//! The scope of SELECT and QUALIFY where every event makes a row: the event's own columns, aggregates
//! OVER its frame, the frame's bounds, earlier columns.

use sqlparser::ast::{self, Ident, Select, SelectItem};

use super::{
    ListScope,
    frame::{self, Frame},
};
use crate::{
    sql::{
        aggregates::{self, Aggregate},
        bind::{AGGREGATE, Binder, RowScope, Scope, Typed},
        error::{Diagnostics, Place},
        expr::{Expr, Function},
        known::Known,
        names::{self, Match},
        plan::{Field, Input, Output, WINDOW_END, WINDOW_START},
        relation::Relation,
        view::{aggregate, group::Key, list::List, window},
    },
    value::Type,
};

/// While it is not known how many there are of each, slots stand far apart; [`Layout`] puts them where
/// [`Output`] says.
const AGGREGATE_SLOTS: usize = 1 << 24;
pub(in crate::sql::view) const START: usize = 2 << 24;
pub(in crate::sql::view) const END: usize = START + 1;
const CARRIED_SLOTS: usize = 3 << 24;
const OUTPUT_SLOTS: usize = 4 << 24;

/// The scope; it collects the aggregates and the event's columns that it meets.
pub(super) struct OverScope<'a> {
    pub(super) relation: &'a Relation,
    known: Known<'a>,
    select: &'a Select,
    pub(super) keys: &'a [Key],
    frame: Option<&'a Frame>,
    /// Where in the statement this is, for errors.
    pub(super) clause: &'static str,
    /// The aggregates so far, their inputs over the relation's columns.
    pub(super) aggregates: Vec<(Aggregate, Input)>,
    /// What rows have of their event so far, over the relation's columns.
    carried: Vec<(Field, Expr)>,
    /// The columns so far.
    pub(super) outputs: List,
}

impl<'a> OverScope<'a> {
    pub(super) const fn new(
        relation: &'a Relation,
        known: Known<'a>,
        select: &'a Select,
        keys: &'a [Key],
        frame: Option<&'a Frame>,
    ) -> Self {
        Self {
            relation,
            known,
            select,
            keys,
            frame,
            clause: "SELECT",
            aggregates: Vec::new(),
            carried: Vec::new(),
            outputs: List::new(OUTPUT_SLOTS),
        }
    }

    /// An expression as one over the relation's columns, if it computes something of the event alone.
    fn of_event(&self, expr: &Expr) -> Option<Expr> {
        let (mut is_carried, mut is_of_event) = (false, true);
        expr.for_each_column(&mut |slot| match slot {
            OUTPUT_SLOTS.. | AGGREGATE_SLOTS..CARRIED_SLOTS => is_of_event = false,
            CARRIED_SLOTS.. => is_carried = true,
            _ => {}
        });
        let is_computed = !matches!(expr, Expr::Column(_));
        (is_computed && is_carried && is_of_event).then(|| {
            expr.replace_columns(&|slot| match slot.checked_sub(CARRIED_SLOTS) {
                Some(index) => self.carried.get(index).map_or(Expr::NULL, |(_, expr)| expr.clone()),
                None => self.keys.get(slot).map_or(Expr::NULL, |key| key.expr.clone()),
            })
        })
    }

    /// The slot of something of the event.
    fn carry(&mut self, field: Field, expr: Expr) -> Expr {
        let index = self.carried.iter().position(|(_, known)| *known == expr).unwrap_or_else(|| {
            self.carried.push((field, expr));
            self.carried.len() - 1
        });
        Expr::Column(CARRIED_SLOTS + index)
    }

    /// A column that FROM gives: a key, or one of the event's own.
    fn of_column(&mut self, name: &str, slot: usize, kind: Option<Type>) -> Typed {
        let typed = Typed { expr: Expr::Column(slot), kind };
        let Some(kind) = kind else { return Typed::UNKNOWN };
        self.key_of(&typed).unwrap_or_else(|| {
            Typed::new(self.carry(Field { name: name.to_owned(), kind }, typed.expr), kind)
        })
    }

    /// The key that computes the same as `typed`, which is over the relation's columns.
    fn key_of(&self, typed: &Typed) -> Option<Typed> {
        let slot = self.keys.iter().position(|key| key.expr == typed.expr && key.kind.is_some())?;
        Some(Typed { expr: Expr::Column(slot), kind: typed.kind })
    }

    fn bound(name: &Ident) -> Option<Typed> {
        let is = |bound: &str| names::same(&name.value, bound);
        let slot = if is(WINDOW_START) { Some(START) } else { is(WINDOW_END).then_some(END) };
        slot.map(|slot| Typed::new(Expr::Column(slot), Type::Timestamp))
    }

    /// Says what is wrong with a name that is no column of FROM, no bound and no earlier column.
    fn refuse(&self, name: &Ident, place: &Place, errors: &mut Diagnostics) {
        let is_alias = self.select.projection.iter().any(
            |item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if names::same(&alias.value, &name.value)),
        );
        if is_alias {
            let message =
                format!("column \"{}\" is computed further behind; expected it before its use", name.value);
            return errors.error(place, message);
        }
        let columns = self.relation.columns.iter().map(|column| column.name.as_str());
        let outputs = self.outputs.iter().map(|output| output.field.name.as_str());
        let mut all: Vec<&str> = Vec::new();
        for name in columns.chain([WINDOW_START, WINDOW_END]).chain(outputs) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        errors.error(place, names::unknown("column", &name.value, all.into_iter()));
    }

    /// The slot of an aggregate: that of an identical one if there is one.
    fn share(&mut self, aggregate: Aggregate, input: Input) -> Expr {
        let same = |(other, others): &(Aggregate, Input)| {
            *other == aggregate && others.argument == input.argument && others.filter == input.filter
        };
        let index = self.aggregates.iter().position(same).unwrap_or_else(|| {
            self.aggregates.push((aggregate, input));
            self.aggregates.len() - 1
        });
        Expr::Column(AGGREGATE_SLOTS + index)
    }

    fn rows(&self, clause: &'static str) -> RowScope<'a> {
        self.relation.scope(clause)
    }

    /// Whether a call's window is the view's.
    fn check_frame(&self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> bool {
        let Some(window) = &call.over else { return false };
        let frame = frame::of(window, self.select, self.relation, self.known, place, errors);
        let Some(frame) = frame else { return false };
        let is_same = self.frame.is_some_and(|known| known.is_same(&frame));
        if !is_same {
            let message =
                "the windows of a view's OVERs differ; expected one PARTITION BY and one RANGE for all";
            errors.error(place, message);
        }
        is_same
    }
}

impl ListScope for OverScope<'_> {
    /// `*`: all columns that FROM gives.
    fn all(&mut self) -> Vec<(String, Typed)> {
        let columns = self.relation.columns.iter().enumerate();
        let columns = columns.map(|(slot, column)| (slot, column.name.clone(), column.kind));
        columns.map(|(slot, name, kind)| (name.clone(), self.of_column(&name, slot, kind))).collect()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Makes a column known to those behind it. What it computes of nothing but the event is computed
    /// when the event is taken in: its result is often smaller than what it is made of.
    fn push(&mut self, name: String, typed: Typed) {
        let Typed { expr, kind } = typed;
        let expr = match self.of_event(&expr) {
            Some(of_event) => {
                self.carry(Field { name: name.clone(), kind: kind.unwrap_or(Type::Text) }, of_event)
            }
            None => expr,
        };
        self.outputs.push(name, Typed { expr, kind });
    }
}

impl Scope for OverScope<'_> {
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed {
        let mut rows = self.rows(self.clause);
        let Some(name) = rows.unqualified(parts, place, errors) else { return Typed::UNKNOWN };
        match rows.find(name) {
            Match::One(slot) => {
                let Some(column) = self.relation.columns.get(slot) else { return Typed::UNKNOWN };
                self.of_column(&column.name, slot, column.kind)
            }
            Match::Several => rows.column(std::slice::from_ref(name), place, errors),
            Match::None => Self::bound(name).or_else(|| self.outputs.find(name)).unwrap_or_else(|| {
                self.refuse(name, place, errors);
                Typed::UNKNOWN
            }),
        }
    }

    fn function(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Option<Typed> {
        let name = call.name.to_string().to_ascii_lowercase();
        if aggregates::find(&name).is_some() {
            let message =
                format!("{name} needs OVER (...) where every event makes a row; or expected GROUP BY");
            errors.error(place, message);
            return Some(Typed::UNKNOWN);
        }
        window::Kind::of(&name)?;
        let message =
            format!("{name} belongs in GROUP BY; in {} expected window_start or window_end", self.clause);
        errors.error(place, message);
        Some(Typed::UNKNOWN)
    }

    fn over(&mut self, call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Typed {
        let name = call.name.to_string().to_ascii_lowercase();
        let Some(kind) = aggregates::find(&name) else {
            let known = aggregates::names().collect::<Vec<_>>().join(", ");
            errors.error(place, format!("{name} cannot stand before OVER; expected one of {known}"));
            return Typed::UNKNOWN;
        };
        let mut rows = self.rows(AGGREGATE);
        let called = aggregate::of_call((&name, kind), call, &mut rows, place, errors);
        let is_framed = self.check_frame(call, place, errors);
        let Some(called) = called.filter(|_| is_framed) else { return Typed::UNKNOWN };
        let slot = self.share(called.aggregate, called.input);
        match called.joined_by {
            Some(by) => Typed::new(Expr::call(Function::ArrayToString, vec![slot, by]), Type::Text),
            None => Typed::new(slot, called.aggregate.result),
        }
    }

    /// An expression that PARTITION BY has too is the key, not computed from it.
    fn known(&mut self, expr: &ast::Expr, place: &Place) -> Option<Typed> {
        if matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) | ast::Expr::Value(_)) {
            return None;
        }
        if self.keys.iter().all(|key| matches!(key.expr, Expr::Column(_))) {
            return None;
        }
        let mut ignored = Diagnostics::default();
        let mut rows = self.rows("SELECT");
        let typed = Binder::new(&mut rows, &mut ignored, place).bind(expr);
        if ignored.is_empty() { self.key_of(&typed) } else { None }
    }
}

/// Where the slots finally lie. What is carried but only went into other things is left out.
pub(super) struct Layout {
    keys: usize,
    aggregates: usize,
    /// Which of the scope's carried ones are.
    carried: Vec<usize>,
}

impl Layout {
    pub(super) fn of(scope: &OverScope<'_>, qualify: Option<&Expr>) -> Self {
        let mut carried = Vec::new();
        for expr in scope.outputs.iter().map(|output| &output.expr).chain(qualify) {
            expr.for_each_column(&mut |slot| {
                if (CARRIED_SLOTS..OUTPUT_SLOTS).contains(&slot) {
                    carried.push(slot - CARRIED_SLOTS);
                }
            });
        }
        carried.sort_unstable();
        carried.dedup();
        Self { keys: scope.keys.len(), aggregates: scope.aggregates.len(), carried }
    }

    /// What is carried: as it is called, and over the relation's columns.
    pub(super) fn carried<'s>(
        &'s self,
        scope: &'s OverScope<'_>,
    ) -> impl Iterator<Item = (Field, Expr)> + 's {
        self.carried.iter().filter_map(|index| scope.carried.get(*index).cloned())
    }

    /// A column over the final slots.
    pub(super) fn output(&self, output: &Output) -> Output {
        Output { field: output.field.clone(), expr: self.place(&output.expr) }
    }

    /// An expression over the final slots.
    pub(super) fn place(&self, expr: &Expr) -> Expr {
        let bounds = self.keys + self.aggregates;
        let of_carried =
            |index: usize| self.carried.iter().position(|kept| *kept == index).unwrap_or_default();
        expr.replace_columns(&|slot| {
            Expr::Column(match slot {
                OUTPUT_SLOTS.. => bounds + 2 + self.carried.len() + (slot - OUTPUT_SLOTS),
                CARRIED_SLOTS.. => bounds + 2 + of_carried(slot - CARRIED_SLOTS),
                START.. => bounds + (slot - START),
                AGGREGATE_SLOTS.. => self.keys + (slot - AGGREGATE_SLOTS),
                key => key,
            })
        })
    }
}
