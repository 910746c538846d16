//! A row's key in a path: `/orders/eu/17` is the key `('eu', 17)`; or in a query: `key=eu,17`.
//!
//! Segments are split before they are decoded, so a key may hold any character, a slash
//! (`%2F`) too; and the text `latest`, which a route has taken, is written with one character
//! encoded (`%6Catest`).

use percent_encoding::percent_decode_str;

use super::{
    problem::Problem,
    query::{Parameters, mismatch, moment},
};
use crate::{
    engine::Key,
    sql::{Field, View},
    value::{Type, Value},
};

/// The key that the segments of a path behind the view's name say.
pub(super) fn parse(view: &View, path: &str) -> Result<Vec<Value<'static>>, Problem> {
    let segments: Vec<&str> = path.split('/').collect();
    if segments.len() != view.keys.len() {
        return Err(Problem::unknown_key(shape(view, segments.len())));
    }
    view.keys.iter().zip(segments).map(|(field, segment)| parse_segment(field, segment)).collect()
}

/// The key that the parameters of a query say, if they say one: `key=eu,17`, or `key.region=eu` and
/// `key.shop=17` where a text has a comma itself.
pub(super) fn of_query(view: &View, parameters: &mut Parameters) -> Result<Option<Key>, Problem> {
    let names: Vec<&str> = view.keys.iter().map(|key| key.name.as_str()).collect();
    let by_name = names.iter().map(|name| parameters.take(&format!("key.{name}")));
    let by_name = by_name.collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<String> = match parameters.take("key")? {
        Some(text) if names.len() == 1 => vec![text],
        Some(text) => text.split(',').map(str::to_owned).collect(),
        None if by_name.iter().all(Option::is_none) => return Ok(None),
        None => by_name.into_iter().flatten().collect(),
    };
    if texts.len() != names.len() || names.is_empty() {
        let (count, expected) = (texts.len(), names.len());
        return Err(Problem::malformed_query(format!(
            "key: found {count} parts; expected {expected}: view {} has the key columns ({})",
            view.name,
            names.join(", ")
        )));
    }
    let part = |(field, text): (&Field, String)| {
        let value = typed(field.kind, &text);
        value.ok_or_else(|| mismatch(&format!("key.{}", field.name), &text, &field.kind.to_string()))
    };
    view.keys.iter().zip(texts).map(part).collect::<Result<_, _>>().map(Some)
}

fn shape(view: &View, found: usize) -> String {
    let names: Vec<&str> = view.keys.iter().map(|key| key.name.as_str()).collect();
    match names.as_slice() {
        [] => format!("view {} has no key columns: its row is at /{}", view.name, view.name),
        names => {
            let (count, names) = (names.len(), names.join(", "));
            format!("view {} has {count} key columns ({names}), the path names {found}", view.name)
        }
    }
}

fn parse_segment(field: &Field, segment: &str) -> Result<Value<'static>, Problem> {
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::malformed_key(format!("{} is not UTF-8 once decoded", field.name)))?;
    typed(field.kind, &text).ok_or_else(|| {
        Problem::malformed_key(format!("{} is {}, which {text:?} is not", field.name, field.kind))
    })
}

/// A text as a value of a type; none where it is none.
pub(super) fn typed(kind: Type, text: &str) -> Option<Value<'static>> {
    Some(match kind {
        Type::Text => Value::Text(text.to_owned().into()),
        Type::Json => Value::Json(text.to_owned().into()),
        Type::BigInt => Value::Int(text.parse().ok()?),
        Type::Double => Value::Float(text.parse().ok()?),
        Type::Boolean => Value::Bool(text.parse().ok()?),
        Type::Timestamp => Value::Time(moment(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_segment_is_read_as_its_columns_type() {
        let cases = [
            (Type::Text, "a b", Some(Value::text("a b"))),
            (Type::BigInt, "-7", Some(Value::Int(-7))),
            (Type::BigInt, "7.5", None),
            (Type::Double, "7.5", Some(Value::Float(7.5))),
            (Type::Boolean, "true", Some(Value::Bool(true))),
            (Type::Boolean, "1", None),
            (Type::Timestamp, "1700000000123", Some(Value::Time(Timestamp(1_700_000_000_123)))),
            (Type::Timestamp, "2023-11-14T22:13:20.123Z", Some(Value::Time(Timestamp(1_700_000_000_123)))),
            (Type::Timestamp, "yesterday", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(typed(kind, text), expected, "{kind} {text}");
        }
    }
}
