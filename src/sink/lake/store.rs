//! Where files are: a folder, or a bucket of S3.

use bytes::Bytes;

#[cfg(feature = "sink-s3")]
use super::bucket::Objects;
use super::folder::Folder;
use crate::http::Failure;

/// A folder or a bucket. Paths are relative to it, with `/` between their parts.
#[derive(Clone, Debug)]
pub(in crate::sink) enum Store {
    /// A folder.
    Folder(Folder),
    /// A bucket.
    #[cfg(feature = "sink-s3")]
    Bucket(Objects),
}

impl Store {
    /// Writes a file: whole, or not at all. One of that name is replaced.
    pub(super) async fn put(&self, path: &str, file: Bytes) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => folder.put(path, file).await,
            #[cfg(feature = "sink-s3")]
            Self::Bucket(bucket) => bucket.put(path, file).await,
        }
    }

    /// Reads a file.
    pub(super) async fn get(&self, path: &str) -> Result<Bytes, Failure> {
        match self {
            Self::Folder(folder) => folder.get(path).await,
            #[cfg(feature = "sink-s3")]
            Self::Bucket(bucket) => bucket.get(path).await,
        }
    }

    /// Deletes a file. One that is not there is none the worse.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => folder.delete(path).await,
            #[cfg(feature = "sink-s3")]
            Self::Bucket(bucket) => bucket.delete(path).await,
        }
    }

    /// The paths that begin so, which ends in `/`, in order. Unfinished files are not among them.
    pub(super) async fn list(&self, start: &str) -> Result<Vec<String>, Failure> {
        let mut paths = match self {
            Self::Folder(folder) => folder.list(start).await?,
            #[cfg(feature = "sink-s3")]
            Self::Bucket(bucket) => bucket.list(start).await?,
        };
        paths.sort_unstable();
        Ok(paths)
    }
}
