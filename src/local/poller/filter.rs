//! Which records an event source hands on: Lambda's filter criteria.
//!
//! A pattern is a JSON object that names what the record's value must have:
//! `{"value": {"type": ["click"], "price": [{"numeric": [">", 0]}]}}`. Each leaf is a list of rules, of which
//! one must hold; all fields must match; `$or` holds a list of alternatives. As in Lambda, a value that is no JSON
//! matches only a pattern for plain text (`{"value": ["a", {"prefix": "b"}]}`), and a record passes if one
//! of the patterns matches.
//!
//! Shapes and meaning are those of "Control which events Lambda sends to your function", AWS Lambda Developer Guide.

use serde_json::{Map, Value};

/// What passes; everything where there is no pattern.
#[derive(Clone, Debug, Default)]
pub struct Filters(Vec<Pattern>);

#[derive(Clone, Debug)]
enum Pattern {
    /// The value itself.
    Leaf(Vec<Rule>),
    /// What it has.
    Fields(Vec<Condition>),
}

#[derive(Clone, Debug)]
enum Condition {
    Field(String, Pattern),
    /// One of these.
    Or(Vec<Vec<Condition>>),
}

#[derive(Clone, Debug)]
enum Rule {
    Equals(Value),
    IgnoringCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Value>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter {}: at {place}: expected {expected}, found {found}", number + 1)]
pub struct FilterError {
    /// Which filter, from 0.
    pub number: usize,
    /// Where in it.
    pub place: String,
    /// What was expected there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl Filters {
    /// Reads patterns.
    pub fn parse(patterns: &[String]) -> Result<Self, FilterError> {
        let read = |(number, text): (usize, &String)| {
            pattern(text).map_err(|Wrong { place, expected, found }| FilterError {
                number,
                place,
                expected,
                found,
            })
        };
        patterns.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a record with this value passes.
    pub fn pass(&self, value: Option<&[u8]>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let value = value.unwrap_or_default();
        let json = serde_json::from_slice::<Value>(value).ok();
        // What is no JSON is a text, which has no fields.
        let value = json.unwrap_or_else(|| Value::from(String::from_utf8_lossy(value)));
        self.0.iter().any(|pattern| pattern.matches(Some(&value)))
    }
}

impl Pattern {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Leaf(rules), Some(Value::Array(items))) if !items.is_empty() => {
                items.iter().any(|item| rules.iter().any(|rule| rule.holds(Some(item))))
            }
            (Self::Leaf(rules), value) => rules.iter().any(|rule| rule.holds(value)),
            (Self::Fields(conditions), Some(Value::Array(items))) => {
                items.iter().any(|item| all_hold(conditions, item.as_object()))
            }
            (Self::Fields(conditions), value) => all_hold(conditions, value.and_then(Value::as_object)),
        }
    }
}

fn all_hold(conditions: &[Condition], object: Option<&Map<String, Value>>) -> bool {
    conditions.iter().all(|condition| match condition {
        Condition::Field(name, pattern) => pattern.matches(object.and_then(|object| object.get(name))),
        Condition::Or(alternatives) => alternatives.iter().any(|conditions| all_hold(conditions, object)),
    })
}

impl Rule {
    fn holds(&self, value: Option<&Value>) -> bool {
        let text = value.and_then(Value::as_str);
        match self {
            Self::Exists(exists) => value.is_some() == *exists,
            Self::Equals(expected) => value.is_some_and(|value| equal(value, expected)),
            Self::IgnoringCase(expected) => {
                text.is_some_and(|text| text.to_lowercase() == expected.to_lowercase())
            }
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::AnythingBut(others) => {
                value.is_some_and(|value| !others.iter().any(|other| equal(value, other)))
            }
            Self::Numeric(bounds) => value.and_then(Value::as_f64).is_some_and(|number| {
                bounds.iter().all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
        }
    }
}

/// Numbers are equal by their value: 5 and 5.0 are one.
fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => Comparison::Equal.holds(a, b),
        _ => a == b,
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "a filter asks for the very number")]
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Equal => number == bound,
            Self::Less => number < bound,
            Self::AtMost => number <= bound,
            Self::More => number > bound,
            Self::AtLeast => number >= bound,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

