//! What comes to the gateway at once: events one after the other, each perhaps with the name of its table.

use std::borrow::Cow;

use super::json::{Cursor, Kind, Raw, Syntax, unescape};

/// Whether a text is one JSON value and nothing else.
pub fn is_json(text: &[u8]) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.value().and_then(|_| cursor.end()).is_ok()
}

/// The elements of a JSON array, as they stand in it.
pub fn elements(array: &[u8]) -> Result<Vec<&[u8]>, Syntax> {
    let mut cursor = Cursor::new(array);
    let mut elements = Vec::new();
    cursor.array::<Syntax>(|cursor| {
        cursor.skip_space();
        let start = cursor.at();
        cursor.value()?;
        elements.push(cursor.slice(start..cursor.at()));
        Ok(())
    })?;
    cursor.end()?;
    Ok(elements)
}

/// The lines of a text that are not blank.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        let (line, behind) = match memchr::memchr(b'\n', text) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)),
            None => (text, None),
        };
        rest = behind;
        Some(line.trim_ascii())
    });
    lines.filter(|line| !line.is_empty())
}

/// An event with the name of its table: `{"table": "clicks", "event": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed<'e> {
    /// The name.
    pub table: Cow<'e, str>,
    /// The event as it stands there.
    pub event: &'e [u8],
}

impl<'e> Addressed<'e> {
    /// Reads one; none where it is anything else, an event of its own perhaps: another member, a `table`
    /// that is no text, an `event` that is no object.
    pub fn read(text: &'e [u8]) -> Option<Self> {
        let text = super::decode::utf8(text).ok()?;
        let mut cursor = Cursor::new(text.as_bytes());
        let (mut table, mut event) = (None, None);
        let mut is_one = true;
        let read = cursor.object::<Syntax>(|cursor, name| {
            let name = unescaped(text, name);
            cursor.skip_space();
            let start = cursor.at();
            let value = cursor.value()?;
            match (name.as_deref(), value.kind) {
                (Some("table"), Kind::Text { .. }) if table.is_none() => table = unescaped(text, &value),
                (Some("event"), Kind::Object) if event.is_none() => {
                    event = text.get(start..cursor.at());
                }
                _ => is_one = false,
            }
            Ok(())
        });
        read.and_then(|()| cursor.end()).ok()?;
        match (table, event) {
            (Some(table), Some(event)) if is_one => Some(Self { table, event: event.as_bytes() }),
            _ => None,
        }
    }
}

fn unescaped<'e>(text: &'e str, raw: &Raw) -> Option<Cow<'e, str>> {
    let escaped = raw.kind == Kind::Text { escaped: true };
    unescape(text.get(raw.span.clone())?, escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_falls_into_its_elements() {
        let elements = elements(br#" [ {"a": [1]} ,2, "x,]" , [] ] "#).unwrap();
        assert_eq!(elements, [&br#"{"a": [1]}"#[..], b"2", br#""x,]""#, b"[]"]);
        for broken in ["[1", "[1,]", "[1] 2", "{}"] {
            assert!(super::elements(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn lines_are_those_that_are_not_blank() {
        let found: Vec<&[u8]> = lines(b"a\r\n\n  b \n\t\nc").collect();
        assert_eq!(found, [b"a", b"b", b"c"]);
    }

    #[test]
    fn an_event_with_its_table_has_these_two_members_alone() {
        let read = |text: &'static str| Addressed::read(text.as_bytes());
        let found = read(r#" {"event": {"event": 1}, "table": "cl\u0069cks"} "#).unwrap();
        assert_eq!((found.table.as_ref(), found.event), ("clicks", &br#"{"event": 1}"#[..]));
        let others = [
            r#"{"event":"click","table":"t"}"#,
            r#"{"event":{},"table":7}"#,
            r#"{"event":{},"table":"t","page":"/"}"#,
            r#"{"event":{},"event":{},"table":"t"}"#,
            r#"{"event":{}}"#,
            "{",
            "7",
        ];
        for other in others {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
