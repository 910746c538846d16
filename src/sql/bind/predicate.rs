//! IS, IN, BETWEEN, LIKE and its like, and CASE.

use sqlparser::ast;

use super::{Binder, Typed, regexp::Pattern};
use crate::{
    sql::expr::{Comparison, Expr, Function},
    value::Type,
};

impl Binder<'_> {
    pub(super) fn predicate(&mut self, expr: &ast::Expr) -> Typed {
        use ast::Expr as E;
        match expr {
            E::IsNull(operand) | E::IsUnknown(operand) => self.is(Function::IsNull, operand, false),
            E::IsNotNull(operand) | E::IsNotUnknown(operand) => self.is(Function::IsNull, operand, true),
            E::IsTrue(operand) => self.is(Function::IsTrue, operand, false),
            E::IsNotTrue(operand) => self.is(Function::IsTrue, operand, true),
            E::IsFalse(operand) => self.is(Function::IsFalse, operand, false),
            E::IsNotFalse(operand) => self.is(Function::IsFalse, operand, true),
            E::IsDistinctFrom(left, right) => self.distinct(left, right, false),
            E::IsNotDistinctFrom(left, right) => self.distinct(left, right, true),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            E::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(Function::Like, expr, pattern, *negated)
            }
            E::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(Function::ILike, expr, pattern, *negated)
            }
            E::RLike { negated, expr, pattern, .. } => {
                negate(self.regexp_like("REGEXP", expr, pattern, Pattern::Regexp), *negated)
            }
            E::SimilarTo { negated, expr, pattern, escape_char: None } => {
                negate(self.regexp_like("SIMILAR TO", expr, pattern, Pattern::Similar), *negated)
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            other => self.fail(format!("{other} is not supported; expected LIKE 'pattern' with %, _ and \\")),
        }
    }

    fn is(&mut self, function: Function, operand: &ast::Expr, negated: bool) -> Typed {
        let mut bound = self.bind(operand);
        if function != Function::IsNull {
            bound = self.expect(bound, Type::Boolean, "the operand of IS TRUE or IS FALSE", operand);
        }
        negate(Typed::call(function, vec![bound.expr], Type::Boolean), negated)
    }

    fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, negated: bool) -> Typed {
        let (a, b) = (self.bind(left), self.bind(right));
        let Some((a, b)) = self.comparable(a, b) else { return Typed::UNKNOWN };
        negate(Typed::call(Function::IsDistinct, vec![a, b], Type::Boolean), negated)
    }

    fn in_list(&mut self, operand: &ast::Expr, list: &[ast::Expr], negated: bool) -> Typed {
        let value = self.bind(operand);
        let mut arguments = vec![value.expr.clone()];
        for each in list {
            let bound = self.bind(each);
            if let Some((_, each)) = self.comparable(value.clone(), bound) {
                arguments.push(each);
            }
        }
        negate(Typed::call(Function::In, arguments, Type::Boolean), negated)
    }

    fn between(&mut self, operand: &ast::Expr, low: &ast::Expr, high: &ast::Expr, negated: bool) -> Typed {
        let (value, low, high) = (self.bind(operand), self.bind(low), self.bind(high));
        let from = self.compare(Comparison::GreaterOrEqual, value.clone(), low);
        let to = self.compare(Comparison::LessOrEqual, value, high);
        negate(Typed::call(Function::And, vec![from.expr, to.expr], Type::Boolean), negated)
    }

    fn like(&mut self, function: Function, text: &ast::Expr, pattern: &ast::Expr, negated: bool) -> Typed {
        let (a, b) = (self.bind(text), self.bind(pattern));
        let a = self.expect(a, Type::Text, "the left side of LIKE", text);
        let b = self.expect(b, Type::Text, "the pattern of LIKE", pattern);
        negate(Typed::call(function, vec![a.expr, b.expr], Type::Boolean), negated)
    }

    /// `CASE x WHEN a ...` is `CASE WHEN x = a ...`.
    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        branches: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Typed {
        let operand = operand.map(|operand| self.bind(operand));
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for branch in branches {
            conditions.push(match &operand {
                None => self.condition(&branch.condition),
                Some(operand) => {
                    let value = self.bind(&branch.condition);
                    self.compare(Comparison::Equal, operand.clone(), value).expr
                }
            });
            results.push(self.bind(&branch.result));
        }
        results.push(otherwise.map_or(Typed::UNKNOWN, |otherwise| self.bind(otherwise)));
        let (mut results, kind) = self.unify("CASE", results);
        let otherwise = results.pop().unwrap_or(Expr::NULL);
        let pairs = conditions.into_iter().zip(results).flat_map(|(condition, result)| [condition, result]);
        let arguments = pairs.chain([otherwise]).collect();
        Typed { expr: Expr::call(Function::Case, arguments), kind }
    }
}

fn negate(typed: Typed, negated: bool) -> Typed {
    if negated { Typed::call(Function::Not, vec![typed.expr], Type::Boolean) } else { typed }
}
