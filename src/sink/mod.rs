//! Rows to stores that are queried: Parquet files in a folder or on S3, tables of ClickHouse.
//!
//! A batch of result topics goes to every target. A write is tried again while that may help and the
//! invocation's time lasts; where a target does not take it, the invocation fails and the batch comes again,
//! so that no row is passed over. What is no row of a view is a dead letter, and the rest goes on.
//!
//! **Once.** A row has an identity: its key and window, or the record that it is of. What is written follows from
//! the records alone, and whoever writes it again, writes it to the same place: a file of the same name, an
//! insert of the same token. A batch that comes again *cut differently* is written beside; it is the same
//! rows of the same revisions, of which every reader takes one, as it takes the highest revision of a row that
//! fired anew: by `FINAL` in ClickHouse, by a view in DuckDB and Athena ([`schema`]), by [`compact`] for good.
//!
//! | file | is |
//! | --- | --- |
//! | `shape` | a view's rows as columns, and what tells them apart |
//! | `row`, `chunk` | records to rows, and those of one table together |
//! | `target` | where rows go |
//! | `lake`, `parquet` | files: their names, their format, their compaction; on S3 with the feature `sink-s3` |
//! | `clickhouse` | tables and inserts |
//! | `schema` | what tells DuckDB and Athena of the files |

mod chunk;
mod clickhouse;
mod lake;
mod letter;
mod parquet;
mod row;
mod schema;
mod shape;
mod target;

use std::{io, sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

pub use crate::{http::Limits, targets::TargetError};
pub use lake::{CompactError, Compacted, NoS3, Scope, compact};
pub use schema::{Reader, Statement, UnknownReader, schema};
pub use shape::ShapeError;
pub use target::Target;

use self::{
    chunk::Chunk,
    clickhouse::ClickHouse,
    lake::{Buckets, Folder, Store},
    shape::Shape,
    target::Place,
};
use crate::{
    event::RawBatch,
    http::{AGENT, Failure, Http},
    publish::{PublishError, Publisher, SINK_DEAD_LETTERS},
    sql::Catalog,
    time::{Clock, Timestamp},
};

/// The longest that an invocation may last, for deadlines that lie further ahead.
const LONGEST: Duration = Duration::from_hours(24);
/// What is kept of an invocation's time for its dead letters, at most; never more than a quarter.
const RESERVE: Duration = Duration::from_secs(5);
/// The most characters of a reason.
const MAX_REASON: usize = 1000;

/// Where rows go and how hard to try.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they go.
    pub targets: Vec<Target>,
    /// The topic of what is no row.
    pub dead_letter_topic: String,
    /// How hard to try.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        let (targets, limits) = (Vec::new(), Limits::default());
        Self { targets, dead_letter_topic: SINK_DEAD_LETTERS.to_owned(), limits }
    }
}

/// What became of the records of some batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sunk {
    /// How many were rows; every target has them.
    pub rows: usize,
    /// How many are dead letters.
    pub dead: usize,
}

/// A batch was not carried away. It is to be repeated, as a whole.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A target did not take the rows of a partition.
    #[error("failed to write rows of {table} from {topic}-{partition} to {target}: {reason}")]
    Target {
        /// The target, without its secrets.
        target: String,
        /// The view.
        table: String,
        /// The topic.
        topic: String,
        /// The partition's number.
        partition: i32,
        /// Why, without any secret.
        reason: String,
    },
    /// The dead letters could not be kept.
    #[error("failed to keep what is no row")]
    Letters(#[from] PublishError),
}

