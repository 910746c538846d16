use proptest::prelude::*;

use super::*;
use crate::{aggregate::KeyTable, codec::put_value, value::Value};

const REACH: Reach = Reach { range: Millis(100), lateness: Millis(20) };

fn insert(index: &mut EventIndex, key: u8, at: i64, offset: i64) {
    let mut kept = Vec::new();
    put_value(&mut kept, &Value::Int(offset));
    let (key, at, offset) = ([key], Timestamp(at), Offset::at(offset));
    let hash = KeyTable::hash(&key);
    index.insert(&Logged { hash, key: &key, at, offset, kept: &kept });
}

/// Times and offsets, the offsets read from what is kept.
fn events(index: &EventIndex, key: u8) -> Vec<(i64, i64)> {
    let Some(key) = index.find(KeyTable::hash(&[key]), &[key]).and_then(|number| index.key(number)) else {
        return vec![];
    };
    let event = |event: &Event| {
        let (offset, mut kept) = key.offset_and_kept(event).unwrap();
        assert_eq!(kept.value().unwrap(), Value::Int(offset.number().unwrap()));
        (event.at.0, offset.number().unwrap())
    };
    key.events().iter().map(event).collect()
}

proptest! {
    #[test]
    fn what_is_still_needed_is_there_in_its_order(
        steps in prop::collection::vec((0..3u8, 0..30i64, 0..120i64), 1..200),
    ) {
        let mut index = EventIndex::build(REACH, Timestamp::MIN, std::iter::empty());
        let (mut clock, mut all) = (0, Vec::new());
        for (offset, (key, step, late)) in (0..).zip(steps) {
            clock += step;
            // What is late does not come here.
            let at = clock - late;
            insert(&mut index, key, at, offset);
            all.push((key, at, offset));
            index.prune(Timestamp(clock), Millis(7));
            for key in 0..3 {
                let from = clock - REACH.back().0;
                let mut needed: Vec<_> =
                    all.iter().filter(|(k, at, _)| *k == key && *at >= from).map(|(_, at, n)| (*at, *n)).collect();
                needed.sort_unstable();
                let mut found = events(&index, key);
                prop_assert!(found.is_sorted());
                let older = found.iter().filter(|(at, _)| *at < from).count();
                found.drain(..older);
                prop_assert_eq!(found, needed);
                let Some(number) = index.find(KeyTable::hash(&[key]), &[key]) else { continue };
                let mut touched = Vec::new();
                let known = index.touched(number, [Timestamp(at)].into_iter(), &mut touched).unwrap();
                let mut times: Vec<_> = all.iter().filter(|(k, ..)| *k == key).map(|(_, at, _)| *at).collect();
                times.sort_unstable();
                // Nothing was asked for that was forgotten.
                let behind = times.iter().filter(|time| **time < known.events[0].at.0).count();
                for time in [at, at - REACH.range.0, at + REACH.range.0, clock] {
                    let before = times.iter().filter(|known| **known < time).count().max(behind) - behind;
                    prop_assert_eq!(known.before(Timestamp(time)), before);
                }
                let in_reach = |time: &i64| at <= *time && *time <= at + REACH.range.0;
                let expected: Vec<_> = times.iter().copied().filter(in_reach).collect();
                let found: Vec<_> = touched.iter().map(|(_, at)| at.0).collect();
                if at - REACH.range.0 >= from {
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}

#[test]
fn what_no_frame_needs_is_forgotten() {
    let mut index = EventIndex::build(REACH, Timestamp::MIN, std::iter::empty());
    for at in 0..10_000 {
        insert(&mut index, 0, at, at);
        insert(&mut index, u8::try_from(1 + at / 2000).unwrap(), at, at);
        index.prune(Timestamp(at), Millis(1));
    }
    assert!(events(&index, 0).len() < 600, "{}", events(&index, 0).len());
    assert_eq!(index.keys.len(), 2, "keys without events are gone");
}

#[test]
fn frames_that_reach_behind_what_is_there_are_left_out() {
    let mut index = EventIndex::build(REACH, Timestamp(1000), std::iter::empty());
    [1000, 1099, 1100, 1150, 1200, 1201]
        .into_iter()
        .zip(0..)
        .for_each(|(at, n)| insert(&mut index, 0, at, n));
    let number = index.find(KeyTable::hash(&[0]), &[0]).unwrap();
    let mut touched = |times: &[i64]| {
        let mut touched = Vec::new();
        index.touched(number, times.iter().map(|at| Timestamp(*at)), &mut touched).unwrap();
        touched.into_iter().map(|(position, _)| position).collect::<Vec<_>>()
    };
    assert_eq!(touched(&[1000]), vec![2], "1099 reaches back to 999");
    assert_eq!(touched(&[1100, 1150]), vec![2, 3, 4, 5], "each once");
    assert_eq!(touched(&[1201]), vec![5]);
}
