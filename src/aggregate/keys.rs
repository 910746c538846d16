//! Byte strings numbered in the order in which they came.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// A set of byte strings, each with a number: 0, 1, 2, ... All bytes lie in one buffer.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    numbers: HashTable<u32>,
    hashes: Vec<u64>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
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
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.numbers.find(hash, |n| self.is_at(*n, hash, key)).map(|n| *n as usize)
    }

    /// The number of a key, which is added if it is not there, and whether it was.
    pub fn find_or_add(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        if let Some(number) = self.find(hash, key) {
            return (number, false);
        }
        let number = self.hashes.len();
        self.hashes.push(hash);
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        let hashes = &self.hashes;
        let rehash = |n: &u32| hashes.get(*n as usize).copied().unwrap_or_default();
        self.numbers.insert_unique(hash, u32::try_from(number).unwrap_or(u32::MAX), rehash);
        (number, true)
    }

    /// The key of a number; empty past the end.
    pub fn key(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The hash of a number's key.
    pub fn hash_at(&self, number: usize) -> u64 {
        self.hashes.get(number).copied().unwrap_or_default()
    }

    /// All keys in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.key(number))
    }

    fn is_at(&self, number: u32, hash: u64, key: &[u8]) -> bool {
        self.hash_at(number as usize) == hash && self.key(number as usize) == key
    }
}
