//! Where rows go, read from one line of settings.
//!
//! ```text
//! s3://bucket/prefix                              Parquet files on S3
//! file:///var/lib/weir/rows                       Parquet files in a folder
//! clickhouse://user:password@host:8123/database   a ClickHouse server, over HTTP
//! clickhouses://user:password@host:8443/database  the same over TLS
//! ```
//!
//! Name and password are secret: no error and no log shows them.

use std::{fmt, path::PathBuf};

use http::Uri;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::targets::{self, TargetError};

/// A target of rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(pub(super) Place);

/// Where it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of S3.
    Bucket(Bucket),
    /// A database of ClickHouse.
    ClickHouse(Database),
}

/// A bucket and what the names in it begin with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) name: String,
    /// Empty, or ends in `/`.
    pub(super) prefix: String,
}

/// A database of a ClickHouse server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Database {
    /// `http://host:port/`.
    pub(super) uri: Uri,
    pub(super) name: String,
    pub(super) user: String,
    pub(super) password: String,
}

impl Target {
    /// Reads a list: targets between commas or white space.
    pub fn list(text: &str) -> Result<Vec<Self>, TargetError> {
        targets::list(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, String> {
        let expected =
            "expected s3://bucket/prefix, file:///folder or clickhouse://user:password@host:8123/database";
        let url = Url::parse(text).map_err(|error| format!("it is no URL ({error}); {expected}"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("it has options behind ? or #, of which there are none; {expected}"));
        }
        Ok(Self(match url.scheme() {
            "file" => Place::Folder(folder(&url)?),
            "s3" => Place::Bucket(Bucket::read(&url)?),
            "clickhouse" => Place::ClickHouse(Database::read(&url, "http", 8123)?),
            "clickhouses" => Place::ClickHouse(Database::read(&url, "https", 8443)?),
            scheme => return Err(format!("\"{scheme}:\" is unknown; {expected}")),
        }))
    }

    /// Whether files are written there.
    pub const fn is_lake(&self) -> bool {
        matches!(self.0, Place::Folder(_) | Place::Bucket(_))
    }

    /// A text of the other side without the target's secrets.
    pub(super) fn scrub(&self, text: &str) -> String {
        match &self.0 {
            Place::ClickHouse(database) if !database.password.is_empty() => {
                text.replace(&database.password, "…")
            }
            _ => text.to_owned(),
        }
    }
}

fn folder(url: &Url) -> Result<PathBuf, String> {
    url.to_file_path().map_err(|()| "expected an absolute path of this machine: file:///folder".to_owned())
}

impl Bucket {
    fn read(url: &Url) -> Result<Self, String> {
        let Some(name) = url.host_str().filter(|_| url.username().is_empty() && url.port().is_none()) else {
            return Err("expected a bucket's name alone: s3://bucket/prefix".to_owned());
        };
        let prefix = decoded(url.path().trim_matches('/'));
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self { name: name.to_owned(), prefix: prefix + slash })
    }
}

impl Database {
    fn read(url: &Url, scheme: &str, port: u16) -> Result<Self, String> {
        let host = url.host_str().ok_or("it has no host")?;
        let uri = format!("{scheme}://{host}:{}/", url.port().unwrap_or(port));
        let uri = uri.parse().map_err(|error| format!("it is no URL: {error}"))?;
        let name = decoded(url.path().trim_matches('/'));
        if name.contains('/') {
            return Err(
                "expected one name of a database behind the host: clickhouse://host/database".to_owned()
            );
        }
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
        Ok(Self { uri, name: or(name, "default"), user: or(user, "default"), password })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Folder(path) => write!(f, "file://{}", path.display()),
            Place::Bucket(bucket) => write!(f, "s3://{}/{}", bucket.name, bucket.prefix),
            Place::ClickHouse(database) => {
                let server = database.uri.authority().map_or("", http::uri::Authority::as_str);
                write!(f, "clickhouse://{server}/{}", database.name)
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        Target::list(text).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn targets_are_told_without_their_secrets() {
        let list = "s3://rows/a/b/, file:///var/rows clickhouse://me:s3cret@ch.example/web,clickhouses://ch.example:9443";
        let expected = [
            "s3://rows/a/b/",
            "file:///var/rows",
            "clickhouse://ch.example:8123/web",
            "clickhouse://ch.example:9443/default",
        ];
        assert_eq!(shown(list), expected);
        assert_eq!(shown("s3://rows"), ["s3://rows/"]);
    }

    #[test]
    fn name_and_password_are_decoded() {
        let targets = Target::list("clickhouse://me%40x:p%3Aw@[::1]:1/").unwrap();
        let [Target(Place::ClickHouse(database))] = targets.as_slice() else { panic!("{targets:?}") };
        assert_eq!((database.user.as_str(), database.password.as_str()), ("me@x", "p:w"));
        assert_eq!(database.uri, "http://[::1]:1/");
        assert_eq!(targets[0].scrub("no p:w here"), "no … here");
    }

    #[test]
    fn what_is_no_target_is_told_without_what_was_found() {
        let reason = |text| Target::list(text).unwrap_err().to_string();
        let found = reason("file:///a clickhouse://u:s3cret@h/a/b");
        assert_eq!(
            found,
            "failed to read target 2 of the list: expected one name of a database behind the host: clickhouse://host/database"
        );
        assert!(
            reason("s3://key:s3cret@bucket").ends_with("expected a bucket's name alone: s3://bucket/prefix")
        );
        assert!(
            reason("mysql://h")
                .contains("\"mysql:\" is unknown; expected s3://bucket/prefix, file:///folder")
        );
        assert!(reason("rows").contains("it is no URL"));
        assert!(reason("s3://b?region=x").contains("options behind ? or #"));
    }
}
