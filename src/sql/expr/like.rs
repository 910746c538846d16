//! `LIKE`: `%` is any run of characters, `_` any one, `\` takes the next one as it is.

use std::str::Chars;

use crate::value::Value;

/// Whether case matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    Insensitive,
}

impl Case {
    fn same(self, a: char, b: char) -> bool {
        a == b || (self == Self::Insensitive && a.to_lowercase().eq(b.to_lowercase()))
    }
}

/// `text LIKE pattern`; `None` if either is NULL.
pub(super) fn matches(text: &Value<'_>, pattern: &Value<'_>, case: Case) -> Option<bool> {
    match (text, pattern) {
        (Value::Text(text), Value::Text(pattern)) => Some(is_match(text, pattern, case)),
        _ => None,
    }
}

/// Greedy with one point to return to, the last `%`: linear for most patterns, never exponential.
fn is_match(text: &str, pattern: &str, case: Case) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let mut rest = pattern.clone();
        let next = rest.next();
        if next == Some('%') {
            retry = Some((text.clone(), rest.clone()));
            pattern = rest;
            continue;
        }
        let mut left = text.clone();
        let found = left.next();
        let fits = match (next, found) {
            (None, None) => return true,
            (None, _) | (_, None) => false,
            (Some('_'), Some(_)) => true,
            (Some('\\'), Some(c)) => rest.next().is_some_and(|literal| case.same(literal, c)),
            (Some(literal), Some(c)) => case.same(literal, c),
        };
        if fits {
            (text, pattern) = (left, rest);
            continue;
        }
        // Let the last `%` take one character more.
        let Some((from, behind)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        (text, pattern) = (from.clone(), behind.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_runs_and_single_characters() {
        for (text, pattern, expected) in [
            ("/product/42", "/product/%", true),
            ("/cart", "/product/%", false),
            ("abc", "a_c", true),
            ("ac", "a_c", false),
            ("aXbXc", "a%X%c", true),
            ("", "%", true),
            ("", "_", false),
            ("a%", r"a\%", true),
            ("ab", r"a\%", false),
            ("grüße", "gr_ße", true),
            ("aaaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%c", false),
        ] {
            assert_eq!(is_match(text, pattern, Case::Sensitive), expected, "{text} LIKE {pattern}");
        }
    }

    #[test]
    fn ilike_ignores_case() {
        assert!(is_match("MacBook", "%BOOK", Case::Insensitive));
        assert!(!is_match("MacBook", "%BOOK", Case::Sensitive));
    }
}
