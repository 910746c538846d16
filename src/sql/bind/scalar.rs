//! The scalar functions: their names, and the types of their arguments.

use sqlparser::ast;

use super::{Binder, Typed, json_path, operator::as_text};
use crate::{
    sql::expr::{DatePart, Expr, Function},
    value::{Type, Value},
};

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Function(Function),
    /// `date_trunc('hour', ts)`.
    DateTrunc,
    /// A function of a document and the text of a path.
    Path(Function),
    /// Of a text, or of seconds since the epoch.
    ToTimestamp,
    /// Milliseconds of a timestamp, or the reverse.
    EpochMs,
    /// A function of a text and a regular expression.
    Regexp(Function),
}

/// Names, meanings, the least and the largest number of arguments.
const FUNCTIONS: [(&str, Meaning, usize, usize); 55] = [
    ("coalesce", Meaning::Function(Function::Coalesce), 1, usize::MAX),
    ("ifnull", Meaning::Function(Function::Coalesce), 2, 2),
    ("nullif", Meaning::Function(Function::NullIf), 2, 2),
    ("greatest", Meaning::Function(Function::Greatest), 1, usize::MAX),
    ("least", Meaning::Function(Function::Least), 1, usize::MAX),
    ("abs", Meaning::Function(Function::Abs), 1, 1),
    ("round", Meaning::Function(Function::Round), 1, 2),
    ("floor", Meaning::Function(Function::Floor), 1, 1),
    ("ceil", Meaning::Function(Function::Ceil), 1, 1),
    ("ceiling", Meaning::Function(Function::Ceil), 1, 1),
    ("mod", Meaning::Function(Function::Remainder), 2, 2),
    ("lower", Meaning::Function(Function::Lower), 1, 1),
    ("upper", Meaning::Function(Function::Upper), 1, 1),
    ("length", Meaning::Function(Function::Length), 1, 1),
    ("char_length", Meaning::Function(Function::Length), 1, 1),
    ("character_length", Meaning::Function(Function::Length), 1, 1),
    ("substr", Meaning::Function(Function::Substring), 2, 3),
    ("substring", Meaning::Function(Function::Substring), 2, 3),
    ("concat", Meaning::Function(Function::Concat), 1, usize::MAX),
    ("trim", Meaning::Function(Function::Trim), 1, 2),
    ("btrim", Meaning::Function(Function::Trim), 1, 2),
    ("ltrim", Meaning::Function(Function::TrimStart), 1, 2),
    ("rtrim", Meaning::Function(Function::TrimEnd), 1, 2),
    ("if", Meaning::Function(Function::Case), 3, 3),
    ("replace", Meaning::Function(Function::Replace), 3, 3),
    ("regexp_like", Meaning::Regexp(Function::RegexpLike), 2, 2),
    ("regexp", Meaning::Regexp(Function::RegexpLike), 2, 2),
    ("regexp_extract", Meaning::Regexp(Function::RegexpExtract), 2, 3),
    ("regexp_replace", Meaning::Regexp(Function::RegexpReplace), 3, 3),
    ("split_part", Meaning::Function(Function::SplitPart), 3, 3),
    ("starts_with", Meaning::Function(Function::StartsWith), 2, 2),
    ("ends_with", Meaning::Function(Function::EndsWith), 2, 2),
    ("strpos", Meaning::Function(Function::Position), 2, 2),
    ("instr", Meaning::Function(Function::Position), 2, 2),
    ("left", Meaning::Function(Function::Left), 2, 2),
    ("right", Meaning::Function(Function::Right), 2, 2),
    ("lpad", Meaning::Function(Function::PadStart), 2, 3),
    ("rpad", Meaning::Function(Function::PadEnd), 2, 3),
    ("sqrt", Meaning::Function(Function::Sqrt), 1, 1),
    ("power", Meaning::Function(Function::Power), 2, 2),
    ("pow", Meaning::Function(Function::Power), 2, 2),
    ("exp", Meaning::Function(Function::Exp), 1, 1),
    ("ln", Meaning::Function(Function::Ln), 1, 1),
    ("log10", Meaning::Function(Function::Log10), 1, 1),
    ("sign", Meaning::Function(Function::Sign), 1, 1),
    ("json_array_length", Meaning::Function(Function::ArrayLength), 1, 1),
    ("cardinality", Meaning::Function(Function::ArrayLength), 1, 1),
    ("array_to_string", Meaning::Function(Function::ArrayToString), 2, 2),
    ("array_join", Meaning::Function(Function::ArrayToString), 2, 2),
    ("json_extract", Meaning::Path(Function::Json), 2, 2),
    ("json_query", Meaning::Path(Function::Json), 2, 2),
    ("json_value", Meaning::Path(Function::JsonText), 2, 2),
    ("date_trunc", Meaning::DateTrunc, 2, 2),
    ("to_timestamp", Meaning::ToTimestamp, 1, 1),
    ("epoch_ms", Meaning::EpochMs, 1, 1),
];

/// A function of this name: as it is written here, its meaning, the least and the largest number of
/// its arguments.
pub(super) fn find(name: &str) -> Option<(&'static str, Meaning, usize, usize)> {
    FUNCTIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).copied()
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// The types of the arguments and that of the result, of functions that have but one of each.
const fn signature(function: Function) -> (&'static [Type], Type) {
    use Function as F;
    use Type::{BigInt, Boolean, Double, Json, Text};
    match function {
        F::Length => (&[Text], BigInt),
        F::Substring => (&[Text, BigInt, BigInt], Text),
        F::SplitPart => (&[Text, Text, BigInt], Text),
        F::StartsWith | F::EndsWith => (&[Text, Text], Boolean),
        F::Position => (&[Text, Text], BigInt),
        F::Left | F::Right => (&[Text, BigInt], Text),
        F::PadStart | F::PadEnd => (&[Text, BigInt, Text], Text),
        F::Sqrt | F::Power | F::Exp | F::Ln | F::Log10 => (&[Double, Double], Double),
        F::ArrayLength => (&[Json], BigInt),
        F::ArrayToString => (&[Json, Text], Text),
        _ => (&[Text, Text, Text], Text),
    }
}

