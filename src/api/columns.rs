//! How a view is described to clients.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use crate::{
    engine::{PartitionStatus, ViewStatus},
    sql::{Catalog, Field, Source, View, Window},
    time::Timestamp,
};

/// A view's name, columns, window, keys, topic, sources and links.
pub(super) fn describe(catalog: &Catalog, view: &View) -> Map<String, Json> {
    let columns: Vec<Json> = view.outputs.iter().map(|output| field(&output.field)).collect();
    let keys: Vec<Json> = view.keys.iter().map(field).collect();
    let name = |source: &Source| match source.view(catalog) {
        Some(view) => Some(view.name.as_str()),
        None => source.table(catalog).map(|table| table.name.as_str()),
    };
    let sources: Vec<&str> = view.sources.iter().filter_map(name).collect();
    let mut description = Map::new();
    description.insert("name".into(), view.name.as_str().into());
    description.insert("columns".into(), columns.into());
    description.insert("keys".into(), keys.into());
    description.insert("window".into(), window(view.window));
    description.insert("allowed_lateness_ms".into(), view.options.allowed_lateness.0.into());
    description.insert("sources".into(), sources.into());
    description.insert("topic".into(), view.options.topic.as_deref().into());
    if let Some(sentence) = &view.options.sentence {
        description.insert("text_topic".into(), sentence.topic.as_str().into());
    }
    if view.options.alert {
        description.insert("alert".into(), true.into());
    }
    description.insert("links".into(), links(view));
    description
}

/// How far a view has come.
pub(super) fn progress(status: &ViewStatus) -> Map<String, Json> {
    let millis = |at: Option<Timestamp>| at.map(|at| at.0);
    let partition = |partition: &PartitionStatus| {
        json!({
            "topic": partition.topic,
            "partition": partition.partition,
            "next_offset": partition.next,
            "watermark": millis(partition.watermark),
            "seen_at": partition.seen_at.0,
            "idle": partition.idle,
        })
    };
    let mut progress = Map::new();
    progress.insert("closed_through".into(), millis(status.closed).into());
    progress.insert("partitions".into(), status.partitions.iter().map(partition).collect());
    progress
}

fn field(field: &Field) -> Json {
    json!({ "name": field.name, "type": field.kind.to_string() })
}

fn window(window: Window) -> Json {
    match window {
        Window::Grid { size, slide } if size == slide => json!({ "kind": "tumble", "size_ms": size.0 }),
        Window::Grid { size, slide } => json!({ "kind": "hop", "size_ms": size.0, "slide_ms": slide.0 }),
        Window::Session { gap } => json!({ "kind": "session", "gap_ms": gap.0 }),
        Window::Over { range } => json!({ "kind": "over", "range_ms": range.0 }),
        Window::Match { within } => json!({ "kind": "match", "within_ms": within.0 }),
        Window::Event => json!({ "kind": "event" }),
        Window::Running => json!({ "kind": "none" }),
    }
}

/// Relative to the API's root, without a leading slash, so that they hold behind a path prefix too.
/// `key` is a URI template (RFC 6570).
fn links(view: &View) -> Json {
    let base = utf8_percent_encode(&view.name, &ESCAPED).to_string();
    let mut links = Map::new();
    links.insert("self".into(), base.clone().into());
    links.insert("latest".into(), format!("{base}/latest").into());
    links.insert("previous".into(), format!("{base}/previous").into());
    links.insert("windows".into(), format!("{base}/windows").into());
    if !view.keys.is_empty() {
        let names: Vec<String> = view.keys.iter().map(|key| format!("{{{}}}", key.name)).collect();
        links.insert("key".into(), format!("{base}/{}", names.join("/")).into());
    }
    Json::Object(links)
}

/// All but what RFC 3986 calls unreserved.
const ESCAPED: percent_encoding::AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
