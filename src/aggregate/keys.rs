//! Byte strings numbered in the order in which they came.

use hashbrown::{HashTable, hash_table::Entry};
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::{CodecError, MOST, Reader, put_bytes, put_varint};

/// A set of byte strings, each with a number: 0, 1, 2, ... All bytes lie in one buffer.
///
/// What a look-up reads is kept small, so that more of it stays in a cache: hashes are for growth and for merging.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    numbers: HashTable<u32>,
    hashes: Vec<u64>,
    texts: Texts,
}

/// Byte strings one behind the other.
#[derive(Clone, Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each ends. It begins where the one before it ends.
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(truncate(self.bytes.len()));
    }

    /// The text of a number; empty past the end.
    #[inline]
    fn get(&self, number: usize) -> &[u8] {
        let end = |number| self.ends.get(number).map(|end| *end as usize);
        let start = number.checked_sub(1).and_then(end).unwrap_or(0);
        end(number).and_then(|end| self.bytes.get(start..end)).unwrap_or_default()
    }
}

impl KeyTable {
    /// The hash of a key: it chooses its chunk in the store, so it is xxh3 for ever.
    pub fn hash(key: &[u8]) -> u64 {
        xxh3_64(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The number of a key, if it is there.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let is_key = |number: &u32| self.key(*number as usize) == key;
        self.numbers.find(hash, is_key).map(|number| *number as usize)
    }

    /// The number of a key, which is added if it is not there, and whether it was.
    #[inline]
    pub fn find_or_add(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        let Self { numbers, hashes, texts } = self;
        let is_key = |number: &u32| texts.get(*number as usize) == key;
        match numbers.entry(hash, is_key, |number| hash_of(hashes, *number)) {
            Entry::Occupied(entry) => (*entry.get() as usize, false),
            Entry::Vacant(entry) => {
                let number = hashes.len();
                entry.insert(truncate(number));
                hashes.push(hash);
                texts.push(key);
                (number, true)
            }
        }
    }

    /// Adds a key, which gets the next number, whether or not it is there already.
    pub fn add(&mut self, hash: u64, key: &[u8]) -> usize {
        let number = self.hashes.len();
        self.hashes.push(hash);
        self.texts.push(key);
        self.numbers.insert_unique(hash, truncate(number), |number| hash_of(&self.hashes, *number));
        number
    }

    /// The key of a number; empty past the end.
    #[inline]
    pub fn key(&self, number: usize) -> &[u8] {
        self.texts.get(number)
    }

    /// The hash of a number's key.
    pub fn hash_at(&self, number: usize) -> u64 {
        self.hashes.get(number).copied().unwrap_or(0)
    }

    /// All keys in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.key(number))
    }

    /// Appends all keys: how many, what all begin with, the lengths of the rests, the rests.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let prefix = self.prefix();
        put_varint(out, self.len() as u64);
        put_bytes(out, prefix);
        self.iter().for_each(|key| put_varint(out, (key.len() - prefix.len()) as u64));
        if prefix.is_empty() {
            out.extend_from_slice(&self.texts.bytes);
        } else {
            self.iter().for_each(|key| out.extend_from_slice(key.get(prefix.len()..).unwrap_or_default()));
        }
    }

    /// Reads what [`KeyTable::encode`] wrote.
    pub fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let len = from.count("the number of keys")?;
        let mut key = from.bytes("what keys begin with")?.to_vec();
        let prefix = key.len();
        if prefix.saturating_mul(len) > MOST {
            let found = format!("{len} keys that begin with the same {prefix} bytes");
            return Err(CodecError::Unexpected { found, expected: "keys of a body" });
        }
        let lengths = (0..len).map(|_| from.count("a key's length")).collect::<Result<Vec<_>, _>>()?;
        let mut table = Self::default();
        for length in lengths {
            key.truncate(prefix);
            key.extend_from_slice(from.take(length, "a key")?);
            let (_, is_new) = table.find_or_add(Self::hash(&key), &key);
            if !is_new {
                let found = "a key twice".into();
                return Err(CodecError::Unexpected { found, expected: "distinct keys" });
            }
        }
        Ok(table)
    }

    /// What all keys begin with, if that is worth cutting it off.
    fn prefix(&self) -> &[u8] {
        let first = self.key(0);
        let common = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let len = self.iter().fold(first.len(), |len, key| common(first.get(..len).unwrap_or_default(), key));
        if len < 2 { &[] } else { first.get(..len).unwrap_or_default() }
    }
}

fn hash_of(hashes: &[u64], number: u32) -> u64 {
    hashes.get(number as usize).copied().unwrap_or(0)
}

/// There are never so many, nor so many bytes of them: they would not fit an item.
fn truncate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
