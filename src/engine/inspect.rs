//! The store's items in clear, for `weir inspect`.

use serde_json::{Map, Value as Json, json};

use super::{
    EngineError,
    groups::Groups,
    history::History,
    page::Page,
    row::{ClosedRow, KeyRows},
    rules::Logged,
    slab::{Slab, Tag},
    stored::whole,
    view::ViewRuntime,
};
use crate::{
    codec::{CodecError, Reader, unpack},
    sql::{Catalog, View},
    state::{Backfill, Chunk, Head, Item, ItemKey, Partition, Progress, Scope, Store, ViewId},
    time::Timestamp,
    value::Value,
};

/// Shows the items of a view.
pub struct Inspector(ViewRuntime);

impl Inspector {
    /// Shows the items of a view.
    pub fn new(catalog: &Catalog, view: &View) -> Self {
        Self(ViewRuntime::new(catalog, view))
    }

    /// The view's name in the store.
    pub fn id(&self) -> &ViewId {
        &self.0.id
    }

    /// The head in clear.
    pub fn head(&self, head: &Head) -> Json {
        let partition = |(partition, progress): (&Partition, &Progress)| {
            let watermark = crate::window::watermark(progress.largest, self.0.delay(&partition.topic));
            json!({
                "partition": partition.to_string(),
                "next_offset": progress.next,
                "largest": time(progress.largest),
                "watermark": time(watermark),
                "seen_at": time(progress.seen_at),
                "idle": progress.idle_at == Some(progress.next),
                "epoch": progress.epoch,
                "floor": time(progress.floor),
                "backfill": backfill(progress.backfill),
            })
        };
        let closed = head.closed.iter().map(|(scope, at)| (scope_name(*scope), time(*at)));
        json!({
            "item": "head",
            "view": self.0.id.as_str(),
            "closed": closed.collect::<Map<_, _>>(),
            "page_depth": head.page_depth,
            "born": head.born.map(|at| at.to_string()),
            "partitions": head.partitions.iter().map(partition).collect::<Vec<_>>(),
        })
    }

    /// An item in clear.
    pub async fn item<S: Store>(&self, store: &S, key: &ItemKey, item: Item) -> Result<Json, EngineError> {
        let item = whole(store, key, item).await?;
        let shown = unpack(&item.body).and_then(|body| self.body(key, item.version, &body));
        let shown = shown.map_err(|source| EngineError::Damaged { subject: format!("{key:?}"), source })?;
        let mut object = place(key);
        object.insert("version".into(), item.version.into());
        object.insert("bytes".into(), item.body.len().into());
        object.insert("expires".into(), item.expires.map(|at| at.to_string()).into());
        object.extend(shown);
        Ok(Json::Object(object))
    }

    fn body(&self, key: &ItemKey, version: i64, body: &[u8]) -> Result<Map<String, Json>, CodecError> {
        let mut shown = Map::new();
        let (name, content) = match key {
            ItemKey::Slab { slice, .. } => {
                let slab = Slab::decode(&self.0.shape, *slice, version, body)?;
                let events = slab.events().map(|event| self.event(event)).collect::<Result<Vec<_>, _>>()?;
                if !events.is_empty() {
                    shown.insert("events".into(), events.into());
                }
                let sections = slab.sections().map(|(tag, groups)| self.section(tag, groups));
                ("sections", sections.collect::<Result<Vec<_>, _>>()?)
            }
            ItemKey::Page { .. } => {
                let page = Page::decode(body.into())?;
                let pair = |rows: KeyRows| {
                    let previous = rows.previous.as_ref().map(|row| self.row(row));
                    json!({ "latest": self.row(&rows.latest), "previous": previous })
                };
                let rows = page.entries().map(|entry| entry.map(|(_, rows)| pair(rows)));
                ("keys", rows.collect::<Result<_, _>>()?)
            }
            ItemKey::History { slice, .. } => {
                let history = History::decode(*slice, body.into())?;
                let rows = history.rows().map(|row| row.decode().map(|row| self.row(&row)));
                ("rows", rows.collect::<Result<_, _>>()?)
            }
            ItemKey::Piece { .. } => ("piece", vec![body.len().into()]),
        };
        shown.insert(name.into(), content.into());
        Ok(shown)
    }

