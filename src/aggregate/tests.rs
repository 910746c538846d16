use std::collections::BTreeMap;

use proptest::prelude::*;

use self::naive::{Event, naive};
use super::*;
use crate::{
    sql::{AggregateFunction as F, Fraction, Spread},
    time::Millis,
    value::Type,
};

mod naive;

/// Events are up to 40 ms apart.
const SPAN: Millis = Millis(15);

fn aggregates() -> Vec<Aggregate> {
    let of = |function, argument, result| Aggregate { function, argument, result };
    let spread = |spread| of(F::Spread(spread), Type::BigInt, Type::Double);
    let percentile = |x| of(F::ApproxPercentile(Fraction::new(x).unwrap()), Type::BigInt, Type::Double);
    vec![
        of(F::Count, Type::BigInt, Type::BigInt),
        of(F::Sum, Type::BigInt, Type::BigInt),
        of(F::Min, Type::BigInt, Type::BigInt),
        of(F::Max, Type::BigInt, Type::BigInt),
        of(F::Avg, Type::BigInt, Type::Double),
        of(F::CountDistinct, Type::BigInt, Type::BigInt),
        of(F::Sum, Type::Double, Type::Double),
        of(F::ArrayDistinct, Type::BigInt, Type::Json),
        of(F::First, Type::BigInt, Type::BigInt),
        of(F::Last, Type::BigInt, Type::BigInt),
        of(F::ApproxCountDistinct, Type::BigInt, Type::BigInt),
        of(F::WindowFunnel(SPAN), Type::BigInt, Type::BigInt),
        percentile(0.5),
        percentile(0.9),
        spread(Spread::Deviation),
        spread(Spread::DeviationOfSample),
        spread(Spread::Variance),
        spread(Spread::VarianceOfSample),
    ]
}

/// Folds events; groups are numbered in the order in which they come.
fn fold(events: &[Event]) -> (Vec<u8>, Accumulators) {
    let (mut groups, mut all) = (vec![], Accumulators::new(&aggregates()));
    for Event { group, at, value } in events {
        let n = number_of(*group, &mut groups, &mut all);
        let value = value.map_or(Value::Null, Value::Int);
        (0..aggregates().len()).for_each(|aggregate| all.update(aggregate, n, Timestamp(*at), &value));
    }
    (groups, all)
}

fn number_of(group: u8, groups: &mut Vec<u8>, all: &mut Accumulators) -> usize {
    groups.iter().position(|known| *known == group).unwrap_or_else(|| {
        groups.push(group);
        all.push();
        groups.len() - 1
    })
}

fn merge((groups, all): &mut (Vec<u8>, Accumulators), (others, other): &(Vec<u8>, Accumulators)) {
    let pairs = others.iter().enumerate().map(|(from, group)| (number_of(*group, groups, all), from));
    let pairs: Vec<_> = pairs.collect();
    all.merge(other, &pairs);
}

type Results = BTreeMap<u8, Vec<Value<'static>>>;

fn results((groups, all): &(Vec<u8>, Accumulators)) -> Results {
    let finish = |n| {
        let mut out = vec![];
        all.finish(n, &mut out);
        out
    };
    groups.iter().enumerate().map(|(n, group)| (*group, finish(n))).collect()
}

/// The results are the same but for the last digits of floats.
fn alike(found: &Results, expected: &Results) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (found, expected) in found.values().zip(expected.values()) {
        prop_assert_eq!(found.len(), expected.len());
        for (index, (a, b)) in found.iter().zip(expected).enumerate() {
            let (Value::Float(x), Value::Float(y)) = (a, b) else {
                prop_assert_eq!(a, b, "{}", index);
                continue;
            };
            let is_sketch = matches!(aggregates()[index].function, F::ApproxPercentile(_));
            let bound = if is_sketch { 0.010_001 * y.abs() } else { 1e-9 * y.abs().max(1.0) };
            prop_assert!((x - y).abs() <= bound, "{}: {} is not {}", index, x, y);
        }
    }
    Ok(())
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..4u8, 0..40i64, prop::option::weighted(0.8, -20..20i64));
    prop::collection::vec(event.prop_map(|(group, at, value)| Event { group, at, value }), 0..300)
}

proptest! {
    #[test]
    fn folding_is_the_naive_aggregate(events in events()) {
        alike(&results(&fold(&events)), &naive(&events))?;
    }

    #[test]
    fn parts_merge_to_the_whole_in_any_cut_and_order(
        events in events(),
        cuts in (0..300usize, 0..300usize),
        order in Just([0, 1, 2]).prop_shuffle(),
        nested: bool,
    ) {
        let cut = |at: usize| at.min(events.len());
        let (first, second) = (cut(cuts.0.min(cuts.1)), cut(cuts.0.max(cuts.1)));
        let parts = [&events[..first], &events[first..second], &events[second..]].map(fold);
        let [a, b, c] = order.map(|part| &parts[part]);
        let mut all = fold(&[]);
        if nested {
            let mut inner = fold(&[]);
            merge(&mut inner, b);
            merge(&mut inner, c);
            merge(&mut all, a);
            merge(&mut all, &inner);
        } else {
            [a, b, c].into_iter().for_each(|part| merge(&mut all, part));
        }
        alike(&results(&all), &naive(&events))?;
    }

    #[test]
    fn the_order_of_events_does_not_matter(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        alike(&results(&fold(&shuffled)), &results(&fold(&events)))?;
    }

    #[test]
    fn accumulators_come_back(events in events()) {
        let (groups, all) = fold(&events);
        let mut bytes = vec![];
        all.encode(&mut bytes);
        let mut reader = Reader::new(&bytes);
        let back = Accumulators::decode(&aggregates(), groups.len(), &mut reader).unwrap();
        prop_assert!(reader.is_empty());
        prop_assert_eq!(results(&(groups.clone(), back)), results(&(groups, all)));
    }

    #[test]
    fn random_bytes_are_an_error_or_accumulators(bytes: Vec<u8>, groups in 0..50usize) {
        for skipped in 0..aggregates().len() {
            let Ok(all) = Accumulators::decode(&aggregates()[skipped..], groups, &mut Reader::new(&bytes)) else {
                continue;
            };
            let mut out = vec![];
            (0..groups).for_each(|group| all.finish(group, &mut out));
        }
    }
}

