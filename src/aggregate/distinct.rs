//! Exact sets of values, one a group.

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::KeyTable;
use crate::{
    codec::{CodecError, Reader, put_bytes, put_value, put_varint},
    value::Value,
};

/// Up to this many values a group is searched from front to back, without an index.
const SMALL: usize = 8;

/// The values of a group. Those of a session's slice are few.
type Set = SmallVec<[u32; 4]>;

/// For each group the set of its values. Values are kept once however many groups have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    values: KeyTable,
    /// For each group its values' numbers, in the order in which they came.
    groups: Vec<Set>,
    /// (group, value) of groups with more than [`SMALL`] values.
    index: HashTable<(u32, u32)>,
    scratch: Vec<u8>,
}

impl Distinct {
    pub(super) fn push(&mut self) {
        self.groups.push(Set::new());
    }

    pub(super) fn count(&self, group: usize) -> u64 {
        self.groups.get(group).map_or(0, |values| values.len() as u64)
    }

    /// The values of a group, in no order.
    pub(super) fn values(&self, group: usize) -> Vec<Value<'_>> {
        let numbers = self.groups.get(group).into_iter().flatten();
        let decoded = numbers.map(|number| Reader::new(self.values.key(*number as usize)).value());
        // What was read from the store may be damaged.
        decoded.filter_map(Result::ok).collect()
    }

    pub(super) fn update(&mut self, group: usize, value: &Value<'_>) {
        self.scratch.clear();
        put_value(&mut self.scratch, value);
        let (number, _) = self.values.find_or_add(KeyTable::hash(&self.scratch), &self.scratch);
        self.add(group, number);
    }

    pub(super) fn merge(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        const UNKNOWN: usize = usize::MAX;
        if pairs.len() < other.groups.len() / 2 {
            // Most values are of no group that is merged.
            for (group, from) in pairs {
                for theirs in other.groups.get(*from).into_iter().flatten() {
                    let number = self.number_of(other, *theirs as usize);
                    self.add(*group, number);
                }
            }
            return;
        }
        let mut numbers = vec![UNKNOWN; other.values.len()];
        for (group, from) in pairs {
            for theirs in other.groups.get(*from).into_iter().flatten() {
                let theirs = *theirs as usize;
                let Some(ours) = numbers.get_mut(theirs) else { continue };
                if *ours == UNKNOWN {
                    *ours = self.number_of(other, theirs);
                }
                let ours = *ours;
                self.add(*group, ours);
            }
        }
    }

    /// The number here of a value that has another number there.
    fn number_of(&mut self, other: &Self, theirs: usize) -> usize {
        self.values.find_or_add(other.values.hash_at(theirs), other.values.key(theirs)).0
    }

    fn add(&mut self, group: usize, number: usize) {
        let Some(values) = self.groups.get_mut(group) else { return };
        let pair = (truncate(group), truncate(number));
        if values.len() <= SMALL {
            if values.contains(&pair.1) {
                return;
            }
            values.push(pair.1);
            if values.len() > SMALL {
                for value in values.iter() {
                    let pair = (pair.0, *value);
                    self.index.insert_unique(mix(pair), pair, |known| mix(*known));
                }
            }
            return;
        }
        if self.index.find(mix(pair), |known| *known == pair).is_none() {
            self.index.insert_unique(mix(pair), pair, |known| mix(*known));
            values.push(pair.1);
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.values.len() as u64);
        self.values.iter().for_each(|value| put_bytes(out, value));
        for values in &self.groups {
            put_varint(out, values.len() as u64);
            values.iter().for_each(|number| put_varint(out, u64::from(*number)));
        }
    }

    pub(super) fn decode(groups: usize, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut distinct = Self::default();
        for _ in 0..from.count("the number of values")? {
            let value = from.bytes("a value")?;
            distinct.values.find_or_add(KeyTable::hash(value), value);
        }
        for group in 0..groups {
            distinct.push();
            for _ in 0..from.count("the size of a set")? {
                let number = from.varint("a value's number")?;
                let known = usize::try_from(number).ok().filter(|n| *n < distinct.values.len());
                let number = known.ok_or_else(|| CodecError::Unexpected {
                    found: format!("value {number} of {}", distinct.values.len()),
                    expected: "the number of a value",
                })?;
                distinct.add(group, number);
            }
        }
        Ok(distinct)
    }
}

/// The finaliser of `SplitMix64` over both numbers: cheap, and good enough for a table.
fn mix((group, number): (u32, u32)) -> u64 {
    let mut x = (u64::from(group) << 32 | u64::from(number)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A slab is split long before it has this many groups or values.
fn truncate(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
