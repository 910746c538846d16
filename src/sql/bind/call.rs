//! Scalar functions, CAST and EXTRACT.

use sqlparser::ast::{
    self, CeilFloorKind, DataType, DateTimeField, DuplicateTreatment, FunctionArg, FunctionArgExpr,
    FunctionArguments, TrimWhereField,
};

use super::{Binder, Typed, operator::as_text};
use crate::{
    sql::{
        expr::{DatePart, Expr, Function},
        names, types,
    },
    value::Type,
};

/// The scalar functions: names, the least and the largest number of arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 24] = [
    ("coalesce", Function::Coalesce, 1, usize::MAX),
    ("ifnull", Function::Coalesce, 2, 2),
    ("nullif", Function::NullIf, 2, 2),
    ("greatest", Function::Greatest, 1, usize::MAX),
    ("least", Function::Least, 1, usize::MAX),
    ("abs", Function::Abs, 1, 1),
    ("round", Function::Round, 1, 2),
    ("floor", Function::Floor, 1, 1),
    ("ceil", Function::Ceil, 1, 1),
    ("ceiling", Function::Ceil, 1, 1),
    ("mod", Function::Remainder, 2, 2),
    ("lower", Function::Lower, 1, 1),
    ("upper", Function::Upper, 1, 1),
    ("length", Function::Length, 1, 1),
    ("char_length", Function::Length, 1, 1),
    ("character_length", Function::Length, 1, 1),
    ("substr", Function::Substring, 2, 3),
    ("substring", Function::Substring, 2, 3),
    ("concat", Function::Concat, 1, usize::MAX),
    ("trim", Function::Trim, 1, 2),
    ("btrim", Function::Trim, 1, 2),
    ("ltrim", Function::TrimStart, 1, 2),
    ("rtrim", Function::TrimEnd, 1, 2),
    ("if", Function::Case, 3, 3),
];

/// The aggregates, to name them beside the scalar functions.
pub(in crate::sql) const AGGREGATES: [&str; 5] = ["count", "sum", "min", "max", "avg"];

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
        let Some((name, scalar, least, most)) =
            FUNCTIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&name)).copied()
        else {
            let known = AGGREGATES.iter().copied().chain(FUNCTIONS.iter().map(|(name, ..)| *name));
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
        self.apply(name, scalar, &arguments)
    }

    /// Checks the arguments' types by the function's signature.
    fn apply(&mut self, name: &str, function: Function, arguments: &[&ast::Expr]) -> Typed {
        let bound: Vec<Typed> = arguments.iter().map(|each| self.bind(each)).collect();
        match function {
            Function::Coalesce | Function::Greatest | Function::Least => {
                let (arguments, kind) = self.unify(name, bound);
                Typed { expr: Expr::call(function, arguments), kind }
            }
            Function::NullIf => self.nullif(bound),
            Function::Concat => Typed::call(function, bound.into_iter().map(as_text).collect(), Type::Text),
            Function::Case => self.if_then_else(name, bound, arguments),
            Function::Abs | Function::Floor | Function::Ceil | Function::Round | Function::Remainder => {
                self.numeric_call(name, function, bound, arguments)
            }
            _ => {
                let wanted = match function {
                    Function::Substring => [Type::Text, Type::BigInt, Type::BigInt],
                    _ => [Type::Text; 3],
                };
                let result = if function == Function::Length { Type::BigInt } else { Type::Text };
                let what = format!("an argument of {name}");
                let checked = bound.into_iter().zip(wanted).zip(arguments);
                let checked = checked.map(|((each, kind), at)| self.expect(each, kind, &what, at).expr);
                let checked = checked.collect();
                Typed::call(function, checked, result)
            }
        }
    }

    fn nullif(&mut self, bound: Vec<Typed>) -> Typed {
        let Ok([a, b]) = <[Typed; 2]>::try_from(bound) else { return Typed::UNKNOWN };
        let kind = a.kind;
        let Some((a, b)) = self.comparable(a, b) else { return Typed::UNKNOWN };
        Typed { expr: Expr::call(Function::NullIf, vec![a, b]), kind }
    }

    fn if_then_else(&mut self, name: &str, mut bound: Vec<Typed>, arguments: &[&ast::Expr]) -> Typed {
        let (Some(at), false) = (arguments.first(), bound.is_empty()) else { return Typed::UNKNOWN };
        let condition = bound.remove(0);
        let condition = self.expect(condition, Type::Boolean, "the condition of if", at);
        let (results, kind) = self.unify(name, bound);
        let all = [condition.expr].into_iter().chain(results).collect();
        Typed { expr: Expr::call(Function::Case, all), kind }
    }

    fn numeric_call(
        &mut self,
        name: &str,
        function: Function,
        bound: Vec<Typed>,
        arguments: &[&ast::Expr],
    ) -> Typed {
        let mut kinds = Vec::with_capacity(bound.len());
        for (each, at) in bound.iter().zip(arguments) {
            let Some(kind) = self.numeric(each, name, at) else { return Typed::UNKNOWN };
            kinds.push(kind);
        }
        if function == Function::Round {
            let kind = kinds.first().copied().unwrap_or(Type::Double);
            if kinds.get(1).is_some_and(|digits| *digits != Type::BigInt) {
                return self.fail("round's second argument counts digits: expected BIGINT, found DOUBLE");
            }
            return Typed::call(function, bound.into_iter().map(|each| each.expr).collect(), kind);
        }
        let (arguments, kind) = self.unify(name, bound);
        Typed::call(function, arguments, kind.unwrap_or(Type::BigInt))
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
