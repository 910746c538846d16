//! One aggregate's accumulators.

use std::cmp::Ordering;

use super::{
    by_time::ByTime, cardinality::Cardinality, distinct::Distinct, funnel::Funnel, moments::Moments,
    percentile::Percentile, state::States,
};
use crate::{
    codec::{CodecError, Reader, put_value, put_varint, put_zigzag},
    sql::{Aggregate, AggregateFunction},
    time::Timestamp,
    value::{Type, Value},
};

/// One aggregate's accumulators, one a group.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Count(Vec<u64>),
    SumInt(Vec<Option<i64>>),
    SumFloat(Vec<Option<f64>>),
    Extreme {
        wanted: Ordering,
        groups: Vec<Value<'static>>,
    },
    Avg(Vec<(f64, u64)>),
    Distinct(Distinct),
    /// The same sets, whose values are the result.
    Values(Distinct),
    ByTime(States<ByTime>),
    Cardinality(States<Cardinality>),
    Percentile(States<Percentile>),
    Moments(States<Moments>),
    Funnel(States<Funnel>),
}

impl Column {
    pub(super) fn new(aggregate: Aggregate) -> Self {
        let extreme = |wanted| Self::Extreme { wanted, groups: Vec::new() };
        match (aggregate.function, aggregate.argument) {
            (AggregateFunction::Count, _) => Self::Count(Vec::new()),
            (AggregateFunction::CountDistinct, _) => Self::Distinct(Distinct::new(aggregate.argument)),
            (AggregateFunction::Sum, Type::Double) => Self::SumFloat(Vec::new()),
            (AggregateFunction::Sum, _) => Self::SumInt(Vec::new()),
            (AggregateFunction::Min, _) => extreme(Ordering::Less),
            (AggregateFunction::Max, _) => extreme(Ordering::Greater),
            (AggregateFunction::Avg, _) => Self::Avg(Vec::new()),
            (AggregateFunction::ArrayDistinct, _) => Self::Values(Distinct::new(aggregate.argument)),
            (AggregateFunction::First, _) => Self::ByTime(States::new(Ordering::Less)),
            (AggregateFunction::Last, _) => Self::ByTime(States::new(Ordering::Greater)),
            (AggregateFunction::ApproxCountDistinct, _) => Self::Cardinality(States::new(())),
            (AggregateFunction::ApproxPercentile(fraction), _) => Self::Percentile(States::new(fraction)),
            (AggregateFunction::Spread(spread), _) => Self::Moments(States::new(spread)),
            (AggregateFunction::WindowFunnel(span), _) => Self::Funnel(States::new(span)),
        }
    }

    pub(super) fn push(&mut self) {
        match self {
            Self::Count(groups) => groups.push(0),
            Self::SumInt(groups) => groups.push(None),
            Self::SumFloat(groups) => groups.push(None),
            Self::Extreme { groups, .. } => groups.push(Value::Null),
            Self::Avg(groups) => groups.push((0.0, 0)),
            Self::Distinct(distinct) | Self::Values(distinct) => distinct.push(),
            Self::ByTime(states) => states.push(),
            Self::Cardinality(states) => states.push(),
            Self::Percentile(states) => states.push(),
            Self::Moments(states) => states.push(),
            Self::Funnel(states) => states.push(),
        }
    }

    pub(super) fn update(&mut self, group: usize, time: Timestamp, value: &Value<'_>) {
        if value.is_null() {
            return;
        }
        match self {
            Self::Count(groups) => at(groups, group, |n| *n += 1),
            Self::SumInt(groups) => {
                if let Value::Int(i) | Value::Time(Timestamp(i)) = value {
                    at(groups, group, |sum| *sum = Some(sum.unwrap_or(0).saturating_add(*i)));
                }
            }
            Self::SumFloat(groups) => {
                if let Some(x) = value.as_f64() {
                    at(groups, group, |sum| *sum = Some(sum.unwrap_or(0.0) + x));
                }
            }
            Self::Extreme { wanted, groups } => at(groups, group, |best| keep(*wanted, best, value)),
            Self::Avg(groups) => {
                if let Some(x) = value.as_f64() {
                    at(groups, group, |(sum, n)| (*sum, *n) = (*sum + x, *n + 1));
                }
            }
            Self::Distinct(distinct) | Self::Values(distinct) => distinct.update(group, value),
            Self::ByTime(states) => states.update(group, time, value),
            Self::Cardinality(states) => states.update(group, time, value),
            Self::Percentile(states) => states.update(group, time, value),
            Self::Moments(states) => states.update(group, time, value),
            Self::Funnel(states) => states.update(group, time, value),
        }
    }

