//! A batch as chunks: the rows of one partition's records that go to one table.
//!
//! What a chunk is called follows from what is in it, so that whoever writes it again, writes it to the
//! same place: the partition, the first and the last offset of the batch, and a digest of the records.

use xxhash_rust::xxh3::Xxh3;

use super::{
    row::{Fields, Row},
    shape::{ALERTS, Shape},
};
use crate::{
    event::{RawBatch, RawRecord},
    time::Offset,
};

/// Rows of one table.
pub(super) struct Chunk<'a> {
    /// The table.
    pub(super) shape: &'a Shape,
    /// The topic.
    pub(super) topic: &'a str,
    /// The partition.
    pub(super) partition: i32,
    /// The first and the last offset of the batch.
    pub(super) offsets: (Offset, Offset),
    /// The rows, in the order of their offsets.
    pub(super) rows: Vec<Row>,
    digest: Xxh3,
}

/// A record that is no row of any table, and why.
pub(super) struct Poison<'a> {
    pub(super) batch: &'a RawBatch,
    pub(super) record: &'a RawRecord,
    pub(super) reason: String,
}

impl Chunk<'_> {
    /// `ctr_results-0-120-167-9f…`: different for different rows.
    pub(super) fn name(&self) -> String {
        let (first, last) = self.offsets;
        // In the order of offsets, as names are listed.
        let (topic, partition, digest) = (self.topic, self.partition, self.digest.digest());
        let [first, last] = [first, last].map(|offset| match offset.sequence() {
            Some((number, _)) => format!("{number:0>58}"),
            None => format!("{offset:012}"),
        });
        format!("{topic}-{partition}-{first}-{last}-{digest:016x}")
    }

    fn push(&mut self, row: Row, record: &[u8], offset: Offset) {
        match offset.number() {
            Some(number) => self.digest.update(&number.to_le_bytes()),
            None => self.digest.update(&offset.to_bytes().unwrap_or_default()),
        }
        self.digest.update(&record.len().to_le_bytes());
        self.digest.update(record);
        self.rows.push(row);
    }
}

/// The rows of some batches, and what is none.
pub(super) fn read<'a>(shapes: &'a [Shape], batches: &'a [RawBatch]) -> (Vec<Chunk<'a>>, Vec<Poison<'a>>) {
    let (mut chunks, mut poison) = (Vec::new(), Vec::new());
    for batch in batches {
        let mut reader = Reader { shapes, batch, chunks: Vec::new() };
        for record in &batch.records {
            if let Err(reason) = reader.add(record) {
                poison.push(Poison { batch, record, reason });
            }
        }
        chunks.append(&mut reader.chunks);
    }
    (chunks, poison)
}

/// The chunks of one batch.
struct Reader<'a> {
    shapes: &'a [Shape],
    batch: &'a RawBatch,
    chunks: Vec<Chunk<'a>>,
}

impl<'a> Reader<'a> {
    /// Adds a record to the chunk of its view, and to that of all alerts if it is one.
    fn add(&mut self, record: &'a RawRecord) -> Result<(), String> {
        if let Some(damage) = &record.damage {
            return Err(damage.clone());
        }
        let bytes = self.batch.bytes.get(record.value.clone()).unwrap_or_default();
        let fields = Fields::read(bytes)?;
        let view = fields.view()?;
        let shape = self.shape(&view).filter(|shape| shape.name != ALERTS);
        let shape = shape.ok_or_else(|| format!("it is of view \"{view}\", which the SQL does not have"))?;
        let row = fields.row(shape, self.batch, record)?;
        // Before anything is added: a record is whole or not there.
        let alerts = self.shape(ALERTS).filter(|_| shape.alert);
        let alert = alerts.map(|alerts| Ok::<_, String>((alerts, fields.row(alerts, self.batch, record)?)));
        let alert = alert.transpose()?;
        for (shape, row) in [(shape, row)].into_iter().chain(alert) {
            self.chunk(shape).push(row, bytes, record.offset);
        }
        Ok(())
    }

    fn shape(&self, name: &str) -> Option<&'a Shape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    fn chunk(&mut self, shape: &'a Shape) -> &mut Chunk<'a> {
        let place = self.chunks.iter().position(|chunk| std::ptr::eq(chunk.shape, shape));
        let place = place.unwrap_or_else(|| {
            self.chunks.push(self.empty(shape));
            self.chunks.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place is one that was just found or made")]
        &mut self.chunks[place]
    }

    fn empty(&self, shape: &'a Shape) -> Chunk<'a> {
        let batch = self.batch;
        let offset = |record: Option<&RawRecord>| record.map_or(Offset::at(0), |record| record.offset);
        let offsets = (offset(batch.records.first()), offset(batch.records.last()));
        let (topic, partition) = (batch.topic.as_str(), batch.partition);
        Chunk { shape, topic, partition, offsets, rows: Vec::new(), digest: Xxh3::new() }
    }
}
