use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::time::Offset;

/// A Kafka event with these records under the names of their partitions.
fn event(records: &Json) -> String {
    json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:x", "records": records}).to_string()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// A record as Lambda sends it.
fn sent(offset: i64) -> Map<String, Json> {
    let record = json!({
        "topic": "t", "partition": 0, "offset": offset, "timestamp": 1_545_084_650_987_i64,
        "timestampType": "CREATE_TIME", "key": base64("k"), "value": base64(format!("v{offset}")), "headers": [],
    });
    record.as_object().cloned().unwrap_or_default()
}

fn with(offset: i64, name: &str, value: Json) -> Map<String, Json> {
    let mut record = sent(offset);
    record.insert(name.to_owned(), value);
    record
}

fn without(offset: i64, name: &str) -> Map<String, Json> {
    let mut record = sent(offset);
    record.shift_remove(name);
    record
}

/// What a batch holds, spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spelled {
    partition: (String, i32),
    records: Vec<SpelledRecord>,
    /// Offset and JSON.
    headers: Vec<(i64, Vec<u8>)>,
}

/// Offset, timestamp, key, value, damage.
type SpelledRecord = (i64, Option<i64>, Option<Vec<u8>>, Vec<u8>, Option<String>);

fn spell(batches: Vec<RawBatch>) -> Vec<Spelled> {
    let spell = |batch: RawBatch| {
        let bytes = |range: std::ops::Range<usize>| batch.bytes[range].to_vec();
        let records = batch.records.iter().map(|record| {
            let key = record.key.clone().map(bytes);
            let time = record.timestamp.map(|time| time.0);
            (record.offset.number().unwrap(), time, key, bytes(record.value.clone()), record.damage.clone())
        });
        let headers = batch.records.iter().filter_map(|record| {
            let json = batch.headers(record)?;
            Some((record.offset.number().unwrap(), json.to_vec()))
        });
        Spelled {
            partition: (batch.topic.clone(), batch.partition),
            records: records.collect(),
            headers: headers.collect(),
        }
    };
    batches.into_iter().map(spell).collect()
}

/// By the tolerant parser alone.
fn parse_tolerantly(payload: &[u8]) -> Result<Vec<RawBatch>, PayloadError> {
    read(payload, |_, _, _| None)
}

