//! Views of every kind, rows of theirs, and sinks.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use serde_json::{Value as Json, json};
use weir::{
    event::{self, RawBatch},
    publish::{MemoryPublisher, Message, PublishError, Publisher},
    sink::{Limits, Settings, Sink, SinkError, Sunk, Target},
    sql::Catalog,
    time::{Clock as _, Millis, SystemClock},
};

use crate::catalog::catalog;

/// 2026-11-21T00:00:00Z.
pub(crate) const DAY: i64 = 1_795_219_200_000;

/// A view of every type; one without windows; one that hides a key; one of events; one of alerts.
pub(crate) const SQL: &str = "
CREATE TABLE events (
  k TEXT NOT NULL, country TEXT, n BIGINT, x DOUBLE, b BOOLEAN, t TIMESTAMP, ts TIMESTAMP NOT NULL
) WITH (topic = 'events', key = 'k', event_time = 'ts');
CREATE VIEW things WITH (topic = 'things') AS
SELECT k, max(n) AS n, max(x) AS x, bool_or(b) AS b, max(t) AS t, array_agg(DISTINCT n) AS list
FROM events GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE);
CREATE VIEW so_far WITH (topic = 'so_far') AS SELECT k, count(*) AS n FROM events GROUP BY k;
CREATE VIEW hidden WITH (topic = 'hidden') AS
SELECT count(*) AS n FROM events GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE);
CREATE VIEW countries WITH (topic = 'countries') AS
SELECT country, count(*) AS n FROM events GROUP BY country, TUMBLE(ts, INTERVAL '1' MINUTE);
CREATE VIEW many WITH (alert = true) AS
SELECT k, 'HIGH' AS severity, 'many' AS rule, count(*) AS n
FROM events GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE) HAVING count(*) > 9;
CREATE VIEW large WITH (topic = 'large') AS SELECT k, n AS \"date\" FROM events WHERE n > 99;
";

/// A row of `things`, of the minute `at`.
pub(crate) fn thing(k: &str, at: i64, revision: u32) -> Json {
    let start = DAY + at * 60_000;
    json!({"view": "things", "k": k, "n": at, "x": 0.1, "b": true, "t": start + 7, "list": [1, 2],
           "window_start": start, "window_end": start + 60_000, "revision": revision})
}

/// Records of partition 0 of a topic from an offset on.
pub(crate) fn batch(topic: &str, first: i64, values: &[impl ToString]) -> Vec<RawBatch> {
    let encode = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let record = |(offset, value): (i64, &_)| {
        json!({"topic": topic, "partition": 0, "offset": offset, "timestamp": DAY + 3_600_000,
               "timestampType": "CREATE_TIME", "key": encode("k,1"), "value": encode(&ToString::to_string(value)),
               "headers": []})
    };
    let records: Vec<_> = (first..).zip(values).map(record).collect();
    let key = format!("{topic}-0");
    let payload = json!({"eventSource": "aws:kafka", "records": {key: records}}).to_string();
    event::parse(payload.as_bytes()).unwrap()
}

/// Patience that suits a test.
pub(crate) fn limits() -> Limits {
    Limits {
        attempts: 3.try_into().unwrap(),
        timeout: Duration::from_millis(500),
        first_pause: Duration::from_millis(10),
    }
}

pub(crate) fn settings(targets: &str) -> Settings {
    Settings { targets: Target::list(targets).unwrap(), limits: limits(), ..Settings::default() }
}

pub(crate) fn url_of(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// A topic for dead letters that may refuse them.
#[derive(Clone, Default)]
pub(crate) struct Letters {
    pub(crate) kept: Arc<MemoryPublisher>,
    pub(crate) refusals: Arc<AtomicUsize>,
}

impl Publisher for Letters {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        let less = |left: usize| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            let (topic, source) = (messages[0].topic.clone(), "no broker".into());
            return Err(PublishError { action: "publish to", topic, source });
        }
        self.kept.publish(messages).await
    }
}

/// A sink, and the dead letters that it published.
pub(crate) struct Stand {
    pub(crate) sink: Sink<Letters>,
    pub(crate) letters: Letters,
}

impl Stand {
    pub(crate) async fn new(targets: &str) -> Self {
        Self::of(targets, &catalog(SQL)).await
    }

    pub(crate) async fn of(targets: &str, catalog: &Catalog) -> Self {
        let letters = Letters::default();
        let sink =
            Sink::connect(settings(targets), catalog, letters.clone(), Arc::new(SystemClock)).await.unwrap();
        Self { sink, letters }
    }

    /// Writes with a minute's time.
    pub(crate) async fn sink(&self, batches: &[RawBatch]) -> Sunk {
        self.try_sink(batches).await.unwrap()
    }

    pub(crate) async fn try_sink(&self, batches: &[RawBatch]) -> Result<Sunk, SinkError> {
        self.sink.sink(batches, SystemClock.now() + Millis::minutes(1)).await
    }
}

/// The Parquet files below a folder and their rows, by paths relative to it.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<Json>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, rows(std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// The rows of all files below a folder, without where they stood in their topic.
pub(crate) fn all_rows(folder: &Path) -> Vec<Json> {
    files(folder).into_values().flatten().map(bare).collect()
}

/// A row without where it stood in its topic.
pub(crate) fn bare(mut row: Json) -> Json {
    row.as_object_mut().unwrap().retain(|name, _| !name.starts_with("weir_"));
    row
}

/// The rows of a Parquet file as its own reader tells them.
pub(crate) fn rows(file: Vec<u8>) -> Vec<Json> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let json = |field: Field| match field {
        Field::Null => Json::Null,
        Field::Bool(it) => it.into(),
        Field::Long(it) | Field::TimestampMillis(it) => it.into(),
        Field::Double(it) => it.into(),
        Field::Str(it) => it.into(),
        other => panic!("a value of another type: {other:?}"),
    };
    let row = |row: parquet::record::Row| {
        row.into_columns().into_iter().map(|(name, field)| (name, json(field))).collect::<Json>()
    };
    reader.get_row_iter(None).unwrap().map(|found| row(found.unwrap())).collect()
}
