//! Bodies that were sent compressed.

use std::{borrow::Cow, io::Read};

use axum::{
    body::Bytes,
    http::{HeaderMap, header::CONTENT_ENCODING},
};
use flate2::read::MultiGzDecoder;

use super::{MAX_UNPACKED, Problem};

/// The body as it was before `Content-Encoding`.
pub(super) fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
    let encodings: Vec<&str> = encodings.flat_map(|list| list.split(',')).map(str::trim).collect();
    match encodings.as_slice() {
        [] | ["" | "identity"] => Ok(body),
        [encoding] if ["gzip", "x-gzip"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) => {
            gunzip(&body)
        }
        others => Err(Problem::unsupported_encoding(&others.join(", "))),
    }
}

fn gunzip(packed: &[u8]) -> Result<Bytes, Problem> {
    let broken = |why: Cow<'_, str>| Problem::malformed_body(format!("the body is no gzip: {why}"));
    if packed.is_empty() {
        return Err(broken("it is empty".into()));
    }
    // One byte more than there may be tells what is too large without unpacking all of it.
    let most = u64::try_from(MAX_UNPACKED).unwrap_or(u64::MAX);
    let mut body = Vec::with_capacity(packed.len().saturating_mul(4).min(MAX_UNPACKED));
    let read = MultiGzDecoder::new(packed).take(most + 1).read_to_end(&mut body);
    read.map_err(|error| broken(error.to_string().into()))?;
    if body.len() > MAX_UNPACKED {
        let detail =
            format!("a body has at most {MAX_UNPACKED} bytes once unpacked; send the events in several");
        return Err(Problem::too_large(detail));
    }
    Ok(body.into())
}
