//! Item keys as text: readable in a console, in the order of the keys, and readable back.
//!
//! | item | `pk` | `sk` |
//! | --- | --- | --- |
//! | slab | `VIEW#s#TOPIC-PARTITION#f`, or `#b` where a backfill began | `SLICE#CHUNK` |
//! | page | `VIEW#p` | `CHUNK` |
//! | history | `VIEW#h` | `SLICE#CHUNK` |
//! | piece | `VIEW#x#HASH` | `SLICE#INDEX` |
//! | head | `VIEW` | `head` |
//! | request | `request#ID` | `request` |
//!
//! A slice is `p` and its 19 digits, before 1970 `n` and its distance from the beginning of time; a
//! chunk is `DEPTH.INDEX`, in 3 and 10 digits. Keys are read from their ends, since a view's name may
//! hold any character; a topic's cannot hold `#`.

use std::fmt;

use super::damaged;
use crate::{
    state::{Chunk, ItemKey, Partition, Span, StateError, ViewId},
    time::Timestamp,
};

/// At the end of a slab's partition key: who began its partition.
const FUNCTIONS: &str = "f";
const BACKFILL: &str = "b";

/// A key of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawKey {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl fmt::Display for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.pk, self.sk)
    }
}

impl RawKey {
    /// Where a view's head stands.
    pub fn of_head(view: &ViewId) -> Self {
        Self { pk: view.to_string(), sk: "head".to_owned() }
    }

    /// Where a request stands that may come again. A view's name is followed by `@`, so no view is met.
    pub fn of_request(id: &str) -> Self {
        Self { pk: format!("request#{id}"), sk: "request".to_owned() }
    }
}

impl ItemKey {
    /// The key in the table.
    pub fn to_keys(&self) -> RawKey {
        let (pk, sk) = match self {
            Self::Slab { view, partition, backfilled, slice, chunk } => {
                (slabs_pk(view, partition, *backfilled), slice_sk(*slice, *chunk))
            }
            Self::Page { view, chunk } => (pages_pk(view), chunk_text(*chunk)),
            Self::History { view, slice, chunk } => (history_pk(view), slice_sk(*slice, *chunk)),
            Self::Piece { view, slice, of, index } => {
                (format!("{view}#x#{of:016x}"), format!("{}#{index:010}", slice_text(*slice)))
            }
        };
        RawKey { pk, sk }
    }

    /// The key that stands in the table.
    ///
    /// # Errors
    /// Where it is none that [`ItemKey::to_keys`] writes; a head's is none.
    pub fn from_keys(pk: &str, sk: &str) -> Result<Self, StateError> {
        parse(pk, sk).ok_or_else(|| damaged(&format!("the key {pk} / {sk}"), "it is not an item's"))
    }
}

/// What a query asks for: a partition key, and the first and last sort key where not all are meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) pk: String,
    pub(super) between: Option<(String, String)>,
}

impl Range {
    /// The range of a span; nothing where it ends before it begins.
    pub(super) fn of(span: &Span) -> Option<Self> {
        let (pk, slices) = match span {
            Span::Slabs { view, partition, backfilled, from, to } => {
                (slabs_pk(view, partition, *backfilled), Some((*from, *to)))
            }
            Span::Pages { view } => (pages_pk(view), None),
            Span::History { view, from, to } => (history_pk(view), Some((*from, *to))),
        };
        if slices.is_some_and(|(from, to)| from > to) {
            return None;
        }
        // Digits and '.' sort before '~', so the upper end takes all chunks of the last slice.
        let between = slices.map(|(from, to)| (slice_text(from), format!("{}#~", slice_text(to))));
        Some(Self { pk, between })
    }
}

fn slabs_pk(view: &ViewId, partition: &Partition, backfilled: bool) -> String {
    format!("{view}#s#{partition}#{}", if backfilled { BACKFILL } else { FUNCTIONS })
}

fn pages_pk(view: &ViewId) -> String {
    format!("{view}#p")
}

fn history_pk(view: &ViewId) -> String {
    format!("{view}#h")
}

fn slice_sk(slice: Timestamp, chunk: Chunk) -> String {
    format!("{}#{}", slice_text(slice), chunk_text(chunk))
}

fn chunk_text(chunk: Chunk) -> String {
    format!("{:03}.{:010}", chunk.depth, chunk.index)
}

fn slice_text(slice: Timestamp) -> String {
    let (sign, digits) = if slice.0 < 0 { ('n', slice.0 - i64::MIN) } else { ('p', slice.0) };
    format!("{sign}{digits:019}")
}