    fn event(&self, event: Logged<'_>) -> Result<Json, CodecError> {
        let mut key = Reader::new(event.key);
        let mut shown = Map::new();
        for field in &self.0.plan.keys {
            shown.insert(field.name.clone(), key.value()?.to_json());
        }
        shown.insert("at".into(), time(event.at));
        shown.insert("offset".into(), json!(event.offset));
        let (mut kept, mut values) = (Reader::new(event.kept), Vec::new());
        while !kept.is_empty() {
            values.push(kept.value()?.to_json());
        }
        shown.insert("kept".into(), values.into());
        Ok(Json::Object(shown))
    }

    fn section(&self, tag: &Tag, groups: &Groups) -> Result<Json, CodecError> {
        let group = |group: usize| {
            let mut reader = Reader::new(groups.keys().key(group));
            let mut shown = Map::new();
            for key in &self.0.plan.keys {
                shown.insert(key.name.clone(), reader.value()?.to_json());
            }
            shown.insert("events".into(), groups.events(group).into());
            if let Some((first, last)) = groups.span(group) {
                shown.insert("first".into(), time(first));
                shown.insert("last".into(), time(last));
            }
            let mut results: Vec<Value<'static>> = Vec::new();
            groups.accumulators().finish(group, &mut results);
            shown.insert("aggregates".into(), results.iter().map(Value::to_json).collect());
            Ok(Json::Object(shown))
        };
        let mut shown = Map::new();
        if tag.from_end != Timestamp::MIN {
            shown.insert("counts_in_windows_from".into(), time(tag.from_end));
        }
        if !tag.mark.0.is_empty() {
            let gone = tag.mark.0.iter().map(|gone| json!([gone.first.to_string(), gone.last.to_string()]));
            shown.insert("not_in_sessions".into(), gone.collect());
        }
        shown.insert("groups".into(), (0..groups.len()).map(group).collect::<Result<_, CodecError>>()?);
        Ok(Json::Object(shown))
    }

    fn row(&self, row: &ClosedRow) -> Json {
        let mut shown = row.to_json(&self.0.plan);
        shown.insert("events".into(), row.events.into());
        Json::Object(shown)
    }
}

/// Where an item stands.
fn place(key: &ItemKey) -> Map<String, Json> {
    let mut shown = Map::new();
    let mut add = |name: &str, value: Json| drop(shown.insert(name.into(), value));
    match key {
        ItemKey::Slab { view, partition, backfilled, slice, chunk } => {
            add("item", "slab".into());
            add("view", view.as_str().into());
            add("partition", partition.to_string().into());
            add("backfilled", (*backfilled).into());
            add("slice", time(*slice));
            add("chunk", chunk_name(*chunk));
        }
        ItemKey::Page { view, chunk } => {
            add("item", "page".into());
            add("view", view.as_str().into());
            add("chunk", chunk_name(*chunk));
        }
        ItemKey::History { view, slice, chunk } => {
            add("item", "history".into());
            add("view", view.as_str().into());
            add("slice", time(*slice));
            add("chunk", chunk_name(*chunk));
        }
        ItemKey::Piece { view, slice, of, index } => {
            add("item", "piece".into());
            add("view", view.as_str().into());
            add("slice", time(*slice));
            add("of", format!("{of:016x}").into());
            add("index", (*index).into());
        }
    }
    shown
}

fn chunk_name(chunk: Chunk) -> Json {
    format!("{} of {}", chunk.index, 1u64 << chunk.depth.min(63)).into()
}

fn backfill(backfill: Backfill) -> Option<&'static str> {
    match backfill {
        Backfill::Never => None,
        Backfill::Filling => Some("filling"),
        Backfill::Joined => Some("joined"),
    }
}

fn scope_name(scope: Scope) -> String {
    match scope {
        Scope::All => "all".into(),
        Scope::Partition(index) => format!("partition {index}"),
    }
}

/// A time, or null at the ends of time.
fn time(at: Timestamp) -> Json {
    if at == Timestamp::MIN || at == Timestamp::MAX { Json::Null } else { at.to_string().into() }
}
