//! Binding: an expression of the parser's, its names resolved and its types checked.
//!
//! A mistake is noted and the expression that has it becomes a NULL of unknown type, which fits
//! everywhere: the search for mistakes goes on, and one mistake is reported once.

mod call;
mod json_path;
mod leaf;
mod operator;
mod predicate;
mod regexp;
mod row;
mod scalar;

use sqlparser::ast::{self, Ident};

pub(super) use call::plain_arguments;
pub(super) use row::{AGGREGATE, RowScope, Variable};

use super::{
    error::{Diagnostics, Place},
    expr::{Expr, Function, parse_timestamp},
};
use crate::value::{Type, Value};

/// An expression and its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    /// None for a bare NULL, which is of any type, and for what could not be bound.
    pub(super) kind: Option<Type>,
}

impl Typed {
    /// What stands for an expression that has a mistake.
    pub(super) const UNKNOWN: Self = Self { expr: Expr::NULL, kind: None };

    pub(super) const fn new(expr: Expr, kind: Type) -> Self {
        Self { expr, kind: Some(kind) }
    }

    fn call(function: Function, arguments: Vec<Expr>, kind: Type) -> Self {
        Self::new(Expr::call(function, arguments), kind)
    }

    /// The name of its type, for errors.
    pub(super) fn kind_name(&self) -> String {
        self.kind.map_or_else(|| "NULL".to_owned(), |kind| kind.to_string())
    }
}

/// Where names come from.
pub(super) trait Scope {
    /// The column of a name, perhaps qualified.
    fn column(&mut self, parts: &[Ident], place: &Place, errors: &mut Diagnostics) -> Typed;

    /// Functions that only some places have: aggregates, windows. None if it is none of these.
    fn function(
        &mut self,
        function: &ast::Function,
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Option<Typed>;

    /// A function with OVER.
    fn over(&mut self, _call: &ast::Function, place: &Place, errors: &mut Diagnostics) -> Typed {
        let message = "OVER cannot stand here; expected it in SELECT or QUALIFY of a view without GROUP BY";
        errors.error(place, message);
        Typed::UNKNOWN
    }

    /// What a whole expression is known as (a group key).
    fn known(&mut self, _expr: &ast::Expr, _place: &Place) -> Option<Typed> {
        None
    }
}

/// Binds expressions in a scope.
pub(super) struct Binder<'a> {
    pub(super) scope: &'a mut dyn Scope,
    pub(super) errors: &'a mut Diagnostics,
    /// Where it is, for nodes of which the parser does not say it.
    pub(super) place: Place,
}

impl<'a> Binder<'a> {
    /// A binder whose errors stand at `place` where nothing better is known.
    pub(super) fn new(scope: &'a mut dyn Scope, errors: &'a mut Diagnostics, place: &Place) -> Self {
        Self { scope, errors, place: place.clone() }
    }

    /// Binds an expression.
    pub(super) fn bind(&mut self, expr: &ast::Expr) -> Typed {
        let outer = self.place.clone();
        self.place = outer.at(expr);
        let place = self.place.clone();
        let known = self.scope.known(expr, &place);
        let typed = known.unwrap_or_else(|| self.dispatch(expr));
        self.place = outer;
        typed
    }

