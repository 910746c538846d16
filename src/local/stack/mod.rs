//! The whole of Weir in one process.
//!
//! ```text
//!                   ┌──> poller ──> notify function ──> webhooks, Slack, SNS
//!                   ├──> poller ──> sink function ──> Parquet files, ClickHouse
//! simulator ──> broker ──> poller ──> window function ──> DynamoDB ──> HTTP API
//!                  ^                       ^   │
//!        HTTP API ─┘        sweep function ┘   └──> result, late and dead-letter topics
//! ```
//!
//! What runs on AWS runs here with the same code: the functions' handlers get the JSON that Lambda
//! sends, the state goes through the AWS SDK, results through librdkafka. Only the two services
//! are embedded, and even they may be real ones. The state is in a folder, so that a stack that is started
//! again goes on where the last one stopped.
//!
//! | file | is |
//! | --- | --- |
//! | `options` | what a stack is made of |
//! | `folder` | the data folder: whose it is, who uses it, how it is wiped |
//! | `places` | the embedded services, or the way to real ones |
//! | `alerts` | the notify function, called in this process |
//! | `rows` | the sink function, called in this process |
//! | `functions` | the window and the sweep function, called in this process |
//! | `traffic` | simulated shoppers |
//! | `background` | tasks that are told to stop |
//! | `meters` | what has flowed |

mod alerts;
mod background;
mod error;
mod folder;
mod functions;
mod meters;
mod options;
mod places;
mod rows;
mod traffic;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use tokio::net::TcpListener;

use self::{background::Background, folder::DataFolder, places::Places};
pub use self::{
    error::StackError,
    folder::FolderError,
    functions::WindowFunction,
    meters::{Counts, Meters},
    options::{Place, StackOptions},
};
use super::{
    metrics,
    poller::{Poller, PollerConfig, PollerError},
};
use crate::{
    api::{self, Live, LogTails},
    backfill::kafka::KafkaLog,
    engine::{Engine, EngineError, PartitionStatus, Reader},
    publish::kafka::KafkaPublisher,
    settings::READ_CACHE,
    sink::Target,
    state::dynamo::DynamoStore,
    time::{Clock as _, Millis, SystemClock, Timestamp},
};

/// The function that the poller calls, and the consumer group under which it does.
const FUNCTION: &str = "window";
const GROUP: &str = "weir-window";

type LocalStore = Arc<DynamoStore>;

/// A running stack. Dropped, it breaks off as if it had been killed, which loses nothing;
/// [`Stack::stop`] ends it in order.
///
/// The fields are in the order in which they may be dropped: nothing outlives what it stands on.
pub struct Stack {
    traffic: Option<Background>,
    live: Live,
    api: Background,
    upkeep: Background,
    sweeper: Background,
    poller: Poller,
    notifier: Option<Poller>,
    sink: Option<Poller>,
    lake: Option<Target>,
    reader: Arc<Reader<LocalStore>>,
    meters: Arc<Meters>,
    address: SocketAddr,
    table: String,
    places: Places,
    folder: DataFolder,
}

impl Stack {
    /// Starts everything, each part once those that it stands on are there. When this returns the API
    /// answers, and everything that is in the topics is on its way.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let folder = DataFolder::open(&options.data_dir, options.fresh)?;
        let listener = listen(options.http_port).await?;
        let address = local_address(&listener, options.http_port)?;
        let places = Places::start(&options, &folder).await?;
        let (store, publisher) = (places.store(&options.table).await?, places.publisher(&options).await?);

        let (clock, meters) = (Arc::new(SystemClock), Arc::<Meters>::default());
        let reader = Reader::new(Arc::clone(&options.catalog), Arc::clone(&store));
        let reader = Arc::new(reader.remembering(READ_CACHE, Arc::clone(&clock) as _));
        let (catalog, requests) = (Arc::clone(&options.catalog), Arc::clone(&store));
        let gateway = api::Gateway::new(catalog, Arc::new(publisher.clone()), Arc::clone(&clock), requests);
        let gateway = Arc::new(gateway.with_settings(options.api.clone()));
        let (kafka, topics) = (places.kafka(), publisher.clone());
        let open = move || KafkaLog::new(kafka.clone(), topics.clone());
        let tails = LogTails { open, schemas: options.schemas.clone() };
        let live = Live::default();
        let routes = api::local_router(Arc::clone(&reader), gateway, tails, &live);
        let routes = routes.merge(metrics::routes());
        let api = Background::spawn(|stopped| serve(listener, routes, stopped));
        let upkeep = Background::spawn(metrics::keep_up);

