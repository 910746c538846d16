//! The keys of the next records.

use crate::{aggregate::KeyTable, codec::put_value, engine::rules::EventIndex, event::Batch, sql::Source};

/// How many records are looked at together.
const RECORDS: usize = 32;

/// Keys are encoded, hashed and looked for some records before it is their turn: where what is known of them is larger
/// than a cache each look is a wait for memory, and these waits pass together.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The index of the first record that was looked at.
    first: usize,
    records: Vec<Seen>,
    keys: Vec<u8>,
}

/// A record that was looked at.
#[derive(Clone, Copy, Debug)]
struct Seen {
    is_wanted: bool,
    hash: u64,
    /// Where its key ends. It begins where the one before it ends.
    end: usize,
}

impl Ahead {
    /// The hash of a record's key and the key; none where the record is broken, or WHERE leaves it out.
    pub(super) fn key(
        &mut self,
        record: usize,
        batch: &Batch<'_>,
        source: &Source,
        events: Option<&EventIndex>,
    ) -> Option<(u64, &[u8])> {
        if !(self.first..self.first + self.records.len()).contains(&record) {
            self.look(record, batch, source);
            events.into_iter().for_each(|events| self.touch(events));
        }
        let place = record - self.first;
        let seen = self.records.get(place).filter(|seen| seen.is_wanted)?;
        Some((seen.hash, self.keys.get(self.start(place)..seen.end).unwrap_or_default()))
    }

    fn start(&self, place: usize) -> usize {
        place.checked_sub(1).and_then(|before| self.records.get(before)).map_or(0, |before| before.end)
    }

    fn look(&mut self, first: usize, batch: &Batch<'_>, source: &Source) {
        self.first = first;
        self.records.clear();
        self.keys.clear();
        for (index, record) in batch.records.iter().enumerate().skip(first).take(RECORDS) {
            let (row, start) = (batch.row(index), self.keys.len());
            let passes = || source.filter.as_ref().is_none_or(|filter| filter.test(row));
            let is_wanted = record.event_time.is_ok() && passes();
            if is_wanted {
                for key in &source.keys {
                    key.with(row, |value| put_value(&mut self.keys, value));
                }
            }
            let hash = KeyTable::hash(self.keys.get(start..).unwrap_or_default());
            self.records.push(Seen { is_wanted, hash, end: self.keys.len() });
        }
    }

    /// Looks at what is known of the keys.
    fn touch(&self, events: &EventIndex) {
        let mut start = 0;
        for Seen { hash, end, .. } in &self.records {
            let key = self.keys.get(start..*end).unwrap_or_default();
            events.find(*hash, key).into_iter().for_each(|number| events.touch(number));
            start = *end;
        }
    }
}