/// A sink cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A view cannot be a table.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The system has no certificates to check servers by.
    #[error("failed to set up TLS")]
    Tls(#[from] io::Error),
    /// A target is on S3.
    #[error(transparent)]
    NoS3(#[from] NoS3),
}

/// Carries rows to its targets.
pub struct Sink<P> {
    shapes: Vec<Shape>,
    lanes: Vec<Lane>,
    settings: Settings,
    publisher: P,
    clock: Arc<dyn Clock>,
}

/// A target and how to reach it.
struct Lane {
    target: Target,
    carrier: Carrier,
}

enum Carrier {
    Lake(Store),
    ClickHouse(Box<ClickHouse>),
}

impl<P: Publisher> Sink<P> {
    /// A sink that reaches AWS as the environment says.
    pub async fn connect(
        settings: Settings,
        catalog: &Catalog,
        publisher: P,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let is_bucket = |target: &Target| matches!(target.0, Place::Bucket(_));
        let buckets = Buckets::of_environment(settings.targets.iter().any(is_bucket)).await;
        Self::over(settings, catalog, publisher, clock, &buckets)
    }

    /// As [`Sink::connect`], and reaches AWS as `aws` says.
    #[cfg(feature = "sink-s3")]
    pub fn with_aws(
        settings: Settings,
        catalog: &Catalog,
        publisher: P,
        clock: Arc<dyn Clock>,
        aws: &aws_config::SdkConfig,
    ) -> Result<Self, SetupError> {
        Self::over(settings, catalog, publisher, clock, &Buckets(aws.clone()))
    }

    fn over(
        settings: Settings,
        catalog: &Catalog,
        publisher: P,
        clock: Arc<dyn Clock>,
        buckets: &Buckets,
    ) -> Result<Self, SetupError> {
        let lanes = settings.targets.iter().map(|target| Lane::new(target, buckets));
        let lanes = lanes.collect::<Result<_, _>>()?;
        Ok(Self { shapes: Shape::all(catalog)?, lanes, settings, publisher, clock })
    }

    /// Writes the rows of some batches; returns shortly before the deadline at the latest.
    pub async fn sink(&self, batches: &[RawBatch], deadline: Timestamp) -> Result<Sunk, SinkError> {
        let (chunks, poison) = chunk::read(&self.shapes, batches);
        let end = self.end(deadline);
        let writes: Vec<_> = self.lanes.iter().map(|lane| self.write(lane, &chunks, end)).collect();
        join_all(writes).await.into_iter().collect::<Result<(), _>>()?;
        let (records, dead) = (batches.iter().map(|batch| batch.records.len()).sum::<usize>(), poison.len());
        if dead > 0 {
            let topic = &self.settings.dead_letter_topic;
            self.publisher
                .publish(poison.iter().map(|poison| letter::poison(topic, poison)).collect())
                .await?;
        }
        Ok(Sunk { rows: records - dead, dead })
    }

    /// All chunks to one target. The first that fails ends it: all of them come again.
    async fn write(&self, lane: &Lane, chunks: &[Chunk<'_>], end: Instant) -> Result<(), SinkError> {
        for chunk in chunks {
            let written = lane.write(chunk, self.settings.limits, end, self.clock.now()).await;
            written.map_err(|failure| lane.failed(chunk, &failure))?;
        }
        Ok(())
    }

    /// When writes have to end.
    fn end(&self, deadline: Timestamp) -> Instant {
        let left = u64::try_from((deadline - self.clock.now()).0).map(Duration::from_millis);
        let left = left.unwrap_or_default().min(LONGEST);
        Instant::now() + left.saturating_sub(RESERVE.min(left / 4))
    }
}

impl Lane {
    fn new(target: &Target, buckets: &Buckets) -> Result<Self, SetupError> {
        let carrier = match &target.0 {
            Place::Folder(path) => Carrier::Lake(Store::Folder(Folder(path.clone()))),
            Place::Bucket(bucket) => Carrier::Lake(buckets.open(bucket)?),
            Place::ClickHouse(database) => {
                Carrier::ClickHouse(Box::new(ClickHouse::new(Http::new()?, database.clone())))
            }
        };
        Ok(Self { target: target.clone(), carrier })
    }

    async fn write(
        &self,
        chunk: &Chunk<'_>,
        limits: Limits,
        end: Instant,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match &self.carrier {
            Carrier::Lake(store) => Box::pin(lake::write(store, chunk, limits, end)).await,
            Carrier::ClickHouse(server) => Box::pin(server.write(chunk, limits, end, now)).await,
        }
    }

    fn failed(&self, chunk: &Chunk<'_>, failure: &Failure) -> SinkError {
        // In this order: a secret that was cut could not be found any more.
        let reason = self.target.scrub(&failure.reason).chars().take(MAX_REASON).collect();
        let (table, topic) = (chunk.shape.name.clone(), chunk.topic.to_owned());
        SinkError::Target {
            target: self.target.to_string(),
            table,
            topic,
            partition: chunk.partition,
            reason,
        }
    }
}
