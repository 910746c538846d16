//! The key that Kafka gets for a record: the value of its table's `key` column as bytes.

use std::borrow::Cow;

use super::{
    decode::convert,
    json::{Cursor, Kind, Raw, Syntax, unescape},
};
use crate::{sql::Column, value::Value};

/// A value as a key: text as it is, numbers in decimal, timestamps in milliseconds; none for NULL.
pub(super) fn render(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    let text: Cow<'_, str> = match value {
        Value::Null => return None,
        Value::Text(text) | Value::Json(text) => text,
        Value::Int(integer) => integer.to_string().into(),
        Value::Time(time) => time.0.to_string().into(),
        Value::Float(float) => float.to_string().into(),
        Value::Bool(boolean) => boolean.to_string().into(),
    };
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// The key of a record of which nothing else is needed; none where it cannot be read.
pub(super) fn find<'a>(record: &'a [u8], column: &Column) -> Option<Cow<'a, [u8]>> {
    let text = simdutf8::basic::from_utf8(record).ok()?;
    let raw = member(text, &column.name).ok()??;
    render(convert(text, &raw, column.kind).ok()?)
}

/// The value of an object's field: the last where it stands twice.
fn member(text: &str, name: &str) -> Result<Option<Raw>, Syntax> {
    let mut cursor = Cursor::new(text.as_bytes());
    let mut found = None;
    cursor.object::<Syntax>(|cursor, field| {
        let escaped = field.kind == Kind::Text { escaped: true };
        let field = unescape(text.get(field.span.clone()).unwrap_or_default(), escaped);
        let raw = cursor.value()?;
        if field.is_some_and(|field| field == name) {
            found = Some(raw);
        }
        Ok(())
    })?;
    cursor.end()?;
    Ok(found)
}
