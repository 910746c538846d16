//! Small files made into large ones, and the rows that are no longer in force left out.
//!
//! The files of a view and a date become one (several, where there are very many rows), with the row of the
//! highest revision for each identity; of two of the same revision the later one of the topic. What the
//! rows are told apart by stands in the files, so no SQL is needed, and columns that the view no longer
//! has are kept.
//!
//! The new file is written before an old one is deleted, and its name follows from the names of those that
//! it replaces. Whoever stops in between leaves rows twice, of the same revision, and the next run ends
//! the work; two runs at once write the same file, or leave rows twice. Files that come meanwhile are left
//! for the next run. No row is ever in no file.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, btree_map::Entry},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use parquet::errors::ParquetError;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use super::{
    super::{
        Limits, Target,
        parquet::Table,
        shape::{OFFSET, PARTITION, REVISION},
        target::Place,
    },
    AT_ONCE, Buckets, Folder, NoS3, SUFFIX, Store, folder_of,
};
use crate::{http::Failure, sql::Field, value::Value};

/// The most rows of a file.
const MOST_ROWS: usize = 1 << 20;
/// What the name of a file begins with that others were made into.
const COMPACTED: &str = "compacted-";
/// How long the work on one file may take with all attempts.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// What of a lake is compacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The views; all without any.
    pub views: Vec<String>,
    /// Only dates before this one (`2026-11-21`).
    pub before: Option<String>,
}

/// What was done for a view and a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The folder: `view=ctr/date=2026-11-21/`.
    pub folder: String,
    /// How many files there were, and how many there are.
    pub files: (usize, usize),
    /// How many rows were in them, and how many are.
    pub rows: (usize, usize),
}

/// A folder was not compacted. All rows are still there.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// The target holds no files.
    #[error("failed to compact {0}: expected s3://bucket/prefix or file:///folder")]
    NoLake(String),
    /// The target is on S3.
    #[error(transparent)]
    NoS3(#[from] NoS3),
    /// A call failed, and failed again.
    #[error("failed to compact {path}: {reason}")]
    Call {
        /// The file or folder.
        path: String,
        /// What was said.
        reason: String,
    },
    /// A file is not one of Weir's.
    #[error("failed to read {path}")]
    Foreign {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: ParquetError,
    },
    /// Two files do not belong into one.
    #[error("failed to put {path} together with the files before it: {reason}; move one or the other away")]
    Differs {
        /// The file.
        path: String,
        /// How they differ.
        reason: String,
    },
}

/// Compacts a lake; tells of each folder as it is done.
pub async fn compact(
    target: &Target,
    scope: &Scope,
    limits: Limits,
    mut done: impl FnMut(Compacted),
) -> Result<(), CompactError> {
    let store = match &target.0 {
        Place::Folder(path) => Store::Folder(Folder(path.clone())),
        Place::Bucket(bucket) => Buckets::of_environment(true).await.open(bucket)?,
        Place::ClickHouse(_) => return Err(CompactError::NoLake(target.to_string())),
    };
    let lake = Lake { store, limits };
    for (folder, files) in lake.folders(scope).await? {
        if !is_compact(&files) {
            done(lake.compact(folder, &files).await?);
        }
    }
    Ok(())
}

/// Whether all files are those that one run made.
fn is_compact(files: &[String]) -> bool {
    let run = |path: &String| Some(name(path).strip_prefix(COMPACTED)?.split_once('-')?.0.to_owned());
    let first = files.first().and_then(run);
    first.is_some() && files.iter().all(|path| run(path) == first)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

struct Lake {
    store: Store,
    limits: Limits,
}

impl Lake {
    /// The folders of dates and the files in each.
    async fn folders(&self, scope: &Scope) -> Result<BTreeMap<String, Vec<String>>, CompactError> {
        let starts: Vec<String> = match scope.views.as_slice() {
            [] => vec![String::new()],
            views => views.iter().map(|view| folder_of(view)).collect(),
        };
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for start in starts {
            for path in self.call(&start, || Box::pin(self.store.list(&start))).await? {
                let Some((folder, file)) = path.rsplit_once('/') else { continue };
                let date = folder.starts_with("view=").then(|| folder.split_once("/date=")).flatten();
                let is_due =
                    |(_, date): (&str, &str)| scope.before.as_deref().is_none_or(|before| date < before);
                if file.ends_with(SUFFIX) && date.is_some_and(is_due) {
                    folders.entry(format!("{folder}/")).or_default().push(path);
                }
            }
        }
        Ok(folders)
    }

    async fn compact(&self, folder: String, files: &[String]) -> Result<Compacted, CompactError> {
        let tables = stream::iter(files).map(|path| self.read(path)).buffered(AT_ONCE);
        let tables: Vec<(&String, Table)> = tables.try_collect().await?;
        let before = tables.iter().map(|(_, table)| table.rows.len()).sum();
        let merged = merge(tables)?;
        let digest = digest(files, &merged);
        let parts = merged.rows.chunks(MOST_ROWS).zip(0..);
        for (rows, part) in parts.clone() {
            let path = format!("{folder}{COMPACTED}{digest:016x}-{part}{SUFFIX}");
            let file = merged.part(rows, &path)?;
            self.call(&path, || Box::pin(self.store.put(&path, file.clone()))).await?;
        }
        // Only now: until here a stop leaves everything as it was.
        let delete = async |path: &String| self.call(path, || Box::pin(self.store.delete(path))).await;
        stream::iter(files).map(delete).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(Compacted { folder, files: (files.len(), parts.count()), rows: (before, merged.rows.len()) })
    }

    async fn read<'f>(&self, path: &'f String) -> Result<(&'f String, Table), CompactError> {
        let file = self.call(path, || Box::pin(self.store.get(path))).await?;
        let table =
            Table::decode(file).map_err(|source| CompactError::Foreign { path: path.clone(), source })?;
        Ok((path, table))
    }

    async fn call<'c, T>(
        &self,
        path: &str,
        call: impl Fn() -> BoxFuture<'c, Result<T, Failure>>,
    ) -> Result<T, CompactError> {
        let called = self.limits.keep_trying(path, Instant::now() + PATIENCE, call).await;
        called.map_err(|failure| CompactError::Call { path: path.to_owned(), reason: failure.reason })
    }
}

