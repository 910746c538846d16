//! `/{view}/windows`: closed rows of the past, in the order of their windows.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};

use super::{
    cursor, key,
    openapi::reading,
    problem::Problem,
    query::Parameters,
    read::{Request, respond},
    routes::Routes,
    views::Views,
};
use crate::{
    engine::{HistoryPlace, HistoryQuery},
    sql::View,
    time::Timestamp,
    value::Value,
};

/// How many rows a page has unless the request says otherwise.
const ROWS: usize = 100;

/// What the route takes.
const PARAMETERS: &str = "from, to, key, limit or cursor";

/// The route under a view's name.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Routes {
    Routes::new().get("/{view}/windows", reading::windows, get(windows::<V>)).with_state(views)
}

async fn windows<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = Request::new(views.as_ref(), &uri)?;
    let fingerprint = cursor::fingerprint([request.view], &uri);
    let query = query(request.view, &uri, fingerprint)?;
    let status = views.status(request.view).await?;
    let page = views.history(request.view, &query).await?;
    let rows: Vec<_> = page.rows.iter().map(|(_, row)| request.row(row, &status)).collect();
    let next = page.next.map(|place| cursor::encode(fingerprint, &values(place)));
    Ok(respond(&rows, &headers, next.and_then(|next| cursor::link(&uri, &next))))
}

fn query(view: &View, uri: &Uri, fingerprint: u64) -> Result<HistoryQuery, Problem> {
    let mut parameters = Parameters::parse(uri.query())?;
    let from = parameters.moment("from")?.unwrap_or(Timestamp::MIN);
    let to = parameters.moment("to")?.unwrap_or(Timestamp::MAX);
    if from > to {
        return Err(Problem::malformed_query(format!("from ({from}) is later than to ({to})")));
    }
    let limit = parameters.limit()?.unwrap_or(ROWS);
    let cursor = parameters.take("cursor")?;
    let key = key::of_query(view, &mut parameters)?;
    parameters.none(PARAMETERS)?;
    let behind = cursor.map(|cursor| cursor::decode(fingerprint, &cursor)).transpose()?;
    Ok(HistoryQuery { from, to, key, behind: behind.and_then(place), limit })
}

/// A place as the values of a cursor: the window's end; then its start and the key, where it is a row's.
fn values(place: HistoryPlace) -> Vec<Value<'static>> {
    let row = place.row.map(|(key, start)| [vec![Value::Time(start)], key].concat());
    [vec![Value::Time(place.window_end)], row.unwrap_or_default()].concat()
}

/// Reads what [`values`] wrote.
fn place(values: Vec<Value<'static>>) -> Option<HistoryPlace> {
    let mut values = values.into_iter();
    let Some(Value::Time(window_end)) = values.next() else { return None };
    let row = match values.next() {
        Some(Value::Time(start)) => Some((values.collect(), start)),
        _ => None,
    };
    Some(HistoryPlace { window_end, row })
}
