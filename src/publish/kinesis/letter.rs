//! Messages about a record, as JSON.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::publish::Message;

/// What a message about a record has among its headers.
const ABOUT: &str = "weir.topic";

/// What stands in the record of a message: its payload; of one that is about another record
/// `{"weir.topic": "clicks", "weir.reason": "...", ..., "key": "p1", "value": "..."}`, where a value that is no
/// UTF-8 is `value_base64` instead.
pub(super) fn data(message: Message) -> Vec<u8> {
    if !message.headers.iter().any(|(name, _)| *name == ABOUT) {
        return message.payload;
    }
    let mut letter: Map<String, Json> =
        message.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let key = message.key.as_deref().map(String::from_utf8_lossy).map(Cow::into_owned);
    letter.insert("key".to_owned(), key.into());
    match String::from_utf8(message.payload) {
        Ok(text) => letter.insert("value".to_owned(), text.into()),
        Err(bytes) => {
            let text = base64_simd::STANDARD.encode_to_string(bytes.as_bytes());
            letter.insert("value_base64".to_owned(), text.into())
        }
    };
    Json::Object(letter).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &[(&'static str, &str)], payload: &[u8]) -> Message {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Message { topic: "t".to_owned(), key: Some(b"k".to_vec()), payload: payload.to_vec(), headers }
    }

    #[test]
    fn rows_are_sent_as_they_are() {
        let row = message(&[("weir.view", "ctr"), ("weir.revision", "0")], b"{\"ctr\":1}");
        assert_eq!(data(row), b"{\"ctr\":1}");
    }

    #[test]
    fn letters_say_what_they_are_about() {
        let about = [("weir.topic", "clicks"), ("weir.offset", "17"), ("weir.reason", "no JSON")];
        let text = |payload: &[u8]| String::from_utf8(data(message(&about, payload))).unwrap();
        assert_eq!(
            text(b"{\"x"),
            r#"{"weir.topic":"clicks","weir.offset":"17","weir.reason":"no JSON","key":"k","value":"{\"x"}"#
        );
        assert!(text(b"\xff").ends_with(r#""key":"k","value_base64":"/w=="}"#));
    }
}
