//! Connections that end in this process.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};

use super::{
    Gateway, MAX_BODY, Problem,
    socket::{Connection, PROTOCOL},
};
use crate::{publish::Publisher, state::Requests, time::Clock};

/// How many messages of a connection may be on their way to the broker at once.
const AT_ONCE: usize = 256;

/// `GET /ws/events`.
pub(super) async fn open<P, C, R>(
    State(gateway): State<Arc<Gateway<P, C, R>>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response
where
    P: Publisher + 'static,
    C: Clock + 'static,
    R: Requests + 'static,
{
    let connection = match gateway.connect(&headers, uri.query()) {
        Ok(connection) => connection,
        Err(problem) => return problem.into_response(),
    };
    match upgrade {
        Err(rejection) => Problem::no_upgrade(rejection.body_text()).into_response(),
        Ok(upgrade) => upgrade
            .protocols([PROTOCOL])
            .max_message_size(MAX_BODY)
            .max_frame_size(MAX_BODY)
            .on_upgrade(move |socket| serve(gateway, connection, socket)),
    }
}

/// Answers message by message, in their order, until either side closes.
async fn serve<P: Publisher, C: Clock, R: Requests>(
    gateway: Arc<Gateway<P, C, R>>,
    connection: Connection,
    socket: WebSocket,
) {
    let (mut to, from) = socket.split();
    let messages = from.take_while(|message| std::future::ready(message.is_ok())).filter_map(|message| {
        let text: Option<Bytes> = match message {
            Ok(Message::Text(text)) => Some(text.into()),
            Ok(Message::Binary(bytes)) => Some(bytes),
            _ => None,
        };
        std::future::ready(text)
    });
    let (gateway, connection) = (gateway.as_ref(), &connection);
    let answers = messages.map(async |message: Bytes| gateway.answer(connection, &message).await);
    let mut answers = std::pin::pin!(answers.buffered(AT_ONCE));
    while let Some(answer) = answers.next().await {
        if to.send(Message::Text(answer.into())).await.is_err() {
            return;
        }
    }
}
