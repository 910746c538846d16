//! Rows in ClickHouse, over HTTP.
//!
//! Each view has a table, made when its first rows come. Its engine is `ReplacingMergeTree(revision)`, ordered
//! by the identity of a row, so of a row that comes twice, or anew with a higher revision, one is left: by
//! itself after a while, and at once with `SELECT ... FINAL`. A batch that comes again as it was is not even
//! inserted (`insert_deduplication_token`).

mod ddl;
mod insert;

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{
    Request,
    header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

pub(super) use ddl::{create, quoted};

use super::{
    Limits,
    chunk::Chunk,
    shape::{Column, Shape},
    target::Database,
};
use crate::{
    error::causes,
    http::{AGENT, Failure, Http, Then},
    time::Timestamp,
};

/// A database.
pub(super) struct ClickHouse {
    http: Http,
    database: Database,
    /// The tables that have every column.
    ready: Mutex<HashSet<String>>,
}

/// A column as the server tells it.
#[derive(Debug, Deserialize)]
struct Known {
    name: String,
    sorts: u8,
}

impl ClickHouse {
    pub(super) fn new(http: Http, database: Database) -> Self {
        Self { http, database, ready: Mutex::default() }
    }

    /// Inserts the rows of a chunk.
    pub(super) async fn write(
        &self,
        chunk: &Chunk<'_>,
        limits: Limits,
        deadline: Instant,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let body = insert::body(chunk).map_err(|error| Failure::impossible(causes(&error)))?;
        let id = chunk.name();
        limits.keep_trying(&id, deadline, || Box::pin(self.insert(chunk, &id, body.clone(), now))).await
    }

    async fn insert(&self, chunk: &Chunk<'_>, id: &str, body: Bytes, now: Timestamp) -> Result<(), Failure> {
        let table = &chunk.shape.name;
        let was_ready = self.is_ready(table);
        if !was_ready {
            self.prepare(chunk.shape, now).await?;
            self.lock().insert(table.clone());
        }
        let statement = insert::statement(chunk.shape);
        let settings = [("query", statement.as_str()), ("insert_deduplication_token", id)];
        let settings = settings.into_iter().chain(insert::SETTINGS);
        let inserted = self.ask(settings, Some("zstd"), body, now).await;
        inserted.map(drop).map_err(|failure| {
            // Somebody may have dropped the table, or a column, behind our back.
            if matches!(failure.status, Some(400 | 404)) {
                self.lock().remove(table);
            }
            let then = if was_ready && failure.status == Some(404) { Then::Retry } else { failure.then };
            Failure { then, ..failure }
        })
    }

    /// Makes the table, or adds the columns that it has not.
    async fn prepare(&self, shape: &Shape, now: Timestamp) -> Result<(), Failure> {
        let known = self.known(shape, now).await?;
        if known.is_empty() {
            return self.run(&create(shape), now).await;
        }
        let has = |name: &str| known.iter().find(|column| column.name == name);
        let is_unsorted = |column: &&Column| has(&column.name).is_none_or(|column| column.sorts == 0);
        if let Some(Column { name, .. }) = shape.identity().find(is_unsorted) {
            let table = &shape.name;
            return Err(Failure::impossible(format!(
                "the table {} is not ordered by {}, which tells its rows apart, so some would be lost; rename or drop it",
                quoted(table),
                quoted(name)
            )));
        }
        let missing: Vec<_> = shape.columns.iter().filter(|column| has(&column.name).is_none()).collect();
        if missing.is_empty() { Ok(()) } else { self.run(&ddl::add(&shape.name, &missing), now).await }
    }

    /// The columns that a table has; none where there is no such table.
    async fn known(&self, shape: &Shape, now: Timestamp) -> Result<Vec<Known>, Failure> {
        let query = "SELECT name, is_in_sorting_key AS sorts FROM system.columns \
                     WHERE database = currentDatabase() AND table = {table:String} FORMAT JSONEachRow";
        // Escaped as in a file of tab-separated values.
        let table = shape.name.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
        let settings = [("param_table", table.as_str())];
        let answer = self.ask(settings, None, query.into(), now).await?;
        let answer = answer.ok_or_else(|| Failure::unanswered("the columns could not be read".to_owned()))?;
        let rows = serde_json::Deserializer::from_slice(&answer).into_iter().collect::<Result<_, _>>();
        rows.map_err(|error| Failure::impossible(format!("the columns are not JSON: {error}")))
    }

    async fn run(&self, statement: &str, now: Timestamp) -> Result<(), Failure> {
        tracing::info!(statement, "runs at ClickHouse");
        self.ask([], None, statement.to_owned().into(), now).await.map(drop)
    }

    async fn ask<'s>(
        &self,
        settings: impl IntoIterator<Item = (&'s str, &'s str)>,
        encoding: Option<&str>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Option<Bytes>, Failure> {
        let mut request = Request::post(self.url(settings))
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(USER_AGENT, AGENT)
            .header("x-clickhouse-user", &self.database.user)
            .header("x-clickhouse-key", &self.database.password);
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        let request = request.body(Full::new(body)).map_err(|error| Failure::impossible(causes(&error)))?;
        self.http.send(request, now).await
    }

    fn url<'s>(&self, settings: impl IntoIterator<Item = (&'s str, &'s str)>) -> String {
        let mut query = Serializer::new(String::new());
        // Else an error that comes late would stand in an answer of 200.
        query.append_pair("database", &self.database.name).append_pair("wait_end_of_query", "1");
        query.extend_pairs(settings);
        format!("{}?{}", self.database.uri, query.finish())
    }

    fn is_ready(&self, table: &str) -> bool {
        self.lock().contains(table)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
