use proptest::prelude::*;

use super::*;

fn check(bytes: &[u8]) -> Result<Raw, Syntax> {
    let mut cursor = Cursor::new(bytes);
    let raw = cursor.value()?;
    cursor.end()?;
    Ok(raw)
}

#[test]
fn values_are_found_where_they_lie() {
    let cases = [
        ("null", Kind::Null, 0..4),
        (" true ", Kind::Bool(true), 1..5),
        ("-12", Kind::Integer(-12), 0..3),
        ("9223372036854775807", Kind::Integer(i64::MAX), 0..19),
        ("-9223372036854775808", Kind::Integer(i64::MIN), 0..20),
        ("9223372036854775808", Kind::Number, 0..19),
        ("1.5e-3", Kind::Number, 0..6),
        (r#""a\n""#, Kind::Text { escaped: true }, 1..4),
        (r#""abcdefgh""#, Kind::Text { escaped: false }, 1..9),
        ("[1,[]]", Kind::Array, 0..6),
        (r#"{"a":{}}"#, Kind::Object, 0..8),
    ];
    for (text, kind, span) in cases {
        assert_eq!(check(text.as_bytes()), Ok(Raw { kind, span }), "{text}");
    }
}

#[test]
fn an_error_says_where_what_stands_and_what_should() {
    let cases = [
        ("", "ends at byte 0, expected a value"),
        ("{\"a\" 1}", "found `1` at byte 5, expected `:`"),
        ("{\"a\":1,}", "found `}` at byte 7, expected a string"),
        ("[1 2]", "found `2` at byte 3, expected `,` or `]`"),
        ("01", "found `1` at byte 1, expected a number without leading zeros"),
        ("1 x", "found `x` at byte 2, expected the end"),
        ("\"a\nb\"", "found 0x0a at byte 2, expected `\"`, or an escape for a control character"),
        ("\"\\x\"", "found `x` at byte 2, expected an escape"),
        ("\"\\u12g4\"", "found `g` at byte 5, expected four hexadecimal digits"),
        ("nul", "found `n` at byte 0, expected true, false or null"),
    ];
    for (text, message) in cases {
        let error = check(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(error, Err(message.to_owned()), "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(check(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(check(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    assert!(check("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    assert_eq!(unescape(r"\ud83d\ude00", true).as_deref(), Some("😀"));
    for half in [r"\ud83d", r"\ud83dx", r"\ud83d\u0041", r"\ude00"] {
        assert_eq!(unescape(half, true), None, "{half}");
    }
}

/// Text that is JSON or nearly so: pieces of JSON in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\n",
        "\"",
        "\"a\"",
        "\"bc\\n\"",
        "\\",
        "\\u00e9",
        "é",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E+",
        "12345678901234567890",
        "true",
        "false",
        "null",
        "nul",
        "\"abcdefghijk\"",
        "\u{1}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

proptest! {
    #[test]
    fn accepts_what_serde_json_accepts(text in nearly_json()) {
        prop_assert_eq!(check(text.as_bytes()).is_ok(), is_json(&text), "{}", text);
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let _either = check(&bytes);
    }

    #[test]
    fn a_text_survives_escaping(text: String) {
        let json = serde_json::to_string(&text).expect("a text is JSON");
        let raw = check(json.as_bytes()).expect("serde_json writes JSON");
        let Kind::Text { escaped } = raw.kind else { panic!("{json} is a text") };
        let unescaped = unescape(&json[raw.span], escaped);
        prop_assert_eq!(unescaped.as_deref(), Some(text.as_str()));
    }
}
