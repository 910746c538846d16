//! Files of events: plain or gzipped, or standard input.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An open file of events.
#[cfg_attr(
    not(any(feature = "local", feature = "notify", feature = "sink")),
    expect(dead_code, reason = "only replay, notify and sink read line by line")
)]
pub(super) struct Input {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: u64,
}

impl Input {
    /// Opens a file; `-` is standard input. What is read of it moves the bar on.
    pub(super) fn open(path: &Path, bar: &ProgressBar) -> anyhow::Result<Self> {
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(bar.wrap_read(stdin()))
        } else {
            Box::new(bar.wrap_read(File::open(path).with_context(|| failed(path))?))
        };
        let mut raw = BufReader::new(raw);
        let packed = raw.fill_buf().with_context(|| failed(path))?.starts_with(&GZIP);
        let reader: Box<dyn BufRead + Send> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(raw))) } else { Box::new(raw) };
        Ok(Self { path: path.to_owned(), reader, line: 0 })
    }

    /// The next line that is not blank and its place, `file:line`.
    #[cfg(any(feature = "local", feature = "notify", feature = "sink"))]
    pub(super) fn next_line(&mut self) -> anyhow::Result<Option<(String, Vec<u8>)>> {
        loop {
            let mut line = Vec::new();
            self.line += 1;
            let read = self.reader.read_until(b'\n', &mut line).with_context(|| failed(&self.path))?;
            if read == 0 {
                return Ok(None);
            }
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Ok(Some((format!("{}:{}", self.path.display(), self.line), line)));
            }
        }
    }

    /// Its bytes.
    pub(super) fn into_reader(self) -> Box<dyn BufRead + Send> {
        self.reader
    }

    /// All of it.
    #[cfg(feature = "local")]
    pub(super) fn read_all(mut self) -> anyhow::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.reader.read_to_end(&mut content).with_context(|| failed(&self.path))?;
        Ok(content)
    }
}

/// How many bytes files have together; none where one has no length (standard input, a pipe).
pub(super) fn total_size(paths: &[PathBuf]) -> anyhow::Result<Option<u64>> {
    let mut total = Some(0);
    for path in paths.iter().filter(|path| *path != Path::new("-")) {
        let meta = std::fs::metadata(path).with_context(|| failed(path))?;
        ensure!(!meta.is_dir(), "{}: {}", failed(path), io::Error::from(io::ErrorKind::IsADirectory));
        total = total.filter(|_| meta.is_file()).map(|total: u64| total + meta.len());
    }
    Ok(total.filter(|_| !paths.iter().any(|path| path == Path::new("-"))))
}

fn failed(path: &Path) -> String {
    format!("failed to read {}", path.display())
}

#[cfg(test)]
#[cfg(any(feature = "local", feature = "notify", feature = "sink"))]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn lines(content: &[u8]) -> Vec<(String, Vec<u8>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(content).unwrap();
        let mut input = Input::open(file.path(), &ProgressBar::hidden()).unwrap();
        let name = file.path().display().to_string();
        std::iter::from_fn(|| input.next_line().unwrap())
            .map(|(place, line)| (place.replace(&name, "file"), line))
            .collect()
    }

    #[test]
    fn plain_and_gzipped_files_give_the_same_lines_at_the_same_places() {
        let content = b"{\"a\":1}\r\n\n  \n{\"a\":2}";
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(content).unwrap();
        let expected =
            [("file:1".to_owned(), b"{\"a\":1}".to_vec()), ("file:4".to_owned(), b"{\"a\":2}".to_vec())];
        assert_eq!(lines(content), expected);
        assert_eq!(lines(&packed.finish().unwrap()), expected);
    }
}
