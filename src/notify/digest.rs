//! What a person is told of an alert, before any channel's own format.

use serde_json::Value;

use super::Alert;
use crate::time::Timestamp;

/// The fields that have a place of their own, or say nothing to a person.
const PLACED: [&str; 8] =
    ["id", "severity", "view", "rule", "details", "detected_at", "window_start", "window_end"];
/// What a rule measured, which is told in one: `amount: 6000000 (threshold 1000000)`.
const MEASURED: [&str; 3] = ["metric_name", "metric_value", "threshold"];
/// The most characters of one value.
const MAX_VALUE: usize = 500;

/// An alert for a person.
#[derive(Debug)]
pub(super) struct Digest<'a> {
    /// How grave it is.
    pub(super) severity: &'a str,
    /// The rule or the view.
    pub(super) title: &'a str,
    /// The rule's own sentence.
    pub(super) details: Option<String>,
    /// Names and values, in the order in which they came; what was measured first.
    pub(super) facts: Vec<(&'a str, String)>,
    /// When it was noticed: `detected_at`, else the window's end.
    pub(super) at: Option<Moment>,
    /// The view.
    pub(super) view: Option<&'a str>,
    /// The alert's id.
    pub(super) id: &'a str,
}

/// A time as an alert tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// In milliseconds.
    At(Timestamp),
    /// As a text.
    Told(String),
}

impl Moment {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Number(number) if number.is_i64() => number.as_i64().map(|at| Self::At(Timestamp(at))),
            other => Some(Self::Told(shown(other))),
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Told(text) => f.write_str(text),
        }
    }
}

impl<'a> Digest<'a> {
    pub(super) fn of(alert: &'a Alert<'_>) -> Self {
        let moment = |name: &str| alert.fields.get(name).and_then(Moment::of);
        Self {
            severity: alert.severity.name(),
            title: alert.title(),
            details: alert.fields.get("details").filter(|details| !is_blank(details)).map(shown),
            facts: facts(alert),
            at: moment("detected_at").or_else(|| moment("window_end")),
            view: alert.text("view"),
            id: &alert.id,
        }
    }
}

fn facts<'a>(alert: &'a Alert<'_>) -> Vec<(&'a str, String)> {
    let measured = measured(alert);
    let folded = |name: &str| measured.is_some() && MEASURED.contains(&name);
    let rest = alert.fields.iter().filter(|(name, value)| {
        let first = *name == "revision" && value.as_i64() == Some(0);
        !PLACED.contains(&name.as_str()) && !folded(name) && !first && !is_blank(value)
    });
    let rest = rest.map(|(name, value)| (name.as_str(), shown(value))).collect::<Vec<_>>();
    measured.clone().into_iter().chain(rest).chain(window(alert)).collect()
}

/// `metric_name` as the name of `metric_value`, with the threshold behind.
fn measured<'a>(alert: &'a Alert<'_>) -> Option<(&'a str, String)> {
    let name = alert.text("metric_name")?;
    let value = alert.fields.get("metric_value").filter(|value| !value.is_null())?;
    let threshold = alert.fields.get("threshold").filter(|value| !value.is_null());
    let threshold = threshold.map_or_else(String::new, |value| format!(" (threshold {})", shown(value)));
    Some((name, shown(value) + threshold.as_str()))
}

fn window(alert: &Alert<'_>) -> Option<(&'static str, String)> {
    let [start, end] = ["window_start", "window_end"].map(|name| alert.fields.get(name).and_then(Moment::of));
    Some(("window", format!("{} to {}", start?, end?)))
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// A value as a person reads it: texts without quotes, whole numbers without a fraction.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(|| number.to_string(), |x| x.to_string())
        }
        other => other.to_string(),
    };
    cut(&text, MAX_VALUE)
}

/// A text of at most so many characters; one that is longer ends in an ellipsis.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts_of(raw: &str) -> Vec<(String, String)> {
        let alert = Alert::read(raw.as_bytes()).unwrap();
        Digest::of(&alert).facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn fact(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_was_measured_is_one_fact_and_the_first() {
        let facts = facts_of(
            r#"{"id":"a","severity":"LOW","user_id":"u1","metric_name":"amount","metric_value":6000000.0,
                "threshold":1000000,"note":null,"tags":["x",1],"revision":0}"#,
        );
        let expected = [
            fact("amount", "6000000 (threshold 1000000)"),
            fact("user_id", "u1"),
            fact("tags", r#"["x",1]"#),
        ];
        assert_eq!(facts, expected);
    }

    #[test]
    fn without_a_name_the_value_stands_for_itself() {
        let facts =
            facts_of(r#"{"id":"a","severity":"LOW","metric_value":0.5,"threshold":0.1,"revision":2}"#);
        let expected = [fact("metric_value", "0.5"), fact("threshold", "0.1"), fact("revision", "2")];
        assert_eq!(facts, expected);
    }

    #[test]
    fn a_window_is_told_in_times() {
        let raw = r#"{"id":"a","severity":"LOW","window_start":1700000000000,"window_end":1700000010000}"#;
        let window = "2023-11-14T22:13:20.000Z to 2023-11-14T22:13:30.000Z";
        assert_eq!(facts_of(raw), [fact("window", window)]);
        let alert = Alert::read(raw.as_bytes()).unwrap();
        assert_eq!(Digest::of(&alert).at, Some(Moment::At(Timestamp(1_700_000_010_000))));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüß!", 4), "äöü…");
    }
}
