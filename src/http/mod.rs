//! The HTTP client of whoever calls other services: one attempt, and what follows from how it ended.
//!
//! Redirects are not followed: an address that moved has to be set anew, and whoever can make a server
//! redirect must not choose where alerts and rows go.

mod attempt;
mod basic;
mod failure;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header::RETRY_AFTER};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::crypto::aws_lc_rs;

pub use attempt::Limits;
pub use basic::{basic, decoded};
pub use failure::{Failure, Then, pause};

use crate::{error::causes, time::Timestamp};

/// What the client calls itself.
pub const AGENT: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));

/// How long a connection is kept that nobody uses: shorter than servers and balancers do.
const IDLE: Duration = Duration::from_secs(20);
/// How much of an answer is read.
const MAX_ANSWER: usize = 64 << 10;

/// A client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// A client that trusts whom the system trusts; fails where the system has no certificates.
    pub fn new() -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        let connector = connector.https_or_http().enable_http1().build();
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        Ok(Self(builder.build(connector)))
    }

    /// Sends a request once. What a success says, as far as that can be read and is no longer than
    /// 64 KB.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        now: Timestamp,
    ) -> Result<Option<Bytes>, Failure> {
        let answer = self.exchange(request, MAX_ANSWER).await?;
        if answer.status.is_success() {
            return Ok((!answer.is_cut_short).then_some(answer.body));
        }
        Err(answer.failure(now))
    }

    /// Sends a request once. What is longer than `most` bytes is not read.
    pub async fn exchange(&self, request: Request<Full<Bytes>>, most: usize) -> Result<Answer, Failure> {
        let answer = self.0.request(request).await.map_err(|error| Failure::unanswered(causes(&error)))?;
        let (head, body) = answer.into_parts();
        // Read in any case, so that the connection can be used again.
        let body = Limited::new(body, most).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).ok();
        let is_cut_short = body.is_none();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.unwrap_or_default(),
            is_cut_short,
        })
    }
}

/// What a server said, whatever it is.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it answered with.
    pub status: StatusCode,
    headers: HeaderMap,
    /// Empty where it could not be read.
    pub body: Bytes,
    is_cut_short: bool,
}

impl Answer {
    /// What follows from an answer that is no success.
    pub fn failure(&self, now: Timestamp) -> Failure {
        Failure::answered(self.reason(), self.status.as_u16(), wait(&self.headers, now))
    }

    /// What was answered, in a line.
    pub fn reason(&self) -> String {
        reason(self.status, &self.body)
    }
}

fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    failure::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// `answered 404 Not Found: no_service`, in one line, however long.
fn reason(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let colon = if line.is_empty() { "" } else { ": " };
    format!("answered {status}{colon}{line}")
}
