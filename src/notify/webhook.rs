//! A webhook: its address, what of it must not be told, and a post to it.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use url::Url;

use crate::{
    error::causes,
    http::{AGENT, Failure, Http, basic, decoded},
    time::Timestamp,
};

/// The shortest part of a path that is worth hiding: hiding `v1` would only blur what a server says.
const SHORTEST_SECRET: usize = 6;

/// Where to post.
#[derive(Clone)]
pub(super) struct Webhook {
    /// Without name and password.
    pub(super) uri: Uri,
    authorization: Option<HeaderValue>,
    /// `https://host:port`.
    origin: String,
    /// The parts that are secret, the longest first.
    secrets: Vec<String>,
}

impl Webhook {
    /// Reads a URL. Name and password in it become basic authentication.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("expected http:// or https://".to_owned());
        }
        let (secrets, authorization) = (secrets(&url), basic(&url)?);
        let origin = url.origin().ascii_serialization();
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err("it is no URL: it has no host".to_owned());
        }
        let uri = url.as_str().parse().map_err(|error| format!("it is no URL: {error}"))?;
        Ok(Self { uri, authorization, origin, secrets })
    }

    /// Posts JSON once. `id` lets the receiver tell a repetition.
    pub(super) async fn post(
        &self,
        http: &Http,
        id: &str,
        json: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        http.send(self.request(id, json)?, now).await.map(drop)
    }

    fn request(&self, id: &str, json: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::post(&self.uri)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("idempotency-key", id);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(json.into())).map_err(|error| Failure::impossible(causes(&error)))
    }

    /// Whether Slack itself listens there.
    pub(super) fn is_slacks(&self) -> bool {
        matches!(self.uri.host(), Some("hooks.slack.com" | "hooks.slack-gov.com"))
    }

    /// The text without the secret parts of the address.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }
}

fn secrets(url: &Url) -> Vec<String> {
    let whole = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let segments = url.path_segments().into_iter().flatten();
    // As they are sent, and as a server may tell them.
    let segments = segments.flat_map(|part| [part.to_owned(), decoded(part)]);
    // A token may stand in the name's place.
    let named = segments.chain([decoded(url.username())]).filter(|part| part.len() >= SHORTEST_SECRET);
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let parts = named.chain(values).chain(url.password().map(decoded));
    let mut secrets: Vec<_> = parts.chain([whole]).filter(|part| part.len() > 1).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_become_a_header() {
        let hook = Webhook::read("https://Aladdin:open%20sesame@a.example/x").unwrap();
        assert_eq!(hook.authorization.as_ref().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(hook.uri.to_string(), "https://a.example/x");
        assert_eq!(Webhook::read("https://a.example/x").unwrap().authorization, None);
    }
}
