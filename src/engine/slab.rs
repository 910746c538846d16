//! A slab: what one source partition made of one slice.

use std::cmp::Ordering;

use super::{
    groups::{Groups, Shape},
    leaf::Content,
    rules::{Log, Logged},
};
use crate::{
    codec::{CodecError, Reader, put_offset, put_varint, put_zigzag},
    state::Chunk,
    time::{Millis, Offset, Timestamp},
    window::{Gone, Mark},
};

/// The format of the bodies that are written: of groups, and of events one by one.
const VERSION: u8 = 1;
const VERSION_OF_LOG: u8 = 2;
/// What stands before them where the next offset is a sequence number, and then itself.
const VERSION_IN_SEQUENCE: u8 = 3;
/// What stands before them where the topic was made anew, and then how often, and the next offset.
const VERSION_OF_REMADE: u8 = 4;

/// The partial aggregates of the keys that a source partition saw in a slice.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    /// The first offset that it has not taken. (A number is its version in the store, too, unless the topic was
    /// made anew.)
    pub(super) next: Offset,
    /// How often the topic had been made anew when it took what it took last.
    remade: u32,
    slice: Timestamp,
    sections: Vec<Section>,
    /// The events themselves, of a view that has rows of single events.
    log: Log,
}

/// The groups of a slab that count in the same windows. Nearly all slabs have one section.
#[derive(Clone, Debug)]
struct Section {
    tag: Tag,
    groups: Groups,
}

/// In which windows a section counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// Only in those that end here or later: its events came when the ones before were past already.
    pub(super) from_end: Timestamp,
    /// Not in the sessions that this names.
    pub(super) mark: Mark,
}

impl Tag {
    /// All windows that overlap the slice.
    pub(super) const ALL: Self = Self { from_end: Timestamp::MIN, mark: Mark(Vec::new()) };
}

impl Slab {
    pub(super) fn new(slice: Timestamp) -> Self {
        Self { next: Offset::FIRST, remade: 0, slice, sections: Vec::new(), log: Log::default() }
    }

    /// Goes on in a topic that was made anew so often: its offsets begin again. To who does not know yet that it was
    /// made anew once more, nothing is new.
    pub(super) fn going_on(mut self, remade: u32) -> Self {
        match self.remade.cmp(&remade) {
            Ordering::Less => (self.next, self.remade) = (Offset::FIRST, remade),
            Ordering::Equal => {}
            Ordering::Greater => self.next = Offset::BEYOND,
        }
        self
    }

    pub(super) fn slice(&self) -> Timestamp {
        self.slice
    }

    /// The groups of a tag; they are made if there are none.
    pub(super) fn section(&mut self, shape: &Shape, tag: &Tag) -> &mut Groups {
        let found = self.sections.iter().position(|section| section.tag == *tag);
        let index = found.unwrap_or_else(|| {
            self.sections.push(Section { tag: tag.clone(), groups: Groups::new(shape) });
            self.sections.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.sections[index].groups
    }

    /// All sections.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&Tag, &Groups)> {
        self.sections.iter().map(|section| (&section.tag, &section.groups))
    }

    /// Keeps an event.
    pub(super) fn keep(&mut self, event: Logged<'_>) {
        self.log.push(self.slice, event);
    }

    /// The events that are kept.
    pub(super) fn events(&self) -> impl Iterator<Item = Logged<'_>> {
        self.log.iter(self.slice)
    }

    /// The version of its next item, which `stored` is to make way for: the next offset where that is a number
    /// that only rises. A sequence number is wider than a version, which only counts then.
    pub(super) fn version(&self, stored: Option<i64>) -> i64 {
        self.number().unwrap_or_else(|| stored.unwrap_or(0) + 1)
    }

    /// The next offset, if it and all before it are numbers that rise.
    fn number(&self) -> Option<i64> {
        self.next.number().filter(|_| self.remade == 0)
    }