impl Binder<'_> {
    /// A call of a function with as many arguments as it takes.
    pub(super) fn scalar(&mut self, name: &str, meaning: Meaning, arguments: &[&ast::Expr]) -> Typed {
        match (meaning, arguments) {
            (Meaning::Function(function), _) => self.apply(name, function, arguments),
            (Meaning::Path(function), [document, path]) => self.path(name, function, document, path),
            (Meaning::DateTrunc, [part, time]) => self.date_trunc(part, time),
            (Meaning::Regexp(function), [text, pattern, more @ ..]) => {
                self.regexp(name, function, text, pattern, more.first().copied())
            }
            (Meaning::ToTimestamp, [at]) => self.timestamp_of(at),
            (Meaning::EpochMs, [at]) => self.epoch_ms(at),
            _ => Typed::UNKNOWN,
        }
    }

    /// The text of a constant.
    pub(super) fn constant(&mut self, expr: &ast::Expr) -> Option<String> {
        match self.bind(expr).expr {
            Expr::Literal(Value::Text(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    fn path(&mut self, name: &str, function: Function, document: &ast::Expr, path: &ast::Expr) -> Typed {
        let bound = self.bind(document);
        let bound = self.expect(bound, Type::Json, &format!("the first argument of {name}"), document);
        let Some(steps) = self.constant(path).as_deref().and_then(json_path::parse) else {
            return self.fail_at(path, format!("found {path}; expected {}", json_path::EXPECTED));
        };
        let arguments = match bound.expr {
            Expr::Call { function: Function::Json, mut arguments } => {
                arguments.extend(steps);
                arguments
            }
            other => [other].into_iter().chain(steps).collect(),
        };
        let kind = if function == Function::Json { Type::Json } else { Type::Text };
        Typed::call(function, arguments, kind)
    }

    fn date_trunc(&mut self, part: &ast::Expr, time: &ast::Expr) -> Typed {
        let name = self.constant(part).unwrap_or_default();
        let known = DatePart::TRUNCATE.iter().find(|known| known.to_string().eq_ignore_ascii_case(&name));
        let bound = self.bind(time);
        let bound = self.expect(bound, Type::Timestamp, "the second argument of date_trunc", time);
        let Some(known) = known else {
            let all: Vec<String> = DatePart::TRUNCATE
                .iter()
                .map(|part| format!("'{}'", part.to_string().to_lowercase()))
                .collect();
            return self.fail_at(part, format!("found {part}; expected one of {}", all.join(", ")));
        };
        Typed::call(Function::Truncate(*known), vec![bound.expr], Type::Timestamp)
    }

    /// A number counts seconds, as in Postgres; a text is read as a cast reads it.
    fn timestamp_of(&mut self, at: &ast::Expr) -> Typed {
        let bound = self.bind(at);
        let ms = match bound.kind {
            Some(Type::Text) => bound.expr,
            Some(Type::BigInt | Type::Double) | None => {
                let second = match bound.kind {
                    Some(Type::Double) => Value::Float(1000.0),
                    _ => Value::Int(1000),
                };
                Expr::call(Function::Multiply, vec![bound.expr, Expr::Literal(second)])
            }
            Some(kind) => {
                let message = format!("to_timestamp takes a TEXT or a number of seconds, found {kind}: {at}");
                return self.fail_at(at, message);
            }
        };
        Typed::call(Function::Cast(Type::Timestamp), vec![ms], Type::Timestamp)
    }

    fn epoch_ms(&mut self, at: &ast::Expr) -> Typed {
        let bound = self.bind(at);
        let kind = match bound.kind {
            Some(Type::Timestamp) => Type::BigInt,
            Some(Type::BigInt) | None => Type::Timestamp,
            Some(kind) => {
                return self
                    .fail_at(at, format!("epoch_ms takes a TIMESTAMP or a BIGINT, found {kind}: {at}"));
            }
        };
        Typed::call(Function::Cast(kind), vec![bound.expr], kind)
    }

    /// Checks the arguments' types by the function's signature.
    pub(super) fn apply(&mut self, name: &str, function: Function, arguments: &[&ast::Expr]) -> Typed {
        let bound: Vec<Typed> = arguments.iter().map(|each| self.bind(each)).collect();
        match function {
            Function::Coalesce | Function::Greatest | Function::Least => {
                let (arguments, kind) = self.unify(name, bound);
                Typed { expr: Expr::call(function, arguments), kind }
            }
            Function::NullIf => self.nullif(bound),
            Function::Concat => Typed::call(function, bound.into_iter().map(as_text).collect(), Type::Text),
            Function::Case => self.if_then_else(name, bound, arguments),
            Function::Abs
            | Function::Sign
            | Function::Floor
            | Function::Ceil
            | Function::Round
            | Function::Remainder => self.numeric_call(name, function, bound, arguments),
            _ => {
                let (wanted, result) = signature(function);
                let what = format!("an argument of {name}");
                let checked = bound.into_iter().zip(wanted).zip(arguments);
                let checked = checked.map(|((each, kind), at)| self.expect(each, *kind, &what, at).expr);
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
