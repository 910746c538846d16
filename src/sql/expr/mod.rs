//! Typed expressions and their evaluation.
//!
//! The binder has checked every type and put casts where types differ, so evaluation only looks at
//! the values. What cannot be computed is NULL: `x / 0`, an integer that overflows, a float that
//! is not finite, a cast of a text that does not parse.

mod cast;
mod eval;
mod json;
mod like;
mod moment;
mod number;
pub(super) mod regexp;
mod show;
mod text;

use std::cmp::Ordering;

pub use moment::{DatePart, parse_timestamp};
pub use regexp::Regexp;

use crate::value::{Type, Value};

/// An expression whose names are slots of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// The value in a slot.
    Column(usize),
    /// A constant.
    Literal(Value<'static>),
    /// The regular expression that a function is called with; its value is its text.
    Regexp(Regexp),
    /// `left op right`; NULL if either side is.
    Compare {
        /// The operator.
        op: Comparison,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
    /// Everything else that computes one value of others.
    Call {
        /// What is computed.
        function: Function,
        /// Of what; [`Function`] says how many.
        arguments: Vec<Expr>,
    },
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a [`Expr::Call`] computes. NULL arguments make the result NULL where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `a AND b AND ...` in three-valued logic.
    And,
    /// `a OR b OR ...` in three-valued logic.
    Or,
    /// `NOT a`.
    Not,
    /// `a IS NULL`: never NULL.
    IsNull,
    /// `a IS TRUE`: never NULL.
    IsTrue,
    /// `a IS FALSE`: never NULL.
    IsFalse,
    /// `a IS DISTINCT FROM b`: never NULL.
    IsDistinct,
    /// `a IN (b, ...)`.
    In,
    /// `a LIKE b`, case-sensitive.
    Like,
    /// `a ILIKE b`, case-insensitive.
    ILike,
    /// `CASE WHEN a THEN b ... ELSE z END`: pairs, then the value that is left (NULL for none).
    Case,
    /// `coalesce(a, ...)`: the first that is not NULL.
    Coalesce,
    /// `nullif(a, b)`: `a` unless it equals `b`.
    NullIf,
    /// `greatest(a, ...)` of those that are not NULL.
    Greatest,
    /// `least(a, ...)` of those that are not NULL.
    Least,
    /// `a + b`: numbers, or a timestamp and milliseconds.
    Add,
    /// `a - b`: numbers, a timestamp and milliseconds, or two timestamps (in milliseconds).
    Subtract,
    /// `a * b`.
    Multiply,
    /// `a / b`: real division; NULL for `a / 0`.
    Divide,
    /// `a % b`, with the sign of `a`; NULL for `a % 0`.
    Remainder,
    /// `-a`.
    Negate,
    /// `abs(a)`.
    Abs,
    /// `round(a)` or `round(a, digits)`: halves away from zero.
    Round,
    /// `floor(a)`.
    Floor,
    /// `ceil(a)`.
    Ceil,
    /// `sign(a)`: -1, 0 or 1.
    Sign,
    /// `sqrt(a)`.
    Sqrt,
    /// `power(a, b)`.
    Power,
    /// `exp(a)`.
    Exp,
    /// `ln(a)`.
    Ln,
    /// `log10(a)`.
    Log10,
    /// `lower(a)`.
    Lower,
    /// `upper(a)`.
    Upper,
    /// `length(a)`, in characters.
    Length,
    /// `substr(a, from)` or `substr(a, from, count)`: characters, from 1.
    Substring,
    /// `replace(a, b, c)`: each `b` in `a` as `c`.
    Replace,
    /// `regexp_like(a, b)`: whether a regular expression is found in `a`.
    RegexpLike,
    /// `regexp_extract(a, b, n)`: what group n of it matched first in `a`; NULL where it did not.
    RegexpExtract,
    /// `regexp_replace(a, b, c)`: each match of it in `a` as `c`.
    RegexpReplace,
    /// `split_part(a, b, n)`: the n-th of the parts of `a` between `b`; from the end if n is negative.
    SplitPart,
    /// `starts_with(a, b)`.
    StartsWith,
    /// `ends_with(a, b)`.
    EndsWith,
    /// `strpos(a, b)`: where `b` begins in `a`, in characters from 1; 0 where it does not.
    Position,
    /// `left(a, n)`: the first n characters; all but the last if n is negative.
    Left,
    /// `right(a, n)`: the last n characters; all but the first if n is negative.
    Right,
    /// `lpad(a, n, b)`: n characters, filled with `b` (spaces) at the start, or cut at the end.
    PadStart,
    /// `rpad(a, n, b)`: n characters, filled with `b` (spaces) or cut at the end.
    PadEnd,
    /// `concat(a, ...)`: leaves NULLs out.
    Concat,
    /// `a || b`.
    Join,
    /// `trim(a)` or `trim(BOTH b FROM a)`: spaces, or the characters of `b`, at both ends.
    Trim,
    /// `ltrim(a)`: as [`Function::Trim`], at the start.
    TrimStart,
    /// `rtrim(a)`: as [`Function::Trim`], at the end.
    TrimEnd,
    /// `a -> b -> ...`: the JSON under a path of field names and indexes.
    Json,
    /// `a -> ... ->> b`: the same as text; NULL where JSON says null.
    JsonText,
    /// `json_array_length(a)`; NULL of what is no array.
    ArrayLength,
    /// `array_to_string(a, b)`: the elements of a JSON array as texts with `b` between them, nulls left out.
    ArrayToString,
    /// Which of `a, b, ...` are true, a bit each, the lowest for `a`; NULL for none.
    Steps,
    /// `CAST(a AS type)`.
    Cast(Type),
    /// `EXTRACT(part FROM a)` of a timestamp, in UTC.
    Extract(DatePart),
    /// `date_trunc(part, a)`: the beginning of the part of time that holds a timestamp, in UTC.
    Truncate(DatePart),
}

impl Comparison {
    /// Whether two values stand in this relation; `None` if that is NULL.
    #[inline]
    pub fn holds(self, left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
        // The predicate of nearly every filter: no ordering, no conversion.
        if let (Value::Text(a), Value::Text(b)) = (left, right) {
            match self {
                Self::Equal => return Some(a.as_ref() == b.as_ref()),
                Self::NotEqual => return Some(a.as_ref() != b.as_ref()),
                _ => {}
            }
        }
        left.compare(right).map(|ordering| self.accepts(ordering))
    }

    const fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Expr {
    /// NULL.
    pub const NULL: Self = Self::Literal(Value::Null);

    /// A comparison, computed now if both sides are constants.
    pub fn compare(op: Comparison, left: Self, right: Self) -> Self {
        Self::Compare { op, left: Box::new(left), right: Box::new(right) }.folded()
    }

    /// A call, computed now if all arguments are constants. Nested ANDs and ORs become one.
    pub fn call(function: Function, arguments: Vec<Self>) -> Self {
        match function {
            Function::And => Self::junction(function, arguments, true),
            Function::Or => Self::junction(function, arguments, false),
            _ => Self::Call { function, arguments }.folded(),
        }
    }

    /// The conjunction of two filters, either of which may be missing.
    pub fn both(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        match (left, right) {
            (Some(a), Some(b)) => Some(Self::call(Function::And, vec![a, b])),
            (one, other) => one.or(other),
        }
    }

    /// The same expression over other slots: each column becomes what `replace` says.
    #[must_use]
    pub fn replace_columns(&self, replace: &impl Fn(usize) -> Self) -> Self {
        match self {
            Self::Column(slot) => replace(*slot),
            Self::Literal(_) | Self::Regexp(_) => self.clone(),
            Self::Compare { op, left, right } => {
                Self::compare(*op, left.replace_columns(replace), right.replace_columns(replace))
            }
            Self::Call { function, arguments } => {
                Self::call(*function, arguments.iter().map(|each| each.replace_columns(replace)).collect())
            }
        }
    }

    /// Calls `visit` with each slot that it reads.
    pub fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Self::Column(slot) => visit(*slot),
            Self::Literal(_) | Self::Regexp(_) => {}
            Self::Compare { left, right, .. } => {
                left.for_each_column(visit);
                right.for_each_column(visit);
            }
            Self::Call { arguments, .. } => arguments.iter().for_each(|each| each.for_each_column(visit)),
        }
    }

    const fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::Regexp(_))
    }

    fn folded(self) -> Self {
        let constant = match &self {
            Self::Compare { left, right, .. } => left.is_literal() && right.is_literal(),
            Self::Call { arguments, .. } => arguments.iter().all(Self::is_literal),
            Self::Column(_) | Self::Literal(_) | Self::Regexp(_) => false,
        };
        if constant { Self::Literal(self.eval(&[]).into_owned()) } else { self }
    }

    /// AND (`neutral` is true) or OR (false): flattened, without the neutral value, decided as soon
    /// as one part is the other constant.
    fn junction(function: Function, arguments: Vec<Self>, neutral: bool) -> Self {
        let mut parts = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Self::Call { function: inner, arguments } if inner == function => parts.extend(arguments),
                Self::Literal(Value::Bool(value)) if value == neutral => {}
                Self::Literal(Value::Bool(value)) => return Self::Literal(Value::Bool(value)),
                other => parts.push(other),
            }
        }
        match parts.len() {
            0 => Self::Literal(Value::Bool(neutral)),
            1 => parts.remove(0),
            _ => Self::Call { function, arguments: parts }.folded(),
        }
    }
}
