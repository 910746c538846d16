//! Files in a folder.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::http::Failure;

/// What the name of a file begins with that is not whole yet.
const UNFINISHED: &str = ".unfinished-";

/// A folder.
#[derive(Clone, Debug)]
pub(in crate::sink) struct Folder(pub(in crate::sink) PathBuf);

impl Folder {
    pub(super) async fn put(&self, path: &str, file: Bytes) -> Result<(), Failure> {
        blocking("write", self.0.join(path), move |path| write(path, &file)).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Bytes, Failure> {
        blocking("read", self.0.join(path), |path| fs::read(path).map(Bytes::from)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        blocking("delete", self.0.join(path), |path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        })
        .await
    }

    pub(super) async fn list(&self, start: &str) -> Result<Vec<String>, Failure> {
        let root = self.0.clone();
        blocking("list", self.0.join(start), move |path| files(&root, path)).await
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
