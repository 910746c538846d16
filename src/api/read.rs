//! `/{view}/latest`, `/{view}/previous` and the rows of one key.

use std::{cmp::Ordering, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};

use super::{
    columns::{describe, progress},
    key,
    problem::Problem,
    views::Views,
};
use crate::{
    engine::{ClosedRow, KeyRows, ViewStatus},
    sql::View,
    time::Timestamp,
    value::Value,
    window,
};

/// The routes under a view's name.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Router {
    Router::new()
        .route("/{view}", get(view::<V>))
        .route("/{view}/latest", get(latest::<V>))
        .route("/{view}/previous", get(previous::<V>))
        .route("/{view}/{*key}", get(by_key::<V>))
        .with_state(views)
}

/// A request that reads a view.
struct Reader<'a, V> {
    views: &'a V,
    view: &'a View,
    /// The path behind the view's name, still encoded.
    rest: &'a str,
}

impl<'a, V: Views> Reader<'a, V> {
    /// Finds the view that the path names. The path is taken as it was sent: decoded, the slashes
    /// that belong to a key could not be told from those between its parts.
    ///
    /// No route here takes query parameters: one that is there was meant to do something, so it is
    /// not passed over.
    fn new(views: &'a V, uri: &'a Uri) -> Result<Self, Problem> {
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let catalog = views.catalog();
        let view = catalog.view(&name).ok_or_else(|| Problem::unknown_view(catalog, &name))?;
        match uri.query() {
            None | Some("") => Ok(Self { views, view, rest }),
            Some(query) => Err(Problem::malformed_query(format!("{query:?}: there are no query parameters"))),
        }
    }

    async fn all(&self) -> Result<(Vec<KeyRows>, ViewStatus), Problem> {
        let (views, view) = (self.views, self.view);
        let (mut rows, status) = futures::try_join!(views.latest(view), views.status(view))?;
        rows.sort_by(|a, b| compare(&a.latest, &b.latest));
        Ok((rows, status))
    }

    async fn one(&self, key: &[Value<'_>]) -> Result<Option<Json>, Problem> {
        let (views, view) = (self.views, self.view);
        let (rows, status) = futures::try_join!(views.key(view, key), views.status(view))?;
        Ok(rows.map(|rows| self.pair(&rows, &status)))
    }

    fn pair(&self, rows: &KeyRows, status: &ViewStatus) -> Json {
        let mut pair = Map::new();
        pair.insert("latest".into(), self.row(&rows.latest, status));
        let previous = rows.previous.as_ref().map_or(Json::Null, |row| self.row(row, status));
        pair.insert("previous".into(), previous);
        pair.into()
    }

    fn row(&self, row: &ClosedRow, status: &ViewStatus) -> Json {
        let mut object = row.to_json(self.view);
        object.insert("final".into(), is_final(self.view, row, status).into());
        object.into()
    }
}

/// Whether a row can still change. Events that come once the watermark has passed the window's end
/// by the allowed lateness are late, and not counted.
fn is_final(view: &View, row: &ClosedRow, status: &ViewStatus) -> bool {
    window::is_final(view, row.window_end, status.closed.unwrap_or(Timestamp::MIN))
}

/// The order of the rows' columns, so that the same rows always are the same bytes.
fn compare(a: &ClosedRow, b: &ClosedRow) -> Ordering {
    let columns = a.values.iter().zip(&b.values);
    let mut differences = columns.filter_map(|(a, b)| a.compare(b)).filter(|order| order.is_ne());
    differences.next().unwrap_or_else(|| a.window_start.cmp(&b.window_start))
}

async fn latest<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader::new(views.as_ref(), &uri)?;
    let (rows, status) = reader.all().await?;
    let rows: Vec<Json> = rows.iter().map(|rows| reader.row(&rows.latest, &status)).collect();
    Ok(respond(&rows.into(), &headers))
}

async fn previous<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader::new(views.as_ref(), &uri)?;
    let (rows, status) = reader.all().await?;
    let previous = rows.iter().filter_map(|rows| rows.previous.as_ref());
    let rows: Vec<Json> = previous.map(|row| reader.row(row, &status)).collect();
    Ok(respond(&rows.into(), &headers))
}

async fn by_key<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader::new(views.as_ref(), &uri)?;
    let key = key::parse(reader.view, reader.rest)?;
    let pair = reader.one(&key).await?.ok_or_else(|| {
        Problem::unknown_key(format!("view {} has no row for /{} yet", reader.view.name, reader.rest))
    })?;
    Ok(respond(&pair, &headers))
}

/// The rows of a view without keys; what a view with keys is and how far it has come.
async fn view<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader::new(views.as_ref(), &uri)?;
    if reader.view.keys.is_empty() {
        let pair = reader.one(&[]).await?;
        let pair =
            pair.ok_or_else(|| Problem::unknown_key(format!("view {} has no row yet", reader.view.name)))?;
        return Ok(respond(&pair, &headers));
    }
    let mut description = describe(views.catalog(), reader.view);
    description.extend(progress(&views.status(reader.view).await?));
    Ok(respond(&description.into(), &headers))
}

/// A body that may be cached for a second, and need not be sent again while it stays the same.
fn respond(body: &Json, request: &HeaderMap) -> Response {
    let body = body.to_string();
    // Weak, because the same rows may go out compressed or not.
    let tag = format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(body.as_bytes()));
    let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
    headers.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
    if unchanged {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, body).into_response()
}
