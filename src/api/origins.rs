//! Which pages of other origins may use the API from a browser.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// The origins of pages that may use the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Only the API's own.
    #[default]
    Own,
    /// Those of this machine, on any port.
    Local,
    /// These.
    Listed(Arc<[String]>),
    /// All.
    All,
}

/// Why a text names no origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found:?}, expected an origin such as https://shop.example, or `local`, or `*`")]
pub struct OriginError {
    /// What was found.
    pub found: String,
}

impl Origins {
    /// Reads `*`, `local`, or origins with commas between.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        match text.trim() {
            "" => Ok(Self::Own),
            "*" => Ok(Self::All),
            "local" => Ok(Self::Local),
            list => {
                let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
                let origin = |text: &str| {
                    let origin = text.trim_end_matches('/').to_ascii_lowercase();
                    let host = origin.split_once("://").map(|(_, host)| host);
                    let fits = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']));
                    if fits { Ok(origin) } else { Err(OriginError { found: text.to_owned() }) }
                };
                Ok(Self::Listed(origins.map(origin).collect::<Result<_, _>>()?))
            }
        }
    }

    /// Whether a page of an origin may use the API. Its own is not asked about by browsers' rules for
    /// HTTP, but a WebSocket's handshake names it: `host` is what the request was sent to.
    pub(super) fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        let name = origin.split_once("://").map_or(origin, |(_, host)| host);
        host.is_some_and(|host| host.eq_ignore_ascii_case(name))
            || match self {
                Self::Own => false,
                Self::All => true,
                Self::Listed(origins) => origins.iter().any(|known| origin.eq_ignore_ascii_case(known)),
                Self::Local => is_local(name),
            }
    }

    /// The layer that tells browsers.
    pub(super) fn layer(&self) -> CorsLayer {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            .allow_headers(SENT)
            .expose_headers(TOLD)
            .max_age(std::time::Duration::from_hours(1));
        match self {
            Self::All => layer.allow_origin(Any),
            listed => {
                let listed = listed.clone();
                let is_allowed = move |origin: &HeaderValue, _: &Parts| {
                    origin.to_str().is_ok_and(|origin| listed.allow(origin, None))
                };
                layer.allow_origin(AllowOrigin::predicate(is_allowed))
            }
        }
    }
}

/// What a page may send, and what it may read, beside what any page may.
const SENT: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-api-key"),
];
const TOLD: [HeaderName; 4] =
    [header::ETAG, header::LINK, header::RETRY_AFTER, HeaderName::from_static("idempotency-replayed")];

fn is_local(host: &str) -> bool {
    let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let bare = bare.map_or(host, |(bare, _)| bare);
    matches!(bare, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_those_that_are_listed_and_the_own() {
        let origins = Origins::parse("https://shop.example, http://a.example:8080/").unwrap();
        assert!(origins.allow("https://shop.example", None));
        assert!(origins.allow("http://a.example:8080", None));
        assert!(origins.allow("https://weir.example", Some("weir.example")));
        for other in ["http://shop.example", "https://shop.example.evil", "http://a.example", "null"] {
            assert!(!origins.allow(other, Some("weir.example")), "{other}");
        }
    }

    #[test]
    fn local_is_this_machine() {
        let local = Origins::parse("local").unwrap();
        for origin in
            ["http://localhost", "http://localhost:3000", "https://127.0.0.1:1", "http://[::1]:5173"]
        {
            assert!(local.allow(origin, None), "{origin}");
        }
        for origin in ["http://localhost.evil", "http://evil:80", "http://127.0.0.1.evil:80", "file://"] {
            assert!(!local.allow(origin, None), "{origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for text in ["shop.example", "https://", "https://a/b", "https://*.a"] {
            assert_eq!(Origins::parse(text).unwrap_err().found, text);
        }
    }
}
