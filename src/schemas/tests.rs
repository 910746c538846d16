use std::sync::atomic::AtomicUsize;

use super::*;
use crate::{
    event::decode_by,
    sql::{Catalog, SqlFile},
    time::{Offset, Timestamp},
};

const SQL: &str =
    "CREATE TABLE t (n BIGINT NOT NULL, ts TIMESTAMP NOT NULL) WITH (format = 'avro-confluent')";
const SCHEMA: &str =
    r#"{"type":"record","name":"R","fields":[{"name":"n","type":"long"},{"name":"ts","type":"long"}]}"#;

const PROTO: &str = "syntax = \"proto3\"; message R { int64 n = 1; int64 ts = 2; }";

/// Knows ids below 10; fails the first so many times.
#[derive(Default)]
struct Fake {
    asked: AtomicUsize,
    failures: AtomicUsize,
    kind: &'static str,
}

impl Registry for Fake {
    fn schema(&self, id: SchemaId) -> BoxFuture<'_, Result<Option<Definition>, RegistryError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.asked.fetch_add(1, Ordering::SeqCst);
            let take = |left: usize| left.checked_sub(1);
            if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                return Err(RegistryError { schema: id, reason: "answered 503".to_owned() });
            }
            let SchemaId::Number(number) = id else { return Ok(None) };
            let text = match (number, self.kind) {
                (9, _) => "\"string\"",
                (_, "PROTOBUF") => PROTO,
                _ => SCHEMA,
            };
            let definition =
                Definition { kind: self.kind.to_owned(), text: text.to_owned(), references: Vec::new() };
            Ok((number < 10).then_some(definition))
        })
    }
}

fn table() -> Table {
    table_of("avro-confluent")
}

fn table_of(format: &str) -> Table {
    let text = SQL.replace("avro-confluent", format);
    Catalog::parse(&[SqlFile { name: "t.sql".to_owned(), text }]).unwrap().tables.remove(0)
}

fn batch(ids: impl IntoIterator<Item = u32>) -> RawBatch {
    let mut batch = RawBatch { topic: "t".to_owned(), ..RawBatch::default() };
    for (offset, id) in (0..).zip(ids) {
        let value = [&[0][..], &id.to_be_bytes(), &[14, 2]].concat();
        batch.push(Offset::at(offset), None, &value);
    }
    batch
}

fn with(fake: Fake) -> (Arc<Fake>, Schemas) {
    let fake = Arc::new(Fake { kind: if fake.kind.is_empty() { "AVRO" } else { fake.kind }, ..fake });
    (Arc::clone(&fake), Schemas::new(Some(fake), None))
}

/// What each record is: its time, or why it is none.
async fn read(schemas: &Schemas, ids: &[u32]) -> Vec<Result<i64, String>> {
    let (raw, table) = (batch(ids.iter().copied()), table());
    let writers = schemas.of(&raw, &table).await.unwrap();
    let decoded = decode_by(&raw, &table, &writers, Timestamp(0));
    let read = decoded.records.iter().map(|record| record.event_time.clone());
    read.map(|read| read.map(|time| time.0).map_err(|rejection| rejection.reason)).collect()
}

