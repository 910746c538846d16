//! Reading results: what the API serves.

use std::sync::Arc;

use super::{
    EngineError,
    page::{Page, damaged, read},
    recent::{Generation, Recent},
    row::{Key, KeyRows},
    series::encoded,
    stored,
    view::{ViewRuntime, closed},
};
use crate::{
    aggregate::KeyTable,
    codec::{CodecError, unpack},
    sql::{Catalog, View},
    state::{Chunk, Head, ItemKey, Scope, Store},
    time::{Clock, Millis, Offset, Timestamp},
    value::Value,
    window::{is_final, watermark},
};

/// Reads the rows of a catalog's views.
pub struct Reader<S> {
    catalog: Arc<Catalog>,
    views: Vec<ViewRuntime>,
    pub(super) store: S,
    recent: Option<Recent>,
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
        Self { catalog, views, store, recent: None }
    }

    /// One that may answer [`Reader::key`] and [`Reader::status`] with what it read so long ago: with anything
    /// that became known later than that, but not with everything. Asked for the status first, it takes no row
    /// for final that may change.
    #[must_use]
    pub fn remembering(self, age: Millis, clock: Arc<dyn Clock>) -> Self {
        let recent = (age > Millis(0)).then(|| Recent::new(self.views.len(), age, clock));
        Self { recent, ..self }
    }

    /// What it reads.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(super) fn view(&self, view: &View) -> Option<&ViewRuntime> {
        self.views.iter().find(|runtime| runtime.plan.name == view.name)
    }

    /// A view's head as it is or was a moment ago, and the pages that were read since.
    async fn generation(&self, view: &ViewRuntime) -> Result<Arc<Generation>, EngineError> {
        // In a box, which is made only where there is something to read: these are large.
        let read = || Box::pin(async { Ok(self.store.head(&view.id).await?) });
        let place = self.views.iter().position(|known| std::ptr::eq(known, view));
        match self.recent.as_ref().zip(place) {
            Some((recent, place)) => recent.generation(place, read).await,
            None => Ok(Arc::new(Generation::new(Timestamp::MIN, read().await?))),
        }
    }

    /// The keys of a view with their rows.
    pub async fn all(&self, view: &View) -> Result<Vec<(Key, KeyRows)>, EngineError> {
        let Some(view) = self.view(view) else { return Ok(Vec::new()) };
        let span = crate::state::Span::Pages { view: view.id.clone() };
        let items = self.store.scan(&span).await?;
        let leaves = Page::leaves(&self.store, items).await?;
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
        let generation = self.generation(view).await?;
        let depth = generation.head.page_depth;
        let page = || Box::pin(self.page(view, hash, depth));
        let Some(body) = generation.page(Chunk::covering(hash, depth), page).await? else { return Ok(None) };
        Page::look_up(&body, &bytes).map_err(|source| damaged(view, source))
    }

    /// The body of the page that covers a hash: of those that do, the deepest that there is.
    async fn page(&self, view: &ViewRuntime, hash: u64, depth: u8) -> Result<Option<Arc<[u8]>>, EngineError> {
        let deepest = ItemKey::Page { view: view.id.clone(), chunk: Chunk::covering(hash, depth) };
        let items = match self.store.get(&deepest).await? {
            Some(item) => vec![(deepest, item)],
            None if depth == 0 => vec![],
            None => read(&self.store, view, depth, std::iter::once(hash)).await?,
        };
        let covering = items.into_iter().filter(|(key, _)| key.chunk().covers(hash));
        let Some((key, item)) = covering.max_by_key(|(key, _)| key.chunk().depth) else { return Ok(None) };
        let item = stored::whole(&self.store, &key, item).await?;
        let body = unpack(&item.body).map_err(|source| damaged(view, source))?;
        Ok(Some(Arc::from(&*body)))
    }

    /// How far a view has come.
    pub async fn status(&self, view: &View) -> Result<ViewStatus, EngineError> {
        let Some(view) = self.view(view) else {
            return Ok(ViewStatus { closed: None, partitions: Vec::new() });
        };
        Ok(status(view, &self.generation(view).await?.head))
    }

    /// Asks the store for something small, whatever is remembered.
    pub async fn ping(&self) -> Result<(), EngineError> {
        let Some(view) = self.views.first() else { return Ok(()) };
        Ok(self.store.head(&view.id).await.map(drop)?)
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