fn parse(pk: &str, sk: &str) -> Option<ItemKey> {
    if let Some(view) = pk.strip_suffix("#p") {
        return Some(ItemKey::Page { view: ViewId::parse(view)?, chunk: parse_chunk(sk)? });
    }
    let (slice, chunk) = sk.split_once('#')?;
    let slice = parse_slice(slice)?;
    if let Some((view, of)) = pk.rsplit_once("#x#") {
        let (of, index) = (u64::from_str_radix(of, 16).ok()?, chunk.parse().ok()?);
        return Some(ItemKey::Piece { view: ViewId::parse(view)?, slice, of, index });
    }
    let chunk = parse_chunk(chunk)?;
    if let Some(view) = pk.strip_suffix("#h") {
        return Some(ItemKey::History { view: ViewId::parse(view)?, slice, chunk });
    }
    let (rest, begun) = pk.rsplit_once('#')?;
    let (view, partition) = rest.rsplit_once("#s#")?;
    let (view, partition) = (ViewId::parse(view)?, Partition::parse(partition)?);
    let backfilled = begun == BACKFILL;
    (backfilled || begun == FUNCTIONS).then_some(ItemKey::Slab { view, partition, backfilled, slice, chunk })
}

fn parse_chunk(text: &str) -> Option<Chunk> {
    let (depth, index) = text.split_once('.')?;
    Some(Chunk { depth: depth.parse().ok()?, index: index.parse().ok()? })
}

fn parse_slice(text: &str) -> Option<Timestamp> {
    let mut rest = text.chars();
    let sign = rest.next()?;
    let digits: i64 = rest.as_str().parse().ok()?;
    match sign {
        'p' => Some(Timestamp(digits)),
        'n' => Some(Timestamp(digits.checked_add(i64::MIN)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn views() -> impl Strategy<Value = ViewId> {
        (".{1,8}", any::<u64>()).prop_map(|(name, fingerprint)| ViewId::new(&name, fingerprint))
    }

    fn partitions() -> impl Strategy<Value = Partition> {
        let topics = prop_oneof!["[a-z._-]{1,12}", Just("a-1-f".to_owned()), Just("s-p-h".to_owned())];
        (topics, 0..=i32::MAX).prop_map(|(topic, index)| Partition { topic: topic.into(), index })
    }

    fn chunks() -> impl Strategy<Value = Chunk> {
        (any::<u8>(), any::<u32>()).prop_map(|(depth, index)| Chunk { depth, index })
    }

    fn slices() -> impl Strategy<Value = Timestamp> {
        prop_oneof![any::<i64>(), -3..3_i64, Just(i64::MIN), Just(i64::MAX)].prop_map(Timestamp)
    }

    fn items() -> impl Strategy<Value = ItemKey> {
        prop_oneof![
            (views(), partitions(), any::<bool>(), slices(), chunks()).prop_map(
                |(view, partition, backfilled, slice, chunk)| ItemKey::Slab {
                    view,
                    partition,
                    backfilled,
                    slice,
                    chunk
                }
            ),
            (views(), chunks()).prop_map(|(view, chunk)| ItemKey::Page { view, chunk }),
            (views(), slices(), chunks()).prop_map(|(view, slice, chunk)| ItemKey::History {
                view,
                slice,
                chunk
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_key_reads_back(key in items()) {
            let raw = key.to_keys();
            prop_assert_eq!(ItemKey::from_keys(&raw.pk, &raw.sk).unwrap(), key);
        }

        #[test]
        fn sort_keys_are_in_the_order_of_slices_and_chunks(
            a in (slices(), chunks()),
            b in (slices(), chunks()),
        ) {
            prop_assert_eq!(a.cmp(&b), slice_sk(a.0, a.1).cmp(&slice_sk(b.0, b.1)));
        }
    }

    #[test]
    fn a_key_reads_in_clear() {
        let key = ItemKey::Slab {
            view: ViewId::new("ctr", 0x00c0_ffee),
            partition: Partition { topic: "page-views.v1".into(), index: 3 },
            backfilled: false,
            slice: Timestamp(1_700_000_000_000),
            chunk: Chunk { depth: 2, index: 3 },
        };
        let raw = key.to_keys();
        assert_eq!(raw.pk, "ctr@0000000000c0ffee#s#page-views.v1-3#f");
        assert_eq!(raw.sk, "p0000001700000000000#002.0000000003");
    }

    #[test]
    fn what_is_no_key_is_named() {
        for (pk, sk) in [("ctr@00", "head"), ("ctr#p", "000.0000000000"), ("", ""), ("v#s#t#f", "x#y")] {
            let error = ItemKey::from_keys(pk, sk).unwrap_err().to_string();
            assert!(error.contains(&format!("{pk} / {sk}")), "{error}");
        }
    }
}