/// What is wrong with a pattern.
struct Wrong {
    place: String,
    expected: &'static str,
    found: String,
}

fn wrong(place: &str, expected: &'static str, found: &impl ToString) -> Wrong {
    Wrong { place: place.to_owned(), expected, found: found.to_string() }
}

const RULES: &str = "a text, number, true, false, null, or an object of one of prefix, suffix, equals-ignore-case, \
                     anything-but, numeric, exists";

fn pattern(text: &str) -> Result<Pattern, Wrong> {
    let found: Value =
        serde_json::from_str(text).map_err(|error| wrong("its beginning", "a JSON object", &error))?;
    let object = found.as_object().ok_or_else(|| wrong("its beginning", "a JSON object", &found))?;
    if let Some(other) = object.keys().find(|key| *key != "value") {
        return Err(wrong("its beginning", "value and nothing else", other));
    }
    match object.get("value") {
        Some(inner) => node("value", inner),
        None => Err(wrong("its beginning", "value", &found)),
    }
}

fn node(place: &str, found: &Value) -> Result<Pattern, Wrong> {
    match found {
        Value::Object(object) => conditions(place, object).map(Pattern::Fields),
        Value::Array(rules) if !rules.is_empty() => {
            rules.iter().map(|found| rule(place, found)).collect::<Result<_, _>>().map(Pattern::Leaf)
        }
        other => Err(wrong(place, "an object of fields, or a list of rules", other)),
    }
}

fn conditions(place: &str, object: &Map<String, Value>) -> Result<Vec<Condition>, Wrong> {
    let condition = |(name, found): (&String, &Value)| {
        let place = format!("{place}.{name}");
        match (name.as_str(), found) {
            ("$or", Value::Array(alternatives)) => {
                let alternative = |found: &Value| match found {
                    Value::Object(object) => conditions(&place, object),
                    other => Err(wrong(&place, "a list of objects", other)),
                };
                alternatives.iter().map(alternative).collect::<Result<_, _>>().map(Condition::Or)
            }
            _ => node(&place, found).map(|pattern| Condition::Field(name.clone(), pattern)),
        }
    };
    object.iter().map(condition).collect()
}

fn rule(place: &str, found: &Value) -> Result<Rule, Wrong> {
    let object = match found {
        Value::Object(object) if object.len() == 1 => object,
        Value::Object(_) | Value::Array(_) => return Err(wrong(place, RULES, found)),
        literal => return Ok(Rule::Equals(literal.clone())),
    };
    let Some((name, operand)) = object.iter().next() else { return Err(wrong(place, RULES, found)) };
    let place = &format!("{place}.{name}");
    let text = || operand.as_str().map(str::to_owned).ok_or_else(|| wrong(place, "a text", operand));
    Ok(match name.as_str() {
        "prefix" => Rule::Prefix(text()?),
        "suffix" => Rule::Suffix(text()?),
        "equals-ignore-case" => Rule::IgnoringCase(text()?),
        "anything-but" => Rule::AnythingBut(match operand {
            Value::Array(others) => others.clone(),
            one => vec![one.clone()],
        }),
        "exists" => Rule::Exists(operand.as_bool().ok_or_else(|| wrong(place, "true or false", operand))?),
        "numeric" => Rule::Numeric(bounds(place, operand)?),
        _ => return Err(wrong(place, RULES, found)),
    })
}

