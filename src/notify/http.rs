//! Posts JSON to a webhook.
//!
//! Redirects are not followed: an address that moved has to be set anew, and whoever can make a server
//! redirect must not choose where alerts go.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::crypto::aws_lc_rs;

use super::{
    failure::{Failure, retry_after},
    webhook::Webhook,
};
use crate::{error::causes, time::Timestamp};

/// How long a connection is kept that nobody uses: shorter than servers and balancers do.
const IDLE: Duration = Duration::from_secs(20);
/// How much of an answer is read.
const MAX_ANSWER: usize = 64 << 10;

/// A client. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// A client that trusts whom the system trusts; fails where the system has no certificates.
    pub(super) fn new() -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        let connector = connector.https_or_http().enable_http1().build();
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        Ok(Self(builder.build(connector)))
    }

    /// Posts JSON once. `id` lets the receiver tell a repetition.
    pub(super) async fn post(
        &self,
        hook: &Webhook,
        id: &str,
        json: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let request = request(hook, id, json)?;
        let answer = self.0.request(request).await.map_err(|error| Failure::unanswered(causes(&error)))?;
        let (head, body) = answer.into_parts();
        // Read in any case, so that the connection can be used again.
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        if head.status.is_success() {
            return Ok(());
        }
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Err(Failure::answered(reason(head.status, &body), head.status.as_u16(), wait(&head.headers, now)))
    }
}

fn request(hook: &Webhook, id: &str, json: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
    let mut request = Request::post(hook.uri())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("weir/", env!("CARGO_PKG_VERSION")))
        .header("idempotency-key", id);
    if let Some(authorization) = hook.authorization() {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(Full::new(json.into())).map_err(|error| Failure::impossible(causes(&error)))
}

fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// `answered 404 Not Found: no_service`, in one line, however long.
fn reason(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let colon = if line.is_empty() { "" } else { ": " };
    format!("answered {status}{colon}{line}")
}
