//! The promise of Kinesis: a job that is fed by streams has the rows of one that is fed by Kafka, whatever
//! dies, however batches are cut, whatever is delivered twice, and when shards are split and merged.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod faults;
mod redelivery;
mod support {
    pub(crate) mod catalog;
}

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, Mutex},
};

use md5::{Digest as _, Md5};
use redelivery::{
    Log, Redelivery, Seen, VIEWS, World, block_on, dies_everywhere, faultless, kafka, logs, survives_chaos,
};
use serde_json::{Value as Json, json};
use weir::{
    engine::{Absorbed, Engine, Settings},
    event::{self, RawBatch},
    handlers,
    publish::{MemoryPublisher, Message, PublishError, Publisher, Standing, Topics},
    state::MemoryStore,
    time::{ManualClock, Millis, Offset, Timestamp},
};

/// How many events the records of a shard have, in turns: those with more than one are aggregates.
const EVENTS: [usize; 5] = [1, 1, 3, 1, 2];

/// The records that have some of a log's events, each with the events that it has.
fn records(range: Range<usize>, len: usize) -> Vec<(usize, Range<usize>)> {
    let ends = EVENTS.iter().cycle().scan(0, |end, events| {
        *end += events;
        Some(*end - events..*end)
    });
    let records =
        ends.map(|events| events.start..events.end.min(len)).take_while(|events| events.start < len);
    let touches = |events: &Range<usize>| events.start < range.end && range.start < events.end;
    (0..).zip(records).filter(|(_, events)| touches(events)).collect()
}

/// A record's sequence number: they rise, by nothing that one could count by.
fn sequence(record: usize) -> String {
    format!("4959033827149025660855969253836157{:022}", 7 + record * record * 1_000_000_007)
}

/// What the Kinesis Producer Library makes of events, all of one key.
fn aggregate(events: &[String]) -> Vec<u8> {
    let mut message = vec![1 << 3 | 2, 1, b'k'];
    for event in events {
        let len = u8::try_from(event.len()).unwrap();
        assert!(len < 0x7b);
        message.extend([3 << 3 | 2, len + 4, 1 << 3, 0, 3 << 3 | 2, len]);
        message.extend_from_slice(event.as_bytes());
    }
    [&[0xf3, 0x89, 0x9a, 0xc2], &message[..], Md5::digest(&message).as_slice()].concat()
}

