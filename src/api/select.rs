//! Which rows of a view's latest or previous are given, and in which order.
//!
//! `column=value` and `column.gte=value` choose rows, `order=-views,page` orders them, `limit` makes
//! pages of them. What is NULL fits no comparison, and comes last in either order.

use std::cmp::Ordering;

use super::{
    key,
    problem::Problem,
    query::{Parameters, mismatch},
};
use crate::{
    engine::{ClosedRow, Key},
    sql::View,
    value::{Type, Value},
};

/// What a row has beside its view's columns.
const BEYOND: [(&str, Type); 3] =
    [("window_start", Type::Timestamp), ("window_end", Type::Timestamp), ("revision", Type::BigInt)];

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Selection {
    filters: Vec<Filter>,
    order: Vec<(Column, bool)>,
    /// The most rows; none for all.
    pub(super) limit: Option<usize>,
    /// What came with the request to say where the page begins.
    pub(super) cursor: Option<String>,
}

/// A column of the rows.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// Among the view's outputs, and behind them [`BEYOND`].
    slot: usize,
    kind: Type,
}

#[derive(Debug)]
struct Filter {
    column: Column,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// The value lies so to another: less, equal, greater.
    Compared(fn(Ordering) -> bool, Value<'static>),
    OneOf(Vec<Value<'static>>),
    IsNull(bool),
}

impl Selection {
    /// Reads the parameters of a request.
    pub(super) fn read(view: &View, parameters: &mut Parameters) -> Result<Self, Problem> {
        let limit = parameters.limit()?;
        let cursor = parameters.take("cursor")?;
        if cursor.is_some() && limit.is_none() {
            return Err(Problem::malformed_query("cursor: expected limit beside it"));
        }
        let order = parameters.take("order")?.map_or(Ok(Vec::new()), |text| order(view, &text))?;
        let filters = parameters.rest().into_iter().map(|(name, value)| Filter::read(view, &name, &value));
        Ok(Self { filters: filters.collect::<Result<_, _>>()?, order, limit, cursor })
    }

    /// Whether a row passes all filters.
    pub(super) fn takes(&self, row: &ClosedRow) -> bool {
        self.filters.iter().all(|filter| filter.takes(row))
    }

    /// The values by which a row is ordered: those of `order`, then its key.
    pub(super) fn place(&self, key: &Key, row: &ClosedRow) -> Vec<Value<'static>> {
        let ordered = self.order.iter().map(|(column, _)| column.of(row));
        ordered.chain(key.iter().cloned()).collect()
    }

    /// The order of two places.
    pub(super) fn compare(&self, a: &[Value<'_>], b: &[Value<'_>]) -> Ordering {
        let directions = self.order.iter().map(|(_, falls)| *falls);
        let mut columns = directions.zip(a.iter().zip(b));
        let differ = columns.find_map(|(falls, (a, b))| {
            let order = match (a.is_null(), b.is_null()) {
                (false, false) if falls => b.order(a),
                (false, false) => a.order(b),
                nulls => nulls.0.cmp(&nulls.1),
            };
            order.is_ne().then_some(order)
        });
        let key = |place: &[Value<'_>]| self.order.len().min(place.len());
        differ.unwrap_or_else(|| {
            Value::order_all(a.get(key(a)..).unwrap_or_default(), b.get(key(b)..).unwrap_or_default())
        })
    }
}

impl Column {
    /// The column of exactly this name.
    fn named(view: &View, name: &str) -> Option<Self> {
        let outputs = view.outputs.iter().map(|output| (output.field.name.as_str(), output.field.kind));
        let mut all = outputs.chain(BEYOND).enumerate();
        all.find(|(_, (known, _))| *known == name).map(|(slot, (_, kind))| Self { slot, kind })
    }

    fn of(self, row: &ClosedRow) -> Value<'static> {
        match row.values.get(self.slot) {
            Some(value) => value.clone(),
            None => match self.slot - row.values.len() {
                0 => Value::Time(row.window_start),
                1 => Value::Time(row.window_end),
                _ => Value::Int(row.revision.into()),
            },
        }
    }
}

/// The problem of a name that is no column; `expected` is what may stand there beside one.
fn unknown(view: &View, what: &str, name: &str, expected: &str) -> Problem {
    let columns = view.outputs.iter().map(|output| output.field.name.as_str());
    let columns: Vec<&str> = columns.chain(BEYOND.map(|(name, _)| name)).collect();
    Problem::malformed_query(format!("unknown {what} {name:?}; expected {expected}{}", columns.join(", ")))
}

fn order(view: &View, text: &str) -> Result<Vec<(Column, bool)>, Problem> {
    let column = |part: &str| {
        let (name, falls) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
        let column =
            Column::named(view, name).ok_or_else(|| unknown(view, "column in order:", name, "one of "))?;
        match column.kind {
            Type::Json => Err(mismatch("order", name, "a column that is not JSON, which has no order")),
            _ => Ok((column, falls)),
        }
    };
    text.split(',').map(column).collect()
}

impl Filter {
    fn read(view: &View, name: &str, text: &str) -> Result<Self, Problem> {
        if let Some(column) = Column::named(view, name) {
            let test = Test::Compared(Ordering::is_eq, typed(column, name, text)?);
            return Ok(Self { column, test });
        }
        let (column_name, operator) = name.rsplit_once('.').unwrap_or((name, ""));
        let column = Column::named(view, column_name)
            .ok_or_else(|| unknown(view, "parameter", name, "limit, order, cursor or a column: "))?;
        let compared = |test: fn(Ordering) -> bool| Ok(Test::Compared(test, typed(column, name, text)?));
        let test = match operator {
            "eq" => compared(Ordering::is_eq),
            "ne" => compared(Ordering::is_ne),
            "lt" => compared(Ordering::is_lt),
            "lte" => compared(Ordering::is_le),
            "gt" => compared(Ordering::is_gt),
            "gte" => compared(Ordering::is_ge),
            "in" => {
                let values = text.split(',').map(|text| typed(column, name, text));
                values.collect::<Result<_, _>>().map(Test::OneOf)
            }
            "null" => {
                let is_null = text.parse().map_err(|_| mismatch(name, text, "true or false"))?;
                Ok(Test::IsNull(is_null))
            }
            _ => Err(Problem::malformed_query(format!(
                "{name}: unknown operator {operator:?}; expected one of eq, ne, lt, lte, gt, gte, in, null"
            ))),
        };
        Ok(Self { column, test: test? })
    }

    fn takes(&self, row: &ClosedRow) -> bool {
        let value = self.column.of(row);
        match &self.test {
            Test::Compared(test, other) => value.compare(other).is_some_and(test),
            Test::OneOf(others) => {
                others.iter().any(|other| value.compare(other).is_some_and(Ordering::is_eq))
            }
            Test::IsNull(is_null) => value.is_null() == *is_null,
        }
    }
}

fn typed(column: Column, name: &str, text: &str) -> Result<Value<'static>, Problem> {
    key::typed(column.kind, text).ok_or_else(|| mismatch(name, text, &column.kind.to_string()))
}