/// The one record of a payload.
fn only(record: &Map<String, Json>) -> super::super::RawRecord {
    let payload = event(&json!({"t-0": [record]}));
    let mut batches = parse(payload.as_bytes()).expect("a Kafka event");
    batches.swap_remove(0).records.swap_remove(0)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("tests/data/lambda_events/{name}.json");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Batches whose one record with headers, at an offset, has those of the fixtures.
fn without_headers(batches: Vec<Spelled>, at: i64) -> Vec<((String, i32), Vec<SpelledRecord>)> {
    let plain = |Spelled { partition, records, headers }| {
        let [(offset, json)] = headers.as_slice() else { panic!("{headers:?}") };
        let headers: Json = serde_json::from_slice(json).expect("headers are JSON");
        let expected = json!([{"headerKey": [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101]}]);
        assert_eq!((*offset, headers), (at, expected));
        (partition, records)
    };
    batches.into_iter().map(plain).collect()
}

#[test]
fn the_events_of_both_kafka_sources_are_read() {
    let time = Some(1_545_084_650_987);
    let value = b"{\"key\":\"value\"}".to_vec();
    for name in ["kafkaEventMsk", "kafkaEventSelfManaged"] {
        let batches = spell(parse(&fixture(name)).expect(name));
        let record = (15, time, Some(b"recordKey".to_vec()), value.clone(), None);
        assert_eq!(without_headers(batches, 15), [(("mytopic".to_owned(), 0), vec![record])]);
    }
    let batches = spell(parse(&fixture("example-kafka-event")).expect("a Kafka event"));
    let id = b"8d5596b4-1813-4238-b24b-6dad8e3d1c0c".to_vec();
    let record = (0, Some(1_595_035_749_700), Some(id.clone()), id, None);
    assert_eq!(without_headers(batches, 0), [(("AWSKafkaTopic".to_owned(), 0), vec![record])]);
}

#[test]
fn schemas_absent_and_null_keys_are_taken() {
    let batches = spell(parse(&fixture("kafkaEventMsk_schemaMetadata_nullkey")).expect("a Kafka event"));
    let keys: Vec<_> = batches[0].records.iter().map(|record| record.2.as_deref()).collect();
    assert_eq!(keys, [Some(&b"recordKey"[..]), None, None]);
}

#[test]
fn odd_headers_cost_nothing() {
    let odd = [
        Json::Null,
        json!([null]),
        json!([{"h": null}]),
        json!([{"h": [200, 255]}]),
        json!([{"h": [-1, 300]}]),
        json!([{"h": "text"}]),
        json!([{"h": [104, 101]}, {"h": []}]),
    ];
    for headers in odd {
        let record = only(&with(1, "headers", headers.clone()));
        assert_eq!((record.offset, record.damage), (Offset::at(1), None), "{headers}");
    }
    assert_eq!(only(&without(1, "headers")).damage, None);
}

#[test]
fn only_a_valid_timestamp_counts() {
    let typed = |kind: &str| only(&with(1, "timestampType", kind.into())).timestamp;
    assert_eq!(typed("LOG_APPEND_TIME"), Some(Timestamp(1_545_084_650_987)));
    assert_eq!(typed("NO_TIMESTAMP_TYPE"), None);
    assert_eq!(only(&without(1, "timestampType")).timestamp, None);
    for none in [json!(-1), json!(0), json!(null), json!("x"), json!(1.5)] {
        assert_eq!(only(&with(1, "timestamp", none)).timestamp, None);
    }
    assert_eq!(only(&without(1, "timestamp")).timestamp, None);
}

#[test]
fn a_tombstone_has_an_empty_value() {
    for record in [with(1, "value", Json::Null), without(1, "value"), with(1, "value", "".into())] {
        let record = only(&record);
        assert_eq!((record.value.len(), record.damage), (0, None));
    }
}

#[test]
fn an_empty_key_is_a_key() {
    assert_eq!(only(&with(1, "key", "".into())).key, Some(0..0));
    assert_eq!(only(&with(1, "key", Json::Null)).key, None);
}

#[test]
fn broken_base64_damages_its_record_alone() {
    let records = [
        sent(1),
        with(2, "value", "a*b".into()),
        with(3, "value", 5.into()),
        with(4, "key", "?".into()),
        sent(5),
    ];
    let batches = spell(parse(event(&json!({"t-0": records})).as_bytes()).expect("a Kafka event"));
    let damage: Vec<_> = batches[0]
        .records
        .iter()
        .map(|(_, _, _, value, damage)| (value.as_slice(), damage.as_deref()))
        .collect();
    let no_text = "value: found JSON that is no text, expected base64";
    assert_eq!(
        damage,
        [
            (&b"v1"[..], None),
            (b"a*b", Some("value: broken base64")),
            (b"5", Some(no_text)),
            (b"v4", Some("key: broken base64")),
            (b"v5", None),
        ]
    );
}

#[test]
fn base64_may_lack_padding_and_have_escaped_slashes() {
    let value = |text: &str| {
        let payload = event(&json!({"t-0": [sent(1)]})).replace(&base64("v1"), text);
        spell(parse(payload.as_bytes()).expect("a Kafka event"))[0].records[0].3.clone()
    };
    assert_eq!(value("djE"), b"v1");
    assert_eq!(value("djF="), b"v1", "loose trailing bits");
    assert_eq!(value(r"\/\/8="), b"\xff\xff");
}

#[test]
fn records_go_where_they_say_and_in_the_order_of_their_offsets() {
    let mut lost = without(9, "topic");
    lost.shift_remove("partition");
    let records = json!({
        "wrong-7": [sent(3), with(2, "partition", 1.into()), sent(1), with(3, "key", Json::Null)],
        "a-b-4": [lost],
        "empty-0": [],
        "null-0": null,
    });
    let batches = spell(parse(event(&records).as_bytes()).expect("a Kafka event"));
    let places: Vec<_> = batches
        .iter()
        .map(|batch| {
            let offsets: Vec<_> = batch.records.iter().map(|record| (record.0, record.2.is_some())).collect();
            (batch.partition.0.as_str(), batch.partition.1, offsets)
        })
        .collect();
    assert_eq!(
        places,
        [
            ("a-b", 4, vec![(9, true)]),
            ("t", 0, vec![(1, true), (3, true), (3, false)]),
            ("t", 1, vec![(2, true)]),
        ]
    );
}

#[test]
fn a_record_without_a_place_fails_the_payload() {
    let reason = |name: &str, record: Json| {
        let payload = event(&json!({name: [sent(0), record]}));
        parse(payload.as_bytes()).expect_err("no place").to_string()
    };
    let cases = [
        ("t-0", without(1, "offset").into(), "failed to place record 1 of \"t-0\": it has no offset"),
        (
            "t-0",
            with(1, "offset", "1".into()).into(),
            "failed to place record 1 of \"t-0\": offset: found 1, expected an integer",
        ),
        ("t-0", Json::Null, "failed to place record 1 of \"t-0\": it is no object"),
        ("t", without(1, "topic").into(), "failed to place record 1 of \"t\": it has no topic"),
        (
            "t-x",
            without(1, "partition").into(),
            "failed to place record 1 of \"t-x\": it has no partition, or none of 32 bits",
        ),
    ];
    for (name, record, message) in cases {
        assert_eq!(reason(name, record), message);
    }
}

#[test]
fn no_records_are_no_batches() {
    for records in [json!({}), json!({"t-0": []}), Json::Null] {
        assert!(parse(event(&records).as_bytes()).expect("a Kafka event").is_empty());
    }
}

#[test]
fn the_fields_of_the_payload_may_stand_in_any_order() {
    let payload = format!(
        r#" {{ "new" : [{{}}] , "records" : {{ "t-0" : [ {} ] }} , "eventSource" : "SelfManagedKafka" }} "#,
        Json::from(sent(1))
    );
    assert_eq!(parse(payload.as_bytes()).expect("a Kafka event")[0].records.len(), 1);
}

#[test]
fn another_event_is_named() {
    let cases = [
        ("example-sqs-event-obj", "an SQS event"),
        ("example-dynamodb-event", "a DynamoDB stream's event"),
        ("example-apigw-v2-request-no-authorizer", "an API Gateway or function URL request"),
        ("lambdaFunctionUrlEvent", "an API Gateway or function URL request"),
        ("apiGatewayWebSocketApiMessage", "an API Gateway WebSocket event"),
        ("example-eventbridge-schedule", "a scheduled event"),
        ("eventBridgeSchedulerEvent", "a scheduled event"),
        ("eventBridgeEvent", "an EventBridge event"),
    ];
    for (name, looks_like) in cases {
        let found = looks_like.to_owned();
        assert_eq!(parse(&fixture(name)).expect_err(name), PayloadError::Foreign { found }, "{name}");
    }
    let foreign = |json: &str| match parse(json.as_bytes()) {
        Err(PayloadError::Foreign { found }) => found,
        other => panic!("{json}: {other:?}"),
    };
    assert_eq!(foreign("[]"), "JSON that is no object");
    assert_eq!(foreign("{\"a\":1,\"b\":2}"), "an object with the fields [\"a\", \"b\"]");
    assert_eq!(foreign("{\"eventSource\":\"aws:kafka\"}"), "a Kafka event without records");
    assert_eq!(foreign("{\"eventSource\":\"aws:mq\",\"records\":{}}"), "an event of the source \"aws:mq\"");
    assert_eq!(foreign("{\"records\":{}}"), "an event with records but without \"eventSource\"");
    assert_eq!(foreign(&event(&json!({"t-0": 5}))), "an event whose \"t-0\" is no list of records");
}

#[test]
fn what_is_no_json_says_where() {
    let message = |payload: &[u8]| {
        let error = parse(payload).expect_err("no JSON");
        std::error::Error::source(&error).map(ToString::to_string)
    };
    assert_eq!(message(b"").as_deref(), Some("ends at byte 0, expected a value"));
    assert_eq!(message(b"hello").as_deref(), Some("found `h` at byte 0, expected a value"));
    assert_eq!(message(b"{\"a\":1").as_deref(), Some("ends at byte 6, expected `,` or `}`"));
}

#[test]
fn a_schedule_is_told_from_records() {
    for name in ["example-eventbridge-schedule", "eventBridgeSchedulerEvent"] {
        assert!(matches!(trigger(&fixture(name)), Ok(Trigger::Schedule)), "{name}");
    }
    assert!(
        matches!(trigger(&fixture("kafkaEventMsk")), Ok(Trigger::Records(batches)) if batches.len() == 1)
    );
    assert!(matches!(trigger(&fixture("eventBridgeEvent")), Err(PayloadError::Foreign { .. })));
    assert!(matches!(trigger(b"{"), Err(PayloadError::NotJson(_))));
}

#[test]
fn no_truncation_of_a_payload_is_a_payload() {
    let payload =
        event(&json!({"t-0": [sent(1), with(2, "headers", json!([{"h": [1]}])), without(3, "key")]}));
    assert!(parse(payload.as_bytes()).is_ok());
    for length in 0..payload.len() {
        assert!(parse(&payload.as_bytes()[..length]).is_err(), "{length}");
    }
}

/// The scan must take what Lambda sends; else the tests of equality below compare nothing.
#[test]
fn plain_records_are_scanned() {
    let plain =
        [sent(1), without(2, "key"), without(3, "headers"), with(4, "headers", json!([{"h": [1, 2]}]))];
    let payload = event(&json!({"t-0": plain}));
    let refuse: Scan =
        |cursor, known, batches| plain::record(cursor, known, batches).or_else(|| panic!("not scanned"));
    assert_eq!(read(payload.as_bytes(), refuse).map(|batches| batches[0].records.len()), Ok(4));
}

fn field() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        (-2_i64..5).prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<Vec<u8>>().prop_map(|bytes| base64(bytes).into()),
        prop::sample::select(vec![
            "t",
            "u",
            "é",
            "a\\",
            "a\"b",
            "CREATE_TIME",
            "LOG_APPEND_TIME",
            "YQ",
            "YR==",
            "a*"
        ])
        .prop_map(Json::from),
        Just(json!([{"h": [1, -1]}])),
        Just(json!({"a": 1.5})),
    ]
}

