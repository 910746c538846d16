//! The embedded Kafka-protocol broker: tansu's storage and services on a `SQLite` file.
//!
//! Connections are accepted here and not by tansu's own `Broker`, because a broker that people point
//! their tools at must not lose data: its `DeleteTopics` deletes *every* topic and its
//! `DeleteRecords` panics. Those two are left out, and so are transactions, whose aborted records it
//! does not hide from readers. What remains is what Weir is designed for: idempotent producers,
//! consumer groups, at-least-once.
//!
//! A crate of its own, because its services take longer to compile than all of Weir.
//!
//! The broker has a thread and a runtime of its own, which end with it. Nothing that tansu logs leaves
//! that thread: it reports every closed connection and every table that already exists as an error.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    sync::mpsc,
    thread::JoinHandle,
};

use rama::{Context, Layer as _, Service as _};
use tansu_broker::{
    coordinator::group::administrator::Controller,
    service::{auth, coordinator, storage},
};
use tansu_service::{BytesFrameLayer, FrameRouteService, TcpBytesLayer, TcpContext, TcpContextLayer};
use tansu_storage::{BrokerRegistrationRequest, Storage as _, StorageContainer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};
use tracing::{debug, dispatcher, subscriber::NoSubscriber};
use url::Url;
use uuid::Uuid;

const CLUSTER: &str = "weir";
const NODE: i32 = 1;
const FILE: &str = "broker.db";

/// A Kafka-protocol broker inside this process. It stops when it is dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The embedded broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The folder for its file cannot be made or written.
    #[error("failed to write to the broker's folder {}", .dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The storage takes its path as a URL and never undoes the escapes in it.
    #[error(
        "failed to name the broker's file {}: outside the working directory its path must be plain \
         ASCII without spaces, quotes, `?`, `#` or `%`", .path.display()
    )]
    Path {
        /// The file.
        path: PathBuf,
    },
    /// Another process listens on the port, most often.
    #[error("failed to listen on 127.0.0.1:{port}: is another broker running there?")]
    Port {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread or its runtime could not be made.
    #[error("failed to start the broker's thread")]
    Thread(#[source] io::Error),
    /// The storage could not be opened.
    #[error("failed to open the broker's file {}", .path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What tansu said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EmbeddedBroker {
    /// Opens the broker's file in `dir` (made if it is not there) and listens on 127.0.0.1, on a free
    /// port if none is given. Topics, records and groups' offsets are those of the last run.
    ///
    /// Blocks until connections are accepted.
    pub fn start(dir: &Path, port: Option<u16>) -> Result<Self, BrokerError> {
        let path = writable(dir)?.join(FILE);
        let url = storage_url(&path)?;
        let (listener, address) = listen(port.unwrap_or(0))?;
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("broker".into())
            .spawn(move || run(listener, address, url, path, stopped, &ready))
            .map_err(BrokerError::Thread)?;
        let broker = Self { address, stop: Some(stop), thread: Some(thread) };
        match started.recv() {
            Ok(result) => result.map(|()| broker),
            Err(gone) => Err(BrokerError::Thread(io::Error::other(gone))),
        }
    }

    /// Its address, as clients' `bootstrap.servers`: `127.0.0.1:9092`.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Stops it and waits until its file is closed. Clients lose their connections.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; here is nothing left to undo.
            let _ = thread.join();
        }
    }
}

/// Makes the folder and writes a file into it, so that what is wrong with it is said here and not
/// in the words of the database.
fn writable(dir: &Path) -> Result<PathBuf, BrokerError> {
    let probe = || {
        fs::create_dir_all(dir)?;
        fs::OpenOptions::new().append(true).create(true).open(dir.join(FILE))?;
        dir.canonicalize()
    };
    probe().map_err(|source| BrokerError::Folder { dir: dir.to_owned(), source })
}

