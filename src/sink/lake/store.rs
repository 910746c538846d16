//! Where files are: a folder, or a bucket of S3.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use bytes::Bytes;

use super::super::target::Bucket;
use crate::{
    error::causes,
    http::{Failure, Then},
};

/// What the name of a file begins with that is not whole yet.
const UNFINISHED: &str = ".unfinished-";

/// A folder or a bucket. Paths are relative to it, with `/` between their parts.
#[derive(Clone, Debug)]
pub(in crate::sink) enum Store {
    /// A folder.
    Folder(PathBuf),
    /// A bucket, and what the names in it begin with.
    Bucket(Client, String, String),
}

/// The region, keys and endpoint of the environment (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`).
pub(in crate::sink) async fn environment() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}

impl Store {
    /// The bucket, reached as `aws` says. It does not retry by itself: that is done for all targets alike.
    pub(in crate::sink) fn bucket(aws: &SdkConfig, bucket: &Bucket) -> Self {
        let elsewhere = std::env::var_os("AWS_ENDPOINT_URL_S3").is_some() || aws.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(aws).retry_config(RetryConfig::disabled());
        // Other servers have no name of their own for each bucket.
        let client = Client::from_conf(config.force_path_style(elsewhere).build());
        Self::Bucket(client, bucket.name.clone(), bucket.prefix.clone())
    }

    /// Writes a file: whole, or not at all. One of that name is replaced.
    pub(in crate::sink) async fn put(&self, path: &str, file: Bytes) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(path);
                blocking("write", path, move |path| write(path, &file)).await
            }
            Self::Bucket(client, bucket, prefix) => {
                let put = client.put_object().bucket(bucket).key(format!("{prefix}{path}"));
                let put = put.content_type("application/vnd.apache.parquet").body(ByteStream::from(file));
                put.send().await.map(drop).map_err(|error| failure(&error))
            }
        }
    }

    /// Reads a file.
    pub(super) async fn get(&self, path: &str) -> Result<Bytes, Failure> {
        match self {
            Self::Folder(folder) => {
                blocking("read", folder.join(path), |path| fs::read(path).map(Bytes::from)).await
            }
            Self::Bucket(client, bucket, prefix) => {
                let get = client.get_object().bucket(bucket).key(format!("{prefix}{path}"));
                let answer = get.send().await.map_err(|error| failure(&error))?;
                let body = answer.body.collect().await;
                Ok(body.map_err(|error| Failure::unanswered(causes(&error)))?.into_bytes())
            }
        }
    }

    /// Deletes a file. One that is not there is none the worse.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                blocking("delete", folder.join(path), |path| match fs::remove_file(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    deleted => deleted,
                })
                .await
            }
            Self::Bucket(client, bucket, prefix) => {
                let delete = client.delete_object().bucket(bucket).key(format!("{prefix}{path}"));
                delete.send().await.map(drop).map_err(|error| failure(&error))
            }
        }
    }

    /// The paths that begin so, which ends in `/`, in order. Unfinished files are not among them.
    pub(super) async fn list(&self, start: &str) -> Result<Vec<String>, Failure> {
        let mut paths = match self {
            Self::Folder(folder) => {
                let root = folder.clone();
                blocking("list", folder.join(start), move |path| files(&root, path)).await?
            }
            Self::Bucket(client, bucket, prefix) => listed(client, bucket, prefix, start).await?,
        };
        paths.sort_unstable();
        Ok(paths)
    }
}

/// Writes beside the file and then gives it its name, so that nobody reads half of it.
fn write(path: &Path, file: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(folder)?;
    // Seeded at random: no two writers, of whatever machine, have one number.
    let number = RandomState::new().build_hasher().finish();
    let unfinished = folder.join(format!("{UNFINISHED}{number:016x}-{}", name.display()));
    let written = write_through(&unfinished, file).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // What is left is not read by anybody.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    // So that the name too outlives a power cut.
    fs::File::open(folder)?.sync_all()
}

fn write_through(path: &Path, file: &[u8]) -> io::Result<()> {
    let mut target = fs::File::create(path)?;
    io::Write::write_all(&mut target, file)?;
    target.sync_all()
}

/// The files below a folder, as paths relative to the root.
fn files(root: &Path, folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut files(root, &path)?);
        } else if let Some(path) = path.strip_prefix(root).ok().and_then(Path::to_str)
            && !path.contains(UNFINISHED)
        {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

async fn listed(client: &Client, bucket: &str, prefix: &str, start: &str) -> Result<Vec<String>, Failure> {
    let list = client.list_objects_v2().bucket(bucket).prefix(format!("{prefix}{start}"));
    let mut pages = list.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failure(&error))?;
        let keys = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(prefix));
        found.extend(keys.map(str::to_owned));
    }
    Ok(found)
}

/// Runs a call of the file system's where it holds up nobody.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    path: PathBuf,
    call: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(move || {
        call(&path).map_err(|error| format!("failed to {action} {}: {error}", path.display()))
    });
    match done.await {
        Ok(done) => done.map_err(Failure::unanswered),
        Err(panicked) => Err(Failure::impossible(panicked.to_string())),
    }
}

fn failure<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => {
            let (status, code) = (answer.raw().status().as_u16(), answer.err().code().unwrap_or("an error"));
            let message = answer.err().message().unwrap_or("it gave no reason");
            let mut failure = Failure::answered(format!("S3 answered {code}: {message}"), status, None);
            if code == "RequestTimeout" {
                failure.then = Then::Retry;
            }
            failure
        }
        SdkError::ConstructionFailure(_) => Failure::impossible(causes(error)),
        _ => Failure::unanswered(causes(error)),
    }
}
