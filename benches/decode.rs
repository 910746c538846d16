//! What it costs to get from bytes to rows, in CPU seconds for a million records on one core.
//!
//! `cargo bench --no-default-features --bench decode [-- PART OF A LINE'S NAME]`. It has a harness of its own because it measures CPU
//! time instead of wall-clock time, which other work on the machine would make worthless: each line is the
//! least and the median of several rounds. The profile is `bench`, which is `release`.

use std::{hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use weir::{
    avro::Schema,
    event::{self, NdjsonReader, RawBatch, RawRecord, SchemaId, Writers, Written},
    sql::{Column, Entrance, Format, Hole, Table, Template, Writer},
    time::{Millis, Offset, Timestamp},
    value::Type,
};

/// About what fits Lambda's 6 MB.
const BATCH: usize = 16_000;
const ROUNDS: usize = 9;
const BATCHES_A_ROUND: u32 = 20;
/// How many rounds of batches make a million records.
const ROUNDS_A_MILLION: f64 = 3.125;
const NOW: Timestamp = Timestamp(1_700_100_000_000);

fn main() {
    let table = table();
    let records: Vec<String> = (0..BATCH).map(record).collect();
    let plain = payload(&records, plain);
    let bare = payload(&records, bare);
    let shuffled = payload(&records, shuffled);
    let lines = records.join("\n");
    let raw = event::parse(plain.as_bytes()).expect("a Kafka event");
    let base64: Vec<String> = records.iter().map(|json| base64(json)).collect();
    println!(
        "{} records of {} B in the payload, {} B as NDJSON",
        BATCH,
        plain.len() / BATCH,
        lines.len() / BATCH
    );
    println!("{:<44} {:>8} {:>8}   CPU s for 1M records", "", "least", "median");

    measure("base64 alone, into one buffer", || {
        let mut bytes = Vec::with_capacity(2 * lines.len());
        for text in &base64 {
            bytes.reserve(text.len());
            base64_simd::STANDARD.decode_append(text.as_bytes(), &mut bytes).expect("base64");
        }
        bytes.len()
    });
    measure("UTF-8 alone", || {
        raw.iter().filter(|raw| simdutf8::basic::from_utf8(&raw.bytes).is_ok()).count()
    });
    measure("envelope of Lambda's shape, with base64", || parsed(&plain).len());
    measure("envelope without headers, with base64", || parsed(&bare).len());
    measure("envelope of another shape, with base64", || parsed(&shuffled).len());
    measure("records to rows", || rows(&raw, &table));
    measure("payload of Lambda's shape to rows", || rows(&parsed(&plain), &table));
    measure("payload without headers to rows", || rows(&parsed(&bare), &table));
    measure("NDJSON to records", || read(&lines, &table, 1).len());
    measure("NDJSON to records of 4 partitions, by key", || read(&lines, &table, 4).len());
    let (text_table, text) = plain_text();
    let text_raw = read(&text, &text_table, 1);
    measure("plain text to rows", || rows(&text_raw, &text_table));
    let renamed = renamed();
    measure("records to rows, of two names for the time", || rows(&raw, &renamed));
    let (avro_table, avro) = avro(false);
    measure("Avro to rows", || rows(&avro, &avro_table));
    let (framed_table, framed) = self::avro(true);
    let writers = writers();
    measure("Avro in Confluent's frames to rows", || rows_by(&framed, &framed_table, &writers));
    measure("NDJSON to rows", || rows(&read(&lines, &table, 1), &table));
}

fn measure(name: &str, work: impl Fn() -> usize) {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if wanted.is_some_and(|part| !name.contains(&part)) {
        return;
    }
    let round = || {
        let start = cpu_seconds();
        for _ in 0..BATCHES_A_ROUND {
            black_box(work());
        }
        (cpu_seconds() - start) * ROUNDS_A_MILLION
    };
    let mut rounds: Vec<f64> = (0..=ROUNDS).map(|_| round()).skip(1).collect();
    rounds.sort_by(f64::total_cmp);
    println!(
        "{name:<44} {:>8.3} {:>8.3}",
        rounds.first().unwrap_or(&0.0),
        rounds.get(ROUNDS / 2).unwrap_or(&0.0)
    );
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

fn parsed(payload: &str) -> Vec<RawBatch> {
    event::parse(payload.as_bytes()).expect("a Kafka event")
}

/// How many records fit the table; all have to.
fn rows(raw: &[RawBatch], table: &Table) -> usize {
    rows_by(raw, table, Writers::none())
}

fn rows_by(raw: &[RawBatch], table: &Table, writers: &Writers) -> usize {
    let mut fitting = 0;
    for raw in raw {
        let batch = event::decode_by(black_box(raw), table, writers, NOW);
        fitting += batch.records.iter().filter(|record| record.event_time.is_ok()).count();
        black_box(batch.row(0));
    }
    assert_eq!(fitting, BATCH);
    fitting
}

fn read(lines: &str, table: &Table, partitions: u32) -> Vec<RawBatch> {
    let partitions = NonZeroU32::new(partitions).expect("some");
    let input = std::io::BufReader::with_capacity(64 << 10, lines.as_bytes());
    NdjsonReader::new(input, table, partitions)
        .next_batch(BATCH)
        .expect("it can be read")
        .expect("lines")
        .batches
}

fn record(index: usize) -> String {
    let kind = if index.is_multiple_of(10) { "click" } else { "impression" };
    let (product, user, ts) = (index * 7919 % 100, index * 104_729 % 1000, 1_699_999_999_811 + index);
    format!(
        r#"{{"event_id":"e{index}","type":"{kind}","product_id":"p{product}","user_id":"u{user}","ts":{ts}}}"#
    )
}

fn payload(records: &[String], envelope: impl Fn(usize, &str) -> String) -> String {
    let records: Vec<_> = records.iter().enumerate().map(|(index, json)| envelope(index, json)).collect();
    format!(
        r#"{{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:us-east-1:0:cluster/c/1","bootstrapServers":"b:9092","records":{{"impressions-0":[{}]}}}}"#,
        records.join(",")
    )
}

/// A record as Lambda sends it.
fn plain(index: usize, json: &str) -> String {
    with_headers(index, json, r#"{"headerKey":[104,101,97,100,101,114,86,97,108,117,101]}"#)
}

/// The same, without headers.
fn bare(index: usize, json: &str) -> String {
    with_headers(index, json, "")
}

fn with_headers(index: usize, json: &str, headers: &str) -> String {
    let (key, value, time) = (base64("p8"), base64(json), 1_700_000_000_000 + index);
    format!(
        r#"{{"topic":"impressions","partition":0,"offset":{index},"timestamp":{time},"timestampType":"CREATE_TIME","key":"{key}","value":"{value}","headers":[{headers}]}}"#
    )
}

/// The same, with its fields in another order.
fn shuffled(index: usize, json: &str) -> String {
    let (key, value, time) = (base64("p8"), base64(json), 1_700_000_000_000 + index);
    format!(
        r#"{{"partition":0,"topic":"impressions","value":"{value}","key":"{key}","headers":[{{"headerKey":[104,101,97,100,101,114,86,97,108,117,101]}}],"timestampType":"CREATE_TIME","timestamp":{time},"offset":{index}}}"#
    )
}

fn base64(text: &str) -> String {
    base64_simd::STANDARD.encode_to_string(text)
}

/// The table, its time fed by one field or another.
fn renamed() -> Table {
    let mut table = table();
    if let Some(time) = table.columns.get_mut(table.event_time) {
        time.fields = vec!["timestamp".to_owned(), "ts".to_owned()];
    }
    table
}

/// A table of plain text, and as many records for it.
fn plain_text() -> (Table, String) {
    let hole = |slot, then: &str| Hole { slot, then: then.to_owned() };
    let holes = vec![hole(0, " clicked on "), hole(1, " at "), hole(2, "")];
    let columns = vec![
        Column::new("user_id", Type::BigInt, true),
        Column::new("url", Type::Text, true),
        Column::new("ts", Type::Timestamp, true),
    ];
    let format = Format::Text(Template { lead: "User ".to_owned(), holes });
    let record = |index: usize| {
        let (user, page) = (index * 7919 % 10_000, index * 31 % 1000);
        format!("User {user} clicked on /page{page} at 17000{index:05}.{:03}\n", index % 1000)
    };
    let table = Table { columns, format, key: Some(0), event_time: 2, ..table() };
    (table, (0..BATCH).map(record).collect())
}

/// The schema of the records as Avro.
const SCHEMA: &str = r#"{"type":"record","name":"Impression","fields":[
    {"name":"event_id","type":"string"},
    {"name":"type","type":{"type":"enum","name":"Kind","symbols":["impression","click"]}},
    {"name":"product_id","type":"string"},
    {"name":"user_id","type":["null","string"]},
    {"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}}]}"#;

fn schema() -> Arc<Schema> {
    Arc::new(Schema::parse(SCHEMA).expect("a schema"))
}

fn writers() -> Writers {
    let mut writers = Writers::default();
    writers.insert(SchemaId::Number(7), Ok(Written::Avro(schema())));
    writers
}

/// The table and the records as Avro, bare or in frames.
fn avro(is_framed: bool) -> (Table, Vec<RawBatch>) {
    let writer = if is_framed { Writer::Confluent } else { Writer::Schema(schema()) };
    let mut batch = RawBatch { topic: "impressions".to_owned(), ..RawBatch::default() };
    for (offset, index) in (0..).zip(0..BATCH) {
        let start = batch.bytes.len();
        if is_framed {
            batch.bytes.extend([0, 0, 0, 0, 7]);
        }
        avro_record(index, &mut batch.bytes);
        let value = start..batch.bytes.len();
        let (offset, timestamp) = (Offset::at(offset), Some(Timestamp(1_700_000_000_000)));
        batch.records.push(RawRecord { offset, timestamp, key: None, value, headers: 0..0, damage: None });
    }
    (Table { format: Format::Avro(writer), ..table() }, vec![batch])
}

/// What [`record`] writes, as Avro.
fn avro_record(index: usize, bytes: &mut Vec<u8>) {
    let (product, user, ts) = (index * 7919 % 100, index * 104_729 % 1000, 1_699_999_999_811 + index);
    text(&format!("e{index}"), bytes);
    long(usize::from(index.is_multiple_of(10)), bytes);
    text(&format!("p{product}"), bytes);
    long(1, bytes);
    text(&format!("u{user}"), bytes);
    long(ts, bytes);
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    long(text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

/// A number that is not negative.
fn long(number: usize, bytes: &mut Vec<u8>) {
    let mut rest = number << 1;
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
}

fn table() -> Table {
    let column = |name: &str, kind| Column::new(name, kind, true);
    Table {
        name: "impressions".to_owned(),
        topic: "impressions".to_owned(),
        columns: vec![
            column("event_id", Type::Text),
            column("type", Type::Text),
            column("product_id", Type::Text),
            column("user_id", Type::Text),
            column("ts", Type::Timestamp),
        ],
        format: Format::Json,
        key: Some(2),
        event_time: 4,
        watermark_delay: Millis(0),
        max_ahead: Millis::hours(1),
        entrance: Entrance::default(),
    }
}