    /// Binds a condition.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Expr {
        let bound = self.bind(expr);
        self.expect(bound, Type::Boolean, "a condition", expr).expr
    }

    fn dispatch(&mut self, expr: &ast::Expr) -> Typed {
        use ast::Expr as E;
        match expr {
            E::Identifier(ident) => self.scope.column(std::slice::from_ref(ident), &self.place, self.errors),
            E::CompoundIdentifier(parts) => self.scope.column(parts, &self.place, self.errors),
            E::Nested(inner) => self.bind(inner),
            E::Value(value) => self.literal(&value.value),
            E::TypedString(typed) => self.typed_string(typed),
            E::Interval(interval) => self.interval(interval),
            E::UnaryOp { op, expr } => self.unary(*op, expr),
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::IsNull(..)
            | E::IsNotNull(..)
            | E::IsUnknown(..)
            | E::IsNotUnknown(..)
            | E::IsTrue(..)
            | E::IsNotTrue(..)
            | E::IsFalse(..)
            | E::IsNotFalse(..)
            | E::IsDistinctFrom(..)
            | E::IsNotDistinctFrom(..)
            | E::InList { .. }
            | E::Between { .. }
            | E::Like { .. }
            | E::ILike { .. }
            | E::RLike { .. }
            | E::SimilarTo { .. }
            | E::Case { .. } => self.predicate(expr),
            E::Cast { .. }
            | E::Extract { .. }
            | E::Ceil { .. }
            | E::Floor { .. }
            | E::Substring { .. }
            | E::Trim { .. }
            | E::Position { .. }
            | E::Function(_) => self.call(expr),
            E::Subquery(_) | E::Exists { .. } | E::InSubquery { .. } => self
                .fail("subqueries are supported in FROM only: FROM (SELECT ... UNION ALL SELECT ...) AS x"),
            other => self.fail(format!(
                "{other} is not supported; expected columns, literals, arithmetic, comparisons, CASE, CAST, \
                 EXTRACT, JSON paths and functions"
            )),
        }
    }

    /// Notes an error at the expression that is being bound.
    fn fail(&mut self, message: impl Into<String>) -> Typed {
        self.errors.error(&self.place, message);
        Typed::UNKNOWN
    }

    /// Notes an error at another node.
    fn fail_at(&mut self, node: &ast::Expr, message: impl Into<String>) -> Typed {
        self.errors.error(&self.place.at(node), message);
        Typed::UNKNOWN
    }

    /// `typed` as a value of type `kind`: converted where that loses nothing, else an error.
    fn expect(&mut self, typed: Typed, kind: Type, what: &str, at: &ast::Expr) -> Typed {
        let found = typed.kind_name();
        match convert(typed, kind) {
            Some(typed) => typed,
            None => self.fail_at(at, format!("{what} has to be {kind}, found {found}: {at}")),
        }
    }

    /// `all` as values of one type.
    fn unify(&mut self, what: &str, all: Vec<Typed>) -> (Vec<Expr>, Option<Type>) {
        let mut kind = None;
        for each in &all {
            match common(kind, each) {
                Ok(common) => kind = common,
                Err((a, b)) => {
                    self.fail(format!("{what} mixes {a} and {b}; expected values of one type"));
                    return (vec![Expr::NULL], None);
                }
            }
        }
        let Some(kind) = kind else { return (all.into_iter().map(|each| each.expr).collect(), None) };
        let mut expressions = Vec::with_capacity(all.len());
        for each in all {
            let found = each.kind_name();
            match convert(each, kind) {
                Some(typed) => expressions.push(typed.expr),
                None => {
                    self.fail(format!("{what} mixes {kind} and {found}; expected values of one type"));
                }
            }
        }
        (expressions, Some(kind))
    }
}

/// A value as another type where that loses nothing: BIGINT as DOUBLE, NULL as anything, a text
/// literal as the TIMESTAMP that it spells.
pub(super) fn convert(typed: Typed, kind: Type) -> Option<Typed> {
    let expr = match (typed.kind, kind, typed.expr) {
        (None, _, expr) => expr,
        (Some(from), to, expr) if from == to => expr,
        (Some(Type::BigInt), Type::Double, expr) => Expr::call(Function::Cast(Type::Double), vec![expr]),
        (Some(Type::Text), Type::Timestamp, Expr::Literal(Value::Text(text))) => {
            Expr::Literal(Value::Time(parse_timestamp(&text)?))
        }
        _ => return None,
    };
    Some(Typed::new(expr, kind))
}

/// The type that holds values of `kind` and of `other`.
pub(super) fn common(kind: Option<Type>, other: &Typed) -> Result<Option<Type>, (Type, Type)> {
    let is_literal = matches!(other.expr, Expr::Literal(_));
    match (kind, other.kind) {
        (None, kind) | (kind, None) => Ok(kind),
        (Some(a), Some(b)) if a == b => Ok(Some(a)),
        (Some(Type::BigInt), Some(Type::Double)) | (Some(Type::Double), Some(Type::BigInt)) => {
            Ok(Some(Type::Double))
        }
        // Whether the text spells one is seen when it is converted.
        (Some(Type::Timestamp), Some(Type::Text)) if is_literal => Ok(Some(Type::Timestamp)),
        (Some(a), Some(b)) => Err((a, b)),
    }
}
