//! Random values: what another library writes, and what nobody does.

use proptest::prelude::*;
use prost_reflect::SerializeOptions;

use super::*;

fn scalars() -> BoxedStrategy<Json> {
    let field = |name: &'static str, value: BoxedStrategy<Json>| value.prop_map(move |value| (name, value));
    let one = prop_oneof![
        field("anInt32", any::<i32>().prop_map(|n| json!(n)).boxed()),
        field("anInt64", any::<i64>().prop_map(|n| json!(n.to_string())).boxed()),
        field("aUint64", any::<u64>().prop_map(|n| json!(n.to_string())).boxed()),
        field("aSint32", any::<i32>().prop_map(|n| json!(n)).boxed()),
        field("aSfixed64", any::<i64>().prop_map(|n| json!(n.to_string())).boxed()),
        field(
            "aFloat",
            any::<f32>().prop_filter("told by both", |x| x.is_normal()).prop_map(|x| json!(x)).boxed()
        ),
        field(
            "aDouble",
            any::<f64>().prop_filter("told by both", |x| x.is_normal()).prop_map(|x| json!(x)).boxed()
        ),
        field("aBool", any::<bool>().prop_map(|b| json!(b)).boxed()),
        field("aString", ".{0,9}".prop_map(|s| json!(s)).boxed()),
        field("perhapsText", ".{0,9}".prop_map(|s| json!(s)).boxed()),
        field("aColor", prop_oneof![Just(json!("BLUE")), Just(json!("MINUS")), Just(json!(77))].boxed()),
        field("numbers", proptest::collection::vec(any::<i32>(), 0..4).prop_map(|n| json!(n)).boxed()),
        field("unpacked", proptest::collection::vec(any::<i32>(), 0..4).prop_map(|n| json!(n)).boxed()),
        field("texts", proptest::collection::vec(".{0,3}", 0..4).prop_map(|n| json!(n)).boxed()),
        field(
            "byText",
            proptest::collection::btree_map(".{0,3}", any::<i32>(), 0..3)
                .prop_map(|map| map.into_iter().map(|(key, n)| (key, json!(n.to_string()))).collect())
                .boxed()
        ),
        field("left", ".{0,3}".prop_map(|s| json!(s)).boxed()),
        field("longOrNull", any::<i64>().prop_map(|n| json!(n.to_string())).boxed()),
        field("span", (-9_i64..9, 0..1000_i64).prop_map(|(s, n)| json!(format!("{s}.{n:03}s"))).boxed()),
        field(
            "moment",
            (0_i64..4_000_000_000)
                .prop_map(|s| json!(jiff::Timestamp::from_second(s).unwrap().to_string()))
                .boxed()
        ),
        field("anyObject", any::<bool>().prop_map(|b| json!({ "a": [b, null, { "c": "d" }] })).boxed()),
    ];
    proptest::collection::vec(one, 0..6)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        .boxed()
}

fn values() -> BoxedStrategy<Json> {
    scalars()
        .prop_recursive(3, 20, 3, |inner| {
            (scalars(), proptest::collection::vec(inner, 0..3)).prop_map(|(mut value, inner)| {
                value["many"] = json!(inner);
                if let Some(first) = inner.first() {
                    value["itself"] = first.clone();
                    value["byNumber"] = json!({ "-3": first });
                }
                value
            })
        })
        .boxed()
}

proptest! {
    #[test]
    fn whatever_another_library_writes_is_read_as_the_json_that_it_says(value in values()) {
        let message = message(EVERYTHING, "test.All", &json!({ "ts": 5, "itself": value }));
        let options = SerializeOptions::new().skip_default_fields(false);
        let whole = message.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
        let found = taken_from(EVERYTHING, message.encode_to_vec(), "itself", Type::Json).unwrap();
        let Value::Json(found) = found else { panic!("{found:?}") };
        // Both through text: a float of 32 bits has fewer digits there.
        let expected: Json = serde_json::from_str(&whole["itself"].to_string()).unwrap();
        let found: Json = serde_json::from_str(&found).unwrap();
        prop_assert_eq!(nearly(found), nearly(expected));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_a_row_or_a_rejection(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        field in prop_oneof![Just("itself"), Just("many"), Just("byNumber"), Just("anyValue"), Just("moment")],
        kind in prop_oneof![Just(Type::Json), Just(Type::Text), Just(Type::BigInt), Just(Type::Timestamp)],
    ) {
        let _ = taken_from(EVERYTHING, bytes, field, kind);
    }

    #[test]
    fn a_value_cut_off_or_changed_anywhere_is_a_row_or_a_rejection(
        value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = written(&json!({ "ts": 5, "itself": value, "many": [value] }));
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = taken_from(EVERYTHING, bytes.clone(), "itself", Type::Json);
        let _ = taken_from(EVERYTHING, bytes, "many", Type::Json);
    }
}

/// Numbers as floats of 32 bits: what the other library has of those in its tree has more digits.
fn nearly(value: Json) -> Json {
    match value {
        Json::Number(number) if number.is_f64() => {
            #[expect(clippy::cast_possible_truncation, reason = "that is the point")]
            let short = number.as_f64().unwrap_or_default() as f32;
            json!(short.to_string())
        }
        Json::Array(items) => items.into_iter().map(nearly).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, nearly(value))).collect(),
        other => other,
    }
}