    /// Reads the body of an item of a version.
    pub(super) fn decode(
        shape: &Shape,
        slice: Timestamp,
        version: i64,
        body: &[u8],
    ) -> Result<Self, CodecError> {
        let mut from = Reader::new(body);
        let mut slab = Self { next: Offset::at(version), ..Self::new(slice) };
        let mut format = from.byte("a slab's version")?;
        if let VERSION_IN_SEQUENCE | VERSION_OF_REMADE = format {
            if format == VERSION_OF_REMADE {
                let remade = from.varint("how often a topic was made anew")?;
                slab.remade = u32::try_from(remade).unwrap_or(u32::MAX);
            }
            slab.next = from.offset("a slab's next offset")?;
            format = from.byte("a slab's version")?;
        }
        match format {
            VERSION => slab.sections = Self::decode_sections(shape, slice, &mut from)?,
            VERSION_OF_LOG => slab.log = Log::decode(slab.number().is_some(), &mut from)?,
            other => {
                return Err(CodecError::Unexpected {
                    found: format!("slab version {other}"),
                    expected: "slab version 1 to 4",
                });
            }
        }
        Ok(slab)
    }

    fn decode_sections(
        shape: &Shape,
        slice: Timestamp,
        from: &mut Reader<'_>,
    ) -> Result<Vec<Section>, CodecError> {
        let mut sections = Vec::new();
        for _ in 0..from.count("the number of sections")? {
            let from_end = Timestamp(from.zigzag("a section's first window")?);
            let mut mark = Mark::default();
            for _ in 0..from.count("the length of a mark")? {
                let first = Timestamp(from.zigzag("a first event")?);
                let last = first + Millis(from.zigzag("a last event")?);
                let generation = u32::try_from(from.varint("a generation")?).unwrap_or(u32::MAX);
                mark.0.push(Gone { first, last, generation });
            }
            let groups = Groups::decode(shape, slice, from)?;
            sections.push(Section { tag: Tag { from_end, mark }, groups });
        }
        Ok(sections)
    }
}

impl Content for Slab {
    type Shape = Shape;

    fn restrict(&self, shape: &Shape, chunk: Chunk) -> Self {
        let restrict = |section: &Section| Section {
            tag: section.tag.clone(),
            groups: section.groups.filter(shape, |hash| chunk.covers(hash)),
        };
        let sections = self.sections.iter().map(restrict).filter(|section| section.groups.len() > 0);
        let log = self.log.filter(self.slice, |hash| chunk.covers(hash));
        let Self { next, remade, slice, .. } = *self;
        Self { next, remade, slice, sections: sections.collect(), log }
    }

    fn len(&self) -> usize {
        self.sections.iter().map(|section| section.groups.len()).sum::<usize>() + self.log.keys()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if self.remade > 0 {
            out.push(VERSION_OF_REMADE);
            put_varint(out, self.remade.into());
            put_offset(out, self.next);
        } else if self.next.number().is_none() {
            out.push(VERSION_IN_SEQUENCE);
            put_offset(out, self.next);
        }
        if self.log.len() > 0 {
            out.push(VERSION_OF_LOG);
            return self.log.encode(self.number().is_some(), out);
        }
        out.push(VERSION);
        put_varint(out, self.sections.len() as u64);
        for Section { tag, groups } in &self.sections {
            put_zigzag(out, tag.from_end.0);
            put_varint(out, tag.mark.0.len() as u64);
            for gone in &tag.mark.0 {
                put_zigzag(out, gone.first.0);
                put_zigzag(out, (gone.last - gone.first).0);
                put_varint(out, u64::from(gone.generation));
            }
            groups.encode(self.slice, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slab as it is put over a version, and read again.
    fn stored(slab: &Slab, over: Option<i64>) -> (i64, Slab) {
        let shape = Shape { aggregates: Vec::new(), timed: false };
        let (version, mut body) = (slab.version(over), Vec::new());
        slab.encode(&mut body);
        (version, Slab::decode(&shape, Timestamp(0), version, &body).unwrap())
    }

    #[test]
    fn offsets_begin_again_in_a_topic_that_was_made_anew_and_versions_do_not() {
        let mut slab = Slab::new(Timestamp(0));
        slab.next = Offset::at(50);
        let (version, read) = stored(&slab, None);
        assert_eq!((version, read.next), (50, slab.next));
        let mut slab = read.going_on(1);
        assert_eq!(slab.next, Offset::FIRST);
        slab.next = Offset::at(3);
        // A writer that still has the old topic's slab must not find its version again.
        let (version, read) = stored(&slab, Some(50));
        assert_eq!((version, read.clone().going_on(1).next), (51, slab.next));
        assert_eq!(read.clone().going_on(2).next, Offset::FIRST);
        assert!(
            Offset::at(i64::MAX) < read.clone().going_on(0).next,
            "it is not for who knows the old topic alone"
        );
    }
}
