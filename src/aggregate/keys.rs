//! Byte strings numbered in the order in which they came.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

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
        self.numbers.find(hash, |n| self.is_at(*n, hash, key)).map(|n| *n as usize)
    }

    /// The number of a key, which is added if it is not there, and whether it was.
    #[inline]
    pub fn find_or_add(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        match self.find(hash, key) {
            Some(number) => (number, false),
            None => (self.add(hash, key), true),
        }
    }

    /// Adds a key, which gets the next number, whether or not it is there already.
    pub fn add(&mut self, hash: u64, key: &[u8]) -> usize {
        let number = self.keys.len();
        self.bytes.extend_from_slice(key);
        self.keys.push(Key { hash, end: self.bytes.len() });
        let keys = &self.keys;
        let rehash = |n: &u32| keys.get(*n as usize).map_or(0, |key| key.hash);
        self.numbers.insert_unique(hash, u32::try_from(number).unwrap_or(u32::MAX), rehash);
        number
    }

    /// The key of a number; empty past the end.
    pub fn key(&self, number: usize) -> &[u8] {
        let end = self.keys.get(number).map_or(0, |key| key.end);
        self.bytes.get(self.start(number)..end).unwrap_or_default()
    }

    /// Where the key of a number begins.
    #[inline]
    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).and_then(|before| self.keys.get(before)).map_or(0, |before| before.end)
    }

    /// The hash of a number's key.
    pub fn hash_at(&self, number: usize) -> u64 {
        self.keys.get(number).map_or(0, |key| key.hash)
    }

    /// All keys in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.key(number))
    }

    /// The lengths of all keys in the order of their numbers.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.keys.iter().scan(0, |start, key| Some(key.end - std::mem::replace(start, key.end)))
    }

    /// All keys in the order of their numbers, one behind the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    fn is_at(&self, number: u32, hash: u64, key: &[u8]) -> bool {
        let number = number as usize;
        self.keys.get(number).is_some_and(|known| known.hash == hash) && self.key(number) == key
    }
}
