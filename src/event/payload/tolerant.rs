//! A record of any shape, field by field.

use std::borrow::Cow;

use super::{Envelope, PayloadError, Sent, text};
use crate::{
    event::json::{Cursor, Kind, Raw, Syntax},
    time::{Offset, Timestamp},
};

/// The fields of a record, whatever they hold.
#[derive(Debug, Default)]
struct Fields {
    topic: Option<Raw>,
    partition: Option<Raw>,
    offset: Option<Raw>,
    timestamp: Option<Raw>,
    timestamp_type: Option<Raw>,
    key: Option<Raw>,
    value: Option<Raw>,
    headers: Option<Raw>,
}

/// Takes the `index`th record of those that stand under the name `partition`.
pub(super) fn record<'a>(
    cursor: &mut Cursor<'a>,
    partition: &str,
    index: usize,
) -> Result<Envelope<'a>, PayloadError> {
    cursor.skip_space();
    let fail = |reason: String| PayloadError::Record { partition: partition.to_owned(), index, reason };
    if cursor.peek() != Some(b'{') {
        cursor.value()?;
        return Err(fail("it is no object".to_owned()));
    }
    let fields = fields(cursor)?;
    let integer = |name: &str, raw: &Option<Raw>| match raw {
        None | Some(Raw { kind: Kind::Null, .. }) => Ok(None),
        Some(Raw { kind: Kind::Integer(integer), .. }) => Ok(Some(*integer)),
        Some(other) => {
            let found = String::from_utf8_lossy(cursor.slice(other.span.clone()));
            Err(fail(format!("{name}: found {found}, expected an integer")))
        }
    };
    let offset = integer("offset", &fields.offset)?.ok_or_else(|| fail("it has no offset".to_owned()))?;
    let (map_topic, map_number) = match partition.rsplit_once('-') {
        Some((topic, number)) => (Some(topic), number.parse().ok()),
        None => (None, None),
    };
    let number = match integer("partition", &fields.partition)? {
        Some(number) => i32::try_from(number).ok(),
        None => map_number,
    };
    let topic = text(cursor, fields.topic.as_ref());
    let topic = topic.or_else(|| map_topic.map(|topic| Cow::Owned(topic.to_owned())));
    Ok(Envelope {
        topic: topic.ok_or_else(|| fail("it has no topic".to_owned()))?,
        partition: number.ok_or_else(|| fail("it has no partition, or none of 32 bits".to_owned()))?,
        offset: Offset::at(offset),
        timestamp: timestamp(cursor, &fields),
        headers: headers(cursor, fields.headers),
        key: sent(cursor, fields.key),
        value: sent(cursor, fields.value),
    })
}

/// Of a field that stands twice the last counts.
fn fields(cursor: &mut Cursor<'_>) -> Result<Fields, Syntax> {
    let mut fields = Fields::default();
    cursor.object::<Syntax>(|cursor, name| {
        let name = text(cursor, Some(name));
        let raw = Some(cursor.value()?);
        match name.as_deref() {
            Some("topic") => fields.topic = raw,
            Some("partition") => fields.partition = raw,
            Some("offset") => fields.offset = raw,
            Some("timestamp") => fields.timestamp = raw,
            Some("timestampType") => fields.timestamp_type = raw,
            Some("key") => fields.key = raw,
            Some("value") => fields.value = raw,
            Some("headers") => fields.headers = raw,
            _ => {}
        }
        Ok(())
    })?;
    Ok(fields)
}

/// The timestamp where it is one: brokers say -1, or the type `NO_TIMESTAMP_TYPE`, where there is none.
fn timestamp(cursor: &Cursor<'_>, fields: &Fields) -> Option<Timestamp> {
    let kind = text(cursor, fields.timestamp_type.as_ref())?;
    match fields.timestamp.as_ref()?.kind {
        Kind::Integer(millis) if millis > 0 && matches!(&*kind, "CREATE_TIME" | "LOG_APPEND_TIME") => {
            Some(Timestamp(millis))
        }
        _ => None,
    }
}

/// The JSON of a list that has something in it.
fn headers<'a>(cursor: &Cursor<'a>, raw: Option<Raw>) -> Option<&'a [u8]> {
    let json = cursor.slice(raw?.span);
    let inner = json.strip_prefix(b"[")?.strip_suffix(b"]")?;
    (!inner.trim_ascii().is_empty()).then_some(json)
}

/// A key or a value as it was sent.
pub(super) fn sent<'a>(cursor: &Cursor<'a>, raw: Option<Raw>) -> Sent<'a> {
    let Some(raw) = raw else { return Sent::Absent };
    let bytes = cursor.slice(raw.span.clone());
    match raw.kind {
        Kind::Null => Sent::Absent,
        // Some writers of JSON escape the slash, which base64 is full of.
        Kind::Text { escaped: true } => match text(cursor, Some(&raw)) {
            Some(text) => Sent::Base64(Cow::Owned(text.into_owned().into_bytes())),
            None => Sent::Base64(Cow::Borrowed(bytes)),
        },
        Kind::Text { escaped: false } => Sent::Base64(Cow::Borrowed(bytes)),
        _ => Sent::Other(bytes),
    }
}
