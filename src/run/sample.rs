//! Views over a sample of their topics, in memory: what they would give, before they are deployed.
//!
//! The same absorb and close as everywhere. What is bounded: how long it may take, and how many rows of a
//! view are kept (the newest). A sample begins somewhere in the middle of its topics, and with each
//! partition elsewhere: what is older than the youngest of these beginnings is left out, so that no
//! window has the clicks of a time whose impressions are not there.

mod kept;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use serde_json::{Map, Value as Json};

use self::kept::{DEAD, Kept, LATE};
use crate::{
    backfill::Tail,
    engine::{Engine, EngineError, Settings},
    event::{RawBatch, RawRecord},
    publish::{PublishError, Standing, Topics},
    schemas::Schemas,
    sql::Catalog,
    state::MemoryStore,
    time::{Clock, Offset, Timestamp},
};

/// How many records are absorbed at once: time is looked at in between.
const BATCH: usize = 500;
/// What a run over a sample may take.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How long.
    pub time: Duration,
    /// How many rows of each view are kept.
    pub rows: usize,
    /// Set by somebody who does not want the result any more.
    pub is_cancelled: Arc<AtomicBool>,
}

/// What views gave over a sample.
#[derive(Clone, Debug, Default)]
pub struct Sampled {
    /// The rows of each view, in the order in which they were given, without those that others replaced.
    pub rows: BTreeMap<String, Rows>,
    /// How many records were used, by topic.
    pub records: BTreeMap<String, u64>,
    /// From when on the sample has all that was in the topics; none where it has everything.
    pub from: Option<Timestamp>,
    /// The largest event time.
    pub to: Option<Timestamp>,
    /// How many events were late, a view each.
    pub late: u64,
    /// How many records did not fit their table.
    pub dead: u64,
    /// The first of them: topic, partition, offset, reason, value.
    pub dead_letters: Vec<Json>,
    /// Whether time was up before the sample was through.
    pub is_cut_short: bool,
}

/// The rows of a view.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// How many there were, with those that were not kept.
    pub total: u64,
    /// The newest, as they are published.
    pub kept: Vec<Map<String, Json>>,
}

/// Runs some views of a catalog over the newest records of their topics. Blocks no longer than the bounds
/// say, or than a batch takes; there is nothing to wait for, so run it where it may compute.
pub async fn sample(
    mut catalog: Catalog,
    views: &[String],
    tails: Vec<Tail>,
    schemas: Schemas,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
) -> Result<Sampled, EngineError> {
    let kept = Kept::new(bounds);
    for view in &mut catalog.views {
        view.options.topic = views.contains(&view.name).then(|| view.name.clone());
        view.options.sentence = None;
    }
    let catalog = Arc::new(catalog);
    let (from, mut queue) = cut(tails);
    let topics = SampleTopics::of(&queue);
    let settings = Settings {
        dead_letter_topic: DEAD.into(),
        late_topic: LATE.into(),
        pages: false,
        ..Settings::default()
    };
    let engine = Engine::new(Arc::clone(&catalog), MemoryStore::new(), kept, topics, clock, settings);
    let engine = engine.with_schemas(schemas);
    let mut sampled = Sampled { from, ..Sampled::default() };
    match absorb(&engine, &mut queue, &mut sampled).await {
        Err(_) if engine.publisher().is_over() => sampled.is_cut_short = true,
        ended => ended?,
    }
    engine.publisher().give(&mut sampled);
    Ok(sampled)
}

type SampleEngine = Engine<MemoryStore, Kept, SampleTopics>;

/// Gives the engine all that there is, the partition that is furthest behind first.
async fn absorb(
    engine: &SampleEngine,
    queue: &mut Vec<Part>,
    sampled: &mut Sampled,
) -> Result<(), EngineError> {
    for table in &engine.catalog().tables {
        if !queue.iter().any(|part| part.batch.topic == table.topic) {
            engine.end_topic(&table.topic).await?;
        }
    }
    while let Some((index, part)) = queue.iter_mut().enumerate().min_by_key(|(_, part)| part.at) {
        let batch = part.next();
        if batch.records.is_empty() {
            let topic = queue.swap_remove(index).batch.topic;
            if !queue.iter().any(|part| part.batch.topic == topic) {
                engine.end_topic(&topic).await?;
            }
            continue;
        }
        let absorbed = engine.absorb(&batch).await?;
        part.at = part.at.max(absorbed.largest.unwrap_or(part.at));
        *sampled.records.entry(batch.topic).or_default() += absorbed.records;
        sampled.to = sampled.to.max(absorbed.largest);
        sampled.late += absorbed.late;
        sampled.dead += absorbed.dead;
        engine.publisher().go_on()?;
    }
    engine.finish().await.map(drop)
}

/// A partition's records, and how far they are given out.
struct Part {
    batch: RawBatch,
    given: usize,
    at: Timestamp,
}

impl Part {
    /// The next few; none at the end.
    fn next(&mut self) -> RawBatch {
        let end = (self.given + BATCH).min(self.batch.records.len());
        let records = self.batch.records.get(self.given..end).unwrap_or_default();
        self.given = end;
        of_records(&self.batch, records)
    }
}

/// A batch of some records of another.
fn of_records(batch: &RawBatch, records: &[RawRecord]) -> RawBatch {
    let mut bytes = Vec::new();
    let mut copy = |range: std::ops::Range<usize>| {
        let start = bytes.len();
        bytes.extend_from_slice(batch.bytes.get(range).unwrap_or_default());
        start..bytes.len()
    };
    let records = records.iter().map(|record| RawRecord {
        key: record.key.clone().map(&mut copy),
        value: copy(record.value.clone()),
        headers: copy(record.headers.clone()),
        ..record.clone()
    });
    let records = records.collect();
    RawBatch { topic: batch.topic.clone(), partition: batch.partition, records, bytes }
}

/// Leaves out what came before the youngest beginning of a partition whose older records are not in the
/// sample. Gives the time of that, if there is one: the broker's, which rises within a partition.
fn cut(tails: Vec<Tail>) -> (Option<Timestamp>, Vec<Part>) {
    let begins = tails.iter().filter(|tail| tail.is_cut);
    let from = begins.filter_map(|tail| tail.batch.records.first()?.timestamp).max();
    let is_kept = |record: &&RawRecord| from.is_none_or(|from| record.timestamp.is_none_or(|at| at >= from));
    let parts = tails.into_iter().map(|Tail { batch, .. }| {
        let records: Vec<RawRecord> = batch.records.iter().filter(is_kept).cloned().collect();
        Part { batch: of_records(&batch, &records), given: 0, at: Timestamp::MIN }
    });
    (from, parts.collect())
}

/// Every topic has the partitions that the sample has.
struct SampleTopics(HashMap<String, i32>);

impl SampleTopics {
    fn of(parts: &[Part]) -> Self {
        let mut topics = HashMap::new();
        for Part { batch, .. } in parts {
            let count: &mut i32 = topics.entry(batch.topic.clone()).or_default();
            *count = (*count).max(batch.partition + 1);
        }
        Self(topics)
    }
}

impl Topics for SampleTopics {
    async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some((0..self.0.get(topic).copied().unwrap_or(1)).collect()))
    }

    async fn standing(&self, _topic: &str, _partition: i32, _next: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}
