//! The promise: a record that cannot be used is answered with a reason, and nothing else is lost with
//! it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    #[expect(dead_code, reason = "other tests need more of it")]
    pub(crate) mod world;
}

use support::world::{World, block_on};
use weir::{
    event::{PayloadError, RawBatch, parse},
    time::{Clock as _, Millis, Timestamp},
};

const SQL: &str = "
  CREATE TABLE clicks (k TEXT NOT NULL, n BIGINT, ts TIMESTAMP NOT NULL)
    WITH (key = 'k', event_time = 'ts', watermark_delay = '2 seconds', max_ahead = '1 hour');
  CREATE VIEW counts WITH (topic = 'results', allowed_lateness = '5 seconds') AS
  SELECT k, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
  CREATE VIEW totals AS
  SELECT count(*) AS n FROM clicks GROUP BY TUMBLE(ts, INTERVAL '1' HOUR);";

const GOOD: &str = r#"{"k":"a","n":1,"ts":1000000}"#;

fn world() -> World {
    let world = World::new(SQL);
    world.broker.set("clicks", 0, 0, 100);
    world
}

fn header<'m>(message: &'m weir::publish::Message, name: &str) -> &'m str {
    &message.headers.iter().find(|(header, _)| *header == name).unwrap().1
}

/// Absorbs a bad record between two good ones: its reason, after all else was seen to be there.
fn reason_of(bad: &str) -> String {
    let world = world();
    let absorbed = world.absorb("clicks", 0, 5, &[GOOD, bad, GOOD]);
    assert_eq!((absorbed.records, absorbed.dead), (3, 1), "{bad}");
    assert_eq!(absorbed.accepted, 4, "two good ones in each of two views");
    let letters = world.published("weir.dead_letters");
    let [letter] = letters.as_slice() else { panic!("one dead letter for {bad}, not {letters:?}") };
    assert_eq!(letter.payload, bad.as_bytes());
    let place = ["weir.topic", "weir.partition", "weir.offset"].map(|name| header(letter, name));
    assert_eq!(place, ["clicks", "0", "6"]);
    header(letter, "weir.reason").to_owned()
}

