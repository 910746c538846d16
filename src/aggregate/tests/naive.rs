//! The aggregates as their definitions say, of all values at once.

use std::collections::{BTreeMap, BTreeSet};

use super::SPAN;
use crate::value::Value;

#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) group: u8,
    pub(super) at: i64,
    pub(super) value: Option<i64>,
}

/// The results of each group, in the order of `aggregates()`.
pub(super) fn naive(events: &[Event]) -> BTreeMap<u8, Vec<Value<'static>>> {
    let mut groups: BTreeMap<u8, Vec<(i64, i64)>> = BTreeMap::new();
    for event in events {
        groups.entry(event.group).or_default().extend(event.value.map(|value| (event.at, value)));
    }
    groups.into_iter().map(|(group, events)| (group, row(events))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn row(mut events: Vec<(i64, i64)>) -> Vec<Value<'static>> {
    events.sort_unstable();
    let mut values: Vec<i64> = events.iter().map(|(_, value)| *value).collect();
    values.sort_unstable();
    let distinct: BTreeSet<_> = values.iter().collect();
    let (n, sum) = (values.len() as f64, values.iter().sum::<i64>());
    let int = |n: usize| Value::Int(n.try_into().unwrap());
    let some = |x: Option<i64>| x.map_or(Value::Null, Value::Int);
    let float = |x: f64| if x.is_finite() { Value::Float(x) } else { Value::Null };
    let variance = |degrees: f64| {
        let mean = sum as f64 / n;
        let squares: f64 = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum();
        if degrees > 0.0 { squares / degrees } else { f64::NAN }
    };
    let percentile = |numerator: usize| {
        // The smallest that at least so many tenths are not above.
        let rank = (values.len() * numerator).div_ceil(10).max(1) - 1;
        values.get(rank).map_or(Value::Null, |value| Value::Float(*value as f64))
    };
    let array = serde_json::to_string(&distinct).unwrap();
    vec![
        int(values.len()),
        if values.is_empty() { Value::Null } else { Value::Int(sum) },
        some(values.first().copied()),
        some(values.last().copied()),
        float(sum as f64 / n),
        int(distinct.len()),
        if values.is_empty() { Value::Null } else { Value::Float(sum as f64) },
        if values.is_empty() { Value::Null } else { Value::Json(array.into()) },
        some(events.first().map(|(_, value)| *value)),
        some(events.last().map(|(_, value)| *value)),
        int(distinct.len()),
        int(funnel(&events)),
        percentile(5),
        percentile(9),
        float(variance(n).sqrt()),
        float(variance(n - 1.0).sqrt()),
        float(variance(n)),
        float(variance(n - 1.0)),
    ]
}

/// From each first step as far as the next steps can be found.
fn funnel(events: &[(i64, i64)]) -> usize {
    let mut steps: Vec<(i64, usize)> = events
        .iter()
        .filter(|(_, bits)| *bits > 0)
        .flat_map(|(at, bits)| (0..32).filter(move |step| bits >> step & 1 == 1).map(|step| (*at, step)))
        .collect();
    steps.sort_unstable();
    let starts = steps.iter().enumerate().filter(|(_, (_, step))| *step == 0);
    let lengths = starts.map(|(index, (start, _))| {
        let mut length = 1;
        for (at, step) in &steps[index..] {
            if *step == length && at - start <= SPAN.0 {
                length += 1;
            }
        }
        length
    });
    lengths.max().unwrap_or_default()
}