/// A Lambda event of the records that have some of a log's events.
fn payload(shard: usize, log: &Log, range: Range<usize>) -> String {
    let record = |(record, events): (usize, Range<usize>)| {
        let events: Vec<_> =
            log[events].iter().map(|(n, k, ts)| format!(r#"{{"n":{n},"k":{k},"ts":{ts}}}"#)).collect();
        let data = if let [event] = &events[..] { event.clone().into_bytes() } else { aggregate(&events) };
        let sequence = sequence(record);
        json!({
            "eventSource": "aws:kinesis", "eventID": format!("shardId-{shard:012}:{sequence}"),
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/events",
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": sequence,
                "data": base64_simd::STANDARD.encode_to_string(data), "approximateArrivalTimestamp": 1e7,
            },
        })
    };
    json!({"Records": records(range, log.len()).into_iter().map(record).collect::<Vec<_>>()}).to_string()
}

fn kinesis(shard: usize, log: &Log, range: Range<usize>) -> RawBatch {
    event::parse(payload(shard, log, range).as_bytes()).unwrap().remove(0)
}

/// The event of a log that stands at a place in its shard.
fn index(len: usize, place: &str) -> usize {
    let (number, event) =
        place.split_once(':').map_or((place, None), |(number, event)| (number, Some(event)));
    let (_, events) =
        records(0..len, len).into_iter().find(|(record, _)| sequence(*record) == number).unwrap();
    event.map_or(events.end - 1, |event| events.start + event.parse::<usize>().unwrap())
}

/// With Kafka's offsets instead of sequence numbers.
fn numbered(seen: Seen, logs: &[Log]) -> Seen {
    let renumber = |(_, mut row): (String, Json)| {
        if let Some(record) = row["source_record"].as_str() {
            let (partition, place) = record.split_once('@').unwrap();
            let log = &logs[partition.rsplit_once('-').unwrap().1.parse::<usize>().unwrap()];
            row["source_record"] = format!("{partition}@{}", index(log.len(), place)).into();
        }
        let names = ["view", "k", "window_start", "window_end", "source_record"];
        (names.map(|name| row[name].to_string()).join(" "), row)
    };
    Seen { published: seen.published.into_iter().map(renumber).collect(), ..seen }
}

#[test]
fn rows_are_those_of_a_job_that_kafka_feeds() {
    for view in VIEWS {
        for (partitions, jitter) in [(1, 12_000), (3, 2000)] {
            let logs = logs(11, partitions, 60, jitter);
            let (expected, _) = block_on(faultless(kafka, view, &logs, 6));
            let (seen, _) = block_on(faultless(kinesis, view, &logs, 6));
            assert_eq!(numbered(seen, &logs), expected, "{view}, {partitions} shards");
        }
    }
}

#[test]
fn with_one_shard_the_cut_makes_no_difference() {
    for view in VIEWS {
        let logs = logs(12, 1, 60, 12_000);
        let (expected, _) = block_on(faultless(kinesis, view, &logs, 60));
        for size in [1, 7] {
            assert_eq!(block_on(faultless(kinesis, view, &logs, size)).0, expected, "{view}, {size}");
        }
    }
}

#[test]
fn a_process_dies_at_every_call_and_its_batch_comes_again() {
    for view in VIEWS {
        dies_everywhere(kinesis, view, 1, 12_000, Redelivery::Same);
        dies_everywhere(kinesis, view, 1, 12_000, Redelivery::Recut);
        dies_everywhere(kinesis, view, 1, 12_000, Redelivery::Rewound);
        dies_everywhere(kinesis, view, 1, 12_000, Redelivery::Twice);
    }
}

#[test]
fn shards_survive_chaos() {
    survives_chaos(kinesis, 0..100, 1, 15_000);
    survives_chaos(kinesis, 1000..1060, 3, 2000);
}

/// A process dies that has counted records, Lambda gives these up, and the batch behind them is counted.
#[test]
fn records_that_lambda_gave_up_on_cost_no_others() {
    let logs = logs(13, 1, 60, 0);
    let count = |world: &World| {
        let seen = block_on(world.seen());
        seen.published.values().map(|row| row["events"].as_u64().unwrap()).sum::<u64>()
    };
    let (_, calls) = block_on(faultless(kinesis, VIEWS[0], &logs, 60));
    for call in 1..=calls {
        let world = World::new(kinesis, VIEWS[0], 1);
        let dies = world.process(&faults::Fate::dies_at(call, true));
        let is_taken = block_on(dies.absorb(&kinesis(0, &logs[0], 0..8))).is_ok();
        // Lambda's retries are used up: the next batch.
        let engine = world.process(&faults::Fate::lives(0));
        let absorbed = block_on(engine.absorb(&kinesis(0, &logs[0], 8..60))).unwrap();
        assert_eq!((absorbed.accepted, absorbed.skipped), (52, 0), "died at call {call}");
        let counted = count(&world);
        assert!(
            counted == 60 || (!is_taken && (52..60).contains(&counted)),
            "died at call {call}: {counted}"
        );
    }
}

/// A stream of which shards are split and merged.
#[derive(Clone, Default)]
struct Stream {
    open: Arc<Mutex<Vec<i32>>>,
    rows: Arc<MemoryPublisher>,
    fails: Arc<Mutex<bool>>,
}

impl Publisher for Stream {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        if *self.fails.lock().unwrap() {
            return Err(PublishError {
                action: "publish to",
                topic: "any".into(),
                source: "throttled".into(),
            });
        }
        self.rows.publish(messages).await
    }
}

impl Topics for Stream {
    async fn partitions(&self, _: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some(self.open.lock().unwrap().clone()))
    }
    async fn standing(&self, _: &str, shard: i32, _: Offset) -> Result<Standing, PublishError> {
        // Who is closed was read to its end before its children were.
        let is_open = self.open.lock().unwrap().contains(&shard);
        Ok(if is_open { Standing::Behind } else { Standing::CaughtUp })
    }
}

