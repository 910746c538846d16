//! Exact sets of values, one a group.

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::KeyTable;
use crate::{
    codec::{CodecError, Reader, put_value, put_varint},
    value::{Type, Value},
};

/// Up to this many values a group is searched from front to back, without an index: two cache lines.
const SMALL: usize = 32;

/// The values of a group. Those of a session's slice are few.
type Set = SmallVec<[u32; 4]>;

/// For each group the set of its values. Values are kept once however many groups have them.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    /// Whether all values are texts: these are kept as they are, others as [`put_value`] writes them.
    is_text: bool,
    values: KeyTable,
    /// For each group its values' numbers, in the order in which they came.
    groups: Vec<Set>,
    /// (group, value) of groups with more than [`SMALL`] values.
    index: HashTable<(u32, u32)>,
    scratch: Vec<u8>,
}

impl Distinct {
    /// Sets of values of a type.
    pub(super) fn new(of: Type) -> Self {
        Self {
            is_text: of == Type::Text,
            values: KeyTable::default(),
            groups: Vec::new(),
            index: HashTable::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) fn push(&mut self) {
        self.groups.push(Set::new());
    }

    pub(super) fn count(&self, group: usize) -> u64 {
        self.groups.get(group).map_or(0, |values| values.len() as u64)
    }

    /// The values of a group, in no order.
    pub(super) fn values(&self, group: usize) -> Vec<Value<'_>> {
        let numbers = self.groups.get(group).into_iter().flatten();
        // What was read from the store may be damaged.
        numbers.filter_map(|number| self.value(self.values.key(*number as usize))).collect()
    }

    fn value<'b>(&self, bytes: &'b [u8]) -> Option<Value<'b>> {
        if self.is_text {
            return std::str::from_utf8(bytes).ok().map(Value::text);
        }
        Reader::new(bytes).value().ok()
    }

    pub(super) fn update(&mut self, group: usize, value: &Value<'_>) {
        let bytes = match value {
            Value::Text(text) if self.is_text => text.as_bytes(),
            _ => {
                self.scratch.clear();
                put_value(&mut self.scratch, value);
                &self.scratch
            }
        };
        let (number, _) = self.values.find_or_add(KeyTable::hash(bytes), bytes);
        self.add(group, number);
    }

    pub(super) fn merge(&mut self, other: &Self, pairs: &[(usize, usize)]) {
        const UNKNOWN: usize = usize::MAX;
        let set = |group: usize| other.groups.get(group).map_or(&[][..], |values| values);
        // Where much is merged, each value is looked up once.
        let merged: usize = pairs.iter().map(|(_, from)| set(*from).len()).sum();
        let is_much = merged > other.values.len() / 2;
        let mut known = vec![UNKNOWN; if is_much { other.values.len() } else { 0 }];
        for (group, from) in pairs {
            for theirs in set(*from) {
                let theirs = *theirs as usize;
                let ours = match known.get(theirs) {
                    Some(ours) if *ours != UNKNOWN => *ours,
                    _ => self.number_of(other, theirs),
                };
                if let Some(known) = known.get_mut(theirs) {
                    *known = ours;
                }
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

    /// Appends the values, then the sizes of the sets, then each set's numbers in order, as the
    /// differences between them.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.values.encode(out);
        self.groups.iter().for_each(|values| put_varint(out, values.len() as u64));
        let mut sorted = Vec::new();
        for values in &self.groups {
            sorted.clear();
            sorted.extend_from_slice(values);
            sorted.sort_unstable();
            let mut before = 0;
            for number in &sorted {
                put_varint(out, u64::from(number - before));
                before = *number;
            }
        }
    }

    pub(super) fn decode(of: Type, groups: usize, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut distinct = Self { values: KeyTable::decode(from)?, ..Self::new(of) };
        let sizes = (0..groups).map(|_| from.count("the size of a set")).collect::<Result<Vec<_>, _>>()?;
        for (group, size) in sizes.into_iter().enumerate() {
            distinct.push();
            let mut number = 0_u64;
            for _ in 0..size {
                number = number.saturating_add(from.varint("a value's number")?);
                distinct.add(group, distinct.known(number)?);
            }
        }
        Ok(distinct)
    }

    /// The number of a value that is there.
    fn known(&self, number: u64) -> Result<usize, CodecError> {
        let known = usize::try_from(number).ok().filter(|n| *n < self.values.len());
        known.ok_or_else(|| CodecError::Unexpected {
            found: format!("value {number} of {}", self.values.len()),
            expected: "the number of a value",
        })
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
