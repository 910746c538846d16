//! An alert as it comes from its topic: a JSON object with an `id` and a `severity`, and whatever
//! columns the view that raised it has.

use serde_json::{Map, Value};

/// How grave an alert is, by the names that views give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `INFO`.
    Info,
    /// `LOW`.
    Low,
    /// `MEDIUM`.
    Medium,
    /// `HIGH`.
    High,
    /// `CRITICAL`.
    Critical,
}

impl Severity {
    /// All, the gravest first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Its name, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The one of that name, in letters of any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(name))
    }
}

/// An alert's severity as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// One that is known.
    Known(Severity),
    /// A word of the view's own. It cannot be ranked, so no minimum keeps it back.
    Other(String),
}

impl Level {
    fn of(text: &str) -> Self {
        Severity::named(text).map_or_else(|| Self::Other(text.to_owned()), Self::Known)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(severity) => severity.name(),
            Self::Other(name) => name,
        }
    }

    /// Whether a target that wants alerts from `least` on wants this one.
    pub fn reaches(&self, least: Severity) -> bool {
        match self {
            Self::Known(severity) => *severity >= least,
            Self::Other(_) => true,
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub struct Alert<'a> {
    /// Its identity: what comes again under the same one is the same alert.
    pub id: String,
    /// How grave it is.
    pub severity: Level,
    /// All of its fields, in the order in which they came.
    pub fields: Map<String, Value>,
    /// Its bytes as they came.
    pub raw: &'a [u8],
}

/// The longest id: what SNS takes as a deduplication id.
const MAX_ID: usize = 128;

impl<'a> Alert<'a> {
    /// Reads an alert; the error says what was found and what was expected, for a person.
    pub fn read(raw: &'a [u8]) -> Result<Self, String> {
        if raw.is_empty() {
            return Err("it is empty, expected a JSON object with \"id\" and \"severity\"".to_owned());
        }
        let value: Value = serde_json::from_slice(raw).map_err(|error| format!("it is not JSON: {error}"))?;
        let Value::Object(fields) = value else {
            return Err(format!("it is {}, expected a JSON object", kind(&value)));
        };
        let id = required(&fields, "id", "a text")?;
        if id.len() > MAX_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("\"id\" is not 1 to {MAX_ID} visible ASCII characters"));
        }
        let severity = Level::of(&required(&fields, "severity", "CRITICAL, HIGH, MEDIUM, LOW or INFO")?);
        Ok(Self { id, severity, fields, raw })
    }

    /// The text of a field; nothing where it is missing, no text, or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// What it is called: its rule, else the view that raised it.
    pub fn title(&self) -> &str {
        self.text("rule").or_else(|| self.text("view")).unwrap_or("alert")
    }
}

fn required(fields: &Map<String, Value>, name: &str, expected: &str) -> Result<String, String> {
    match fields.get(name) {
        None => Err(format!("\"{name}\" is missing, expected {expected}")),
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("\"{name}\" is an empty text, expected {expected}")),
        Some(other) => Err(format!("\"{name}\" is {}, expected {expected}", kind(other))),
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_severity_are_enough() {
        let alert = Alert::read(br#"{"severity":"high","id":"a1"}"#).unwrap();
        assert_eq!((alert.id.as_str(), alert.severity.name(), alert.title()), ("a1", "HIGH", "alert"));
    }

    #[test]
    fn a_severity_of_its_own_is_kept_and_never_kept_back() {
        let alert = Alert::read(br#"{"id":"a1","severity":"Urgent"}"#).unwrap();
        assert_eq!(alert.severity, Level::Other("Urgent".to_owned()));
        assert!(alert.severity.reaches(Severity::Critical));
    }

    #[test]
    fn severities_rank() {
        let high = Level::Known(Severity::High);
        assert!(high.reaches(Severity::High) && high.reaches(Severity::Info));
        assert!(!high.reaches(Severity::Critical));
    }

    #[test]
    fn what_is_no_alert_says_why() {
        let long = format!(r#"{{"id":"{}","severity":"LOW"}}"#, "a".repeat(129));
        let cases = [
            ("", "it is empty"),
            ("User 17", "it is not JSON: expected value at line 1 column 1"),
            ("[1]", "it is an array, expected a JSON object"),
            (r#"{"severity":"LOW"}"#, "\"id\" is missing, expected a text"),
            (r#"{"id":7,"severity":"LOW"}"#, "\"id\" is a number, expected a text"),
            (r#"{"id":"","severity":"LOW"}"#, "\"id\" is an empty text"),
            (r#"{"id":"a b","severity":"LOW"}"#, "\"id\" is not 1 to 128 visible ASCII characters"),
            (&long, "\"id\" is not 1 to 128 visible ASCII characters"),
            (r#"{"id":"a"}"#, "\"severity\" is missing, expected CRITICAL"),
            (r#"{"id":"a","severity":null}"#, "\"severity\" is null, expected CRITICAL"),
        ];
        for (raw, expected) in cases {
            let reason = Alert::read(raw.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{raw}: {reason}");
        }
    }
}
