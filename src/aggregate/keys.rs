//! Byte strings numbered in the order in which they came.

use hashbrown::{HashTable, hash_table::Entry};
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::{CodecError, MOST, Reader, put_bytes, put_varint};

/// A set of byte strings, each with a number: 0, 1, 2, ... All bytes lie in one buffer.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    numbers: HashTable<u32>,
    keys: Vec<Key>,
    bytes: Vec<u8>,
}

/// What is known of a key, in one place: looking it up costs few cache lines.
#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u64,
    /// Where it ends in the buffer. It begins where the one before it ends.
    end: usize,
}

impl KeyTable {
    /// The hash of a key: it chooses its chunk in the store, so it is xxh3 for ever.
    pub fn hash(key: &[u8]) -> u64 {
        xxh3_64(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of a key, if it is there.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.numbers.find(hash, |n| is_at(&self.keys, &self.bytes, *n, hash, key)).map(|n| *n as usize)
    }

    /// The number of a key, which is added if it is not there, and whether it was.
    #[inline]
    pub fn find_or_add(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        let Self { numbers, keys, bytes } = self;
        let is_key = |n: &u32| is_at(keys, bytes, *n, hash, key);
        match numbers.entry(hash, is_key, |n| hash_of(keys, *n)) {
            Entry::Occupied(entry) => (*entry.get() as usize, false),
            Entry::Vacant(entry) => {
                let number = keys.len();
                entry.insert(truncate(number));
                bytes.extend_from_slice(key);
                keys.push(Key { hash, end: bytes.len() });
                (number, true)
            }
        }
    }

    /// Adds a key, which gets the next number, whether or not it is there already.
    pub fn add(&mut self, hash: u64, key: &[u8]) -> usize {
        let number = self.keys.len();
        self.bytes.extend_from_slice(key);
        self.keys.push(Key { hash, end: self.bytes.len() });
        self.numbers.insert_unique(hash, truncate(number), |n| hash_of(&self.keys, *n));
        number
    }

    /// The key of a number; empty past the end.
    pub fn key(&self, number: usize) -> &[u8] {
        text(&self.keys, &self.bytes, number)
    }

    /// The hash of a number's key.
    pub fn hash_at(&self, number: usize) -> u64 {
        self.keys.get(number).map_or(0, |key| key.hash)
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
            out.extend_from_slice(&self.bytes);
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

fn text<'b>(keys: &[Key], bytes: &'b [u8], number: usize) -> &'b [u8] {
    let start = number.checked_sub(1).and_then(|before| keys.get(before)).map_or(0, |before| before.end);
    let end = keys.get(number).map_or(0, |key| key.end);
    bytes.get(start..end).unwrap_or_default()
}

#[inline]
fn is_at(keys: &[Key], bytes: &[u8], number: u32, hash: u64, key: &[u8]) -> bool {
    let number = number as usize;
    keys.get(number).is_some_and(|known| known.hash == hash) && text(keys, bytes, number) == key
}

fn hash_of(keys: &[Key], number: u32) -> u64 {
    keys.get(number as usize).map_or(0, |key| key.hash)
}

/// There are never so many: they would not fit an item.
fn truncate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
