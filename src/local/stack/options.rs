//! What a stack is made of.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{api, engine, local::simulate, notify, schemas::Schemas, sink, sql::Catalog};

/// What a stack is made of, and where.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The tables and views.
    pub catalog: Arc<Catalog>,
    /// The folder that keeps the state. It is made where there is none.
    pub data_dir: PathBuf,
    /// Whether what an earlier run left in the folder is wiped first.
    pub fresh: bool,
    /// The port of the HTTP API; 0 for any free one.
    pub http_port: u16,
    /// The broker.
    pub kafka: Place,
    /// DynamoDB.
    pub dynamodb: Place,
    /// The DynamoDB table; it is made where there is none.
    pub table: String,
    /// How many partitions topics get that are made: those of tables and those of results.
    pub partitions: i32,
    /// The most records that the window function gets at once.
    pub batch_size: usize,
    /// How long the poller waits for more records after the first.
    pub batch_window: Duration,
    /// How often the sweep function is called.
    pub sweep_every: Duration,
    /// The schemas of the records.
    pub schemas: Schemas,
    /// The engine's settings.
    pub engine: engine::Settings,
    /// Who may use the API.
    pub api: api::Settings,
    /// Where alerts go, if they go anywhere but to their topic.
    pub notify: Option<notify::Settings>,
    /// Where rows go, if they go anywhere but to their topics.
    pub sink: Option<sink::Settings>,
    /// How long rows wait for more before they are written: the longer, the larger the files.
    pub sink_window: Duration,
    /// The simulated shoppers, if there are any. They need the tables that they have events for.
    pub simulate: Option<simulate::Settings>,
}

/// Where a part is that the stack needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this process, on a port of 127.0.0.1; 0 for any free one.
    Embedded {
        /// The port.
        port: u16,
    },
    /// Elsewhere: a broker's `host:port`, DynamoDB's URL. Everything else about it is told by the
    /// environment, as it is to the functions.
    At(String),
}

impl StackOptions {
    /// Everything embedded, on free ports, without simulated shoppers.
    pub fn new(catalog: Arc<Catalog>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            catalog,
            data_dir: data_dir.into(),
            fresh: false,
            http_port: 0,
            kafka: Place::Embedded { port: 0 },
            dynamodb: Place::Embedded { port: 0 },
            table: "weir".to_owned(),
            partitions: 3,
            batch_size: 10_000,
            batch_window: Duration::from_millis(500),
            sweep_every: Duration::from_secs(1),
            schemas: Schemas::default(),
            engine: engine::Settings::default(),
            api: api::Settings { origins: api::Origins::Local, ..api::Settings::default() },
            notify: None,
            sink: None,
            sink_window: Duration::from_secs(15),
            simulate: None,
        }
    }

    /// The topics that there must be, with the partitions that they get: one where order over all of
    /// it is worth more than speed.
    pub(super) fn topics(&self) -> Vec<(&str, i32)> {
        let aside = [&self.engine.late_topic, &self.engine.dead_letter_topic];
        let mut topics: Vec<_> =
            self.catalog.topics().into_iter().map(|(_, topic)| (topic, self.partitions)).collect();
        topics.extend(self.notify.iter().map(|notify| (notify.dead_letter_topic.as_str(), 1)));
        topics.extend(self.sink.iter().map(|sink| (sink.dead_letter_topic.as_str(), 1)));
        topics.extend(aside.into_iter().map(|topic| (topic.as_str(), 1)));
        topics.sort_unstable();
        topics.dedup_by(|later, first| later.0 == first.0);
        topics
    }

    /// Whether there are tables for what the simulated shoppers do.
    pub fn can_simulate(&self) -> bool {
        let topics = [simulate::IMPRESSIONS, simulate::CLICKS];
        topics.iter().all(|topic| self.catalog.table_of_topic(topic).is_some())
    }
}
