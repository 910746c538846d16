//! `/{view}/latest`, `/{view}/previous` and the rows of one key.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::{
    columns::{describe, progress},
    cursor, key,
    openapi::reading,
    problem::Problem,
    query::Parameters,
    routes::Routes,
    select::Selection,
    views::Views,
};
use crate::{
    engine::{ClosedRow, KeyRows, RowMembers, Shown, ViewStatus},
    sql::View,
    time::Timestamp,
    value::Value,
    window,
};

/// The routes under a view's name.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Routes {
    Routes::new()
        .get("/{view}", reading::view, get(view::<V>))
        .get("/{view}/latest", reading::latest, get(latest::<V>))
        .get("/{view}/previous", reading::previous, get(previous::<V>))
        .get("/{view}/{*key}", reading::by_key, get(by_key::<V>))
        .with_state(views)
}

/// A request that reads a view.
pub(super) struct Request<'a, V> {
    pub(super) views: &'a V,
    pub(super) view: &'a View,
    members: RowMembers<'a>,
    /// The path behind the view's name, still encoded.
    rest: &'a str,
}

impl<'a, V: Views> Request<'a, V> {
    /// Finds the view that the path names. The path is taken as it was sent: decoded, the slashes
    /// that belong to a key could not be told from those between its parts.
    pub(super) fn new(views: &'a V, uri: &'a Uri) -> Result<Self, Problem> {
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let catalog = views.catalog();
        let view = catalog.view(&name).ok_or_else(|| Problem::unknown_view(catalog, &name))?;
        Ok(Self { views, view, members: RowMembers::served(view), rest })
    }

    /// The rows of one key, if it has any.
    async fn one(&self, key: &[Value<'_>], headers: &HeaderMap) -> Result<Option<Response>, Problem> {
        let (views, view) = (self.views, self.view);
        let status = views.status(view).await?;
        let Some(KeyRows { latest, previous }) = views.key(view, key).await? else { return Ok(None) };
        let previous = previous.as_ref().map(|row| self.row(row, &status));
        let pair = Pair { latest: self.row(&latest, &status), previous };
        Ok(Some(respond(&pair, headers, None)))
    }

    pub(super) fn row<'r>(&'r self, row: &'r ClosedRow, status: &ViewStatus) -> Shown<'r> {
        self.members.shown(row, is_final(self.view, row, status))
    }
}

/// The rows of one key.
#[derive(Serialize)]
struct Pair<'a> {
    latest: Shown<'a>,
    previous: Option<Shown<'a>>,
}

/// Whether a row can still change. Events that come once the watermark has passed the window's end
/// by the allowed lateness are late, and not counted.
fn is_final(view: &View, row: &ClosedRow, status: &ViewStatus) -> bool {
    window::is_final(view, row.window_end, status.closed.unwrap_or(Timestamp::MIN))
}

async fn latest<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    selected(views.as_ref(), &uri, &headers, |rows| Some(&rows.latest)).await
}

async fn previous<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    selected(views.as_ref(), &uri, &headers, |rows| rows.previous.as_ref()).await
}

/// One row of each key, as far as the request asks for it, in its order.
async fn selected<V: Views>(
    views: &V,
    uri: &Uri,
    headers: &HeaderMap,
    which: impl Fn(&KeyRows) -> Option<&ClosedRow>,
) -> Result<Response, Problem> {
    let request = Request::new(views, uri)?;
    let selection = Selection::read(request.view, &mut Parameters::parse(uri.query())?)?;
    let query = cursor::fingerprint([request.view], uri);
    let behind = selection.cursor.as_deref().map(|text| cursor::decode(query, text)).transpose()?;
    let status = views.status(request.view).await?;
    let all = views.latest(request.view).await?;
    let rows = all.iter().filter_map(|(key, rows)| Some((key, which(rows)?)));
    let mut rows: Vec<_> = rows
        .filter(|(_, row)| selection.takes(row))
        .map(|(key, row)| (selection.place(key, row), row))
        .filter(|(place, _)| behind.as_ref().is_none_or(|behind| selection.compare(place, behind).is_gt()))
        .collect();
    rows.sort_by(|(a, _), (b, _)| selection.compare(a, b));
    let page = rows.get(..selection.limit.unwrap_or(rows.len()).min(rows.len())).unwrap_or_default();
    let last = page.last().filter(|_| page.len() < rows.len());
    let next = last.map(|(place, _)| cursor::encode(query, place));
    let page: Vec<_> = page.iter().map(|(_, row)| request.row(row, &status)).collect();
    Ok(respond(&page, headers, next.and_then(|next| cursor::link(uri, &next))))
}

async fn by_key<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = Request::new(views.as_ref(), &uri)?;
    Parameters::parse(uri.query())?.none("none")?;
    let key = key::parse(request.view, request.rest)?;
    request.one(&key, &headers).await?.ok_or_else(|| {
        Problem::unknown_key(format!("view {} has no row for /{} yet", request.view.name, request.rest))
    })
}

/// The rows of a view without keys; what a view with keys is and how far it has come.
async fn view<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = Request::new(views.as_ref(), &uri)?;
    Parameters::parse(uri.query())?.none("none")?;
    if request.view.keys.is_empty() {
        let unknown = || Problem::unknown_key(format!("view {} has no row yet", request.view.name));
        return request.one(&[], &headers).await?.ok_or_else(unknown);
    }
    let mut description = describe(views.catalog(), request.view);
    description.extend(progress(&views.status(request.view).await?));
    Ok(respond(&description, &headers, None))
}

/// A body that may be cached for a second, and need not be sent again while it stays the same; `next`
/// is the link to the next page.
pub(super) fn respond<B: Serialize>(body: &B, request: &HeaderMap, next: Option<HeaderValue>) -> Response {
    // There is nothing in rows that JSON cannot say.
    let body = serde_json::to_vec(body).unwrap_or_default();
    // Weak, because the same rows may go out compressed or not.
    let tag = format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&body));
    let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
    headers.extend(next.map(|next| (LINK, next)));
    headers.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
    if unchanged {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, body).into_response()
}
