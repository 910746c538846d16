//! A store in memory, for `weir run` and for tests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Advance, Chunk, Head, Item, ItemKey, Partition, Progress, Requests, Scope, Span, StateError, Store,
    ViewId, Written, step,
};
use crate::time::{Offset, Timestamp};

/// Keeps everything in maps. Items do not expire; [`MemoryStore::drop_before`] bounds it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

/// What a [`MemoryStore`] did and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Items and heads that were read.
    pub reads: u64,
    /// Items and heads that were written; what changed nothing does not count.
    pub writes: u64,
    /// The bytes of all item bodies held now.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct Tables {
    heads: BTreeMap<ViewId, Head>,
    items: BTreeMap<ItemKey, Item>,
    requests: BTreeMap<String, Item>,
    stats: Stats,
}

/// DynamoDB's limit on an item, which holds here too.
const MOST_BYTES: usize = 400 << 10;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the slabs and history items of a view whose slices begin before `slice`.
    pub fn drop_before(&self, view: &ViewId, slice: Timestamp) {
        let mut tables = self.lock();
        let old: Vec<_> =
            tables.slabs(view).filter(|(_, start)| *start < slice).map(|(key, _)| key).collect();
        tables.remove_all(&old);
        let first = ItemKey::History { view: view.clone(), slice: Timestamp::MIN, chunk: Chunk::WHOLE };
        let end = ItemKey::History { view: view.clone(), slice, chunk: Chunk::WHOLE };
        let old: Vec<_> = tables.items.range(first..end).map(|(key, _)| key.clone()).collect();
        tables.remove_all(&old);
        let piece = |slice| ItemKey::Piece { view: view.clone(), slice, of: 0, index: 0 };
        let old: Vec<_> =
            tables.items.range(piece(Timestamp::MIN)..piece(slice)).map(|(key, _)| key.clone()).collect();
        tables.remove_all(&old);
    }

    /// What it did so far and holds now.
    pub fn stats(&self) -> Stats {
        self.lock().stats
    }

    /// A panic of another thread leaves no half-written map behind: every change is one insertion.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The slabs of a view, with the slices they stand in.
    fn slabs(&self, view: &ViewId) -> impl Iterator<Item = (ItemKey, Timestamp)> {
        let first = ItemKey::Slab {
            view: view.clone(),
            partition: Partition { topic: "".into(), index: i32::MIN },
            backfilled: false,
            slice: Timestamp::MIN,
            chunk: Chunk::WHOLE,
        };
        self.items.range(first..).map_while(move |(key, _)| match key {
            ItemKey::Slab { view: of, slice, .. } if of == view => Some((key.clone(), *slice)),
            _ => None,
        })
    }

    fn remove_all(&mut self, keys: &[ItemKey]) {
        for item in keys.iter().filter_map(|key| self.items.remove(key)) {
            self.stats.bytes -= item.body.len() as u64;
        }
    }

    fn read(&mut self, keys: impl Iterator<Item = ItemKey>) -> Vec<(ItemKey, Item)> {
        let found: Vec<_> =
            keys.filter_map(|key| self.items.get(&key).cloned().map(|item| (key, item))).collect();
        self.stats.reads += found.len() as u64;
        found
    }

    fn put(&mut self, key: &ItemKey, item: Item, expected: Option<i64>) -> Written {
        let stands = self.items.get(key);
        if stands.map(|stands| stands.version) != expected {
            return Written::against(stands, &item);
        }
        let replaced = stands.map_or(0, |stands| stands.body.len() as u64);
        self.stats.bytes = self.stats.bytes - replaced + item.body.len() as u64;
        self.stats.writes += 1;
        self.items.insert(key.clone(), item);
        Written::Stored
    }

    /// Changes one partition of a head where `change` says what it becomes; answers whether it did.
    fn update(
        &mut self,
        view: &ViewId,
        partition: &Partition,
        change: impl FnOnce(Option<&Progress>) -> Option<Progress>,
    ) -> bool {
        let head = self.heads.entry(view.clone()).or_default();
        let Some(progress) = change(head.partitions.get(partition)) else { return false };
        head.partitions.insert(partition.clone(), progress);
        self.stats.writes += 1;
        true
    }

    fn head(&mut self, view: &ViewId) -> Head {
        self.stats.reads += 1;
        self.heads.get(view).cloned().unwrap_or_default()
    }
}

