//! The records of a Kinesis event, field by field.
//!
//! ```json
//! {"Records": [{"eventSource": "aws:kinesis", "eventID": "shardId-000000000006:49590338271490256608559692538...",
//!   "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/clicks", "kinesis": {
//!   "partitionKey": "1", "sequenceNumber": "49590338271490256608559692538...", "data": "e30=",
//!   "approximateArrivalTimestamp": 1545084650.987}}]}
//! ```
//!
//! The stream is the topic, the shard the partition, the sequence number the offset.

use std::borrow::Cow;

use super::{
    PayloadError,
    assemble::{Assembler, Sequenced},
    text,
    tolerant::sent,
};
use crate::{
    event::json::{Cursor, Kind, Raw, Syntax},
    time::Timestamp,
};

/// What every record names as its source.
pub(super) const SOURCE: &str = "aws:kinesis";

/// The fields of a record, whatever they hold.
#[derive(Debug, Default)]
struct Fields {
    source: Option<Raw>,
    id: Option<Raw>,
    stream: Option<Raw>,
    key: Option<Raw>,
    sequence: Option<Raw>,
    data: Option<Raw>,
    arrival: Option<Raw>,
}

/// Takes a list of records as far as they are of Kinesis. Answers what the last one names as its source.
pub(super) fn records(
    cursor: &mut Cursor<'_>,
    batches: &mut Assembler,
) -> Result<Option<String>, PayloadError> {
    let (mut index, mut source) = (0, None);
    cursor.array(|cursor| {
        cursor.skip_space();
        if cursor.peek() != Some(b'{') {
            cursor.value()?;
            source = None;
            return Ok(());
        }
        let fields = fields(cursor)?;
        source = text(cursor, fields.source.as_ref()).map(Cow::into_owned);
        if source.as_deref() == Some(SOURCE) {
            let fail = |reason| PayloadError::Record { partition: "Records".to_owned(), index, reason };
            batches.push_sequenced(record(cursor, fields).map_err(fail)?).ok_or_else(|| {
                fail(
                    "its sequence number has more than 192 bits, or its data more events than fit".to_owned(),
                )
            })?;
        }
        index += 1;
        Ok::<_, PayloadError>(())
    })?;
    Ok(source)
}

fn record<'a>(cursor: &Cursor<'a>, fields: Fields) -> Result<Sequenced<'a>, String> {
    let of = |raw: &Option<Raw>| text(cursor, raw.as_ref()).unwrap_or_default();
    let (id, arn) = (of(&fields.id), of(&fields.stream));
    let (shard, tail) = id.rsplit_once(':').unwrap_or((&id, ""));
    let shard = shard.strip_prefix("shardId-").and_then(|number| number.parse().ok());
    let stream = arn.split_once(":stream/").map(|(_, name)| name.split('/').next().unwrap_or_default());
    let sequence = Some(of(&fields.sequence)).filter(|sequence| !sequence.is_empty());
    let sequence = sequence.unwrap_or_else(|| Cow::Owned(tail.to_owned()));
    if sequence.is_empty() || !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("sequenceNumber: found {sequence:?}, expected a number in digits"));
    }
    let expected = "expected a stream's, as arn:aws:kinesis:REGION:ACCOUNT:stream/NAME";
    Ok(Sequenced {
        stream: stream.ok_or_else(|| format!("eventSourceARN: found {arn:?}, {expected}"))?.to_owned(),
        shard: shard.ok_or_else(|| format!("eventID: found {id:?}, expected shardId-NUMBER:SEQUENCE"))?,
        sequence,
        arrived: fields.arrival.and_then(|raw| millis(cursor, &raw)),
        key: text(cursor, fields.key.as_ref()),
        data: sent(cursor, fields.data),
    })
}

/// Of a field that stands twice the last counts.
fn fields(cursor: &mut Cursor<'_>) -> Result<Fields, Syntax> {
    let mut fields = Fields::default();
    cursor.object::<Syntax>(|cursor, name| {
        let name = text(cursor, Some(name));
        cursor.skip_space();
        if name.as_deref() == Some("kinesis") && cursor.peek() == Some(b'{') {
            return inner(cursor, &mut fields);
        }
        let raw = Some(cursor.value()?);
        match name.as_deref() {
            Some("eventSource") => fields.source = raw,
            Some("eventID") => fields.id = raw,
            Some("eventSourceARN") => fields.stream = raw,
            _ => {}
        }
        Ok(())
    })?;
    Ok(fields)
}

fn inner(cursor: &mut Cursor<'_>, fields: &mut Fields) -> Result<(), Syntax> {
    cursor.object::<Syntax>(|cursor, name| {
        let name = text(cursor, Some(name));
        let raw = Some(cursor.value()?);
        match name.as_deref() {
            Some("partitionKey") => fields.key = raw,
            Some("sequenceNumber") => fields.sequence = raw,
            Some("data") => fields.data = raw,
            Some("approximateArrivalTimestamp") => fields.arrival = raw,
            _ => {}
        }
        Ok(())
    })
}

/// Seconds with a fraction, as a time. A double has bits enough for the millisecond.
fn millis(cursor: &Cursor<'_>, raw: &Raw) -> Option<Timestamp> {
    if !matches!(raw.kind, Kind::Integer(_) | Kind::Number) {
        return None;
    }
    let text = std::str::from_utf8(cursor.slice(raw.span.clone())).ok()?;
    let millis = (text.parse::<f64>().ok()? * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "of the years up to 2286")]
    (millis > 0.0 && millis < 1e13).then_some(Timestamp(millis as i64))
}

#[cfg(test)]
mod tests;
