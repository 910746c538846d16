//! Functions of text. Positions and lengths count characters, not bytes.

use std::borrow::Cow;

use super::{Function, cast};
use crate::value::Value;

/// A text with a function applied to all of it.
pub(super) fn map(value: Value<'_>, function: impl FnOnce(&str) -> String) -> Value<'_> {
    match value {
        Value::Text(text) => Value::Text(Cow::Owned(function(&text))),
        _ => Value::Null,
    }
}

pub(super) fn length(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => i64::try_from(text.chars().count()).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

/// A part of a text without a copy where the text borrows.
fn part(text: Cow<'_, str>, cut: impl FnOnce(&str) -> &str) -> Value<'_> {
    Value::Text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text)),
        Cow::Owned(text) => Cow::Owned(cut(&text).to_owned()),
    })
}

/// Characters `from` (counted from 1) up to `from + count`, as far as they exist.
pub(super) fn substring<'r>(text: Value<'r>, from: &Value<'_>, count: Option<&Value<'_>>) -> Value<'r> {
    let (Value::Text(text), Value::Int(from)) = (text, from) else { return Value::Null };
    let end = match count {
        None => i64::MAX,
        Some(Value::Int(count)) if *count >= 0 => from.saturating_add(*count),
        Some(_) => return Value::Null,
    };
    let start = byte_of(&text, *from);
    let end = byte_of(&text, end).max(start);
    part(text, |text| text.get(start..end).unwrap_or_default())
}

/// Where the character of a position (from 1) begins, in bytes.
fn byte_of(text: &str, position: i64) -> usize {
    let skipped = usize::try_from(position.saturating_sub(1).max(0)).unwrap_or(usize::MAX);
    text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at)
}

pub(super) fn concat<'r>(values: impl Iterator<Item = Value<'r>>) -> Value<'static> {
    let mut all = String::new();
    for value in values {
        if let Value::Text(text) = cast::to_text(value) {
            all.push_str(&text);
        }
    }
    Value::Text(Cow::Owned(all))
}

pub(super) fn join(a: &Value<'_>, b: &Value<'_>) -> Value<'static> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Value::Text(Cow::Owned(format!("{a}{b}"))),
        _ => Value::Null,
    }
}

/// Trims spaces, or the characters of a set, at the ends that `function` names.
pub(super) fn trim<'r>(text: Value<'r>, set: Option<Value<'_>>, function: Function) -> Value<'r> {
    let Value::Text(text) = text else { return Value::Null };
    let set = match set {
        None => Cow::Borrowed(" "),
        Some(Value::Text(set)) => set,
        Some(_) => return Value::Null,
    };
    part(text, |text| {
        let text =
            if function == Function::TrimEnd { text } else { text.trim_start_matches(|c| set.contains(c)) };
        if function == Function::TrimStart { text } else { text.trim_end_matches(|c| set.contains(c)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substring_of(text: &str, from: i64, count: Option<i64>) -> Value<'_> {
        substring(Value::text(text), &Value::Int(from), count.map(Value::Int).as_ref())
    }

    #[test]
    fn substrings_count_characters_from_one_and_borrow() {
        assert_eq!(substring_of("grüße", 3, Some(2)), Value::text("üß"));
        assert_eq!(substring_of("grüße", 4, None), Value::text("ße"));
        assert_eq!(substring_of("abc", -1, Some(3)), Value::text("a"));
        assert_eq!(substring_of("abc", 9, Some(3)), Value::text(""));
        assert_eq!(substring_of("abc", 2, Some(i64::MAX)), Value::text("bc"));
        assert_eq!(substring_of("abc", 2, Some(-1)), Value::Null);
        assert!(matches!(substring_of("abc", 2, None), Value::Text(Cow::Borrowed("bc"))));
    }

    #[test]
    fn trim_takes_spaces_or_a_set_off_the_named_ends() {
        let spaces = Value::text("  a b ");
        assert_eq!(trim(spaces.clone(), None, Function::Trim), Value::text("a b"));
        assert_eq!(trim(spaces.clone(), None, Function::TrimStart), Value::text("a b "));
        assert_eq!(trim(spaces, None, Function::TrimEnd), Value::text("  a b"));
        assert_eq!(trim(Value::text("xyabyx"), Some(Value::text("xy")), Function::Trim), Value::text("ab"));
    }

    #[test]
    fn concat_leaves_nulls_out_and_join_does_not() {
        let parts = [Value::text("a"), Value::Null, Value::Int(1)];
        assert_eq!(concat(parts.into_iter()), Value::text("a1"));
        assert_eq!(join(&Value::text("a"), &Value::Null), Value::Null);
    }
}