impl Span {
    /// The first and the last key that can be in it; nothing where it ends before it begins.
    fn bounds(&self) -> Option<(ItemKey, ItemKey)> {
        let last = Chunk { depth: u8::MAX, index: u32::MAX };
        match self.clone() {
            Self::Slabs { view, partition, backfilled, from, to } => {
                let key = |slice, chunk| {
                    let (view, partition) = (view.clone(), partition.clone());
                    ItemKey::Slab { view, partition, backfilled, slice, chunk }
                };
                (from <= to).then(|| (key(from, Chunk::WHOLE), key(to, last)))
            }
            Self::Pages { view } => {
                let key = |chunk| ItemKey::Page { view: view.clone(), chunk };
                Some((key(Chunk::WHOLE), key(last)))
            }
            Self::History { view, from, to } => {
                let key = |slice, chunk| ItemKey::History { view: view.clone(), slice, chunk };
                (from <= to).then(|| (key(from, Chunk::WHOLE), key(to, last)))
            }
        }
    }
}

impl Store for MemoryStore {
    async fn head(&self, view: &ViewId) -> Result<Head, StateError> {
        Ok(self.lock().head(view))
    }

    async fn advance(&self, view: &ViewId, step: Advance) -> Result<Head, StateError> {
        let mut tables = self.lock();
        if tables.update(view, &step.partition, |old| step::advanced(old, &step))
            && let Some(head) = tables.heads.get_mut(view)
        {
            head.born.get_or_insert(step.seen_at);
        }
        Ok(tables.head(view))
    }

    async fn begin_backfill(
        &self,
        view: &ViewId,
        partition: &Partition,
        from: Offset,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let mut tables = self.lock();
        let begin = |old: Option<&Progress>| old.is_none().then(|| step::begun(from, now));
        if tables.update(view, partition, begin)
            && let Some(head) = tables.heads.get_mut(view)
        {
            head.born.get_or_insert(now);
        }
        Ok(())
    }

    async fn mark_idle(&self, view: &ViewId, partition: &Partition, next: Offset) -> Result<(), StateError> {
        self.lock().update(view, partition, |old| step::idled(old, next));
        Ok(())
    }

    async fn restart(&self, view: &ViewId, partition: &Partition, epoch: u32) -> Result<(), StateError> {
        self.lock().update(view, partition, |old| step::restarted(old, epoch));
        Ok(())
    }

    async fn set_closed(&self, view: &ViewId, scope: Scope, through: Timestamp) -> Result<(), StateError> {
        let mut tables = self.lock();
        let head = tables.heads.entry(view.clone()).or_default();
        if head.closed.get(&scope).is_none_or(|closed| *closed < through) {
            head.closed.insert(scope, through);
            tables.stats.writes += 1;
        }
        Ok(())
    }

    async fn set_page_depth(&self, view: &ViewId, depth: u8) -> Result<(), StateError> {
        let mut tables = self.lock();
        let head = tables.heads.entry(view.clone()).or_default();
        if head.page_depth < depth {
            head.page_depth = depth;
            tables.stats.writes += 1;
        }
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        let mut tables = self.lock();
        tables.stats.reads += 1;
        Ok(tables.items.get(key).cloned())
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let mut keys: Vec<_> = keys.iter().collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(self.lock().read(keys.into_iter().cloned()))
    }

    async fn scan(&self, span: &Span) -> Result<Vec<(ItemKey, Item)>, StateError> {
        self.scan_first(span, usize::MAX).await
    }

    async fn scan_first(&self, span: &Span, most: usize) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let Some((first, last)) = span.bounds() else { return Ok(Vec::new()) };
        let mut tables = self.lock();
        let items = tables.items.range(first..=last).take(most);
        let found: Vec<_> = items.map(|(key, item)| (key.clone(), item.clone())).collect();
        tables.stats.reads += found.len() as u64;
        Ok(found)
    }

    async fn put(&self, key: &ItemKey, item: Item, expected: Option<i64>) -> Result<Written, StateError> {
        if item.body.len() > MOST_BYTES {
            let source = format!("its {} bytes are more than DynamoDB takes, {MOST_BYTES}", item.body.len());
            return Err(StateError::Call {
                action: "write",
                subject: format!("{key:?}"),
                source: source.into(),
            });
        }
        Ok(self.lock().put(key, item, expected))
    }
}

impl Requests for MemoryStore {
    async fn request(&self, id: &str) -> Result<Option<Item>, StateError> {
        Ok(self.lock().requests.get(id).cloned())
    }

    async fn put_request(&self, id: &str, item: Item, expected: Option<i64>) -> Result<Written, StateError> {
        let requests = &mut self.lock().requests;
        let stands = requests.get(id);
        if stands.map(|stands| stands.version) != expected {
            return Ok(Written::against(stands, &item));
        }
        requests.insert(id.to_owned(), item);
        Ok(Written::Stored)
    }
}

#[cfg(test)]
mod tests;
