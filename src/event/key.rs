//! The key that Kafka gets for a record: the value of its table's `key` column as bytes.

use std::borrow::Cow;

use super::{
    decode::{Matcher, convert, hole_value},
    json::{Cursor, Kind, Raw, Syntax, unescape},
};
use crate::{
    sql::{Column, Format, Table},
    value::Value,
};

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

/// Finds the keys of a table's records of which nothing else is needed.
#[derive(Debug)]
pub(super) struct KeyFinder<'t> {
    column: &'t Column,
    /// The column's slot and the pattern, where records are plain text.
    text: Option<(usize, Matcher<'t>)>,
}

impl<'t> KeyFinder<'t> {
    /// None where the table's records have no keys.
    pub(super) fn new(table: &'t Table) -> Option<Self> {
        let slot = table.key?;
        let text = match &table.format {
            Format::Json | Format::Avro(_) | Format::Protobuf(_) => None,
            Format::Text(pattern) => Some((slot, Matcher::new(pattern))),
        };
        Some(Self { column: table.columns.get(slot)?, text })
    }

    /// The key of a record; none where it cannot be read.
    pub(super) fn find<'a>(&self, record: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let record = simdutf8::basic::from_utf8(record).ok()?;
        render(match &self.text {
            None => {
                let raw = member(record, &self.column.fields).ok()??;
                convert(record, &raw, self.column.kind).ok()?
            }
            Some((slot, matcher)) => hole_value(self.column.kind, matcher.hole(record, *slot)?)?,
        })
    }
}

/// The value of an object's field: of several the first of the names, a null aside; the last where
/// one stands twice.
fn member(text: &str, names: &[String]) -> Result<Option<Raw>, Syntax> {
    let mut cursor = Cursor::new(text.as_bytes());
    let mut found: Option<(usize, Raw)> = None;
    cursor.object::<Syntax>(|cursor, field| {
        let escaped = field.kind == Kind::Text { escaped: true };
        let field = unescape(text.get(field.span.clone()).unwrap_or_default(), escaped);
        let raw = cursor.value()?;
        let rank = field.and_then(|field| names.iter().position(|name| *name == field));
        if let Some(rank) = rank.filter(|_| names.len() == 1 || raw.kind != Kind::Null)
            && found.as_ref().is_none_or(|(best, _)| rank <= *best)
        {
            found = Some((rank, raw));
        }
        Ok(())
    })?;
    cursor.end()?;
    Ok(found.map(|(_, raw)| raw))
}
