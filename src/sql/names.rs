//! Names: how they are matched, and what was probably meant.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

/// What a name matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The candidate of this index.
    One(usize),
    /// Several that differ from it only in case.
    Several,
    /// Nothing.
    None,
}

/// Finds a name: exactly, else (unless it is quoted) without regard to case if that is unambiguous.
pub(super) fn find<'a>(name: &Ident, candidates: impl Iterator<Item = &'a str> + Clone) -> Match {
    if let Some(index) = candidates.clone().position(|candidate| candidate == name.value) {
        return Match::One(index);
    }
    if name.quote_style.is_some() {
        return Match::None;
    }
    let mut alike = candidates.enumerate().filter(|(_, each)| same(each, &name.value));
    match (alike.next(), alike.next()) {
        (Some((index, _)), None) => Match::One(index),
        (Some(_), Some(_)) => Match::Several,
        (None, _) => Match::None,
    }
}

/// Whether two names differ in nothing but case.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// What to say of a name that was not found: `unknown column "clik"; expected one of click, ts,
/// did you mean "click"?`
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let all: Vec<&str> = candidates.collect();
    let expected = match all.as_slice() {
        [] => String::new(),
        [only] => format!("; expected {only}"),
        _ => format!("; expected one of {}", all.join(", ")),
    };
    let hint = closest(name, &all).map(|near| format!(", did you mean \"{near}\"?")).unwrap_or_default();
    format!("unknown {what} \"{name}\"{expected}{hint}")
}

/// The candidate that a typo away from `name` lies nearest.
fn closest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let allowed = name.chars().count().div_ceil(3);
    candidates
        .iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's edit distance, with a swap of neighbours as one edit.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, x) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, column) + usize::from(x != *y))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = column > 0 && previous == Some(*y) && b.get(column - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(x);
    }
    last.last().copied().unwrap_or_default()
}

/// The single identifier that a table's, view's or function's name has to be.
pub(super) fn single(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident),
        _ => None,
    }
}

/// Whether a view's name can stand in the API's paths and the store's keys as it is.
pub(super) fn is_path_segment(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().all(|c| c == '.')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_exactly_first_then_without_case() {
        let columns = ["userId", "USERID", "ts"];
        let find = |name: Ident| find(&name, columns.iter().copied());
        assert_eq!(find(Ident::new("userId")), Match::One(0));
        assert_eq!(find(Ident::new("TS")), Match::One(2));
        assert_eq!(find(Ident::new("userid")), Match::Several);
        assert_eq!(find(Ident::with_quote('"', "TS")), Match::None);
        assert_eq!(find(Ident::new("user")), Match::None);
    }

    #[test]
    fn typos_find_what_was_meant() {
        let columns = ["event_id", "click", "ts"];
        assert_eq!(closest("clik", &columns), Some("click"));
        assert_eq!(closest("lcick", &columns), Some("click"));
        assert_eq!(closest("EVENTID", &columns), Some("event_id"));
        assert_eq!(closest("quantity", &columns), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn a_path_segment_has_no_separators() {
        assert!(is_path_segment("ctr_v2"));
        for bad in ["", "a/b", "a#b", "a b", "..", "a?b", "a%b", "a@b"] {
            assert!(!is_path_segment(bad), "{bad:?}");
        }
    }
}
