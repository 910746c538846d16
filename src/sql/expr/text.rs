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
pub(super) fn part(text: Cow<'_, str>, cut: impl FnOnce(&str) -> &str) -> Value<'_> {
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

/// Whether a text stands to another as `holds` says.
pub(super) fn compare(
    text: &Value<'_>,
    part: &Value<'_>,
    holds: impl FnOnce(&str, &str) -> bool,
) -> Value<'static> {
    match (text, part) {
        (Value::Text(text), Value::Text(part)) => Value::Bool(holds(text, part)),
        _ => Value::Null,
    }
}

pub(super) fn replace<'r>(text: Value<'r>, from: &Value<'_>, to: &Value<'_>) -> Value<'r> {
    match (text, from, to) {
        (Value::Text(text), Value::Text(from), Value::Text(to)) => {
            // There is nothing between two characters that could be replaced.
            if from.is_empty() || !text.contains(from.as_ref()) {
                return Value::Text(text);
            }
            Value::Text(Cow::Owned(text.replace(from.as_ref(), to)))
        }
        _ => Value::Null,
    }
}

/// The n-th part from 1, or from the end if `n` is negative; empty where there is none.
pub(super) fn split_part<'r>(text: Value<'r>, separator: &Value<'_>, n: &Value<'_>) -> Value<'r> {
    let (Value::Text(text), Value::Text(separator), Value::Int(n)) = (text, separator, n) else {
        return Value::Null;
    };
    let Some(skipped) = n.unsigned_abs().checked_sub(1) else { return Value::Null };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    part(text, |text| {
        let found = if separator.is_empty() {
            (skipped == 0).then_some(text)
        } else if *n > 0 {
            text.split(separator.as_ref()).nth(skipped)
        } else {
            text.rsplit(separator.as_ref()).nth(skipped)
        };
        found.unwrap_or_default()
    })
}

/// Where a part begins, in characters from 1; 0 where it is not found.
pub(super) fn position(text: &Value<'_>, part: &Value<'_>) -> Value<'static> {
    let (Value::Text(text), Value::Text(part)) = (text, part) else { return Value::Null };
    let before = text.find(part.as_ref()).and_then(|at| text.get(..at));
    let position = before.map_or(0, |before| before.chars().count() + 1);
    i64::try_from(position).map_or(Value::Null, Value::Int)
}

/// `left` and `right`: that many characters, or all but so many if `n` is negative.
pub(super) fn side<'r>(text: Value<'r>, n: &Value<'_>, function: Function) -> Value<'r> {
    let (Value::Text(text), Value::Int(n)) = (text, n) else { return Value::Null };
    let all = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let from_left = match (function, *n) {
        (Function::Right, n @ 0..) => all.saturating_sub(n),
        (Function::Right, n) => n.saturating_neg(),
        (_, n @ 0..) => n,
        (_, n) => all.saturating_add(n),
    };
    let cut = byte_of(&text, from_left.saturating_add(1));
    part(text, |text| {
        let (left, right) = text.split_at_checked(cut).unwrap_or((text, ""));
        if function == Function::Right { right } else { left }
    })
}

/// The longest text that is filled up.
const LONGEST: i64 = 1 << 20;

/// `lpad` and `rpad`: exactly `n` characters; NULL for more than a million.
pub(super) fn pad(
    text: &Value<'_>,
    n: &Value<'_>,
    fill: Option<Value<'_>>,
    function: Function,
) -> Value<'static> {
    let fill = fill.unwrap_or(Value::text(" "));
    let (Value::Text(text), Value::Int(n @ ..=LONGEST), Value::Text(fill)) = (text, n, &fill) else {
        return Value::Null;
    };
    let n = usize::try_from(*n).unwrap_or_default();
    let missing = n.saturating_sub(text.chars().count());
    let filling: String = fill.chars().cycle().take(missing).collect();
    let kept: String = text.chars().take(n).collect();
    let all = if function == Function::PadStart { filling + kept.as_str() } else { kept + filling.as_str() };
    Value::Text(Cow::Owned(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_texts_are_found_by_characters() {
        let split = |n| split_part(Value::text("a--ß--c"), &Value::text("--"), &Value::Int(n));
        for (n, expected) in [(1, "a"), (2, "ß"), (3, "c"), (4, ""), (-1, "c"), (-3, "a"), (-4, "")] {
            assert_eq!(split(n), Value::text(expected), "{n}");
        }
        assert_eq!(split(0), Value::Null);
        assert_eq!(split(i64::MIN), Value::text(""));
        assert_eq!(position(&Value::text("grüße"), &Value::text("ße")), Value::Int(4));
        assert_eq!(position(&Value::text("grüße"), &Value::text("x")), Value::Int(0));
        assert_eq!(position(&Value::text("grüße"), &Value::text("")), Value::Int(1));
        let side = |n, function| side(Value::text("grüße"), &Value::Int(n), function);
        for (n, left, right) in [
            (0, "", ""),
            (2, "gr", "ße"),
            (9, "grüße", "grüße"),
            (-2, "grü", "üße"),
            (-9, "", ""),
            (i64::MIN, "", ""),
        ] {
            assert_eq!(side(n, Function::Left), Value::text(left), "left {n}");
            assert_eq!(side(n, Function::Right), Value::text(right), "right {n}");
        }
    }

    #[test]
    fn padding_fills_or_cuts() {
        let pad = |n, fill: &'static str, function| {
            pad(&Value::text("üb"), &Value::Int(n), Some(Value::text(fill)), function)
        };
        assert_eq!(pad(5, "xy", Function::PadStart), Value::text("xyxüb"));
        assert_eq!(pad(5, "xy", Function::PadEnd), Value::text("übxyx"));
        assert_eq!(pad(1, "x", Function::PadStart), Value::text("ü"));
        assert_eq!(pad(5, "", Function::PadStart), Value::text("üb"));
        assert_eq!(pad(-1, "x", Function::PadEnd), Value::text(""));
        assert_eq!(pad(i64::MAX, "x", Function::PadEnd), Value::Null);
    }

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
