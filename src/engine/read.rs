//! Reading results: what the API serves.

use std::sync::Arc;

use super::{
    EngineError,
    leaf::Leaves,
    page::{Page, damaged, read},
    row::{Key, KeyRows},
    series::encoded,
    stored,
    view::{ViewRuntime, closed},
};
use crate::{
    aggregate::KeyTable,
    codec::CodecError,
    sql::{Catalog, View},
    state::{Chunk, Head, Item, ItemKey, Scope, Store},
    time::{Offset, Timestamp},
    value::Value,
    window::{is_final, watermark},
};

/// Reads the rows of a catalog's views.
pub struct Reader<S> {
    catalog: Arc<Catalog>,
    views: Vec<ViewRuntime>,
    pub(super) store: S,
}

/// How far a view has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewStatus {
    /// Up to where its windows are closed; none before the first.
    pub closed: Option<Timestamp>,
    /// For each source partition: topic, number, next offset, watermark, time of the last batch.
    pub partitions: Vec<PartitionStatus>,
}

/// How far a source partition has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The first offset that is not absorbed.
    pub next: Offset,
    /// Its watermark; none before its first event.
    pub watermark: Option<Timestamp>,
    /// The wall clock at its last batch.
    pub seen_at: Timestamp,
    /// Whether it is left out of the watermark.
    pub idle: bool,
}

impl<S: Store> Reader<S> {
    /// A reader.
    pub fn new(catalog: Arc<Catalog>, store: S) -> Self {
        let views = catalog.views.iter().map(|view| ViewRuntime::new(&catalog, view)).collect();
        Self { catalog, views, store }
    }

    /// What it reads.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(super) fn view(&self, view: &View) -> Option<&ViewRuntime> {
        self.views.iter().find(|runtime| runtime.plan.name == view.name)
    }

    /// The keys of a view with their rows.
    pub async fn all(&self, view: &View) -> Result<Vec<(Key, KeyRows)>, EngineError> {
        let Some(view) = self.view(view) else { return Ok(Vec::new()) };
        let span = crate::state::Span::Pages { view: view.id.clone() };
        let items = self.store.scan(&span).await?;
        let leaves = self.leaves(items).await?;
        let entry = |entry: Result<(&[u8], KeyRows), CodecError>| {
            let (key, rows) = entry?;
            Ok((view.key(key)?, rows))
        };
        let rows = leaves.iter().flat_map(|leaf| leaf.content.entries()).map(entry);
        rows.collect::<Result<_, _>>().map_err(|source| damaged(view, source))
    }

    /// The rows of one key: a value for each of the view's key columns.
    pub async fn key(&self, view: &View, key: &[Value<'_>]) -> Result<Option<KeyRows>, EngineError> {
        let Some(view) = self.view(view) else { return Ok(None) };
        let bytes = encoded(key);
        let hash = KeyTable::hash(&bytes);
        let depth = self.store.head(&view.id).await?.page_depth;
        let deepest = ItemKey::Page { view: view.id.clone(), chunk: Chunk::covering(hash, depth) };
        let items = match self.store.get(&deepest).await? {
            Some(item) => vec![(deepest, item)],
            None if depth == 0 => vec![],
            None => read(&self.store, view, depth, std::iter::once(hash)).await?,
        };
        let mut leaves = self.leaves(items).await?;
        let Some(leaf) = leaves.covering(hash) else { return Ok(None) };
        leaf.content.find(hash, &bytes).map_err(|source| damaged(view, source))
    }

    async fn leaves(&self, items: Vec<(ItemKey, Item)>) -> Result<Leaves<Page>, EngineError> {
        stored::leaves(&self.store, &(), Page::default(), items, |_, body| Page::decode(body)).await
    }

    /// How far a view has come.
    pub async fn status(&self, view: &View) -> Result<ViewStatus, EngineError> {
        let Some(view) = self.view(view) else {
            return Ok(ViewStatus { closed: None, partitions: Vec::new() });
        };
        Ok(status(view, &self.store.head(&view.id).await?))
    }

    /// Whether a row that ends here can still change, going by a view's status.
    pub fn is_final(view: &View, status: &ViewStatus, window_end: Timestamp) -> bool {
        is_final(view, window_end, status.closed.unwrap_or(Timestamp::MIN))
    }
}

fn status(view: &ViewRuntime, head: &Head) -> ViewStatus {
    let reported = |at: Timestamp| (at != Timestamp::MIN).then_some(at);
    let all = head.closed.values().copied().min().unwrap_or(closed(head, Scope::All));
    let partition =
        |(partition, progress): (&crate::state::Partition, &crate::state::Progress)| PartitionStatus {
            topic: partition.topic.to_string(),
            partition: partition.index,
            next: progress.next,
            watermark: reported(watermark(progress.largest, view.delay(&partition.topic))),
            seen_at: progress.seen_at,
            idle: progress.idle_at == Some(progress.next),
        };
    ViewStatus { closed: reported(all), partitions: head.partitions.iter().map(partition).collect() }
}