struct Job {
    stream: Stream,
    clock: Arc<ManualClock>,
    engine: Engine<Arc<MemoryStore>, Stream, Stream>,
}

impl Job {
    fn new(view: &str, open: &[i32]) -> Self {
        let stream = Stream::default();
        stream.reshard(open);
        let clock = Arc::new(ManualClock::at(Timestamp(10_000_000)));
        let (catalog, store) = (redelivery::views(view), Arc::default());
        let settings = Settings::default();
        let engine = Engine::new(catalog, store, stream.clone(), stream.clone(), clock.clone(), settings);
        Self { stream, clock, engine }
    }

    fn absorb(&self, shard: usize, log: &Log, range: Range<usize>) -> Absorbed {
        block_on(self.engine.absorb(&kinesis(shard, log, range))).unwrap()
    }

    /// The newest row of each key and window, as counted events.
    fn rows(&self) -> BTreeMap<(i64, i64), (u64, i64)> {
        let mut rows = BTreeMap::new();
        for message in self.stream.rows.take() {
            assert_eq!(message.topic, "results", "nothing is late");
            let row: Json = serde_json::from_slice(&message.payload).unwrap();
            let window = row["window_end"].as_i64().unwrap_or(0);
            let counted = (row["events"].as_u64().unwrap(), row["total"].as_i64().unwrap());
            let newest = rows.entry((row["k"].as_i64().unwrap(), window)).or_insert(counted);
            *newest = counted.max(*newest);
        }
        rows
    }
}

impl Stream {
    fn reshard(&self, open: &[i32]) {
        *self.open.lock().unwrap() = open.to_vec();
    }
}

/// Events per key and window of 10 s, or per key.
fn oracle<'l>(
    logs: impl Iterator<Item = &'l (i64, i64, i64)>,
    size: Option<i64>,
) -> BTreeMap<(i64, i64), (u64, i64)> {
    let mut rows = BTreeMap::new();
    for (n, k, ts) in logs {
        let end = size.map_or(0, |size| (ts.div_euclid(size) + 1) * size);
        let (events, total): &mut (u64, i64) = rows.entry((*k, end)).or_default();
        (*events, *total) = (*events + 1, *total + n);
    }
    rows
}

/// One shard is split in two, by key, and those are merged again.
fn reshards(view: &str, size: Option<i64>) {
    let all = &logs(14, 1, 90, 2000)[0];
    let (parent, (rest, merged)) = (all[..30].to_vec(), all[30..].split_at(30));
    let job = Job::new(view, &[0]);
    for from in (0..30).step_by(7) {
        job.absorb(0, &parent, from..(from + 7).min(30));
    }
    // A warm process learns of it by the first batch of a child.
    job.stream.reshard(&[1, 2]);
    let children: Vec<Log> = [0, 1]
        .map(|odd| rest.iter().filter(|(_, k, _)| (k % 2 == 1) == (odd == 1)).copied().collect())
        .to_vec();
    for from in (0..30).step_by(4) {
        for (shard, log) in (1..).zip(&children) {
            let range = from.min(log.len())..(from + 4).min(log.len());
            if !range.is_empty() {
                job.absorb(shard, log, range);
            }
        }
    }
    job.stream.reshard(&[3]);
    job.absorb(3, &merged.to_vec(), 0..30);
    block_on(job.engine.finish()).unwrap();
    assert_eq!(job.rows(), oracle(all.iter(), size), "{view}");
}

#[test]
fn splitting_and_merging_shards_makes_no_difference() {
    reshards(VIEWS[0], Some(10_000));
    // Rows so far: a key's events are in several shards by now.
    reshards(VIEWS[5], None);
}