#[tokio::test]
async fn a_schema_is_asked_for_once() {
    let (fake, schemas) = with(Fake::default());
    assert_eq!(read(&schemas, &[1, 1, 2, 1]).await, vec![Ok(1); 4]);
    assert_eq!(read(&schemas, &[2, 1]).await, vec![Ok(1); 2]);
    assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn partitions_that_need_the_same_schema_at_once_ask_once() {
    let (fake, schemas) = with(Fake::default());
    let reads = (0..8).map(|_| read(&schemas, &[3]));
    assert!(futures::future::join_all(reads).await.iter().all(|read| read[0] == Ok(1)));
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_fails_fails_all_that_wait_for_it() {
    let (fake, schemas) = with(Fake { failures: 1.into(), ..Fake::default() });
    let (raw, table) = (batch([3]), table());
    let reads = futures::future::join_all((0..8).map(|_| schemas.of(&raw, &table))).await;
    assert!(reads.iter().all(Result::is_err));
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    assert!(schemas.of(&raw, &table).await.is_ok());
}

#[tokio::test]
async fn a_registry_that_fails_fails_the_batch_and_is_asked_again() {
    let (_, schemas) = with(Fake { failures: 1.into(), ..Fake::default() });
    let error = schemas.of(&batch([1]), &table()).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to get schema 1: answered 503");
    assert_eq!(read(&schemas, &[1]).await, [Ok(1)]);
    let nobody = Schemas::default().of(&batch([1]), &table()).await.unwrap_err();
    assert!(nobody.to_string().contains("set WEIR_SCHEMA_REGISTRY"), "{nobody}");
}

#[tokio::test]
async fn an_unknown_schema_is_a_dead_letter_and_asked_for_by_the_next_batch() {
    let (fake, schemas) = with(Fake::default());
    let unknown = Err("unknown schema 10: the schema registry does not have it".to_owned());
    for asked in [2, 3] {
        assert_eq!(read(&schemas, &[1, 10]).await, [Ok(1), unknown.clone()]);
        assert_eq!(fake.asked.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test]
async fn a_batch_of_nonsense_asks_for_so_many_schemas_and_no_more() {
    let (fake, schemas) = with(Fake::default());
    let ids: Vec<u32> = (100..1100).chain([1]).collect();
    let read = read(&schemas, &ids).await;
    // Ids are asked for in their order.
    assert_eq!(read.last(), Some(&Ok(1)));
    assert_eq!(fake.asked.load(Ordering::SeqCst), MAX_UNKNOWN + 1);
    let last = read[999].as_ref().unwrap_err();
    assert_eq!(
        last,
        "unknown schema 1099: 64 other schemas of this batch are not there; it was not asked for"
    );
}

#[tokio::test]
async fn what_is_no_avro_of_records_is_told_and_remembered() {
    let (fake, schemas) = with(Fake { kind: "JSON", ..Fake::default() });
    let other = "schema 1 is JSON; expected AVRO or PROTOBUF";
    assert_eq!(read(&schemas, &[1]).await, [Err(other.to_owned())]);
    assert!(read(&schemas, &[1]).await[0].is_err());
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    let (_, schemas) = with(Fake::default());
    let wrong = "schema 9 is no Avro schema of records: found a string; expected a record";
    assert_eq!(read(&schemas, &[9]).await, [Err(wrong.to_owned())]);
}

#[tokio::test]
#[cfg(feature = "protobuf")]
async fn what_is_no_protobuf_is_told() {
    let (_, schemas) = with(Fake { kind: "PROTOBUF", ..Fake::default() });
    let [good, bad] =
        ["schema 1 is PROTOBUF; expected AVRO", "schema 9 is no Protobuf schema: schema:1:1: expected"];
    let found = read(&schemas, &[1, 9]).await;
    assert_eq!(found[0], Err(good.to_owned()));
    assert!(found[1].as_ref().unwrap_err().starts_with(bad), "{found:?}");
}

#[tokio::test]
#[cfg(feature = "protobuf")]
async fn a_schema_of_protobuf_reads_tables_of_protobuf_and_no_others() {
    let table = table_of("protobuf-confluent");
    let mut raw = RawBatch { topic: "t".to_owned(), ..RawBatch::default() };
    raw.push(Offset::at(0), None, &[0, 0, 0, 0, 1, 0, 0x08, 14, 0x10, 2]);
    for (kind, expected) in
        [("PROTOBUF", Ok(2)), ("AVRO", Err("schema 1 is AVRO; expected PROTOBUF".to_owned()))]
    {
        let (_, schemas) = with(Fake { kind, ..Fake::default() });
        let writers = schemas.of(&raw, &table).await.unwrap();
        let decoded = decode_by(&raw, &table, &writers, Timestamp(0));
        let read = decoded.records[0].event_time.clone();
        assert_eq!(read.map(|time| time.0).map_err(|rejection| rejection.reason), expected);
    }
}

#[tokio::test]
async fn no_more_schemas_are_remembered_than_there_is_room_for() {
    let (_, schemas) = with(Fake::default());
    for id in 0..u32::try_from(MAX_KNOWN).unwrap() + 5 {
        schemas.remember(SchemaId::Number(id), Err(String::new()));
    }
    assert_eq!(schemas.known().len(), 5);
}
