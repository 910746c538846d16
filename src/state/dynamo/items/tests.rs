use super::*;

#[test]
fn an_expiry_is_never_before_its_time() {
    for (millis, seconds) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (-1, 0), (-1000, -1)] {
        assert_eq!(to_seconds(Timestamp(millis)), seconds, "{millis}");
    }
    assert_eq!(to_seconds(Timestamp::MAX), i64::MAX / 1000 + 1);
}

#[test]
fn what_is_missing_is_named() {
    let key = RawKey { pk: "v@00".to_owned(), sk: "000.0000000000".to_owned() };
    let item = Item { version: 3, body: vec![1, 2], expires: Some(Timestamp(5000)) };
    let whole = to_attributes(&key, &item);
    assert_eq!(to_item(&key, whole.clone()).unwrap(), item);
    for (name, text) in [("v", "no integer `v`"), ("b", "no binary `b`")] {
        let mut part = whole.clone();
        part.remove(name);
        let error = to_item(&key, part).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("v@00 / 000"), "{error}");
    }
}