/// A record like Lambda's with fields changed, dropped, doubled and moved.
fn record() -> impl Strategy<Value = String> {
    let names =
        ["topic", "partition", "offset", "timestamp", "timestampType", "key", "value", "headers", "new"];
    let change = (prop::sample::select(names.to_vec()), prop::option::of(field()), 0..9_usize);
    (0_i64..50, prop::collection::vec(change, 0..3), 0..3_u8).prop_map(|(offset, changes, space)| {
        let mut fields: Vec<(String, Json)> = sent(offset).into_iter().collect();
        for (name, value, place) in changes {
            match value {
                None => fields.retain(|(field, _)| field != name),
                Some(value) => match fields.iter_mut().find(|(field, _)| field == name) {
                    Some((_, old)) if place < 7 => *old = value,
                    _ => fields.insert(place.min(fields.len()), (name.to_owned(), value)),
                },
            }
        }
        let space = if space == 0 { " " } else { "" };
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn payload() -> impl Strategy<Value = String> {
    let partitions = prop::collection::vec(prop::collection::vec(record(), 0..5), 0..3);
    partitions.prop_map(|partitions| {
        let list = |(index, records): (usize, &Vec<String>)| format!("\"t-{index}\":[{}]", records.join(","));
        let partitions: Vec<_> = partitions.iter().enumerate().map(list).collect();
        format!("{{\"eventSource\":\"aws:kafka\",\"records\":{{{}}}}}", partitions.join(","))
    })
}

/// What the records of a payload should be, by `serde_json`'s reading; only where each has a place.
fn offsets(payload: &str) -> Option<Vec<i64>> {
    let event: Json = serde_json::from_str(payload).ok()?;
    let lists = event.get("records")?.as_object()?.values();
    let mut offsets = lists
        .flat_map(|list| list.as_array().into_iter().flatten())
        .map(|record| record.get("offset")?.as_i64())
        .collect::<Option<Vec<_>>>()?;
    offsets.sort_unstable();
    Some(offsets)
}

proptest! {
    #[test]
    fn both_ways_to_read_give_the_same(payload in payload()) {
        let (scanned, tolerant) = (parse(payload.as_bytes()), parse_tolerantly(payload.as_bytes()));
        prop_assert_eq!(scanned.clone().map(spell), tolerant.map(spell));
        if let Ok(batches) = scanned {
            let mut read: Vec<_> =
                batches.iter().flat_map(|batch| &batch.records).map(|record| record.offset.number().unwrap()).collect();
            read.sort_unstable();
            prop_assert_eq!(Some(read), offsets(&payload), "none lost, none made up");
        }
    }

    #[test]
    fn both_ways_agree_on_damaged_payloads(
        mut payload in payload().prop_map(String::into_bytes), at: prop::sample::Index, byte: u8,
    ) {
        let index = at.index(payload.len());
        payload[index] = byte;
        let (scanned, tolerant) = (parse(&payload), parse_tolerantly(&payload));
        prop_assert_eq!(scanned.map(spell), tolerant.map(spell));
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(parse(&bytes).is_err());
        let _either = trigger(&bytes);
    }
}
