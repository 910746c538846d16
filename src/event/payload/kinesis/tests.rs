use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    event::{
        PayloadError, RawBatch, Trigger,
        payload::{aggregated::tests::aggregate, parse, trigger},
    },
    time::{Offset, Timestamp},
};

const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";
const NEXT: &str = "49590338271490256608559692540925702759324208523137515618";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// A record as Lambda sends it.
fn sent(shard: u32, sequence: &str, data: &[u8]) -> Json {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": sequence,
            "data": base64(data), "approximateArrivalTimestamp": 1_545_084_650.987,
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
        "eventID": format!("shardId-{shard:012}:{sequence}"),
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role", "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/clicks",
    })
}

fn read(records: &[Json]) -> Result<Vec<RawBatch>, PayloadError> {
    parse(json!({ "Records": records }).to_string().as_bytes())
}

/// The offsets, keys and values of a batch.
fn spelled(batch: &RawBatch) -> Vec<(String, &str, &str)> {
    let text = |range: std::ops::Range<usize>| std::str::from_utf8(&batch.bytes[range]).unwrap();
    let records = batch.records.iter();
    records.map(|r| (r.offset.to_string(), r.key.clone().map_or("", text), text(r.value.clone()))).collect()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/data/lambda_events/{name}.json")).unwrap()
}

#[test]
fn a_stream_is_a_topic_and_a_shard_a_partition() {
    let batches = parse(&fixture("kinesisStreamEvent")).unwrap();
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((batch.topic.as_str(), batch.partition), ("lambda-stream", 6));
    let expected = [(SEQUENCE, "1", "Hello, this is a test."), (NEXT, "1", "This is only a test.")];
    assert_eq!(spelled(batch), expected.map(|(offset, key, value)| (offset.to_owned(), key, value)));
    let arrived: Vec<_> = batch.records.iter().map(|record| record.timestamp).collect();
    assert_eq!(arrived, [1_545_084_650_987, 1_545_084_711_166].map(|at| Some(Timestamp(at))));
    assert!(batch.records.iter().all(|record| record.damage.is_none()));
}

#[test]
fn samples_of_others_are_read() {
    for name in ["example-kinesis-event", "example-kinesis-event-encrypted"] {
        let batches = parse(&fixture(name)).unwrap();
        let partition = (batches[0].topic.as_str(), batches[0].partition, batches[0].records.len());
        assert_eq!((batches.len(), partition), (1, ("simple-stream", 0, 2)), "{name}");
        assert!(matches!(trigger(&fixture(name)), Ok(Trigger::Records(records)) if records.len() == 1));
    }
}

#[test]
fn shards_are_told_apart_and_records_sorted() {
    let batches =
        read(&[sent(7, NEXT, b"c"), sent(2, NEXT, b"b"), sent(2, SEQUENCE, b"a"), sent(2, NEXT, b"b")]);
    let batches = batches.unwrap();
    let shards: Vec<_> = batches.iter().map(|batch| (batch.partition, spelled(batch))).collect();
    let of = |sequence: &str, value| (sequence.to_owned(), "k", value);
    let second = vec![of(SEQUENCE, "a"), of(NEXT, "b"), of(NEXT, "b")];
    assert_eq!(shards, [(2, second), (7, vec![of(NEXT, "c")])]);
}

#[test]
fn one_odd_record_costs_nothing_else() {
    let odd = |change: &dyn Fn(&mut Json)| {
        let mut record = sent(0, SEQUENCE, b"{}");
        change(&mut record);
        let batches = read(&[record, sent(0, NEXT, b"good")]).unwrap();
        let [batch] = &batches[..] else { panic!("{batches:?}") };
        assert_eq!(spelled(batch)[1].2, "good");
        let first = &batch.records[0];
        (first.offset, first.timestamp.is_some(), first.key.is_some(), first.damage.clone())
    };
    let offset = Offset::in_sequence(SEQUENCE, None).unwrap();
    let data = |value: Json| odd(&move |record| record["kinesis"]["data"] = value.clone());
    assert_eq!(data("e30".into()), (offset, true, true, None));
    assert_eq!(data(Json::Null), (offset, true, true, None));
    assert_eq!(data("?".into()).3.as_deref(), Some("data: broken base64"));
    assert_eq!(data(5.into()).3.as_deref(), Some("data: found JSON that is no text, expected base64"));
    for arrival in [json!("soon"), json!(-1), json!(1e30), Json::Null] {
        let without = odd(&|record| record["kinesis"]["approximateArrivalTimestamp"] = arrival.clone());
        assert_eq!(without, (offset, false, true, None), "{arrival}");
    }
    assert_eq!(odd(&|record| record["kinesis"]["partitionKey"] = 1.into()), (offset, true, false, None));
    // The id names the sequence number too.
    assert_eq!(odd(&|record| record["kinesis"]["sequenceNumber"] = Json::Null), (offset, true, true, None));
    let arn = "arn:aws:kinesis:us-east-2:123456789012:stream/clicks/consumer/weir:1540591608";
    assert_eq!(odd(&|record| record["eventSourceARN"] = arn.into()), (offset, true, true, None));
}

