//! The engine over NDJSON files, in memory: the same absorb and close as on Lambda, to the end of
//! the input.

mod lines;
pub mod sample;

use std::{
    io::{self, BufRead, Write},
    num::NonZeroU32,
    sync::Arc,
};

use lines::{DEAD, LATE, LinePublisher};

use crate::{
    engine::{Absorbed, Engine, EngineError, Settings},
    event::NdjsonReader,
    publish::{PublishError, Standing, Topics},
    sql::{Catalog, Table},
    state::MemoryStore,
    time::{Clock, Offset, Timestamp},
};

/// What is read: a stream of lines for a topic, each a record of it: JSON or plain text, as its
/// table says.
pub struct Input {
    /// The topic whose records the lines are.
    pub topic: String,
    /// The lines.
    pub lines: Box<dyn BufRead + Send>,
}

/// Where results go, a line each.
pub struct Outputs {
    /// The views whose rows are wanted; all of them if none is named.
    pub views: Vec<String>,
    /// A line a firing: the view, the columns, the window, the revision.
    pub rows: Box<dyn Write + Send>,
    /// A line a late event: the view, the event's own fields (the whole as `text` where it is plain
    /// text), the watermark that it met.
    pub late: Box<dyn Write + Send>,
    /// A line a dead letter: topic, partition, offset, reason, value.
    pub dead: Box<dyn Write + Send>,
}

/// How the input is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// How many records a batch has.
    pub batch: usize,
    /// How many partitions each topic has.
    pub partitions: NonZeroU32,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many records were read.
    pub records: u64,
    /// How many rows were given out.
    pub rows: u64,
    /// How many events were late, a view each.
    pub late: u64,
    /// How many records were dead letters.
    pub dead: u64,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An input is not of any table's topic.
    #[error("no table describes topic {topic}; the tables' topics are {known}")]
    UnknownTopic {
        /// The topic.
        topic: String,
        /// Those that tables describe.
        known: String,
    },
    /// An input cannot have the topic's records.
    #[error(
        "the records of topic {topic} are {records} without a registry's frame, which lines cannot be; expected a table \
         with a format such as '{}-confluent', whose lines are JSON", records.to_ascii_lowercase()
    )]
    NoLines {
        /// The topic.
        topic: String,
        /// What they are.
        records: &'static str,
    },
    /// Reading failed.
    #[error("failed to read the events of topic {topic}")]
    Read {
        /// The topic.
        topic: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing failed.
    #[error("failed to write the results")]
    Write(#[source] io::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// An input that is being read.
struct Source<'t> {
    topic: &'t str,
    reader: NdjsonReader<'t, Box<dyn BufRead + Send>>,
    /// How far its events have come. The input that is furthest behind is read first, so that no
    /// more windows are open than need be.
    at: Timestamp,
}

/// Runs the views of a catalog over inputs; tells `progress` of every batch.
pub async fn run(
    mut catalog: Catalog,
    inputs: Vec<Input>,
    cut: Cut,
    outputs: Outputs,
    clock: Arc<dyn Clock>,
    mut progress: impl FnMut(&Absorbed),
) -> Result<Summary, RunError> {
    for view in &mut catalog.views {
        let is_wanted = outputs.views.is_empty() || outputs.views.contains(&view.name);
        view.options.topic = is_wanted.then(|| view.name.clone());
        view.options.sentence = None;
    }
    let catalog = Arc::new(catalog);
    let topics = FileTopics { partitions: cut.partitions };
    let publisher = LinePublisher::new(outputs, &catalog);
    let settings = Settings {
        dead_letter_topic: DEAD.into(),
        late_topic: LATE.into(),
        pages: false,
        ..Settings::default()
    };
    let engine = Engine::new(catalog.clone(), MemoryStore::new(), publisher, topics, clock, settings);
    let mut sources =
        inputs.into_iter().map(|input| open(&catalog, input, cut)).collect::<Result<Vec<_>, _>>()?;
    let mut summary = Summary::default();
    let read = sources.iter().map(|source| source.topic).collect::<Vec<_>>();
    for table in catalog.tables.iter().filter(|table| !read.contains(&table.topic.as_str())) {
        engine.end_topic(&table.topic).await?;
    }
    while let Some((index, source)) = sources.iter_mut().enumerate().min_by_key(|(_, source)| source.at) {
        let lines = source.reader.next_batch(cut.batch);
        let lines = lines.map_err(|error| RunError::Read { topic: source.topic.into(), source: error })?;
        let Some(lines) = lines else {
            engine.end_topic(source.topic).await?;
            sources.swap_remove(index);
            continue;
        };
        for batch in &lines.batches {
            let absorbed = engine.absorb(batch).await?;
            source.at = source.at.max(absorbed.largest.unwrap_or(source.at));
            summary.add(&absorbed);
            progress(&absorbed);
        }
        for (view, slice) in engine.horizons().await? {
            engine.store().drop_before(&view, slice);
        }
    }
    summary.rows += engine.finish().await?.rows;
    engine.publisher().flush().map_err(RunError::Write)?;
    Ok(summary)
}

impl Summary {
    fn add(&mut self, absorbed: &Absorbed) {
        self.records += absorbed.records;
        self.rows += absorbed.rows;
        self.late += absorbed.late;
        self.dead += absorbed.dead;
    }
}

fn open(catalog: &Catalog, input: Input, cut: Cut) -> Result<Source<'_>, RunError> {
    let table: Option<&Table> = catalog.table_of_topic(&input.topic);
    let table = table.ok_or_else(|| RunError::UnknownTopic {
        topic: input.topic.clone(),
        known: catalog.tables.iter().map(|t| t.topic.as_str()).collect::<Vec<_>>().join(", "),
    })?;
    if let Some(records) = table.format.bare() {
        return Err(RunError::NoLines { topic: input.topic, records });
    }
    let reader = NdjsonReader::new(input.lines, table, cut.partitions);
    Ok(Source { topic: &table.topic, reader, at: Timestamp::MIN })
}

/// Every topic has as many partitions as was asked for.
struct FileTopics {
    partitions: NonZeroU32,
}

impl Topics for FileTopics {
    async fn partitions(&self, _topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some((0..i32::try_from(self.partitions.get()).unwrap_or(i32::MAX)).collect()))
    }

    async fn standing(&self, _topic: &str, _partition: i32, _next: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}