    pub(super) fn merge(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        match (self, other) {
            (Self::Count(groups), Self::Count(others)) => each(groups, others, pairs, |n, m| *n += m),
            (Self::SumInt(groups), Self::SumInt(others)) => each(groups, others, pairs, |sum, more| {
                if let Some(more) = more {
                    *sum = Some(sum.unwrap_or(0).saturating_add(*more));
                }
            }),
            (Self::SumFloat(groups), Self::SumFloat(others)) => each(groups, others, pairs, |sum, more| {
                if let Some(more) = more {
                    *sum = Some(sum.unwrap_or(0.0) + more);
                }
            }),
            (Self::Extreme { wanted, groups }, Self::Extreme { groups: others, .. }) => {
                each(groups, others, pairs, |best, value| keep(*wanted, best, value));
            }
            (Self::Avg(groups), Self::Avg(others)) => {
                each(groups, others, pairs, |(sum, n), (more, m)| (*sum, *n) = (*sum + more, *n + m));
            }
            (Self::Distinct(distinct), Self::Distinct(other))
            | (Self::Values(distinct), Self::Values(other)) => distinct.merge(other, pairs),
            (Self::ByTime(states), Self::ByTime(others)) => states.merge(others, pairs),
            (Self::Cardinality(states), Self::Cardinality(others)) => states.merge(others, pairs),
            (Self::Percentile(states), Self::Percentile(others)) => states.merge(others, pairs),
            (Self::Moments(states), Self::Moments(others)) => states.merge(others, pairs),
            (Self::Funnel(states), Self::Funnel(others)) => states.merge(others, pairs),
            _ => debug_assert!(false, "accumulators of different aggregates"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an average is a DOUBLE")]
    pub(super) fn finish(&self, group: usize) -> Value<'static> {
        let found = match self {
            Self::Count(groups) => groups.get(group).map(|n| count(*n)),
            Self::SumInt(groups) => groups.get(group).copied().flatten().map(Value::Int),
            Self::SumFloat(groups) => groups.get(group).copied().flatten().map(Value::Float),
            Self::Extreme { groups, .. } => groups.get(group).cloned(),
            Self::Avg(groups) => {
                groups.get(group).filter(|(_, n)| *n > 0).map(|(sum, n)| Value::Float(sum / *n as f64))
            }
            Self::Distinct(distinct) => Some(count(distinct.count(group))),
            Self::Values(distinct) => array(distinct.values(group)),
            Self::ByTime(states) => states.finish(group),
            Self::Cardinality(states) => states.finish(group),
            Self::Percentile(states) => states.finish(group),
            Self::Moments(states) => states.finish(group),
            Self::Funnel(states) => states.finish(group),
        };
        found.unwrap_or(Value::Null)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Count(groups) => groups.iter().for_each(|n| put_varint(out, *n)),
            Self::SumInt(groups) => groups.iter().for_each(|sum| {
                // 0 is "nothing yet", so a sum needs a bit of its own.
                put_varint(out, u64::from(sum.is_some()));
                put_zigzag(out, sum.unwrap_or(0));
            }),
            Self::SumFloat(groups) => {
                for sum in groups {
                    put_value(out, &sum.map_or(Value::Null, Value::Float));
                }
            }
            Self::Extreme { groups, .. } => groups.iter().for_each(|best| put_value(out, best)),
            Self::Avg(groups) => {
                groups.iter().for_each(|(_, n)| put_varint(out, *n));
                groups.iter().for_each(|(sum, _)| out.extend_from_slice(&sum.to_le_bytes()));
            }
            Self::Distinct(distinct) | Self::Values(distinct) => distinct.encode(out),
            Self::ByTime(states) => states.encode(out),
            Self::Cardinality(states) => states.encode(out),
            Self::Percentile(states) => states.encode(out),
            Self::Moments(states) => states.encode(out),
            Self::Funnel(states) => states.encode(out),
        }
    }

    pub(super) fn decode(aggregate: Aggregate, n: usize, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match Self::new(aggregate) {
            Self::Count(_) => Self::Count(many(n, || from.varint("a count"))?),
            Self::SumInt(_) => Self::SumInt(many(n, || {
                let some = from.varint("whether there is a sum")? != 0;
                let sum = from.zigzag("a sum")?;
                Ok(some.then_some(sum))
            })?),
            Self::SumFloat(_) => Self::SumFloat(many(n, || Ok(from.value()?.as_f64()))?),
            Self::Extreme { wanted, .. } => {
                Self::Extreme { wanted, groups: many(n, || Ok(from.value()?.into_owned()))? }
            }
            Self::Avg(_) => {
                let counts = many(n, || from.varint("a count"))?;
                let sums = many(n, || from.float("a sum"))?;
                Self::Avg(sums.into_iter().zip(counts).collect())
            }
            Self::Distinct(_) => Self::Distinct(Distinct::decode(aggregate.argument, n, from)?),
            Self::Values(_) => Self::Values(Distinct::decode(aggregate.argument, n, from)?),
            Self::ByTime(states) => Self::ByTime(states.decode(n, from)?),
            Self::Cardinality(states) => Self::Cardinality(states.decode(n, from)?),
            Self::Percentile(states) => Self::Percentile(states.decode(n, from)?),
            Self::Moments(states) => Self::Moments(states.decode(n, from)?),
            Self::Funnel(states) => Self::Funnel(states.decode(n, from)?),
        })
    }
}

fn many<T>(n: usize, mut read: impl FnMut() -> Result<T, CodecError>) -> Result<Vec<T>, CodecError> {
    (0..n).map(|_| read()).collect()
}

fn at<T>(groups: &mut [T], group: usize, change: impl FnOnce(&mut T)) {
    if let Some(accumulator) = groups.get_mut(group) {
        change(accumulator);
    }
}

fn each<T>(groups: &mut [T], others: &[T], pairs: &[(usize, usize)], merge: impl Fn(&mut T, &T)) {
    for (group, other) in pairs {
        if let (Some(group), Some(other)) = (groups.get_mut(*group), others.get(*other)) {
            merge(group, other);
        }
    }
}

/// Keeps the smaller or the larger of two values; the first of equal ones.
fn keep(wanted: Ordering, best: &mut Value<'static>, value: &Value<'_>) {
    if best.is_null() || value.compare(best) == Some(wanted) {
        *best = value.borrowed().into_owned();
    }
}

fn count(n: u64) -> Value<'static> {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Values in ascending order, as a JSON array; none where there are none.
fn array(mut values: Vec<Value<'_>>) -> Option<Value<'static>> {
    values.sort_unstable_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
    let values: Vec<_> = values.iter().map(Value::to_json).collect();
    let is_some = !values.is_empty();
    is_some.then(|| Value::Json(serde_json::Value::Array(values).to_string().into()))
}
