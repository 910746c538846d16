//! Functions of regular expressions, which are compiled here: they have to be constants.

use sqlparser::ast;

use super::{Binder, Typed};
use crate::{
    sql::expr::{
        Expr, Function, Regexp,
        regexp::{of_similar, replacement},
    },
    value::{Type, Value},
};

/// How a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Regexp,
    /// That of `SIMILAR TO`.
    Similar,
}

impl Binder<'_> {
    /// `text REGEXP 'pattern'`, `text SIMILAR TO 'pattern'`.
    pub(super) fn regexp_like(
        &mut self,
        name: &str,
        text: &ast::Expr,
        pattern: &ast::Expr,
        form: Pattern,
    ) -> Typed {
        let bound = self.bind(text);
        let bound = self.expect(bound, Type::Text, &format!("the left side of {name}"), text);
        let Some(regexp) = self.pattern(name, pattern, form) else { return Typed::UNKNOWN };
        Typed::call(Function::RegexpLike, vec![bound.expr, Expr::Regexp(regexp)], Type::Boolean)
    }

    /// A call; `more` is the group, or the replacement.
    pub(super) fn regexp(
        &mut self,
        name: &str,
        function: Function,
        text: &ast::Expr,
        pattern: &ast::Expr,
        more: Option<&ast::Expr>,
    ) -> Typed {
        let bound = self.bind(text);
        let bound = self.expect(bound, Type::Text, &format!("the first argument of {name}"), text);
        let Some(regexp) = self.pattern(name, pattern, Pattern::Regexp) else { return Typed::UNKNOWN };
        let third = match function {
            Function::RegexpExtract => self.group(&regexp, more),
            Function::RegexpReplace => more.and_then(|with| self.replacement(&regexp, with)),
            _ => {
                let arguments = vec![bound.expr, Expr::Regexp(regexp)];
                return Typed::call(function, arguments, Type::Boolean);
            }
        };
        let Some(third) = third else { return Typed::UNKNOWN };
        Typed::call(function, vec![bound.expr, Expr::Regexp(regexp), Expr::Literal(third)], Type::Text)
    }

    fn pattern(&mut self, name: &str, pattern: &ast::Expr, form: Pattern) -> Option<Regexp> {
        let Some(text) = self.constant(pattern) else {
            let message = format!("{name} takes a constant text as its pattern, found {pattern}");
            self.fail_at(pattern, message);
            return None;
        };
        let text = if form == Pattern::Similar { of_similar(&text) } else { text };
        match Regexp::new(&text) {
            Ok(regexp) => Some(regexp),
            Err(error) => {
                self.fail_at(
                    pattern,
                    format!("the pattern of {name} is no regular expression: {}", last_line(&error)),
                );
                None
            }
        }
    }

    /// The group that is meant; all of the match where nothing says.
    fn group(&mut self, regexp: &Regexp, group: Option<&ast::Expr>) -> Option<Value<'static>> {
        let Some(group) = group else { return Some(Value::Int(0)) };
        let number = match self.bind(group).expr {
            Expr::Literal(Value::Int(number)) => usize::try_from(number).ok(),
            _ => None,
        };
        let number = number.filter(|number| *number <= regexp.groups()).and_then(|it| i64::try_from(it).ok());
        if number.is_none() {
            let message = format!(
                "found {group}; expected a group of the pattern as a constant, from 0 (all of it) to {}",
                regexp.groups()
            );
            self.fail_at(group, message);
        }
        number.map(Value::Int)
    }

    fn replacement(&mut self, regexp: &Regexp, with: &ast::Expr) -> Option<Value<'static>> {
        let Some(text) = self.constant(with) else {
            self.fail_at(
                with,
                format!("regexp_replace takes a constant text as its replacement, found {with}"),
            );
            return None;
        };
        match replacement(&text, regexp.groups()) {
            Ok(text) => Some(Value::Text(text.into())),
            Err(error) => {
                self.fail_at(with, format!("the replacement {with}: {error}"));
                None
            }
        }
    }
}

/// What the crate says is wrong stands behind a drawing of where.
fn last_line(error: &str) -> &str {
    let line = error.lines().last().unwrap_or(error);
    line.strip_prefix("error: ").unwrap_or(line)
}