/// `[">", 0, "<=", 5]`.
fn bounds(place: &str, found: &Value) -> Result<Vec<(Comparison, f64)>, Wrong> {
    let wrong = || wrong(place, "comparisons and numbers such as [\">\", 0, \"<=\", 5]", found);
    let parts = found.as_array().filter(|parts| !parts.is_empty()).ok_or_else(wrong)?;
    let bound = |pair: &[Value]| match pair {
        [comparison, number] => Some((Comparison::parse(comparison.as_str()?)?, number.as_f64()?)),
        _ => None,
    };
    parts.chunks(2).map(|pair| bound(pair).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(pattern: &str, value: &str) -> bool {
        Filters::parse(&[pattern.to_owned()]).unwrap().pass(Some(value.as_bytes()))
    }

    #[test]
    fn rules_hold_as_in_lambda() {
        let event = r#"{"type":"click","price":5,"tags":["a","b"],"user":{"name":"Ann"},"gone":null}"#;
        for (inner, expected) in [
            (r#"{"type":["click"]}"#, true),
            (r#"{"type":["view","click"]}"#, true),
            (r#"{"type":["view"]}"#, false),
            (r#"{"type":["click"],"price":[6]}"#, false),
            (r#"{"price":[5.0]}"#, true),
            (r#"{"price":["5"]}"#, false),
            (r#"{"price":[{"numeric":[">",0,"<=",5]}]}"#, true),
            (r#"{"price":[{"numeric":[">",5]}]}"#, false),
            (r#"{"type":[{"numeric":["=",5]}]}"#, false),
            (r#"{"type":[{"prefix":"cl"}]}"#, true),
            (r#"{"type":[{"suffix":"ick"}]}"#, true),
            (r#"{"type":[{"equals-ignore-case":"CLICK"}]}"#, true),
            (r#"{"type":[{"anything-but":["view","click"]}]}"#, false),
            (r#"{"type":[{"anything-but":"view"}]}"#, true),
            (r#"{"missing":[{"anything-but":"view"}]}"#, false),
            (r#"{"missing":[{"exists":false}]}"#, true),
            (r#"{"type":[{"exists":false}]}"#, false),
            (r#"{"gone":[null]}"#, true),
            (r#"{"gone":[{"exists":true}]}"#, true),
            (r#"{"tags":["b"]}"#, true),
            (r#"{"tags":["c"]}"#, false),
            (r#"{"user":{"name":["Ann"]}}"#, true),
            (r#"{"user":{"name":["Bob"]}}"#, false),
            (r#"{"type":{"name":["Ann"]}}"#, false),
            (r#"{"$or":[{"type":["view"]},{"price":[5]}]}"#, true),
            (r#"{"$or":[{"type":["view"]},{"price":[6]}]}"#, false),
        ] {
            assert_eq!(passes(&format!(r#"{{"value":{inner}}}"#), event), expected, "{inner}");
        }
    }

    #[test]
    fn text_matches_rules_and_has_no_fields() {
        assert!(passes(r#"{"value":[{"prefix":"User 1"}]}"#, "User 17 clicked on /a at 1"));
        assert!(!passes(r#"{"value":[{"prefix":"User 2"}]}"#, "User 17 clicked on /a at 1"));
        assert!(!passes(r#"{"value":{"user":["17"]}}"#, "User 17 clicked on /a at 1"));
        let filters = Filters::parse(&[r#"{"value":{"a":[1]}}"#.to_owned()]).unwrap();
        assert!(!filters.pass(None));
    }

    #[test]
    fn one_of_several_filters_suffices_and_none_lets_all_pass() {
        let patterns = [r#"{"value":{"a":[1]}}"#.to_owned(), r#"{"value":{"a":[2]}}"#.to_owned()];
        let filters = Filters::parse(&patterns).unwrap();
        assert!(filters.pass(Some(br#"{"a":2}"#)) && !filters.pass(Some(br#"{"a":3}"#)));
        assert!(Filters::default().pass(None));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (pattern, expected) in [
            ("", "filter 1: at its beginning: expected a JSON object, found EOF"),
            ("[]", "filter 1: at its beginning: expected a JSON object, found []"),
            (r#"{"key":[1]}"#, "filter 1: at its beginning: expected value and nothing else, found key"),
            (
                r#"{"value":{"a":1}}"#,
                "filter 1: at value.a: expected an object of fields, or a list of rules, found 1",
            ),
            (
                r#"{"value":{"a":[]}}"#,
                "filter 1: at value.a: expected an object of fields, or a list of rules",
            ),
            (r#"{"value":{"a":[{"like":"x"}]}}"#, "filter 1: at value.a.like: expected a text, number, true"),
            (r#"{"value":{"a":[{"prefix":1}]}}"#, "filter 1: at value.a.prefix: expected a text, found 1"),
            (r#"{"value":{"a":[{"numeric":[">"]}]}}"#, "filter 1: at value.a.numeric: expected comparisons"),
            (r#"{"value":{"$or":[1]}}"#, "filter 1: at value.$or: expected a list of objects, found 1"),
        ] {
            let error = Filters::parse(&[pattern.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{pattern}: {error}");
        }
    }
}