        let (catalog, settings) = (Arc::clone(&options.catalog), options.engine.clone());
        let (topics, results) = (publisher.clone(), publisher.clone());
        let engine = Engine::new(catalog, store, results, topics, clock, settings);
        let engine = Arc::new(engine.with_schemas(options.schemas.clone()));
        let function = WindowFunction::new(Arc::clone(&engine), Arc::clone(&meters));
        let poller = Poller::start(poller_config(&options), &places.kafka(), function)?;
        let notifier = alerts::start(&options, &places.kafka(), publisher.clone()).await?;
        let lake = rows::lake(&options);
        let sink = rows::start(&options, &places.kafka(), publisher.clone()).await?;
        let (every, swept) = (options.sweep_every, Arc::clone(&meters));
        let sweeper = Background::spawn(|stopped| functions::sweep(engine, swept, every, stopped));
        let traffic = traffic(&options, publisher);
        let table = options.table;
        Ok(Self {
            traffic,
            live,
            api,
            upkeep,
            sweeper,
            poller,
            notifier,
            sink,
            lake,
            reader,
            meters,
            address,
            table,
            places,
            folder,
        })
    }

    /// Where the API is: `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the broker is: `127.0.0.1:9092`.
    pub fn bootstrap(&self) -> &str {
        self.places.bootstrap()
    }

    /// Where DynamoDB is: `http://127.0.0.1:8000`.
    pub fn dynamodb(&self) -> &str {
        self.places.dynamodb()
    }

    /// Where rows are written to files, if they are: `file:///var/lib/weir/rows`.
    pub fn lake(&self) -> Option<&Target> {
        self.lake.as_ref()
    }

    /// The folder with the state.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Whether there was no state of an earlier run.
    pub fn is_new(&self) -> bool {
        self.folder.is_new()
    }

    /// What a function must be told by its environment to work on this stack, but for the SQL.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        self.places.environment(&self.table)
    }

    /// What has flowed since the start.
    pub fn counts(&self) -> Counts {
        self.meters.counts()
    }

    /// How far the watermark of the view that is furthest behind is behind the clock; none where every
    /// partition of every view is silent.
    pub async fn lag(&self) -> Result<Option<Millis>, EngineError> {
        let mut lowest: Option<Timestamp> = None;
        for view in &self.reader.catalog().views {
            let partitions = self.reader.status(view).await?.partitions;
            let busy = |partition: &PartitionStatus| (!partition.idle).then_some(partition.watermark)?;
            lowest = partitions.iter().filter_map(busy).chain(lowest).min();
        }
        Ok(lowest.map(|watermark| SystemClock.now() - watermark))
    }

    /// Stops everything in order: nothing new comes in, the batches on their way are absorbed and
    /// committed, then the services close their files. Tells what had flowed by then.
    pub async fn stop(self) -> Result<Counts, StackError> {
        let Self {
            traffic,
            live,
            api,
            upkeep,
            sweeper,
            poller,
            notifier,
            sink,
            reader,
            meters,
            places,
            folder,
            ..
        } = self;
        if let Some(traffic) = traffic {
            traffic.stop().await;
        }
        live.close();
        api.stop().await;
        upkeep.stop().await;
        let polled = poller.stop().await;
        sweeper.stop().await;
        // The last: what the others raised is still carried.
        let carried = stop_all([notifier, sink]).await;
        drop(reader);
        let closed = tokio::task::spawn_blocking(|| drop((places, folder))).await;
        polled?;
        carried?;
        closed.map_err(StackError::Part)?;
        Ok(meters.counts())
    }
}

/// Stops pollers one after the other; all of them, also where one fails.
async fn stop_all(pollers: [Option<Poller>; 2]) -> Result<(), PollerError> {
    let mut stopped = Ok(());
    for poller in pollers.into_iter().flatten() {
        stopped = poller.stop().await.and(stopped);
    }
    stopped
}

async fn listen(port: u16) -> Result<TcpListener, StackError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|source| StackError::Http { port, source })
}

fn local_address(listener: &TcpListener, port: u16) -> Result<SocketAddr, StackError> {
    listener.local_addr().map_err(|source| StackError::Http { port, source })
}

async fn serve(listener: TcpListener, routes: axum::Router, stopped: tokio::sync::oneshot::Receiver<()>) {
    // It is told to stop by a message as well as by nobody being left to send one.
    let stop = async { drop(stopped.await) };
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the API ended");
    }
}

fn poller_config(options: &StackOptions) -> PollerConfig {
    PollerConfig {
        group: GROUP.to_owned(),
        batch_size: options.batch_size,
        batch_window: options.batch_window,
        ..PollerConfig::new(FUNCTION, options.catalog.tables.iter().map(|table| table.topic.as_str()))
    }
}

fn traffic(options: &StackOptions, publisher: KafkaPublisher) -> Option<Background> {
    let settings = options.simulate.clone().filter(|_| options.can_simulate())?;
    let catalog = options.catalog.clone();
    Some(Background::spawn(|stopped| traffic::run(settings, catalog, publisher, stopped)))
}
