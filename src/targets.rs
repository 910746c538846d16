//! Lists of targets, as `notify` and `sink` are told them.

/// A target cannot be read. Tells its place in the list instead of what was found there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read target {place} of the list: {reason}")]
pub struct TargetError {
    /// Which of the list, from 1.
    pub place: usize,
    /// What is wrong and what was expected.
    pub reason: String,
}

/// Reads a list: targets between commas or white space.
pub(crate) fn list<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, TargetError> {
    let parts = text.split(|char: char| char == ',' || char.is_whitespace());
    let parts = parts.filter(|part| !part.is_empty());
    let read = |(place, part): (usize, &str)| read(part).map_err(|reason| TargetError { place, reason });
    (1..).zip(parts).map(read).collect()
}
