use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i64>().prop_map(|t| Value::Time(Timestamp(t))),
        (-1e9..1e9).prop_map(Value::Float),
        ".*".prop_map(|s| Value::Text(s.into())),
    ]
}

proptest! {
    #[test]
    fn a_value_comes_back(value in values()) {
        let mut bytes = Vec::new();
        put_value(&mut bytes, &value);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.value().unwrap(), value);
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn random_bytes_are_an_error_or_a_value(bytes: Vec<u8>) {
        let mut reader = Reader::new(&bytes);
        while reader.value().is_ok() {}
        let _ = unpack(&bytes);
    }

    #[test]
    fn a_packed_body_comes_back(body: Vec<u8>) {
        let packed = Packer::new().unwrap().pack(|out| out.extend_from_slice(&body)).unwrap();
        prop_assert_eq!(unpack(&packed).unwrap().into_owned(), body);
    }
}
