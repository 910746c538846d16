//! Paths into JSON: the text is scanned for the path, never parsed as a whole.

use std::borrow::Cow;

use crate::value::Value;

/// What stands under a path of field names (texts) and array indexes (integers from 0), as JSON.
/// NULL where there is nothing.
pub(super) fn get<'r>(value: Value<'r>, steps: impl Iterator<Item = Value<'r>>) -> Value<'r> {
    let Value::Json(mut json) = value else { return Value::Null };
    for step in steps {
        let found = match json {
            Cow::Borrowed(text) => child(text, &step),
            Cow::Owned(text) => child(&text, &step).map(|raw| Cow::Owned(raw.into_owned())),
        };
        match found {
            Some(raw) => json = raw,
            None => return Value::Null,
        }
    }
    Value::Json(json)
}

fn child<'j>(json: &'j str, step: &Value<'_>) -> Option<Cow<'j, str>> {
    let found = match step {
        Value::Text(name) => sonic_rs::get_from_str(json, [name.as_ref()]),
        Value::Int(index) => sonic_rs::get_from_str(json, [usize::try_from(*index).ok()?]),
        _ => return None,
    };
    found.ok().map(|lazy| lazy.as_raw_cow())
}

/// A JSON value as text: strings without their quotes, null as NULL, all else as it is written.
pub(super) fn into_text(value: Value<'_>) -> Value<'_> {
    let Value::Json(json) = value else { return Value::Null };
    match json.trim() {
        "null" => Value::Null,
        text if text.starts_with('"') && text.contains('\\') => {
            serde_json::from_str::<String>(text).map_or(Value::Null, |text| Value::Text(Cow::Owned(text)))
        }
        text if text.starts_with('"') => Value::Text(unquoted(&json)),
        _ => Value::Text(json),
    }
}

/// How many elements a JSON array has.
pub(super) fn length(value: &Value<'_>) -> Value<'static> {
    let length = elements(value).and_then(|elements| i64::try_from(elements.len()).ok());
    length.map_or(Value::Null, Value::Int)
}

/// The elements of a JSON array as texts, with `separator` between them; nulls are left out.
pub(super) fn join(value: &Value<'_>, separator: &Value<'_>) -> Value<'static> {
    let (Some(elements), Value::Text(separator)) = (elements(value), separator) else { return Value::Null };
    let texts = elements.into_iter().filter_map(|element| match into_text(Value::Json(element)) {
        Value::Text(text) => Some(text),
        _ => None,
    });
    Value::Text(Cow::Owned(texts.collect::<Vec<_>>().join(separator)))
}

/// The elements of an array; None for what is none.
fn elements<'v>(value: &'v Value<'_>) -> Option<Vec<Cow<'v, str>>> {
    let Value::Json(json) = value else { return None };
    let elements = sonic_rs::to_array_iter(json.as_ref());
    elements.map(|element| element.ok().map(|element| Cow::Owned(element.as_raw_str().to_owned()))).collect()
}

fn unquoted<'r>(json: &Cow<'r, str>) -> Cow<'r, str> {
    fn inner(text: &str) -> &str {
        let text = text.trim();
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
    }
    match json {
        Cow::Borrowed(text) => Cow::Borrowed(inner(text)),
        Cow::Owned(text) => Cow::Owned(inner(text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str =
        r#"{"device":"mobile","geo":{"cities":["Köln","A\"B"]},"n":1.50,"none":null,"ok":true}"#;

    fn at(steps: &[Value<'static>]) -> Value<'static> {
        get(Value::Json(DOCUMENT.into()), steps.iter().cloned()).into_owned()
    }

    #[test]
    fn paths_name_fields_and_indexes() {
        assert_eq!(at(&[Value::text("device")]), Value::Json("\"mobile\"".into()));
        let city = [Value::text("geo"), Value::text("cities"), Value::Int(1)];
        assert_eq!(into_text(at(&city)), Value::text("A\"B"));
        assert_eq!(at(&[Value::text("geo"), Value::Int(0)]), Value::Null);
        assert_eq!(at(&[Value::text("nowhere"), Value::text("device")]), Value::Null);
        assert_eq!(at(&[Value::text("geo"), Value::text("cities"), Value::Int(-1)]), Value::Null);
    }

    #[test]
    fn as_text_strings_lose_their_quotes_and_null_is_null() {
        assert_eq!(into_text(at(&[Value::text("device")])), Value::text("mobile"));
        assert_eq!(into_text(at(&[Value::text("n")])), Value::text("1.50"));
        assert_eq!(into_text(at(&[Value::text("ok")])), Value::text("true"));
        assert_eq!(into_text(at(&[Value::text("none")])), Value::Null);
        assert_eq!(at(&[Value::text("none")]), Value::Json("null".into()));
    }

    #[test]
    fn arrays_have_a_length_and_are_joined() {
        let array = |json: &'static str| Value::Json(json.into());
        for (json, length_of, joined) in [
            (
                r#"["a", "B\"",1.50, null,[1],{"a":[]}]"#,
                Value::Int(6),
                Value::text(r#"a|B"|1.50|[1]|{"a":[]}"#),
            ),
            ("[]", Value::Int(0), Value::text("")),
            (" [ 1 ] ", Value::Int(1), Value::text("1")),
            ("{}", Value::Null, Value::Null),
            ("null", Value::Null, Value::Null),
            ("\"[1]\"", Value::Null, Value::Null),
        ] {
            assert_eq!(length(&array(json)), length_of, "{json}");
            assert_eq!(join(&array(json), &Value::text("|")), joined, "{json}");
        }
        assert_eq!(length(&Value::Null), Value::Null);
    }

    #[test]
    fn a_path_borrows_from_the_document() {
        let found = into_text(get(Value::Json(DOCUMENT.into()), [Value::text("device")].into_iter()));
        assert!(matches!(found, Value::Text(Cow::Borrowed("mobile"))));
    }
}
