//! Basic authentication, from the name and password of a URL.

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

/// The header that a URL's name and password make, if it has any.
pub fn basic(url: &Url) -> Result<Option<HeaderValue>, String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let value = format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair));
    let mut value =
        HeaderValue::try_from(value).map_err(|_| "name and password make no header".to_owned())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A part of a URL as it is meant.
pub fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
