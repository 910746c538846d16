//! `/alerts`: the alerts of all alert views, the newest first.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};
use serde_json::{Map, Value as Json};

use super::{
    cursor,
    openapi::reading,
    problem::Problem,
    query::{Parameters, listed},
    read::respond,
    routes::Routes,
    views::Views,
};
use crate::{
    engine::HistoryQuery,
    sql::{Catalog, View},
    time::{Clock, Millis, SystemClock, Timestamp},
    value::Value,
};

/// How many alerts a page has unless the request says otherwise.
const ALERTS: usize = 100;
/// How far it is looked back unless the request says otherwise.
const REACH: Millis = Millis::days(7);
/// How much of the past is read first; then twice as much, and so on, until the page is full.
const FIRST_SPAN: Millis = Millis::hours(1);
/// As many rows are asked for at once.
const ROWS_AT_ONCE: usize = 10_000;

/// The route.
pub(super) fn routes<V: Views>(views: Arc<V>) -> Routes {
    Routes::new().get("/alerts", reading::alerts, get(alerts::<V>)).with_state(views)
}

/// An alert with what it is ordered by: its time, then its id.
struct Alert {
    place: (Timestamp, String),
    shown: Map<String, Json>,
}

/// Which alerts are asked for.
struct Query<'c> {
    views: Vec<&'c View>,
    /// Values of columns, one of which each alert has to have.
    wanted: Vec<(String, Vec<String>)>,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    /// The last alert of the page before.
    behind: Option<(Timestamp, String)>,
    fingerprint: u64,
}

async fn alerts<V: Views>(
    State(views): State<Arc<V>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::read(views.catalog(), &uri)?;
    let mut found = query.find(views.as_ref()).await?;
    let is_more = found.len() > query.limit;
    found.truncate(query.limit);
    let last = found.last().filter(|_| is_more);
    let next = last.map(|Alert { place: (at, id), .. }| {
        cursor::encode(query.fingerprint, &[Value::Time(*at), Value::Text(id.clone().into())])
    });
    let rows: Vec<Json> = found.into_iter().map(|alert| alert.shown.into()).collect();
    Ok(respond(&rows, &headers, next.and_then(|next| cursor::link(&uri, &next))))
}

impl<'c> Query<'c> {
    fn read(catalog: &'c Catalog, uri: &Uri) -> Result<Self, Problem> {
        let all: Vec<&View> = catalog.views.iter().filter(|view| view.options.alert).collect();
        let fingerprint = cursor::fingerprint(all.iter().copied(), uri);
        let mut parameters = Parameters::parse(uri.query())?;
        let to = parameters.moment("to")?.unwrap_or_else(|| SystemClock.now() + Millis::days(1));
        let from = parameters.moment("from")?.unwrap_or(to + Millis(-REACH.0));
        if from > to {
            return Err(Problem::malformed_query(format!("from ({from}) is later than to ({to})")));
        }
        let limit = parameters.limit()?.unwrap_or(ALERTS);
        let cursor = parameters.take("cursor")?;
        let views = parameters.take("view")?.map(|names| listed(&names));
        let views = views.map_or(Ok(all.clone()), |names| chosen(&all, &names))?;
        let wanted = parameters.rest().into_iter().map(|(name, value)| (name, listed(&value)));
        let wanted: Vec<_> = wanted.collect();
        check_columns(&views, &wanted)?;
        let behind = cursor.map(|cursor| cursor::decode(fingerprint, &cursor)).transpose()?;
        let behind = behind.and_then(|values| match values.as_slice() {
            [Value::Time(at), Value::Text(id)] => Some((*at, id.clone().into_owned())),
            _ => None,
        });
        Ok(Self { views, wanted, from, to, limit, behind, fingerprint })
    }

    /// One alert more than the page has, if there are as many.
    async fn find<V: Views>(&self, views: &V) -> Result<Vec<Alert>, Problem> {
        let mut found = Vec::new();
        let mut to = self.behind.as_ref().map_or(self.to, |(at, _)| self.to.min(*at));
        let mut span = FIRST_SPAN;
        loop {
            let from = self.from.max(to + Millis(-span.0));
            for view in &self.views {
                self.collect(views, view, (from, to), &mut found).await?;
            }
            if found.len() > self.limit || from <= self.from {
                break;
            }
            (to, span) = (from, span + span);
        }
        found.sort_by(|a, b| Reverse(&a.place).cmp(&Reverse(&b.place)));
        Ok(found)
    }

    /// A view's alerts in some time.
    async fn collect<V: Views>(
        &self,
        views: &V,
        view: &View,
        (from, to): (Timestamp, Timestamp),
        found: &mut Vec<Alert>,
    ) -> Result<(), Problem> {
        let mut query = HistoryQuery { from, to, key: None, behind: None, limit: ROWS_AT_ONCE };
        loop {
            let page = views.history(view, &query).await?;
            for (key, row) in page.rows {
                let shown = row.to_alert(view, &key);
                let id = shown.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
                let place = (row.window_end, id);
                if self.takes(&shown) && self.behind.as_ref().is_none_or(|behind| place < *behind) {
                    found.push(Alert { place, shown });
                }
            }
            query.behind = page.next;
            if query.behind.is_none() {
                return Ok(());
            }
        }
    }

    fn takes(&self, alert: &Map<String, Json>) -> bool {
        let is_one = |value: &Json, one: &String| match value {
            Json::String(text) => text == one,
            other => one.as_str() == other.to_string().as_str(),
        };
        self.wanted.iter().all(|(name, values)| {
            alert.get(name).is_some_and(|value| values.iter().any(|one| is_one(value, one)))
        })
    }
}

/// The alert views of some names.
fn chosen<'c>(all: &[&'c View], names: &[String]) -> Result<Vec<&'c View>, Problem> {
    let known = || all.iter().map(|view| view.name.as_str()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let found = all.iter().copied().find(|view| view.name == *name);
        found.ok_or_else(|| {
            Problem::malformed_query(format!(
                "view: no alert view is called {name:?}; expected one of {}",
                known()
            ))
        })
    };
    names.iter().map(find).collect()
}

/// Each parameter that is left names a column of an alert view.
fn check_columns(views: &[&View], wanted: &[(String, Vec<String>)]) -> Result<(), Problem> {
    let columns = || views.iter().flat_map(|view| &view.outputs).map(|output| output.field.name.as_str());
    for (name, _) in wanted {
        if !columns().any(|column| column == name) {
            let mut known: Vec<&str> = columns().collect();
            known.sort_unstable();
            known.dedup();
            return Err(Problem::malformed_query(format!(
                "unknown parameter {name:?}; expected view, from, to, limit, cursor or a column: {}",
                known.join(", ")
            )));
        }
    }
    Ok(())
}
