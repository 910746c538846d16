//! Who may do what: API keys.
//!
//! A key is told apart by its SHA-256 alone, and compared with all keys that there are in the same time
//! whichever it is; no key is kept in clear, logged or shown.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::problem::Problem;

/// The shortest key that is taken.
const SHORTEST: usize = 16;

/// What a key lets one do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Read rows.
    Read,
    /// Send events.
    Write,
}

/// Which keys there are. Without any, everybody may do everything.
#[derive(Clone, Default)]
pub struct Access {
    keys: Arc<[Key]>,
    protects_reads: bool,
}

struct Key {
    digest: [u8; 32],
    reads: bool,
    writes: bool,
}

/// Who asks: the digest of their key, zeros where no key is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller(pub(super) [u8; 32]);

/// What a list of keys should have been. It says nothing of the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "key {index} is none: expected at least {SHORTEST} characters of A-Z a-z 0-9 - . _ ~ + / =, perhaps behind \
     `read:`, `write:` or `all:`"
)]
pub struct KeyError {
    /// Which of the keys, from 1.
    pub index: usize,
}

impl Access {
    /// Reads keys with commas or white space between: `SECRET`, or with what it is for `write:SECRET`,
    /// `read:SECRET`, `all:SECRET`. Without that it is for all. `protects_reads` says whether reading needs a
    /// key too.
    pub fn parse(keys: &str, protects_reads: bool) -> Result<Self, KeyError> {
        let listed = keys.split([',', ' ', '\t', '\r', '\n']).filter(|key| !key.is_empty());
        let keys = listed.enumerate().map(|(at, key)| Key::parse(key).ok_or(KeyError { index: at + 1 }));
        Ok(Self { keys: keys.collect::<Result<_, _>>()?, protects_reads })
    }

    /// Whether anybody needs a key for anything.
    pub fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether reading needs a key.
    pub(super) fn protects_reads(&self) -> bool {
        self.protects_reads && !self.is_open()
    }

    /// Who the owner of a key is, where they have a right.
    pub(super) fn check(&self, key: Option<&str>, right: Right) -> Result<Caller, Problem> {
        if self.is_open() || (right == Right::Read && !self.protects_reads) {
            return Ok(Caller::default());
        }
        let key = key.ok_or_else(Problem::no_api_key)?;
        let digest: [u8; 32] = Sha256::digest(key).into();
        let (mut known, mut allowed) = (Choice::from(0), Choice::from(0));
        for key in self.keys.iter() {
            let same = key.digest.ct_eq(&digest);
            let may = if right == Right::Read { key.reads } else { key.writes };
            known |= same;
            allowed |= same & Choice::from(u8::from(may));
        }
        match (bool::from(known), bool::from(allowed)) {
            (_, true) => Ok(Caller(digest)),
            (true, false) => Err(Problem::forbidden(right)),
            (false, _) => Err(Problem::unknown_api_key()),
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.len();
        f.debug_struct("Access").field("keys", &keys).field("protects_reads", &self.protects_reads).finish()
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let (reads, writes, secret) = match text.split_once(':') {
            Some(("read", secret)) => (true, false, secret),
            Some(("write", secret)) => (false, true, secret),
            Some(("all", secret)) => (true, true, secret),
            _ => (true, true, text),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let is_key = secret.len() >= SHORTEST && secret.bytes().all(fits);
        is_key.then(|| Self { digest: Sha256::digest(secret).into(), reads, writes })
    }
}

/// The key that a request carries: `Authorization: Bearer KEY`, or `x-api-key: KEY`.
pub(super) fn key_of(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok())
}

/// Lets those pass who have the right.
pub(super) async fn guard(
    State((access, right)): State<(Access, Right)>,
    mut request: Request,
    next: Next,
) -> Response {
    match access.check(key_of(request.headers()), right) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: &str = "write-0123456789abcdef";
    const READ: &str = "read-0123456789abcdef";

    fn access(protects_reads: bool) -> Access {
        Access::parse(&format!("write:{WRITE}, read:{READ}\nall-0123456789abcdef"), protects_reads).unwrap()
    }

    #[test]
    fn a_key_has_the_rights_that_stand_before_it() {
        let status = |key, right| access(true).check(key, right).err().map(|error| error.status().as_u16());
        assert_eq!(status(Some(WRITE), Right::Write), None);
        assert_eq!(status(Some(WRITE), Right::Read), Some(403));
        assert_eq!(status(Some(READ), Right::Read), None);
        assert_eq!(status(Some(READ), Right::Write), Some(403));
        for right in [Right::Read, Right::Write] {
            assert_eq!(status(Some("all-0123456789abcdef"), right), None);
            assert_eq!(status(Some("all-0123456789abcdeg"), right), Some(401));
            assert_eq!(status(None, right), Some(401));
        }
    }

    #[test]
    fn reading_is_free_unless_it_is_said_otherwise() {
        assert!(access(false).check(None, Right::Read).is_ok());
        assert!(Access::parse(" ,", true).unwrap().check(None, Right::Write).is_ok());
        assert!(!Access::parse("", true).unwrap().protects_reads());
    }

    #[test]
    fn what_is_no_key_is_counted_and_not_shown() {
        for keys in ["0123456789abcdef,short", "0123456789abcdef write:0123456789abcde\u{e4}"] {
            let error = Access::parse(keys, false).unwrap_err();
            assert_eq!(error, KeyError { index: 2 });
            assert!(error.to_string().starts_with("key 2 is none") && !error.to_string().contains("short"));
        }
        assert!(!format!("{:?}", access(true)).contains("0123"));
    }
}
