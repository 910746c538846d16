//! The scalars of JSON, as text that is written.

use std::fmt::{Display, Write as _};

/// The longest text that a value may become: names and symbols are longer there than in the value.
pub(super) const MAX_JSON: usize = 16 << 20;

/// Writes an integer.
pub(super) fn integer(number: impl Display, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{number}");
}

/// Writes a number, or null where it is not finite.
pub(super) fn float(number: f64, text: &mut String) {
    let _ = if number.is_finite() { write!(text, "{number:?}") } else { write!(text, "null") };
}

/// Writes a text in quotes.
pub(super) fn quote(value: &str, text: &mut String) {
    text.push('"');
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        let (before, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(before);
        let mut chars = behind.chars();
        match chars.next() {
            Some(mark @ ('"' | '\\')) => {
                text.push('\\');
                text.push(mark);
            }
            Some('\n') => text.push_str("\\n"),
            Some(control) => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    text.push('"');
}
