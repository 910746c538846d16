//! A batch: the records of one partition, already written as the JSON that Lambda sends.
//!
//! The shape is that of Lambda's Kafka event: base64 keys and values, header values as arrays of
//! *signed* bytes, no `key` or `value` where the record has none.

use std::{io::Write as _, ops::Range, sync::Arc};

use rdkafka::{
    Timestamp,
    message::{Headers as _, Message},
};

/// What a payload says of its source, around its records.
#[derive(Clone, Debug)]
pub(super) struct Envelope(Vec<u8>);

/// The records of one partition in offset order. Never empty once it is handed on.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// All that stands before the first record.
    opening: Arc<[u8]>,
    /// How every record begins: `,{"topic":"…","partition":0,"offset":`.
    head: Arc<[u8]>,
    text: Vec<u8>,
    records: Vec<Entry>,
    /// Behind the last record that a filter kept back, if it came behind all others.
    skipped: Option<i64>,
}

/// A record of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    /// Where it ends in the text; it begins, with a comma, where the one before it ends.
    end: usize,
}

impl Envelope {
    /// A managed cluster's has an ARN.
    pub(super) fn new(arn: Option<&str>, bootstrap_servers: &str) -> Self {
        let source = match arn {
            Some(arn) => format!(r#""aws:kafka","eventSourceArn":{}"#, quoted(arn)),
            None => r#""SelfManagedKafka""#.to_owned(),
        };
        let servers = quoted(bootstrap_servers);
        let text = format!(r#"{{"eventSource":{source},"bootstrapServers":{servers},"records":{{"#);
        Self(text.into_bytes())
    }
}

impl Batch {
    pub(super) fn new(envelope: &Envelope, topic: Arc<str>, partition: i32) -> Self {
        let label = quoted(&format!("{topic}-{partition}"));
        let opening = [&envelope.0, label.as_bytes(), b":["].concat().into();
        let head = format!(r#",{{"topic":{},"partition":{partition},"offset":"#, quoted(&topic));
        let head = head.into_bytes().into();
        Self { topic, partition, opening, head, text: Vec::new(), records: Vec::new(), skipped: None }
    }

    /// An empty batch of the same partition.
    pub(super) fn successor(&self) -> Self {
        Self {
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            opening: Arc::clone(&self.opening),
            head: Arc::clone(&self.head),
            text: Vec::with_capacity(self.text.len()),
            records: Vec::with_capacity(self.records.len()),
            skipped: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn record(&self, index: usize) -> Option<Entry> {
        self.records.get(index).copied()
    }

    /// The offset behind the last record, or behind what was skipped since.
    pub(super) fn next(&self) -> Option<i64> {
        self.skipped.or_else(|| self.records.last().map(|record| record.offset + 1))
    }

    /// Passes over a record that is not to be handed on.
    pub(super) fn skip(&mut self, offset: i64) {
        self.skipped = Some(offset + 1);
    }

    /// The index of the first record at or behind an offset.
    pub(super) fn position(&self, offset: i64) -> usize {
        self.records.partition_point(|record| record.offset < offset)
    }

    /// How many bytes the payload of all records has.
    pub(super) fn payload_len(&self) -> usize {
        self.opening.len() + self.text.len().saturating_sub(1) + CLOSING.len()
    }

    /// Adds a record.
    pub(super) fn push(&mut self, message: &impl Message) {
        self.skipped = None;
        let text = &mut self.text;
        text.extend_from_slice(&self.head);
        number(text, message.offset());
        let (timestamp, kind) = match message.timestamp() {
            Timestamp::CreateTime(at) => (at, "CREATE_TIME"),
            Timestamp::LogAppendTime(at) => (at, "LOG_APPEND_TIME"),
            Timestamp::NotAvailable => (-1, "NO_TIMESTAMP_TYPE"),
        };
        text.extend_from_slice(br#","timestamp":"#);
        number(text, timestamp);
        text.extend_from_slice(br#","timestampType":""#);
        text.extend_from_slice(kind.as_bytes());
        text.push(b'"');
        encoded(text, br#","key":""#, message.key());
        encoded(text, br#","value":""#, message.payload());
        headers(text, message);
        text.push(b'}');
        self.records.push(Entry { offset: message.offset(), timestamp, end: text.len() });
    }

    /// Takes the last record out again, into the batch that follows.
    pub(super) fn split_last(&mut self) -> Self {
        let mut next = self.successor();
        if let Some(last) = self.records.pop() {
            let start = self.records.last().map_or(0, |record| record.end);
            next.text.extend(self.text.drain(start..));
            next.records.push(Entry { end: next.text.len(), ..last });
        }
        next
    }

    /// The event with some of the records.
    pub(super) fn payload(&self, range: Range<usize>) -> Vec<u8> {
        let end_of = |count: usize| match count.checked_sub(1) {
            Some(last) => self.records.get(last).map_or(self.text.len(), |record| record.end),
            None => 0,
        };
        let records = self.text.get(end_of(range.start)..end_of(range.end)).unwrap_or_default();
        let records = records.strip_prefix(b",").unwrap_or(records);
        [&self.opening, records, CLOSING].concat()
    }

    /// `topic-0`: what a payload and a partial failure call the partition.
    pub(super) fn label(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

/// What stands behind the last record.
const CLOSING: &[u8] = b"]}}";

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn number(text: &mut Vec<u8>, number: i64) {
    write!(text, "{number}").unwrap_or_else(|_| unreachable!("a vector takes all that is written to it"));
}

fn encoded(text: &mut Vec<u8>, name: &[u8], bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes {
        text.extend_from_slice(name);
        base64_simd::STANDARD.encode_append(bytes, text);
        text.push(b'"');
    }
}

fn headers(text: &mut Vec<u8>, message: &impl Message) {
    text.extend_from_slice(br#","headers":["#);
    for (index, header) in message.headers().iter().flat_map(|headers| headers.iter()).enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.push(b'{');
        text.extend_from_slice(quoted(header.key).as_bytes());
        text.push(b':');
        match header.value {
            None => text.extend_from_slice(b"null"),
            Some(bytes) => {
                let signed: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
                text.extend_from_slice(serde_json::Value::from(signed).to_string().as_bytes());
            }
        }
        text.push(b'}');
    }
    text.push(b']');
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
    use serde_json::{Value, json};

    use super::*;

    fn message(offset: i64, key: Option<&str>, value: Option<&str>) -> OwnedMessage {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "weir.view", value: Some(&[0x63, 0xff, 0x00]) })
            .insert(Header { key: "none", value: None::<&[u8]> });
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let at = Timestamp::CreateTime(1_545_084_650_987);
        OwnedMessage::new(bytes(value), bytes(key), "my\"topic".into(), at, 0, offset, Some(headers))
    }

    fn batch(count: i64) -> Batch {
        let mut batch = Batch::new(&Envelope::new(None, "b-1:9092,b-2:9092"), "my\"topic".into(), 0);
        for offset in 0..count {
            batch.push(&message(offset, Some("recordKey"), Some("{\"key\":\"value\"}")));
        }
        batch
    }

    fn offsets(payload: &[u8]) -> Vec<i64> {
        let event: Value = serde_json::from_slice(payload).unwrap();
        let records = event["records"]["my\"topic-0"].as_array().unwrap();
        records.iter().map(|record| record["offset"].as_i64().unwrap()).collect()
    }

    #[test]
    fn a_payload_has_the_shape_of_lambdas() {
        let event: Value = serde_json::from_slice(&batch(1).payload(0..1)).unwrap();
        let expected = json!({
            "eventSource": "SelfManagedKafka",
            "bootstrapServers": "b-1:9092,b-2:9092",
            "records": {"my\"topic-0": [{
                "topic": "my\"topic",
                "partition": 0,
                "offset": 0,
                "timestamp": 1_545_084_650_987_i64,
                "timestampType": "CREATE_TIME",
                "key": "cmVjb3JkS2V5",
                "value": "eyJrZXkiOiJ2YWx1ZSJ9",
                "headers": [{"weir.view": [99, -1, 0]}, {"none": null}],
            }]},
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn what_a_record_has_not_is_not_there() {
        let mut batch = Batch::new(&Envelope::new(Some("arn:aws:kafka:x"), ""), "my\"topic".into(), 0);
        batch.push(&OwnedMessage::new(None, None, "my\"topic".into(), Timestamp::NotAvailable, 0, 7, None));
        let event: Value = serde_json::from_slice(&batch.payload(0..1)).unwrap();
        assert_eq!(
            (&event["eventSource"], &event["eventSourceArn"]),
            (&json!("aws:kafka"), &json!("arn:aws:kafka:x"))
        );
        let expected = json!({"topic": "my\"topic", "partition": 0, "offset": 7, "timestamp": -1,
            "timestampType": "NO_TIMESTAMP_TYPE", "headers": []});
        assert_eq!(event["records"]["my\"topic-0"][0], expected);
    }

    #[test]
    fn any_range_is_an_event_of_its_own() {
        let batch = batch(5);
        assert_eq!(offsets(&batch.payload(0..5)), [0, 1, 2, 3, 4]);
        assert_eq!(offsets(&batch.payload(2..4)), [2, 3]);
        assert_eq!(offsets(&batch.payload(3..3)), [] as [i64; 0]);
        assert_eq!(batch.payload(0..5).len(), batch.payload_len());
    }

    #[test]
    fn the_last_record_moves_to_the_next_batch() {
        let mut first = batch(3);
        let mut second = first.split_last();
        second.push(&message(3, None, None));
        assert_eq!(offsets(&first.payload(0..first.len())), [0, 1]);
        assert_eq!(offsets(&second.payload(0..second.len())), [2, 3]);
    }
}
