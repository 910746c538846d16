//! Operators: arithmetic, comparisons, logic, JSON paths.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::{Binder, Typed, convert, leaf};
use crate::{
    sql::expr::{Comparison, Expr, Function},
    value::{Type, Value},
};

impl Binder<'_> {
    pub(super) fn unary(&mut self, op: UnaryOperator, operand: &ast::Expr) -> Typed {
        if op == UnaryOperator::Minus
            && let ast::Expr::Value(value) = operand
            && let ast::Value::Number(text, _) = &value.value
            && let Some(typed) = leaf::number(&format!("-{text}"))
        {
            // -9223372036854775808 has no positive twin to negate.
            return typed;
        }
        let bound = self.bind(operand);
        match op {
            UnaryOperator::Not | UnaryOperator::BangNot => {
                let condition = self.expect(bound, Type::Boolean, "the operand of NOT", operand);
                Typed::call(Function::Not, vec![condition.expr], Type::Boolean)
            }
            UnaryOperator::Minus | UnaryOperator::Plus => {
                let Some(kind) = self.numeric(&bound, "a sign", operand) else { return Typed::UNKNOWN };
                match op {
                    UnaryOperator::Minus => Typed::call(Function::Negate, vec![bound.expr], kind),
                    _ => bound,
                }
            }
            other => self.fail(format!("operator {other} is not supported; expected NOT, - or +")),
        }
    }

    pub(super) fn binary(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Typed {
        use BinaryOperator as B;
        if let Some(comparison) = comparison(op) {
            let (a, b) = (self.bind(left), self.bind(right));
            return self.compare(comparison, a, b);
        }
        match op {
            B::And => self.logic(Function::And, left, right),
            B::Or => self.logic(Function::Or, left, right),
            B::Plus => self.sum(Function::Add, left, right),
            B::Minus => self.sum(Function::Subtract, left, right),
            B::Multiply => self.product(Function::Multiply, left, right),
            B::Modulo => self.product(Function::Remainder, left, right),
            B::Divide => self.divide(left, right),
            B::StringConcat => self.join(left, right),
            B::Arrow => self.json(Function::Json, left, right),
            B::LongArrow => self.json(Function::JsonText, left, right),
            other => self.fail(format!(
                "operator {other} is not supported; expected one of + - * / % = <> < <= > >= AND OR || -> ->>"
            )),
        }
    }

    /// A comparison of two values whose types can be compared.
    pub(super) fn compare(&mut self, op: Comparison, left: Typed, right: Typed) -> Typed {
        let Some((left, right)) = self.comparable(left, right) else { return Typed::UNKNOWN };
        Typed::new(Expr::compare(op, left, right), Type::Boolean)
    }

    /// Two values as they can be compared: of one type, or both numbers (timestamps count as their
    /// milliseconds among BIGINTs).
    pub(super) fn comparable(&mut self, left: Typed, right: Typed) -> Option<(Expr, Expr)> {
        let (a, b) = match (left.kind, right.kind) {
            (Some(Type::Json), Some(_)) | (Some(_), Some(Type::Json)) => {
                self.fail(
                    "JSON cannot be compared; expected a path to a text (->> 'field') or a cast (-> 'field')::BIGINT",
                );
                return None;
            }
            (None, _) | (_, None) => return Some((left.expr, right.expr)),
            (Some(a), Some(b)) => (a, b),
        };
        match (a, b) {
            (a, b) if a == b => Some((left.expr, right.expr)),
            (Type::BigInt, Type::Double | Type::Timestamp)
            | (Type::Double | Type::Timestamp, Type::BigInt) => Some((left.expr, right.expr)),
            (Type::Timestamp, Type::Text) => Some((left.expr, self.timestamp(right)?)),
            (Type::Text, Type::Timestamp) => Some((self.timestamp(left)?, right.expr)),
            (a, b) => {
                self.fail(format!("cannot compare {a} with {b}; expected two values of one type, or a CAST"));
                None
            }
        }
    }

    fn timestamp(&mut self, text: Typed) -> Option<Expr> {
        let message = match &text.expr {
            Expr::Literal(Value::Text(text)) => leaf::not_a_timestamp(text),
            _ => "cannot compare TIMESTAMP with TEXT; expected CAST(... AS TIMESTAMP)".to_owned(),
        };
        let converted = convert(text, Type::Timestamp);
        if converted.is_none() {
            self.fail(message);
        }
        converted.map(|typed| typed.expr)
    }

    fn logic(&mut self, function: Function, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (left, right) = (self.condition(left), self.condition(right));
        Typed::call(function, vec![left, right], Type::Boolean)
    }

    /// The type of a number; an error for anything else.
    pub(super) fn numeric(&mut self, typed: &Typed, what: &str, at: &ast::Expr) -> Option<Type> {
        match typed.kind {
            Some(kind @ (Type::BigInt | Type::Double)) => Some(kind),
            None => Some(Type::BigInt),
            Some(other) => {
                self.fail_at(at, format!("{what} needs BIGINT or DOUBLE, found {other}: {at}"));
                None
            }
        }
    }

    /// `+` and `-`, which know timestamps too.
    fn sum(&mut self, function: Function, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (a, b) = (self.bind(left), self.bind(right));
        let kind = match (a.kind, b.kind, function) {
            (Some(Type::Timestamp), Some(Type::BigInt) | None, _)
            | (Some(Type::BigInt) | None, Some(Type::Timestamp), Function::Add) => Type::Timestamp,
            (Some(Type::Timestamp | Type::BigInt) | None, Some(Type::Timestamp), Function::Subtract) => {
                Type::BigInt
            }
            _ => return self.arithmetic(function, (a, left), (b, right)),
        };
        Typed::call(function, vec![a.expr, b.expr], kind)
    }

    fn product(&mut self, function: Function, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (a, b) = (self.bind(left), self.bind(right));
        self.arithmetic(function, (a, left), (b, right))
    }

    fn arithmetic(
        &mut self,
        function: Function,
        (a, left): (Typed, &ast::Expr),
        (b, right): (Typed, &ast::Expr),
    ) -> Typed {
        let kinds = (self.numeric(&a, "arithmetic", left), self.numeric(&b, "arithmetic", right));
        let (Some(one), Some(other)) = kinds else { return Typed::UNKNOWN };
        let kind = if one == other { one } else { Type::Double };
        let arguments = [a, b].map(|each| convert(each, kind).unwrap_or(Typed::UNKNOWN).expr);
        Typed::call(function, arguments.into(), kind)
    }

    /// Division is that of real numbers.
    fn divide(&mut self, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (a, b) = (self.bind(left), self.bind(right));
        let kinds = (self.numeric(&a, "division", left), self.numeric(&b, "division", right));
        let (Some(_), Some(_)) = kinds else { return Typed::UNKNOWN };
        let arguments = [a, b].map(|each| convert(each, Type::Double).unwrap_or(Typed::UNKNOWN).expr);
        Typed::call(Function::Divide, arguments.into(), Type::Double)
    }

    /// `||` turns what is no text into text.
    fn join(&mut self, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (a, b) = (self.bind(left), self.bind(right));
        if ![a.kind, b.kind].iter().any(|kind| matches!(kind, Some(Type::Text) | None)) {
            let message = format!("|| joins TEXT, found {} and {}", a.kind_name(), b.kind_name());
            return self.fail(message);
        }
        let arguments = [a, b].map(as_text);
        Typed::call(Function::Join, arguments.into(), Type::Text)
    }

    /// `json -> 'field'` and `json ->> 0`; a chain becomes one path.
    fn json(&mut self, function: Function, left: &ast::Expr, right: &ast::Expr) -> Typed {
        let (document, step) = (self.bind(left), self.bind(right));
        let document = self.expect(document, Type::Json, "the left side of a JSON path", left);
        if !matches!(step.kind, Some(Type::Text | Type::BigInt) | None) {
            let found = step.kind_name();
            return self
                .fail_at(right, format!("a JSON path needs a field's name or an index, found {found}"));
        }
        let mut arguments = match document.expr {
            Expr::Call { function: Function::Json, arguments } => arguments,
            other => vec![other],
        };
        arguments.push(step.expr);
        Typed::call(function, arguments, if function == Function::Json { Type::Json } else { Type::Text })
    }
}

/// A value as text.
pub(super) fn as_text(typed: Typed) -> Expr {
    match typed.kind {
        Some(Type::Text) | None => typed.expr,
        Some(_) => Expr::call(Function::Cast(Type::Text), vec![typed.expr]),
    }
}

fn comparison(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}