/// The URL from which tansu arrives at `path` again: it joins the URL's path, without its first `/`
/// and with all its escapes, to the working directory. A second `/` makes it absolute.
fn storage_url(path: &Path) -> Result<Url, BrokerError> {
    let relative = std::env::current_dir()
        .and_then(fs::canonicalize)
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let faithful = |path: &Path| {
        let text = path.to_str()?;
        let url = Url::parse(&format!("sqlite:///{text}")).ok()?;
        (url.path().strip_prefix('/') == Some(text)).then_some(url)
    };
    relative
        .as_deref()
        .and_then(faithful)
        .or_else(|| faithful(path))
        .ok_or_else(|| BrokerError::Path { path: path.to_owned() })
}

fn listen(port: u16) -> Result<(StdListener, SocketAddr), BrokerError> {
    StdListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        })
        .map_err(|source| BrokerError::Port { port, source })
}

/// The broker's thread.
fn run(
    listener: StdListener,
    address: SocketAddr,
    url: Url,
    path: PathBuf,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<Result<(), BrokerError>>,
) {
    let _silence = dispatcher::set_default(&NoSubscriber::new().into());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return drop(ready.send(Err(BrokerError::Thread(source)))),
    };
    runtime.block_on(async {
        let opened = open(address, url, path).await.and_then(|cluster| {
            TcpListener::from_std(listener).map(|listener| (cluster, listener)).map_err(BrokerError::Thread)
        });
        match opened {
            Ok((cluster, listener)) => {
                // Whoever does not wait for it any more has dropped `stop`, too.
                let _ = ready.send(Ok(()));
                tokio::select! {
                    () = accept(&listener, &cluster) => {}
                    _ = stopped => {}
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    });
}

/// What all connections share.
struct Cluster {
    storage: StorageContainer,
    groups: Controller<StorageContainer>,
}

async fn open(address: SocketAddr, url: Url, path: PathBuf) -> Result<Cluster, BrokerError> {
    let failed = |source: tansu_broker::Error| BrokerError::Storage { path, source: source.into() };
    let build = async {
        let storage = StorageContainer::builder()
            .cluster_id(CLUSTER)
            .node_id(NODE)
            .advertised_listener(Url::parse(&format!("tcp://{address}"))?)
            .storage(url)
            // It would draw a progress bar.
            .silent(true)
            .build()
            .await?;
        let registration = BrokerRegistrationRequest {
            broker_id: NODE,
            cluster_id: CLUSTER.into(),
            incarnation_id: Uuid::now_v7(),
            rack: None,
        };
        storage.register_broker(registration).await?;
        let groups = Controller::with_storage(storage.clone())?;
        Ok(Cluster { storage, groups })
    };
    build.await.map_err(failed)
}

async fn accept(listener: &TcpListener, cluster: &Cluster) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted.map_err(tansu_broker::Error::from) {
                Ok((stream, _)) => match cluster.serve(stream) {
                    Ok(connection) => drop(connections.spawn(connection)),
                    Err(error) => debug!(%error, "failed to serve a connection"),
                },
                // Too many open files, mostly: let some be closed.
                Err(error) => {
                    debug!(%error, "failed to accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Cluster {
    fn serve(
        &self,
        stream: TcpStream,
    ) -> Result<impl Future<Output = ()> + Send + 'static, tansu_broker::Error> {
        stream.set_nodelay(true)?;
        let routes = [
            storage::create_topics,
            storage::delete_groups,
            storage::describe_cluster,
            storage::describe_configs,
            storage::describe_groups,
            storage::fetch,
            storage::find_coordinator,
            storage::incremental_alter_configs,
            storage::init_producer_id,
            storage::list_groups,
            storage::list_offsets,
            storage::metadata,
            storage::produce,
        ]
        .iter()
        .try_fold(FrameRouteService::<(), tansu_broker::Error>::builder(), |routes, add| {
            add(routes, self.storage.clone())
        })?;
        let routes = auth::services(coordinator::services(routes, self.groups.clone())?)?.build()?;
        let service = (
            TcpContextLayer::new(TcpContext::default().cluster_id(Some(CLUSTER.into()))),
            TcpBytesLayer::<()>::default(),
            BytesFrameLayer::default().with_sasl_config(None),
        )
            .into_layer(routes);
        Ok(async move {
            let served: Result<_, tansu_broker::Error> = service.serve(Context::default(), stream).await;
            if let Err(error) = served {
                debug!(%error, "a connection ended");
            }
        })
    }
}
