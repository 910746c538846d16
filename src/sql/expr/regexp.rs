//! Regular expressions, by the `regex` crate: the time that they take grows with the text's length alone.

use std::{borrow::Cow, fmt, sync::Arc};

use regex::Regex;

use super::text::part;
use crate::value::Value;

/// A regular expression, compiled when the SQL is read. Two are the same if they are written the same.
#[derive(Clone)]
pub struct Regexp(Arc<Regex>);

impl Regexp {
    /// Compiles it; the error says in some lines what is wrong with it.
    pub(in crate::sql) fn new(pattern: &str) -> Result<Self, String> {
        Regex::new(pattern).map(|regex| Self(Arc::new(regex))).map_err(|error| error.to_string())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// How many groups it has.
    pub(in crate::sql) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Whether it is found in a text.
pub(super) fn like(text: &Value<'_>, regexp: &Regexp) -> Value<'static> {
    match text {
        Value::Text(text) => Value::Bool(regexp.0.is_match(text)),
        _ => Value::Null,
    }
}

/// What a group matched of the first match; group 0 is all of it. NULL where nothing did.
pub(super) fn extract<'r>(text: Value<'r>, regexp: &Regexp, group: &Value<'_>) -> Value<'r> {
    let (Value::Text(text), Value::Int(group)) = (text, group) else { return Value::Null };
    let Ok(group) = usize::try_from(*group) else { return Value::Null };
    let span = match group {
        0 => regexp.0.find(&text),
        _ => regexp.0.captures(&text).and_then(|captures| captures.get(group)),
    };
    let Some(span) = span.map(|found| found.range()) else { return Value::Null };
    part(text, |text| text.get(span).unwrap_or_default())
}

/// The text with each match replaced; the replacement is of [`replacement`]'s form.
pub(super) fn replace<'r>(text: Value<'r>, regexp: &Regexp, with: &Value<'_>) -> Value<'r> {
    let (Value::Text(text), Value::Text(with)) = (text, with) else { return Value::Null };
    let replaced = match regexp.0.replace_all(&text, with.as_ref()) {
        Cow::Borrowed(_) => None,
        Cow::Owned(replaced) => Some(replaced),
    };
    Value::Text(replaced.map_or(text, Cow::Owned))
}

/// A replacement as Java and Flink write it (`$1` is a group, `\` takes the next character as it is) as the crate
/// writes it. An error says which group there is not.
pub(in crate::sql) fn replacement(text: &str, groups: usize) -> Result<String, String> {
    let (mut written, mut rest) = (String::new(), text.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('$') => written.push_str("$$"),
                Some(other) => written.push(other),
                None => return Err("it ends in a backslash that takes nothing".to_owned()),
            },
            '$' => {
                let mut digits = String::new();
                while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                let group = digits.parse::<usize>().ok().filter(|group| *group <= groups);
                let Some(group) = group else {
                    return Err(format!(
                        "${digits} is none of its groups, $0 to ${groups}; \\$ is a dollar sign"
                    ));
                };
                written.push_str(&format!("${{{group}}}"));
            }
            other => written.push(other),
        }
    }
    Ok(written)
}

/// The regular expression of a pattern of `SIMILAR TO`, which has to fit the whole text: `%` is any run of characters, `_` any
/// one, `\` takes the next one as it is, `| * + ? { } ( ) [ ]` are as in regular expressions, all else stands for itself.
pub(in crate::sql) fn of_similar(pattern: &str) -> String {
    let (mut regexp, mut rest, mut is_set) = (String::from("^(?s:"), pattern.chars(), false);
    while let Some(c) = rest.next() {
        match c {
            '\\' => regexp.push_str(&regex::escape(&rest.next().map(String::from).unwrap_or_default())),
            '[' | ']' => {
                is_set = c == '[';
                regexp.push(c);
            }
            _ if is_set => regexp.push(c),
            '%' => regexp.push_str(".*"),
            '_' => regexp.push('.'),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' => regexp.push(c),
            other => regexp.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regexp + ")$"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regexp(pattern: &str) -> Regexp {
        Regexp::new(pattern).unwrap()
    }

    #[test]
    fn a_part_of_the_text_suffices() {
        let like = |text, pattern| like(&Value::text(text), &regexp(pattern));
        assert_eq!(like("/product/42", r"/\d+$"), Value::Bool(true));
        assert_eq!(like("/product/x", r"/\d+$"), Value::Bool(false));
        assert_eq!(super::like(&Value::Null, &regexp("a")), Value::Null);
        assert!(Regexp::new("(a").unwrap_err().contains("unclosed group"));
    }

    #[test]
    fn a_group_of_the_first_match_is_taken_without_a_copy() {
        let extract = |text, pattern, group| extract(Value::text(text), &regexp(pattern), &Value::Int(group));
        assert_eq!(extract("a1 b2", r"([a-z])(\d)", 0), Value::text("a1"));
        assert_eq!(extract("a1 b2", r"([a-z])(\d)", 2), Value::text("1"));
        assert_eq!(extract("a", r"(x)?a", 1), Value::Null);
        assert_eq!(extract("a", "b", 0), Value::Null);
        assert!(matches!(extract("a1", r"\d", 0), Value::Text(Cow::Borrowed("1"))));
    }

    #[test]
    fn replacements_are_written_as_in_java() {
        let replace = |text, pattern: &str, with: &str| {
            let regexp = regexp(pattern);
            let with = replacement(with, regexp.groups())?;
            Ok::<_, String>(
                super::replace(Value::text(text), &regexp, &Value::Text(with.into())).into_owned(),
            )
        };
        assert_eq!(replace("a1b22", r"\d+", "#"), Ok(Value::text("a#b#")));
        assert_eq!(replace("2026-01", r"(\d+)-(\d+)", "$2a/$1"), Ok(Value::text("01a/2026")));
        assert_eq!(replace("5", r"\d", r"\$$0\\"), Ok(Value::text(r"$5\")));
        assert!(replace("5", r"\d", "$1").unwrap_err().starts_with("$1 is none of its groups, $0 to $0"));
        assert!(replace("5", r"\d", "a\\").is_err());
    }

    #[test]
    fn similar_to_fits_the_whole_text() {
        let similar = |text: &str, pattern: &str| regexp(&of_similar(pattern)).0.is_match(text);
        for (text, pattern, expected) in [
            ("/product/42", "/(product|cart)/%", true),
            ("/home", "/(product|cart)/%", false),
            ("abc", "b", false),
            ("abc", "a_c", true),
            ("a.c", "a.c", true),
            ("abc", "a.c", false),
            ("a%", r"a\%", true),
            ("x7", "[a-z][0-9]+", true),
            ("%", "[%]", true),
            ("a\nb", "a%", true),
            ("a|b", "a|b", false),
            ("b", "a|b", true),
        ] {
            assert_eq!(similar(text, pattern), expected, "{text} SIMILAR TO {pattern}");
        }
    }
}
