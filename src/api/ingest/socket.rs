//! Connections that events come over: each message is one event or several, and gets one answer, in
//! the messages' order.
//!
//! A message is what the body of `POST /events` is. An event that names no table is of the connection's:
//! that which `?table=` named when it was opened, or else the table with `websocket = true`.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Address, Gateway, Problem};
use crate::{
    api::{
        access::{self, Right},
        query::Parameters,
    },
    publish::Publisher,
    sql::{Catalog, Table},
    state::Requests,
    time::Clock,
};

/// The subprotocol, for browsers: they can send no header, but an offer of `weir` and `weir.bearer.KEY`.
pub(super) const PROTOCOL: &str = "weir";
const KEY_PROTOCOL: &str = "weir.bearer.";

/// A connection that was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The table that `?table=` named.
    table: Option<String>,
    /// Whether the subprotocol was offered.
    pub(super) offered: bool,
}

/// What an API Gateway tells of its WebSocket connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// One asks to be opened (`$connect`).
    Connect,
    /// A message came (`$default`).
    Message,
    /// One was closed (`$disconnect`).
    Disconnect,
}

impl<P: Publisher, C: Clock, R: Requests> Gateway<P, C, R> {
    /// Whether a connection may be opened; if not, what its client is told.
    pub(super) fn connect(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Connection, Problem> {
        let mut parameters = Parameters::parse(query)?;
        self.check_origin(headers)?;
        let in_query = parameters.take("access_token")?;
        let offers = offers(headers);
        let in_offer = offers.iter().find_map(|offer| offer.strip_prefix(KEY_PROTOCOL));
        let key = access::key_of(headers).or(in_offer).or(in_query.as_deref());
        self.settings().access.check(key, Right::Write)?;
        let table = self.table_of(&mut parameters)?;
        Ok(Connection { table, offered: offers.contains(&PROTOCOL) })
    }

    /// Browsers let any page open a connection, and leave it to the server to look where it is from.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match text(header::ORIGIN) {
            Some(origin) if !self.settings().origins.allow(origin, text(header::HOST)) => {
                Err(Problem::foreign_origin(origin))
            }
            _ => Ok(()),
        }
    }

    fn table_of(&self, parameters: &mut Parameters) -> Result<Option<String>, Problem> {
        let table = parameters.take("table")?;
        parameters.none("table or access_token")?;
        match table {
            Some(name) if self.catalog().table(&name).is_none() => {
                Err(Problem::unknown_table(self.catalog(), &name))
            }
            table => Ok(table),
        }
    }

    /// What is answered to a message.
    pub(super) async fn answer(&self, connection: &Connection, message: &[u8]) -> String {
        let catalog = self.catalog();
        let named = connection.table.as_deref().and_then(|name| catalog.table(name));
        let address = Address::Each(named.or_else(|| default_table(catalog)));
        match self.take(address, message).await {
            Ok(answer) => answer.message(),
            Err(problem) => problem.document("/ws/events"),
        }
    }

    /// Answers an API Gateway that keeps the connections: the body of the answer to a message goes to its
    /// client. Between two events nothing is remembered of a connection, so its table is the default.
    pub async fn socket_event(
        &self,
        event: SocketEvent,
        headers: &HeaderMap,
        query: Option<&str>,
        message: &[u8],
    ) -> Response {
        match event {
            SocketEvent::Disconnect => StatusCode::OK.into_response(),
            SocketEvent::Message => self.answer(&Connection::default(), message).await.into_response(),
            SocketEvent::Connect => {
                let connection = self.connect(headers, query).and_then(|connection| {
                    let default = default_table(self.catalog()).map(|table| table.name.as_str());
                    match &connection.table {
                        Some(table) if Some(table.as_str()) != default => {
                            Err(Problem::no_table_a_connection(table))
                        }
                        _ => Ok(connection),
                    }
                });
                connection.map_or_else(told, |connection| opened(&connection))
            }
        }
    }
}

fn default_table(catalog: &Catalog) -> Option<&Table> {
    catalog.tables.iter().find(|table| table.entrance.websocket)
}

/// The subprotocols that a client offers.
fn offers(headers: &HeaderMap) -> Vec<&str> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offers.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim).collect()
}

fn opened(connection: &Connection) -> Response {
    let mut response = StatusCode::OK.into_response();
    if connection.offered {
        let protocol = HeaderValue::from_static(PROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

/// A refusal with its document, where no layer adds it.
fn told(problem: Problem) -> Response {
    let mut refusal = problem.clone().into_response();
    *refusal.body_mut() = Body::from(problem.document("/ws/events"));
    let kind = HeaderValue::from_static("application/problem+json");
    refusal.headers_mut().insert(header::CONTENT_TYPE, kind);
    refusal
}
