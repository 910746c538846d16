//! Exact sets of values, one a group.

use hashbrown::{HashTable, hash_table::Entry};
use smallvec::SmallVec;

use super::KeyTable;
use crate::{
    codec::{CodecError, Reader, put_value, put_varint},
    value::{Type, Value},
};

/// Up to this many values a group is searched from front to back: two cache lines.
const FEW: usize = 32;

/// The numbers of a group's values. Those of a session's slice are few.
#[derive(Clone, Debug)]
enum Set {
    Few(SmallVec<[u32; 4]>),
    Many(HashTable<u32>),
}

impl Set {
    fn len(&self) -> usize {
        match self {
            Self::Few(numbers) => numbers.len(),
            Self::Many(numbers) => numbers.len(),
        }
    }

    fn add(&mut self, number: u32) {
        match self {
            Self::Few(numbers) if numbers.contains(&number) => {}
            Self::Few(numbers) if numbers.len() < FEW => numbers.push(number),
            Self::Few(numbers) => {
                let mut many = HashTable::with_capacity(2 * FEW);
                for number in numbers.iter().copied().chain([number]) {
                    many.insert_unique(mix(number), number, |known| mix(*known));
                }
                *self = Self::Many(many);
            }
            Self::Many(numbers) => {
                let is_it = |known: &u32| *known == number;
                if let Entry::Vacant(place) = numbers.entry(mix(number), is_it, |known| mix(*known)) {
                    place.insert(number);
                }
            }
        }
    }

    /// The numbers, in no order.
    fn iter(&self) -> impl Iterator<Item = u32> {
        let (few, many) = match self {
            Self::Few(numbers) => (Some(numbers), None),
            Self::Many(numbers) => (None, Some(numbers)),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten()).copied()
    }
}

/// For each group the set of its values. Values are kept once however many groups have them.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    /// Whether all values are texts: these are kept as they are, others as [`put_value`] writes them.
    is_text: bool,
    values: KeyTable,
    groups: Vec<Set>,
    scratch: Vec<u8>,
}

impl Distinct {
    /// Sets of values of a type.
    pub(super) fn new(of: Type) -> Self {
        Self {
            is_text: of == Type::Text,
            values: KeyTable::default(),
            groups: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) fn push(&mut self) {
        self.groups.push(Set::Few(SmallVec::new()));
    }

    pub(super) fn count(&self, group: usize) -> u64 {
        self.groups.get(group).map_or(0, |set| set.len() as u64)
    }

    /// The values of a group, in no order.
    pub(super) fn values(&self, group: usize) -> Vec<Value<'_>> {
        let numbers = self.groups.get(group).into_iter().flat_map(Set::iter);
        // What was read from the store may be damaged.
        numbers.filter_map(|number| self.value(self.values.key(number as usize))).collect()
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
        // Where much is merged, each value is looked up once.
        let merged: u64 = pairs.iter().map(|(_, from)| other.count(*from)).sum();
        let is_much = merged > other.values.len() as u64 / 2;
        let mut known = vec![UNKNOWN; if is_much { other.values.len() } else { 0 }];
        for (group, from) in pairs {
            for theirs in other.groups.get(*from).into_iter().flat_map(Set::iter) {
                let theirs = theirs as usize;
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
        if let Some(set) = self.groups.get_mut(group) {
            // A slab is split long before it has so many values.
            set.add(u32::try_from(number).unwrap_or(u32::MAX));
        }
    }

    /// Appends the values, then the sizes of the sets, then each set's numbers in order, as the
    /// differences between them.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.values.encode(out);
        self.groups.iter().for_each(|set| put_varint(out, set.len() as u64));
        let mut sorted = Vec::new();
        for set in &self.groups {
            sorted.clear();
            sorted.extend(set.iter());
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

/// Fibonacci hashing: cheap, and good enough for numbers that lie close together.
fn mix(number: u32) -> u64 {
    u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}
