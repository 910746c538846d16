//! The rules of requests that are remembered.

use futures::future::join_all;
use weir::{
    state::{Item, Requests, Written},
    time::Timestamp,
};

use crate::support::item;

pub(crate) async fn a_request_is_remembered(store: impl Requests) {
    assert_eq!(store.request("r").await.unwrap(), None);
    let item = Item { version: 0, body: vec![1, 2], expires: Some(Timestamp(1_900_000_000_000)) };
    assert_eq!(store.put_request("r", item.clone(), None).await.unwrap(), Written::Stored);
    assert_eq!(store.request("r").await.unwrap(), Some(item));
    assert_eq!(store.request("s").await.unwrap(), None);
}

pub(crate) async fn a_request_needs_the_version_it_expects(store: impl Requests) {
    let put = async |version, body: &[u8], expected| {
        store.put_request("r", item(version, body), expected).await.unwrap()
    };
    assert_eq!(put(1, b"a", Some(0)).await, Written::Conflict, "nothing stands there");
    assert_eq!(put(0, b"a", None).await, Written::Stored);
    assert_eq!(put(0, b"b", None).await, Written::Conflict, "something stands there");
    assert_eq!(put(0, b"a", None).await, Written::Stored, "it met itself");
    assert_eq!(put(1, b"b", Some(0)).await, Written::Stored);
    assert_eq!(put(1, b"c", Some(0)).await, Written::Conflict, "it was overtaken");
    assert_eq!(store.request("r").await.unwrap(), Some(item(1, b"b")));
}

pub(crate) async fn one_of_two_racing_attempts_is_stored(store: impl Requests) {
    let bodies: Vec<[u8; 1]> = (0..10).map(|n| [n]).collect();
    let written = join_all(bodies.iter().map(|body| store.put_request("r", item(0, body), None))).await;
    assert_eq!(written.iter().filter(|one| matches!(one, Ok(Written::Stored))).count(), 1);
}
