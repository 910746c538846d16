//! Where a page of rows ends: opaque to clients, and only good for the query that it came from.

use axum::http::{HeaderValue, Uri};
use base64_simd::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::xxh3_64;

use super::problem::Problem;
use crate::{
    codec::{Reader, put_value},
    sql::View,
    value::Value,
};

/// What a query is told apart by: everything but the page's place and size.
pub(super) fn fingerprint<'v>(views: impl IntoIterator<Item = &'v View>, uri: &Uri) -> u64 {
    let rest = parts(uri).filter(|part| !part.starts_with("limit=")).collect::<Vec<_>>().join("&");
    let views: Vec<String> = views.into_iter().map(|view| format!("{:016x}", view.fingerprint)).collect();
    xxh3_64(format!("{} {} {rest}", views.join(" "), uri.path()).as_bytes())
}

/// The query's parts, but for the cursor.
fn parts(uri: &Uri) -> impl Iterator<Item = &str> {
    let parts = uri.query().unwrap_or_default().split('&');
    parts.filter(|part| !part.is_empty() && !part.starts_with("cursor="))
}

/// A cursor of some values.
pub(super) fn encode<'v>(query: u64, values: impl IntoIterator<Item = &'v Value<'static>>) -> String {
    let mut bytes = query.to_le_bytes().to_vec();
    values.into_iter().for_each(|value| put_value(&mut bytes, value));
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The values of a cursor of this query.
pub(super) fn decode(query: u64, cursor: &str) -> Result<Vec<Value<'static>>, Problem> {
    values(query, cursor).ok_or_else(|| {
        Problem::malformed_query(
            "cursor: expected one from the Link header of an answer to this very query; only limit may differ",
        )
    })
}

fn values(query: u64, cursor: &str) -> Option<Vec<Value<'static>>> {
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(cursor).ok()?;
    let (found, values) = bytes.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*found) != query {
        return None;
    }
    let mut reader = Reader::new(values);
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(reader.value().ok()?.into_owned());
    }
    Some(all)
}

/// The `Link` header that names the next page: relative to the request's own path, so that it holds
/// behind a path prefix too.
pub(super) fn link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let query: String = parts(uri).flat_map(|part| [part, "&"]).collect();
    HeaderValue::try_from(format!("<?{query}cursor={cursor}>; rel=\"next\"")).ok()
}