#[test]
fn a_sum_of_integers_saturates() {
    let of = |value| Event { group: 0, at: 0, value: Some(value) };
    let all = fold(&[of(i64::MAX), of(i64::MAX)]);
    assert_eq!(results(&all)[&0][1], Value::Int(i64::MAX));
}

/// What a column of one group gives.
fn one(function: F, kind: Type, events: &[(i64, Value<'_>)]) -> Value<'static> {
    let mut all = Accumulators::new(&[Aggregate { function, argument: kind, result: kind }]);
    all.push();
    events.iter().for_each(|(at, value)| all.update(0, 0, Timestamp(*at), value));
    let mut out = vec![];
    all.finish(0, &mut out);
    out.remove(0)
}

#[test]
fn arrays_are_sorted_json() {
    let text = |events: &[&'static str]| {
        let events: Vec<_> = events.iter().map(|text| (0, Value::text(text))).collect();
        one(F::ArrayDistinct, Type::Text, &events)
    };
    assert_eq!(text(&["view", "click", "view", "\""]), Value::Json(r#"["\"","click","view"]"#.into()));
    assert_eq!(text(&[]), Value::Null);
    let numbers = [10, 9, -1, 10].map(|n| (0, Value::Int(n)));
    assert_eq!(one(F::ArrayDistinct, Type::BigInt, &numbers), Value::Json("[-1,9,10]".into()));
    let floats = [2.5, -0.0, 0.0].map(|x| (0, Value::Float(x)));
    assert_eq!(one(F::ArrayDistinct, Type::Double, &floats), Value::Json("[0.0,2.5]".into()));
}

#[test]
fn first_and_last_go_by_time_and_then_by_value() {
    let events = [(5, "m"), (3, "b"), (3, "a"), (9, "y"), (9, "z"), (9, "x")]
        .map(|(at, text)| (at, Value::text(text)));
    assert_eq!(one(F::First, Type::Text, &events), Value::text("a"));
    assert_eq!(one(F::Last, Type::Text, &events), Value::text("z"));
    let nulls = [(1, Value::Null), (2, Value::Json("{}".into())), (3, Value::Null)];
    assert_eq!(one(F::First, Type::Json, &nulls), Value::Json("{}".into()));
    assert_eq!(one(F::Last, Type::Json, &nulls), Value::Json("{}".into()));
}

#[test]
fn spreads_of_one_value_and_of_large_ones() {
    let spread = |spread, values: &[f64]| {
        let events: Vec<_> = values.iter().map(|value| (0, Value::Float(*value))).collect();
        one(F::Spread(spread), Type::Double, &events)
    };
    assert_eq!(spread(Spread::Variance, &[7.0]), Value::Float(0.0));
    assert_eq!(spread(Spread::VarianceOfSample, &[7.0]), Value::Null);
    assert_eq!(spread(Spread::DeviationOfSample, &[]), Value::Null);
    assert_eq!(spread(Spread::Deviation, &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), Value::Float(2.0));
    // The sum of squares less the square of the sum would be 0 here.
    let far = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
    assert_eq!(spread(Spread::VarianceOfSample, &far), Value::Float(30.0));
}

#[test]
fn a_funnel_takes_steps_in_order_within_the_span() {
    let funnel = |events: &[(i64, i64)]| {
        let events: Vec<_> = events.iter().map(|(at, steps)| (*at, Value::Int(*steps))).collect();
        one(F::WindowFunnel(Millis(10)), Type::BigInt, &events)
    };
    for (events, expected) in [
        (vec![], 0),
        (vec![(1, 0b010), (2, 0b100)], 0),
        (vec![(1, 0b001)], 1),
        (vec![(1, 0b001), (2, 0b010), (3, 0b100)], 3),
        // The span is inclusive.
        (vec![(1, 0b001), (2, 0b010), (11, 0b100)], 3),
        (vec![(1, 0b001), (2, 0b010), (12, 0b100)], 2),
        // Out of order, but for a second click.
        (vec![(1, 0b010), (2, 0b001), (3, 0b100)], 1),
        (vec![(1, 0b010), (2, 0b001), (3, 0b100), (4, 0b010)], 2),
        // A later start has more time left.
        (vec![(1, 0b001), (5, 0b001), (6, 0b010), (14, 0b100)], 3),
        // A later start that got less far does not hide the chain before.
        (vec![(1, 0b001), (2, 0b010), (3, 0b001), (9, 0b100)], 3),
        // At one time steps count in their order, of one event or several.
        (vec![(1, 0b100), (1, 0b010), (1, 0b001)], 3),
        (vec![(1, 0b111)], 3),
    ] {
        assert_eq!(funnel(&events), Value::Int(expected), "{events:?}");
    }
}