impl Table {
    fn part(&self, rows: &[Vec<Value<'static>>], path: &str) -> Result<Bytes, CompactError> {
        let part =
            Self { columns: self.columns.clone(), identity: self.identity.clone(), rows: rows.to_vec() };
        part.encode().map_err(|source| CompactError::Foreign { path: path.to_owned(), source })
    }
}

/// What the new files are called by: the files that they are made of, and their columns.
fn digest(files: &[String], merged: &Table) -> u64 {
    let mut digest = Xxh3::new();
    for part in files.iter().chain(merged.columns.iter().map(|column| &column.name)) {
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    digest.digest()
}

/// The rows in force of some files, in the order of their identities.
fn merge(tables: Vec<(&String, Table)>) -> Result<Table, CompactError> {
    let mut merged = Table::default();
    for (path, table) in &tables {
        merged.join(table).map_err(|reason| CompactError::Differs { path: (*path).clone(), reason })?;
    }
    let places = merged.places();
    let identity: Vec<usize> =
        merged.identity.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
    let newest: Vec<usize> =
        [REVISION, PARTITION, OFFSET].iter().filter_map(|name| places.get(name).copied()).collect();
    let mut kept: BTreeMap<Identity, Vec<Value<'static>>> = BTreeMap::new();
    for (_, table) in tables {
        let places: Vec<Option<usize>> =
            merged.columns.iter().map(|column| table.places().get(column.name.as_str()).copied()).collect();
        for row in table.rows {
            let value =
                |place: &Option<usize>| place.and_then(|place| row.get(place)).cloned().unwrap_or_default();
            let row: Vec<_> = places.iter().map(value).collect();
            match kept.entry(Identity(pick(&row, &identity))) {
                Entry::Vacant(entry) => drop(entry.insert(row)),
                Entry::Occupied(mut entry) => {
                    if Value::order_all(&pick(entry.get(), &newest), &pick(&row, &newest)).is_lt() {
                        entry.insert(row);
                    }
                }
            }
        }
    }
    merged.rows = kept.into_values().collect();
    Ok(merged)
}

impl Table {
    /// Takes over the columns of another that it has not.
    fn join(&mut self, other: &Self) -> Result<(), String> {
        if self.columns.is_empty() {
            self.identity.clone_from(&other.identity);
        }
        if self.identity != other.identity || self.identity.is_empty() {
            let [before, now] = [&self.identity, &other.identity].map(|names| names.join(", "));
            return Err(format!("its rows are told apart by ({now}), theirs by ({before})"));
        }
        for column in &other.columns {
            match self.columns.iter().find(|known| known.name == column.name) {
                None => self.columns.push(column.clone()),
                Some(Field { kind, .. }) if *kind == column.kind => {}
                Some(Field { name, kind }) => {
                    return Err(format!("its column \"{name}\" is {}, theirs {kind}", column.kind));
                }
            }
        }
        Ok(())
    }
}

fn pick(row: &[Value<'static>], places: &[usize]) -> Vec<Value<'static>> {
    places.iter().map(|place| row.get(*place).cloned().unwrap_or_default()).collect()
}

/// What tells a row from others.
struct Identity(Vec<Value<'static>>);

impl Ord for Identity {
    fn cmp(&self, other: &Self) -> Ordering {
        Value::order_all(&self.0, &other.0)
    }
}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Identity {}