#[test]
fn a_record_whose_place_cannot_be_known_fails_the_payload() {
    let reason = |name: &str, value: Json| {
        let mut record = sent(0, SEQUENCE, b"{}");
        match name.strip_prefix("kinesis.") {
            Some(inner) => record["kinesis"][inner] = value,
            None => record[name] = value,
        }
        read(&[sent(0, SEQUENCE, b"{}"), record]).unwrap_err().to_string()
    };
    let cases = [
        ("eventID", json!("6:1"), "eventID: found \"6:1\", expected shardId-NUMBER:SEQUENCE"),
        (
            "eventSourceARN",
            Json::Null,
            "eventSourceARN: found \"\", expected a stream's, as arn:aws:kinesis:REGION:ACCOUNT:stream/NAME",
        ),
        ("kinesis.sequenceNumber", json!("-1"), "sequenceNumber: found \"-1\", expected a number in digits"),
        (
            "kinesis.sequenceNumber",
            json!("9".repeat(99)),
            "its sequence number has more than 192 bits, or its data more events than fit",
        ),
    ];
    for (name, value, message) in cases {
        let message = format!("failed to place record 1 of \"Records\": {message}");
        assert_eq!(reason(name, value), message, "{name}");
    }
}

#[test]
fn events_of_the_producer_library_are_taken_apart() {
    let record = aggregate(&["a", "b"], &[(0, b"one"), (1, b"two"), (0, b"three")]);
    let batches = read(&[sent(0, SEQUENCE, &record), sent(0, NEXT, b"plain")]).unwrap();
    let event = |place: &str, key, value| (format!("{SEQUENCE}{place}"), key, value);
    let expected = [
        event(":0", "a", "one"),
        event(":1", "b", "two"),
        event("", "a", "three"),
        (NEXT.to_owned(), "k", "plain"),
    ];
    assert_eq!(spelled(&batches[0]), expected);
    // A broken digest makes it a record like any other.
    let mut broken = record;
    *broken.last_mut().unwrap() ^= 1;
    let batches = read(&[sent(0, SEQUENCE, &broken)]).unwrap();
    assert_eq!(
        (batches[0].records.len(), batches[0].records[0].offset.to_string()),
        (1, SEQUENCE.to_owned())
    );
    assert_eq!(batches[0].bytes[batches[0].records[0].value.clone()], broken);
}

#[test]
fn records_of_other_sources_are_foreign() {
    let mut other = sent(0, SEQUENCE, b"{}");
    other["eventSource"] = "aws:dynamodb".into();
    let error = read(&[sent(0, SEQUENCE, b"{}"), other]).unwrap_err().to_string();
    assert!(error.contains("a Kinesis event with records of other sources"), "{error}");
    assert!(matches!(read(&[]), Err(PayloadError::Foreign { .. })));
    assert!(matches!(read(&[1.into()]), Err(PayloadError::Foreign { .. })));
}

proptest! {
    #[test]
    fn whatever_stands_in_a_field_is_read_or_refused(
        field in 0..9_usize,
        value in prop_oneof![
            Just(Json::Null), any::<i64>().prop_map(Json::from), ".{0,20}".prop_map(Json::from),
            any::<f64>().prop_map(Json::from), Just(json!({"x": [1]})), Just(json!([])),
        ],
    ) {
        let names = ["kinesis", "eventSource", "eventID", "eventSourceARN", "eventVersion"];
        let inner = ["partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp"];
        let mut record = sent(0, SEQUENCE, b"{}");
        match names.get(field) {
            Some(name) => record[*name] = value,
            None => record["kinesis"][inner[field - names.len()]] = value,
        }
        if let Ok(batches) = read(&[record]) {
            prop_assert_eq!(batches.iter().map(|batch| batch.records.len()).sum::<usize>(), 1);
        }
    }
}