#[test]
fn a_shard_that_ended_holds_nothing_back() {
    let all = &logs(15, 1, 60, 0)[0];
    let job = Job::new(VIEWS[0], &[0]);
    job.absorb(0, &all[..30].to_vec(), 0..30);
    job.stream.reshard(&[1]);
    let child = all[30..].to_vec();
    job.absorb(1, &child, 0..30);
    let reached = |rows: BTreeMap<(i64, i64), _>| rows.keys().map(|(_, end)| *end).max().unwrap();
    let split = all[29].2;
    assert!(reached(job.rows()) <= split, "the parent holds W, for all that one can know");
    job.clock.advance(Millis::minutes(5));
    let swept = block_on(job.engine.sweep()).unwrap();
    assert_eq!(swept.idle, 1);
    assert_eq!(reached(job.rows()), (all[59].2 - 2000).div_euclid(10_000) * 10_000);
}

/// Which windows are closed must not depend on how quickly a child is heard of.
#[test]
fn children_that_were_not_heard_of_hold_the_watermark() {
    let all = &logs(16, 1, 60, 0)[0];
    let job = Job::new(VIEWS[0], &[0]);
    job.absorb(0, &all[..30].to_vec(), 0..30);
    job.stream.reshard(&[1, 2]);
    let of = |odd: bool| all[30..].iter().filter(|(_, k, _)| (k % 2 == 1) == odd).copied().collect::<Log>();
    // The parent is idle, and one child is ahead of the other, which comes a minute later.
    job.clock.advance(Millis::minutes(5));
    block_on(job.engine.sweep()).unwrap();
    let (even, odd) = (of(false), of(true));
    job.absorb(1, &even, 0..even.len());
    job.absorb(2, &odd, 0..odd.len());
    block_on(job.engine.finish()).unwrap();
    assert_eq!(job.rows(), oracle(all.iter(), Some(10_000)));
}

#[test]
fn what_fails_is_asked_for_again() {
    let all = &logs(17, 1, 60, 0)[0];
    let job = Job::new(VIEWS[0], &[0]);
    let deliver = |payload: String| {
        let answer = block_on(handlers::window(&job.engine, payload.as_bytes()));
        answer
            .map(|answer| serde_json::to_value(answer).unwrap())
            .map_err(|error| weir::error::causes(&error))
    };
    let taken = Ok(json!({"batchItemFailures": []}));
    assert_eq!(deliver(payload(0, all, 0..8)), taken);
    *job.stream.fails.lock().unwrap() = true;
    let error = deliver(payload(0, all, 8..60)).unwrap_err();
    assert!(error.starts_with("failed to absorb the records of events-0: failed to publish to"), "{error}");
    // Of two shards one has nothing to publish: an event that is on time, of a window that is not due.
    let other = (1, 1, all[..8].iter().map(|(_, _, ts)| *ts).max().unwrap());
    let mut both: Json = serde_json::from_str(&payload(0, all, 8..60)).unwrap();
    let second: Json = serde_json::from_str(&payload(1, &vec![other], 0..1)).unwrap();
    both["Records"].as_array_mut().unwrap().push(second["Records"][0].clone());
    let again = Ok(json!({"batchItemFailures": [{"itemIdentifier": sequence(5)}]}));
    assert_eq!(deliver(both.to_string()), again, "from the first record of the batch on");
    *job.stream.fails.lock().unwrap() = false;
    assert_eq!(deliver(payload(0, all, 8..60)), taken);
    block_on(job.engine.finish()).unwrap();
    let events = all.iter().chain([&other]);
    assert_eq!(job.rows(), oracle(events, Some(10_000)));
}

/// A topic that was Kafka's is a stream now.
#[test]
fn a_topic_may_move_from_kafka() {
    let all = &logs(18, 1, 60, 0)[0];
    let world = World::new(kafka, VIEWS[0], 1);
    let engine = world.process(&faults::Fate::lives(0));
    block_on(engine.absorb(&kafka(0, all, 0..20))).unwrap();
    let rest = all[20..].to_vec();
    let absorbed = block_on(engine.absorb(&kinesis(0, &rest, 0..40))).unwrap();
    assert_eq!((absorbed.accepted, absorbed.skipped), (40, 0));
    let seen = block_on(world.seen());
    let ends: BTreeSet<_> = seen.published.values().map(|row| row["window_end"].to_string()).collect();
    let events: u64 = seen.published.values().map(|row| row["events"].as_u64().unwrap()).sum();
    assert!(events == 60 && ends.len() > 5);
}
