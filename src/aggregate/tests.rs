use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{sql::AggregateFunction as F, value::Type};

fn aggregates() -> Vec<Aggregate> {
    let of = |function, argument, result| Aggregate { function, argument, result };
    vec![
        of(F::Count, Type::BigInt, Type::BigInt),
        of(F::Sum, Type::BigInt, Type::BigInt),
        of(F::Min, Type::BigInt, Type::BigInt),
        of(F::Max, Type::BigInt, Type::BigInt),
        of(F::Avg, Type::BigInt, Type::Double),
        of(F::CountDistinct, Type::BigInt, Type::BigInt),
        of(F::Sum, Type::Double, Type::Double),
    ]
}

/// Folds (group, value) pairs; groups are numbered in the order in which they come.
fn fold(events: &[(u8, Option<i64>)]) -> (Vec<u8>, Accumulators) {
    let (mut groups, mut all) = (vec![], Accumulators::new(&aggregates()));
    for (group, value) in events {
        let n = groups.iter().position(|g| g == group).unwrap_or_else(|| {
            groups.push(*group);
            all.push();
            groups.len() - 1
        });
        let value = value.map_or(Value::Null, Value::Int);
        (0..aggregates().len()).for_each(|aggregate| all.update(aggregate, n, &value));
    }
    (groups, all)
}

fn results(groups: &[u8], all: &Accumulators) -> BTreeMap<u8, Vec<Value<'static>>> {
    let finish = |n| {
        let mut out = vec![];
        all.finish(n, &mut out);
        out
    };
    groups.iter().enumerate().map(|(n, group)| (*group, finish(n))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn naive(events: &[(u8, Option<i64>)]) -> BTreeMap<u8, Vec<Value<'static>>> {
    let mut values: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
    for (group, value) in events {
        values.entry(*group).or_default().extend(value);
    }
    let int = |n: usize| Value::Int(n.try_into().unwrap());
    let some = |x: Option<&i64>| x.map_or(Value::Null, |x| Value::Int(*x));
    let row = |v: Vec<i64>| {
        let sum: i64 = v.iter().sum();
        let any = !v.is_empty();
        vec![
            int(v.len()),
            if any { Value::Int(sum) } else { Value::Null },
            some(v.iter().min()),
            some(v.iter().max()),
            if any { Value::Float(sum as f64 / v.len() as f64) } else { Value::Null },
            int(v.iter().collect::<BTreeSet<_>>().len()),
            if any { Value::Float(sum as f64) } else { Value::Null },
        ]
    };
    values.into_iter().map(|(group, v)| (group, row(v))).collect()
}

fn events() -> impl Strategy<Value = Vec<(u8, Option<i64>)>> {
    prop::collection::vec((0..5u8, prop::option::of(-20..20i64)), 0..200)
}

proptest! {
    #[test]
    fn folding_is_the_naive_aggregate(events in events()) {
        let (groups, all) = fold(&events);
        prop_assert_eq!(results(&groups, &all), naive(&events));
    }

    #[test]
    fn parts_merge_to_the_whole_in_any_cut(events in events(), cut in 0..200usize) {
        let (left, right) = events.split_at(cut.min(events.len()));
        let ((mut groups, mut all), (others, other)) = (fold(left), fold(right));
        let pairs: Vec<_> = others.iter().enumerate().map(|(from, group)| {
            let to = groups.iter().position(|g| g == group).unwrap_or_else(|| {
                groups.push(*group);
                all.push();
                groups.len() - 1
            });
            (to, from)
        }).collect();
        all.merge(&other, &pairs);
        prop_assert_eq!(results(&groups, &all), naive(&events));
    }

    #[test]
    fn accumulators_come_back(events in events()) {
        let (groups, all) = fold(&events);
        let mut bytes = vec![];
        all.encode(&mut bytes);
        let mut reader = Reader::new(&bytes);
        let back = Accumulators::decode(&aggregates(), groups.len(), &mut reader).unwrap();
        prop_assert!(reader.is_empty());
        prop_assert_eq!(results(&groups, &back), naive(&events));
    }

    #[test]
    fn random_bytes_are_an_error_or_accumulators(bytes: Vec<u8>, groups in 0..50usize) {
        let _ = Accumulators::decode(&aggregates(), groups, &mut Reader::new(&bytes));
    }
}

#[test]
fn a_sum_of_integers_saturates() {
    let (groups, all) = fold(&[(0, Some(i64::MAX)), (0, Some(i64::MAX))]);
    assert_eq!(results(&groups, &all)[&0][1], Value::Int(i64::MAX));
}
