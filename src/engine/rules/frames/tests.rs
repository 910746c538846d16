use proptest::prelude::*;

use super::*;
use crate::{
    aggregate::KeyTable,
    codec::put_value,
    engine::rules::{EventIndex, Logged, Reach},
    time::{Offset, Timestamp},
    value::{Type, Value},
};

const RANGE: i64 = 50;

fn aggregates(functions: &[AggregateFunction]) -> Vec<Aggregate> {
    let of = |function: &AggregateFunction| Aggregate {
        function: *function,
        argument: Type::BigInt,
        result: Type::BigInt,
    };
    functions.iter().map(of).collect()
}

fn index(events: &[(i64, i64)]) -> EventIndex {
    let reach = Reach { range: Millis(RANGE), lateness: Millis(0) };
    let mut index = EventIndex::build(reach, Timestamp::MIN, std::iter::empty());
    for (offset, (at, x)) in (0..).zip(events) {
        let mut kept = Vec::new();
        // As often as there are aggregates that take it in.
        (0..3).for_each(|_| put_value(&mut kept, &Value::Int(*x)));
        let (at, offset) = (Timestamp(*at), Offset::at(offset));
        index.insert(&Logged { hash: KeyTable::hash(b"k"), key: b"k", at, offset, kept: &kept });
    }
    index
}

/// (position, events in the frame, results) of some events, computed together.
fn computed(
    index: &EventIndex,
    functions: &[AggregateFunction],
    positions: &[usize],
) -> Vec<(usize, usize, Vec<Value<'static>>)> {
    let aggregates = aggregates(functions);
    let values = functions.iter().enumerate().map(|(n, function)| (n > 0).then_some(*function));
    let kept = Kept { values: values.collect() };
    let mut frames = Frames::new(&kept, &aggregates, Millis(RANGE));
    let key = index.find(KeyTable::hash(b"k"), b"k").and_then(|number| index.key(number)).unwrap();
    let touched: Vec<_> = positions.iter().map(|position| (*position, key.events()[*position].at)).collect();
    let mut found = Vec::new();
    let take = |frame: Frame, accumulators: &Accumulators, group: usize| {
        let mut results = Vec::new();
        accumulators.finish(group, &mut results);
        found.push((frame.position, frame.len(), results));
        Ok(())
    };
    frames.each(key, &touched, take).unwrap();
    found
}

fn naive(events: &[(i64, i64)], position: usize) -> (usize, i64, i64, usize) {
    let mut sorted: Vec<_> = events.iter().enumerate().map(|(n, (at, x))| (*at, n, *x)).collect();
    sorted.sort_unstable();
    let at = sorted[position].0;
    let frame: Vec<_> = sorted.iter().filter(|other| other.0 <= at && other.0 >= at - RANGE).collect();
    let mut values: Vec<_> = frame.iter().map(|event| event.2).collect();
    let sum = values.iter().sum();
    values.sort_unstable();
    values.dedup();
    (frame.len(), sum, values[0], values.len())
}

proptest! {
    #[test]
    fn sliding_gives_what_each_frame_gives(
        events in prop::collection::vec((0..400i64, 0..9i64), 1..300),
        share in 1..5usize,
        is_large: bool,
    ) {
        use AggregateFunction as F;
        let functions: &[F] =
            if is_large { &[F::Count, F::Sum, F::Min, F::CountDistinct] } else { &[F::Count, F::Sum, F::Min] };
        let index = index(&events);
        let positions: Vec<usize> = (0..events.len()).filter(|position| position % share == 0).collect();
        let together = computed(&index, functions, &positions);
        prop_assert_eq!(together.len(), positions.len());
        for (found, position) in together.into_iter().zip(&positions) {
            let (count, sum, least, distinct) = naive(&events, *position);
            let int = |n: usize| Value::Int(i64::try_from(n).unwrap());
            let mut expected = vec![int(count), Value::Int(sum), Value::Int(least)];
            if is_large {
                expected.push(int(distinct));
            }
            prop_assert_eq!(&found, &(*position, count, expected));
            prop_assert_eq!(computed(&index, functions, &[*position]), vec![found]);
        }
    }
}
