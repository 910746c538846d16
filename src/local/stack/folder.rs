//! The data folder: whose it is, and who uses it now.
//!
//! A marker file says that the folder is the stack's own; its lock says that somebody uses it. Nothing
//! is ever written to, or wiped from, a folder that has things in it and no marker.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The marker's name. Its content is the version of the folder's layout.
const MARKER: &str = "weir.data";
const LAYOUT: &str = "weir data 1\n";

/// What is in the folder beside the marker, and what wiping it removes.
const BROKER: &str = "broker";
const DYNAMODB: &str = "dynamodb";

/// A data folder that this process, and no other, uses until it is dropped.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    is_new: bool,
    /// Held for its lock.
    _marker: File,
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, read or written.
    #[error("failed to write to the data folder {}", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("failed to lock the data folder {}: another weir uses it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It has things in it that are not the stack's, or those of another version.
    #[error("failed to use {} as the data folder: it is not empty, and no {LAYOUT:?} in {MARKER} says that it \
             is one", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
}

impl DataFolder {
    /// Takes the folder, making it where there is none; empties it first if it is to begin `fresh`.
    pub(super) fn open(path: &Path, fresh: bool) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Write { path: path.to_owned(), source };
        let resolved = make(path).map_err(failed)?;
        let is_foreign = !resolved.join(MARKER).exists() && !is_empty(&resolved).map_err(failed)?;
        if is_foreign {
            return Err(FolderError::Foreign { path: path.to_owned() });
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut marker = options.open(resolved.join(MARKER)).map_err(failed)?;
        match marker.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let is_marked = check(&mut marker, path)?;
        if fresh && is_marked {
            wipe(&resolved).map_err(failed)?;
        }
        if !is_marked {
            marker.write_all(LAYOUT.as_bytes()).map_err(failed)?;
        }
        let is_new = fresh || !is_marked;
        Ok(Self { path: resolved, is_new, _marker: marker })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has nothing of an earlier run.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// The broker's folder.
    pub(super) fn broker(&self) -> PathBuf {
        self.path.join(BROKER)
    }

    /// The database's file.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DYNAMODB).join("state.db")
    }
}

fn make(path: &Path) -> io::Result<PathBuf> {
    match fs::create_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(ErrorKind::NotADirectory.into()),
        made => made.and_then(|()| path.canonicalize()),
    }
}

fn is_empty(path: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(path)?.next().is_none())
}

/// Whether the marker is there already; not, where it was just made.
fn check(marker: &mut File, path: &Path) -> Result<bool, FolderError> {
    // A byte more than it should have, so that one that is longer is not taken for it.
    let limit = LAYOUT.len() as u64 + 1;
    let mut found = Vec::new();
    let read = (&*marker).take(limit).read_to_end(&mut found);
    read.map_err(|source| FolderError::Write { path: path.to_owned(), source })?;
    match found.as_slice() {
        [] => Ok(false),
        layout if layout == LAYOUT.as_bytes() => Ok(true),
        _ => Err(FolderError::Foreign { path: path.to_owned() }),
    }
}

/// Removes what the stack made, and nothing else.
fn wipe(path: &Path) -> io::Result<()> {
    for name in [BROKER, DYNAMODB] {
        match fs::remove_dir_all(path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &DataFolder) -> [PathBuf; 2] {
        let files = [folder.broker().join("broker.db"), folder.database()];
        for file in &files {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "state").unwrap();
        }
        files
    }

    #[test]
    fn a_folder_goes_on_or_begins_fresh_and_keeps_what_is_not_the_stacks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/data");
        let folder = DataFolder::open(&path, false).unwrap();
        assert!(folder.is_new());
        let files = fill(&folder);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        drop(folder);

        let again = DataFolder::open(&path, false).unwrap();
        assert!(!again.is_new() && files.iter().all(|file| file.exists()));
        drop(again);

        let fresh = DataFolder::open(&path, true).unwrap();
        assert!(fresh.is_new() && !files.iter().any(|file| file.exists()));
        assert!(path.join("notes.txt").exists());
    }

    #[test]
    fn two_do_not_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataFolder::open(dir.path(), false).unwrap();
        let second = DataFolder::open(dir.path(), true).unwrap_err();
        assert!(matches!(second, FolderError::InUse { .. }), "{second}");
        drop(first);
        DataFolder::open(dir.path(), false).unwrap();
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(BROKER)).unwrap();
        let unmarked = DataFolder::open(dir.path(), true).unwrap_err();
        assert!(matches!(unmarked, FolderError::Foreign { .. }), "{unmarked}");
        fs::write(dir.path().join(MARKER), "weir data 10\n").unwrap();
        let other = DataFolder::open(dir.path(), true).unwrap_err();
        assert!(matches!(other, FolderError::Foreign { .. }), "{other}");
        assert!(dir.path().join(BROKER).exists());
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DataFolder::open(file.path(), false).unwrap_err();
        let FolderError::Write { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::NotADirectory);
    }
}
