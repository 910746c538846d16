//! Scalar functions, CAST and EXTRACT.

use sqlparser::ast::{
    self, CeilFloorKind, DataType, DateTimeField, DuplicateTreatment, FunctionArg, FunctionArgExpr,
    FunctionArguments, TrimWhereField,
};

use super::{Binder, Typed, scalar};
use crate::{
    sql::{
        aggregates,
        expr::{DatePart, Expr, Function},
        names, types,
    },
    value::Type,
};

impl Binder<'_> {
    /// Everything that is written as a call.
    pub(super) fn call(&mut self, expr: &ast::Expr) -> Typed {
        use ast::Expr as E;
        match expr {
            E::Function(function) => self.function(function),
            E::Cast { expr, data_type, format: None, .. } => self.cast(expr, data_type),
            E::Extract { field, expr, .. } => self.extract(field, expr),
            E::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.apply("floor", Function::Floor, &[expr.as_ref()])
            }
            E::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.apply("ceil", Function::Ceil, &[expr.as_ref()])
            }
            E::Substring { expr, substring_from: Some(from), substring_for: None, .. } => {
                self.apply("substr", Function::Substring, &[expr.as_ref(), from.as_ref()])
            }
            E::Substring { expr, substring_from: Some(from), substring_for: Some(count), .. } => {
                self.apply("substr", Function::Substring, &[expr.as_ref(), from.as_ref(), count.as_ref()])
            }
            E::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let function = match trim_where {
                    None | Some(TrimWhereField::Both) => Function::Trim,
                    Some(TrimWhereField::Leading) => Function::TrimStart,
                    Some(TrimWhereField::Trailing) => Function::TrimEnd,
                };
                let arguments: Vec<&ast::Expr> =
                    [Some(expr), trim_what.as_ref()].into_iter().flatten().map(AsRef::as_ref).collect();
                self.apply("trim", function, &arguments)
            }
            E::Position { expr: part, r#in: text } => {
                self.apply("position", Function::Position, &[text.as_ref(), part.as_ref()])
            }
            other => self.fail(format!("{other} is not supported in this form")),
        }
    }

    fn cast(&mut self, operand: &ast::Expr, name: &DataType) -> Typed {
        let bound = self.bind(operand);
        let Some(kind) = types::of(name) else {
            return self.fail(format!("unknown type {name} in a cast; expected {}", types::EXPECTED));
        };
        let possible = match (bound.kind, kind) {
            (None | Some(Type::Text | Type::Json), _) | (_, Type::Text | Type::Json) => true,
            (Some(a), b) if a == b => true,
            (Some(from), to) => {
                let (number, time) = ([Type::BigInt, Type::Double], Type::Timestamp);
                let is_number = |kind: &Type| number.contains(kind);
                (is_number(&from) && (is_number(&to) || to == time))
                    || (from == time && is_number(&to))
                    || (from == Type::Boolean && to == Type::BigInt)
                    || (from == Type::BigInt && to == Type::Boolean)
            }
        };
        if !possible {
            return self.fail(format!("cannot cast {} to {kind}", bound.kind_name()));
        }
        if bound.kind == Some(kind) {
            return bound;
        }
        Typed::call(Function::Cast(kind), vec![bound.expr], kind)
    }

    fn extract(&mut self, field: &DateTimeField, operand: &ast::Expr) -> Typed {
        let bound = self.bind(operand);
        let name = field.to_string();
        let name = match name.to_ascii_uppercase() {
            name if name == "DAYOFWEEK" => "DOW".to_owned(),
            name if name == "DAYOFYEAR" => "DOY".to_owned(),
            name => name.strip_suffix('S').map(str::to_owned).unwrap_or(name),
        };
        let Some((_, part)) = DatePart::NAMES.iter().find(|(known, _)| *known == name) else {
            let known = DatePart::NAMES.iter().map(|(name, _)| *name);
            return self.fail(names::unknown("part of a timestamp", &name, known));
        };
        let time = match bound.kind {
            // A BIGINT that is a time counts milliseconds.
            Some(Type::BigInt) => Expr::call(Function::Cast(Type::Timestamp), vec![bound.expr]),
            _ => self.expect(bound, Type::Timestamp, "EXTRACT's argument", operand).expr,
        };
        Typed::call(Function::Extract(*part), vec![time], Type::BigInt)
    }

    fn function(&mut self, function: &ast::Function) -> Typed {
        let place = self.place.clone();
        if matches!(function.args, FunctionArguments::None)
            && matches!(function.parameters, FunctionArguments::None)
        {
            // A column called `user` or `current_date`: the parser knows these as functions.
            return match names::single(&function.name) {
                Some(name) => self.scope.column(std::slice::from_ref(name), &place, self.errors),
                None => self.fail(format!("found {function}; expected a column")),
            };
        }
        if function.over.is_some() {
            return self.scope.over(function, &place, self.errors);
        }
        if let Some(typed) = self.scope.function(function, &place, self.errors) {
            return typed;
        }
        let name = function.name.to_string();
        let Some((name, meaning, least, most)) = scalar::find(&name) else {
            let known = aggregates::names().chain(scalar::names());
            let message = names::unknown("function", &name, known);
            return self.fail(message);
        };
        if function.filter.is_some() {
            return self.fail(format!("FILTER belongs to an aggregate, and {name} is none"));
        }
        let Some(arguments) = plain_arguments(function) else {
            return self.fail(format!("{name} takes plain arguments, found {function}"));
        };
        if arguments.len() < least || arguments.len() > most {
            let wanted = match (least, most) {
                (least, most) if least == most => least.to_string(),
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            return self.fail(format!("{name} takes {wanted} arguments, found {}", arguments.len()));
        }
        self.scalar(name, meaning, &arguments)
    }
}

/// The arguments of a call that has nothing but expressions between its parentheses.
pub(in crate::sql) fn plain_arguments(function: &ast::Function) -> Option<Vec<&ast::Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) || !list.clauses.is_empty() {
        return None;
    }
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}
