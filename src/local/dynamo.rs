//! An embedded DynamoDB: the real SDK talks to it over HTTP, on this machine alone.
//!
//! It has a thread of its own, because its database calls block.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use dynoxide::{Database, errors::DynoxideError, server::serve_with_shutdown};
use tokio::{runtime::Runtime, sync::oneshot};

use crate::state::dynamo::ClientOptions;

/// What to add to a log filter: the server warns of every condition that fails, which is daily bread here.
pub const LOG_FILTER: &str = "dynoxide=error";

/// How often expired items are dropped.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long requests may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// A server that runs until it is dropped.
pub struct EmbeddedDynamo {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The embedded DynamoDB did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedDynamoError {
    /// The port is taken, or may not be used.
    #[error("failed to listen on 127.0.0.1:{port} for the embedded DynamoDB")]
    Port {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder of the database cannot be made.
    #[error("failed to create the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The path is not UTF-8.
    #[error("failed to open the database {}: its path is not UTF-8", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The database cannot be opened or written.
    #[error("failed to open the database {database}")]
    Database {
        /// Its path; `in memory`.
        database: String,
        /// What the database said.
        #[source]
        source: Box<DynoxideError>,
    },
    /// The server's thread or runtime did not come up.
    #[error("failed to start the embedded DynamoDB's thread")]
    Thread(#[source] io::Error),
}

impl EmbeddedDynamo {
    /// Starts a server on the database file `path` (in memory if there is none), on `port` or a free
    /// one. The file and its folder are made where they are missing.
    pub fn start(path: Option<&Path>, port: Option<u16>) -> Result<Self, EmbeddedDynamoError> {
        let port = port.unwrap_or(0);
        let (listener, address) =
            listen(port).map_err(|source| EmbeddedDynamoError::Port { port, source })?;
        let database = path.map_or_else(open_in_memory, open_file)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(EmbeddedDynamoError::Thread)?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(EmbeddedDynamoError::Thread)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("embedded-dynamodb".to_owned());
        let thread = thread.spawn(move || serve(runtime, listener, &database, stopped));
        let thread = thread.map_err(EmbeddedDynamoError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, as the SDK takes it: `http://127.0.0.1:8000`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of it.
    pub async fn client(&self) -> Client {
        let endpoint = Some(self.endpoint());
        // It shares a machine with all else that runs here, and does not fail over.
        let (connect_timeout, attempt_timeout) = (PATIENCE, PATIENCE);
        let options = ClientOptions {
            endpoint,
            keyless: true,
            connect_timeout,
            attempt_timeout,
            ..ClientOptions::default()
        };
        options.connect().await
    }

    /// Stops it, and returns when the database is closed. Dropping it does the same.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        // Where the thread has ended, there is nobody left to tell, and nothing to wait for.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for EmbeddedDynamo {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl fmt::Debug for EmbeddedDynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDynamo").field("address", &self.address).finish_non_exhaustive()
    }
}

fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn open_in_memory() -> Result<Database, EmbeddedDynamoError> {
    Database::memory().map_err(|error| failed_to_open("in memory", error))
}

fn open_file(path: &Path) -> Result<Database, EmbeddedDynamoError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| EmbeddedDynamoError::Folder { path: folder.to_owned(), source })?;
    }
    let name = path.to_str().ok_or_else(|| EmbeddedDynamoError::Path { path: path.to_owned() })?;
    let database = Database::new(name).map_err(|error| failed_to_open(name, error))?;
    // Leaves the write-ahead log unsynced at commits, for twice the speed: a crash of this process
    // loses nothing, one of the machine may lose its last moments.
    let relaxed = database.enable_bulk_loading().and_then(|()| database.disable_bulk_loading());
    relaxed.map_err(|error| failed_to_open(name, error))?;
    Ok(database)
}

fn failed_to_open(database: &str, error: DynoxideError) -> EmbeddedDynamoError {
    EmbeddedDynamoError::Database { database: database.to_owned(), source: Box::new(error) }
}

/// Serves until told to stop.
fn serve(
    runtime: Runtime,
    listener: tokio::net::TcpListener,
    database: &Database,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let (stopping, stop) = oneshot::channel::<()>();
        // Both ends of a channel say the same when they are dropped as when they are used.
        let server = serve_with_shutdown(listener, database.clone(), async { drop(stop.await) });
        let deadline = async {
            drop(stopped.await);
            drop(stopping);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = server => if let Err(reason) = ended {
                tracing::error!(reason, "the embedded DynamoDB ended");
            },
            () = sweep(database) => {}
            () = deadline => {}
        }
    });
    runtime.shutdown_timeout(GRACE);
}

/// Drops expired items, for ever. On a thread for blocking calls: a sweep waits for requests.
async fn sweep(database: &Database) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let swept = database.clone();
        match tokio::task::spawn_blocking(move || swept.sweep_ttl()).await {
            Ok(Ok(dropped)) => tracing::debug!(dropped, "dropped expired items"),
            Ok(Err(error)) => tracing::warn!(%error, "failed to drop expired items"),
            Err(error) => tracing::warn!(%error, "failed to drop expired items"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let first = EmbeddedDynamo::start(None, None).unwrap();
        let error = EmbeddedDynamo::start(None, Some(first.address.port())).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("failed to listen on {} for the embedded DynamoDB", first.address)
        );
    }

    #[test]
    fn a_port_is_free_again_once_it_stopped() {
        let first = EmbeddedDynamo::start(None, None).unwrap();
        let port = first.address.port();
        first.stop();
        EmbeddedDynamo::start(None, Some(port)).unwrap().stop();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = EmbeddedDynamo::start(Some(&file.join("state.db")), None).unwrap_err();
        assert_eq!(error.to_string(), format!("failed to create the folder {}", file.display()));
    }

    #[test]
    fn what_is_no_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = EmbeddedDynamo::start(Some(folder.path()), None).unwrap_err();
        assert_eq!(error.to_string(), format!("failed to open the database {}", folder.path().display()));
    }
}
