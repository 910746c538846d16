//! What stands behind the escapes of a JSON string.

use std::borrow::Cow;

/// The text of a string whose escapes the scanner has checked; none where it escapes half a surrogate
/// pair, which no text can hold.
pub(crate) fn unescape(raw: &str, escaped: bool) -> Option<Cow<'_, str>> {
    if !escaped {
        return Some(Cow::Borrowed(raw));
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut after = escape.chars();
        text.push(match after.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut after)?,
            itself => itself,
        });
        rest = after.as_str();
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// The character whose `\u` was read: one code unit, or two that are a surrogate pair.
fn unicode(after: &mut std::str::Chars<'_>) -> Option<char> {
    let high = code_unit(after)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    *after = after.as_str().strip_prefix("\\u")?.chars();
    let low = code_unit(after)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)
}

fn code_unit(after: &mut std::str::Chars<'_>) -> Option<u32> {
    let (digits, rest) = after.as_str().split_at_checked(4)?;
    *after = rest.chars();
    u32::from_str_radix(digits, 16).ok()
}
