//! A store in memory, for `weir run` and for tests.

/// Keeps everything in maps.
#[derive(Debug, Default)]
pub struct MemoryStore {}
