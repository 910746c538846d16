//! Expressions as SQL text.
//!
//! The text is canonical: two expressions read the same exactly if they are the same. It is what
//! `weir explain` prints and what a view's fingerprint is made of.

use std::fmt;

use super::{Comparison, Expr, Function};
use crate::value::Value;

/// An expression with the names of the slots it reads.
struct Named<'a, N> {
    expr: &'a Expr,
    names: &'a N,
}

impl Expr {
    /// The expression as SQL, its columns named by `names`.
    pub fn display<'a, N: Fn(usize) -> String>(&'a self, names: &'a N) -> impl fmt::Display + 'a {
        Named { expr: self, names }
    }

    /// Whether it needs parentheses within another expression.
    fn is_compound(&self) -> bool {
        match self {
            Self::Column(_) | Self::Literal(_) | Self::Regexp(_) => false,
            Self::Compare { .. } => true,
            Self::Call { function, .. } => !matches!(function.notation(), Notation::Call(_)),
        }
    }
}

/// How a function is written.
enum Notation {
    /// `a AND b`
    Infix(&'static str),
    /// `NOT a`
    Prefix(&'static str),
    /// `a IS NULL`
    Postfix(&'static str),
    /// `coalesce(a, b)`
    Call(&'static str),
}

impl Function {
    /// How its negation is written, where that is more than a NOT before it.
    const fn negated(self) -> Option<&'static str> {
        match self {
            Self::IsNull => Some("IS NOT NULL"),
            Self::IsTrue => Some("IS NOT TRUE"),
            Self::IsFalse => Some("IS NOT FALSE"),
            Self::Like => Some("NOT LIKE"),
            Self::ILike => Some("NOT ILIKE"),
            Self::In => Some("NOT IN"),
            Self::IsDistinct => Some("IS NOT DISTINCT FROM"),
            _ => None,
        }
    }

    const fn notation(self) -> Notation {
        match self {
            Self::And => Notation::Infix("AND"),
            Self::Or => Notation::Infix("OR"),
            Self::IsDistinct => Notation::Infix("IS DISTINCT FROM"),
            Self::Like => Notation::Infix("LIKE"),
            Self::ILike => Notation::Infix("ILIKE"),
            Self::Add => Notation::Infix("+"),
            Self::Subtract => Notation::Infix("-"),
            Self::Multiply => Notation::Infix("*"),
            Self::Divide => Notation::Infix("/"),
            Self::Remainder => Notation::Infix("%"),
            Self::Join => Notation::Infix("||"),
            Self::In => Notation::Infix("IN"),
            Self::Json => Notation::Infix("->"),
            Self::JsonText => Notation::Infix("->>"),
            Self::Not => Notation::Prefix("NOT "),
            Self::Negate => Notation::Prefix("-"),
            Self::IsNull => Notation::Postfix("IS NULL"),
            Self::IsTrue => Notation::Postfix("IS TRUE"),
            Self::IsFalse => Notation::Postfix("IS FALSE"),
            Self::Case => Notation::Call("CASE"),
            Self::Cast(_) => Notation::Call("CAST"),
            Self::Extract(_) => Notation::Call("EXTRACT"),
            Self::Truncate(_) => Notation::Call("date_trunc"),
            Self::Coalesce => Notation::Call("coalesce"),
            Self::NullIf => Notation::Call("nullif"),
            Self::Greatest => Notation::Call("greatest"),
            Self::Least => Notation::Call("least"),
            Self::Abs => Notation::Call("abs"),
            Self::Round => Notation::Call("round"),
            Self::Floor => Notation::Call("floor"),
            Self::Ceil => Notation::Call("ceil"),
            Self::Sign => Notation::Call("sign"),
            Self::Sqrt => Notation::Call("sqrt"),
            Self::Power => Notation::Call("power"),
            Self::Exp => Notation::Call("exp"),
            Self::Ln => Notation::Call("ln"),
            Self::Log10 => Notation::Call("log10"),
            Self::Lower => Notation::Call("lower"),
            Self::Upper => Notation::Call("upper"),
            Self::Length => Notation::Call("length"),
            Self::Substring => Notation::Call("substr"),
            Self::Replace => Notation::Call("replace"),
            Self::RegexpLike => Notation::Call("regexp_like"),
            Self::RegexpExtract => Notation::Call("regexp_extract"),
            Self::RegexpReplace => Notation::Call("regexp_replace"),
            Self::SplitPart => Notation::Call("split_part"),
            Self::StartsWith => Notation::Call("starts_with"),
            Self::EndsWith => Notation::Call("ends_with"),
            Self::Position => Notation::Call("strpos"),
            Self::Left => Notation::Call("left"),
            Self::Right => Notation::Call("right"),
            Self::PadStart => Notation::Call("lpad"),
            Self::PadEnd => Notation::Call("rpad"),
            Self::ArrayLength => Notation::Call("json_array_length"),
            Self::ArrayToString => Notation::Call("array_to_string"),
            Self::Steps => Notation::Call("steps"),
            Self::Concat => Notation::Call("concat"),
            Self::Trim => Notation::Call("trim"),
            Self::TrimStart => Notation::Call("ltrim"),
            Self::TrimEnd => Notation::Call("rtrim"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl<N: Fn(usize) -> String> fmt::Display for Named<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expr {
            Expr::Column(slot) => f.write_str(&(self.names)(*slot)),
            Expr::Literal(value) => literal(value, f),
            Expr::Regexp(regexp) => literal(&Value::text(regexp.as_str()), f),
            Expr::Compare { op, left, right } => {
                self.operand(left, f)?;
                write!(f, " {op} ")?;
                self.operand(right, f)
            }
            Expr::Call { function, arguments } => self.call(*function, arguments, f),
        }
    }
}

impl<N: Fn(usize) -> String> Named<'_, N> {
    fn whole(&self, expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Named { expr, names: self.names }, f)
    }

    fn operand(&self, expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !expr.is_compound() {
            return self.whole(expr, f);
        }
        f.write_str("(")?;
        self.whole(expr, f)?;
        f.write_str(")")
    }

    fn list(&self, list: &[Expr], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, each) in list.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            self.whole(each, f)?;
        }
        Ok(())
    }

    fn call(&self, function: Function, arguments: &[Expr], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (function, arguments) {
            (Function::In, [value, list @ ..]) => {
                self.operand(value, f)?;
                f.write_str(" IN (")?;
                self.list(list, f)?;
                return f.write_str(")");
            }
            (Function::Json | Function::JsonText, [value, steps @ .., last]) => {
                self.operand(value, f)?;
                for step in steps {
                    f.write_str(" -> ")?;
                    self.operand(step, f)?;
                }
                f.write_str(if function == Function::Json { " -> " } else { " ->> " })?;
                return self.operand(last, f);
            }
            (Function::Not, [Expr::Call { function, arguments }]) => {
                if let Some(words) = function.negated() {
                    return self.negated(words, *function, arguments, f);
                }
            }
            (Function::Case, _) => return self.case(arguments, f),
            (Function::Cast(kind), [value]) => {
                f.write_str("CAST(")?;
                self.whole(value, f)?;
                return write!(f, " AS {kind})");
            }
            (Function::Truncate(part), [value]) => {
                write!(f, "date_trunc('{part}', ")?;
                self.whole(value, f)?;
                return f.write_str(")");
            }
            (Function::Extract(part), [value]) => {
                write!(f, "EXTRACT({part} FROM ")?;
                self.whole(value, f)?;
                return f.write_str(")");
            }
            _ => {}
        }
        match (function.notation(), arguments) {
            (Notation::Infix(operator), [first, others @ ..]) => {
                self.operand(first, f)?;
                others.iter().try_for_each(|other| {
                    write!(f, " {operator} ")?;
                    self.operand(other, f)
                })
            }
            (Notation::Prefix(operator), [value]) => {
                f.write_str(operator)?;
                self.operand(value, f)
            }
            (Notation::Postfix(operator), [value]) => {
                self.operand(value, f)?;
                write!(f, " {operator}")
            }
            (
                Notation::Call(name)
                | Notation::Infix(name)
                | Notation::Prefix(name)
                | Notation::Postfix(name),
                _,
            ) => {
                write!(f, "{name}(")?;
                self.list(arguments, f)?;
                f.write_str(")")
            }
        }
    }

    /// `a IS NOT NULL`, `a NOT LIKE b`, `a NOT IN (...)`.
    fn negated(
        &self,
        words: &str,
        function: Function,
        arguments: &[Expr],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let Some((first, others)) = arguments.split_first() else { return Ok(()) };
        self.operand(first, f)?;
        write!(f, " {words}")?;
        match (function, others) {
            (_, []) => Ok(()),
            (Function::In, list) => {
                f.write_str(" (")?;
                self.list(list, f)?;
                f.write_str(")")
            }
            (_, [second, ..]) => {
                f.write_str(" ")?;
                self.operand(second, f)
            }
        }
    }

    fn case(&self, arguments: &[Expr], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CASE")?;
        let mut rest = arguments;
        while let [condition, result, others @ ..] = rest {
            f.write_str(" WHEN ")?;
            self.whole(condition, f)?;
            f.write_str(" THEN ")?;
            self.whole(result, f)?;
            rest = others;
        }
        if let [otherwise] = rest {
            f.write_str(" ELSE ")?;
            self.whole(otherwise, f)?;
        }
        f.write_str(" END")
    }
}

fn literal(value: &Value<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Bool(true) => f.write_str("TRUE"),
        Value::Bool(false) => f.write_str("FALSE"),
        Value::Int(value) => write!(f, "{value}"),
        Value::Float(value) => write!(f, "{value:?}"),
        Value::Time(at) => write!(f, "TIMESTAMP '{at}'"),
        Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Value::Json(text) => write!(f, "JSON '{}'", text.replace('\'', "''")),
    }
}