#[test]
fn what_does_not_fit_its_table_is_a_dead_letter_with_a_reason() {
    let far = 10_000_000 + Millis::hours(2).0;
    let future = format!(r#"{{"k":"a","ts":{far}}}"#);
    let large = format!(r#"{{"k":"{}","n":"x","ts":1000000}}"#, "v".repeat(1 << 20));
    let cases = [
        ("User 17 clicked", "JSON"),
        (r#"{"k":"a","ts":1000"#, "JSON"),
        (r"[1,2]", "object"),
        ("", "empty"),
        (r#"{"ts":1000000}"#, "\"k\""),
        (r#"{"k":null,"ts":1000000}"#, "\"k\""),
        (r#"{"k":17,"ts":1000000}"#, "TEXT"),
        (r#"{"k":"a","n":"many","ts":1000000}"#, "BIGINT"),
        (r#"{"k":"a","n":1}"#, "\"ts\""),
        (r#"{"k":"a","ts":"yesterday"}"#, "TIMESTAMP"),
        (r#"{"k":"a","ts":true}"#, "TIMESTAMP"),
        (future.as_str(), "max_ahead"),
        (r#"{"k":"a","ts":9223372036854775807}"#, "max_ahead"),
        (r#"{"k":"a","ts":-9223372036854775808}"#, "lies before 0001-01-01"),
        (large.as_str(), "BIGINT"),
    ];
    for (bad, expected) in cases {
        let reason = reason_of(bad);
        let shown = bad.get(..60).unwrap_or(bad);
        assert!(reason.contains(expected), "{shown}: {reason:?} says nothing of {expected}");
        assert!(reason.len() < 500, "{shown}: a reason is short, not {} bytes", reason.len());
    }
}

#[test]
fn values_of_a_megabyte_are_taken() {
    let world = world();
    let large = format!(r#"{{"k":"{}","ts":1000000}}"#, "v".repeat(1 << 20));
    let absorbed = world.absorb("clicks", 0, 0, &[GOOD, &large, GOOD]);
    assert_eq!((absorbed.accepted, absorbed.dead), (6, 0));
}

#[test]
fn an_absurd_time_makes_nothing_late() {
    let world = world();
    let far = format!(r#"{{"k":"a","ts":{}}}"#, (world.clock.now() + Millis::days(36_500)).0);
    let absorbed = world.absorb("clicks", 0, 0, &[GOOD, &far, GOOD, r#"{"k":"a","ts":1001000}"#]);
    assert_eq!((absorbed.dead, absorbed.late, absorbed.accepted), (1, 0, 6));
    assert_eq!(world.status().partitions[0].watermark, Some(Timestamp(1_001_000 - 2001)));
}

#[test]
fn the_watermark_moves_for_records_that_are_dead_for_another_reason() {
    let world = world();
    world.absorb("clicks", 0, 0, &[GOOD, r#"{"k":17,"ts":1050000}"#]);
    assert_eq!(world.status().partitions[0].watermark, Some(Timestamp(1_050_000 - 2001)));
    assert_eq!(world.rows("results").len(), 1, "the window of the first is due");
}

#[test]
fn a_batch_of_bad_records_alone_is_done_with_once() {
    let world = world();
    assert_eq!(world.absorb("clicks", 0, 0, &["x", "y"]).dead, 2);
    assert_eq!(world.absorb("clicks", 0, 0, &["x", "y"]).dead, 0, "redelivered");
    assert_eq!(world.absorb("clicks", 0, 1, &["y", "z"]).dead, 1, "cut anew");
}

#[test]
fn an_empty_batch_is_nothing() {
    let world = world();
    assert_eq!(world.absorb("clicks", 0, 0, &[]), weir::engine::Absorbed::default());
    assert!(world.rows("results").is_empty());
}

#[test]
fn an_offset_that_comes_twice_in_a_batch_counts_once() {
    let world = world();
    let mut payload = String::from(r#"{"eventSource":"aws:kafka","records":{"clicks-0":["#);
    let record = r#"{"topic":"clicks","partition":0,"offset":3,"timestamp":1000000,"timestampType":"CREATE_TIME","value":"eyJrIjoiYSIsIm4iOjEsInRzIjoxMDAwMDAwfQ==","headers":[]}"#;
    payload.extend([record, ",", record, "]}}"]);
    let batches: Vec<RawBatch> = parse(payload.as_bytes()).unwrap();
    let absorbed = block_on(world.engine.absorb(&batches[0])).unwrap();
    assert_eq!((absorbed.accepted, absorbed.skipped), (2, 2), "one in each of two views");
}

#[test]
fn a_dead_letter_tells_the_timestamp_and_the_headers_that_its_record_had() {
    let world = world();
    let record = |offset: i64, headers: &str| {
        format!(
            r#"{{"topic":"clicks","partition":0,"offset":{offset},"timestamp":1000001,"timestampType":"CREATE_TIME","key":"YQ==","value":"e30=","headers":[{headers}]}}"#
        )
    };
    let records = [record(3, r#"{"trace":[97,-1]},{"b":[]}"#), record(4, "")].join(",");
    let payload = format!(r#"{{"eventSource":"aws:kafka","records":{{"clicks-0":[{records}]}}}}"#);
    block_on(world.engine.absorb(&parse(payload.as_bytes()).unwrap()[0])).unwrap();
    let letters = world.published("weir.dead_letters");
    let [first, second] = letters.as_slice() else { panic!("two dead letters, not {letters:?}") };
    assert_eq!((first.key.as_deref(), first.payload.as_slice()), (Some(&b"a"[..]), &b"{}"[..]));
    assert_eq!(header(first, "weir.timestamp"), "1000001");
    assert_eq!(header(first, "weir.headers"), r#"[{"trace":[97,-1]},{"b":[]}]"#);
    assert!(second.headers.iter().all(|(name, _)| *name != "weir.headers"), "{second:?}");
}

#[test]
fn a_payload_that_is_no_kafka_event_says_what_it_is() {
    let text = |payload: &str| parse(payload.as_bytes()).map_err(|error: PayloadError| error.to_string());
    let sqs = text(r#"{"Records":[{"eventSource":"aws:sqs","body":"x"}]}"#).unwrap_err();
    assert!(sqs.to_lowercase().contains("sqs") && sqs.contains("Kafka"), "{sqs}");
    assert!(text("not json").is_err());
    assert!(text(r#"{"eventSource":"aws:kafka","records":{}}"#).unwrap().is_empty());
}

#[test]
fn a_topic_that_no_table_describes_fails_the_batch_and_names_those_that_do() {
    let world = world();
    let raw = RawBatch { topic: "clicsk".into(), ..RawBatch::default() };
    let error = block_on(world.engine.absorb(&raw)).unwrap_err().to_string();
    assert_eq!(error, "no table describes topic clicsk; the tables' topics are clicks");
}
