//! Runs over lines in memory.

use std::{
    io::{Cursor, Write},
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value};
use weir::{
    run::{Cut, Input, Outputs, run},
    sql::Catalog,
    time::SystemClock,
};

/// A line of JSON.
pub(crate) type Row = Map<String, Value>;

/// What a run gave.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) rows: Vec<Row>,
    pub(crate) late: Vec<Row>,
    pub(crate) dead: Vec<Row>,
}

/// Parses NDJSON.
pub(crate) fn parse(lines: &[u8]) -> Vec<Row> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn rows(&self) -> Vec<Row> {
        parse(&self.0.lock().unwrap())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a catalog's views over lines, by topic.
pub(crate) fn run_lines(catalog: Catalog, inputs: &[(&str, Vec<u8>)], batch: usize, partitions: u32) -> Ran {
    let (rows, late, dead) = (Buffer::default(), Buffer::default(), Buffer::default());
    let outputs = Outputs {
        views: Vec::new(),
        rows: Box::new(rows.clone()),
        late: Box::new(late.clone()),
        dead: Box::new(dead.clone()),
    };
    let input = |(topic, lines): &(&str, Vec<u8>)| Input {
        topic: (*topic).into(),
        lines: Box::new(Cursor::new(lines.clone())),
    };
    let cut = Cut { batch, partitions: NonZeroU32::new(partitions).unwrap() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let inputs = inputs.iter().map(input).collect();
    runtime.block_on(run(catalog, inputs, cut, outputs, Arc::new(SystemClock), |_| ())).unwrap();
    Ran { rows: rows.rows(), late: late.rows(), dead: dead.rows() }
}
