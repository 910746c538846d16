//! Which letters are meant.

use std::str::FromStr;

use super::letter::Letter;
use crate::time::Timestamp;

/// What has to hold of a letter: `topic=clicks`, `reason~expected a BIGINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    field: String,
    text: String,
    /// Whether the text has to be all of the field, or a part of it.
    is_whole: bool,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['=', '~']).filter(|at| *at > 0);
        let parts = at.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?, text.get(at..=at)? == "=")));
        let expected = "expected FIELD=TEXT or FIELD~PART, as topic=clicks or reason~BIGINT";
        let (field, text, is_whole) = parts.ok_or_else(|| expected.to_owned())?;
        let field = field.strip_prefix("weir.").unwrap_or(field);
        Ok(Self { field: field.to_owned(), text: text.to_owned(), is_whole })
    }
}

impl Condition {
    fn holds(&self, letter: &Letter) -> bool {
        let origin = &letter.origin;
        let found = match self.field.as_str() {
            "topic" => Some(origin.topic.clone()),
            "partition" => Some(origin.partition.to_string()),
            "offset" => Some(origin.offset.to_string()),
            "key" => letter.record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
            "value" => Some(String::from_utf8_lossy(&letter.record.value).into_owned()),
            other => letter.about(other).map(str::to_owned),
        };
        found.is_some_and(|found| if self.is_whole { found == self.text } else { found.contains(&self.text) })
    }
}

/// The letters that are meant: those of which all of this holds.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Pick {
    /// Only letters with FIELD=TEXT, or with FIELD~PART for a part of it: topic, partition, offset, key, value,
    /// or what the headers say without `weir.`: reason, view, target, status. May be repeated: all must hold
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// Only letters that were written at this time or later (epoch milliseconds or RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only letters that were written before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Pick {
    pub(super) fn takes(&self, letter: &Letter) -> bool {
        let after = self.from.is_none_or(|from| letter.at.is_some_and(|at| at >= from));
        let before = self.until.is_none_or(|until| letter.at.is_some_and(|at| at < until));
        after && before && self.conditions.iter().all(|condition| condition.holds(letter))
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let expected = "expected epoch milliseconds, or RFC 3339 such as 2026-01-31T12:00:00Z";
    Timestamp::from_millis_or_rfc3339(text).ok_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(conditions: &[&str], from: Option<i64>, until: Option<i64>) -> bool {
        let line = r#"{"written_at":1000,"topic":"clicks","partition":2,"offset":41,"value":"{\"n\":\"x\"}",
            "about":{"reason":"n: found \"x\", expected a BIGINT"}}"#;
        let conditions = conditions.iter().map(|text| text.parse().unwrap()).collect();
        let pick = Pick { conditions, from: from.map(Timestamp), until: until.map(Timestamp) };
        pick.takes(&Letter::of_json(line.as_bytes()).unwrap())
    }

    #[test]
    fn all_conditions_must_hold() {
        assert!(pick(&[], None, None));
        assert!(pick(&["topic=clicks", "reason~BIGINT", "partition=2", "offset=41", "value~x"], None, None));
        assert!(pick(&["weir.reason~found"], None, None));
        for no in ["topic=click", "reason=BIGINT", "partition=1", "view=a", "key=a"] {
            assert!(!pick(&["topic=clicks", no], None, None), "{no}");
        }
    }

    #[test]
    fn times_are_those_of_the_letters() {
        assert!(pick(&[], Some(1000), Some(1001)));
        assert!(!pick(&[], Some(1001), None) && !pick(&[], None, Some(1000)));
    }

    #[test]
    fn what_is_no_condition_says_what_was_expected() {
        for text in ["", "topic", "=a", "~a"] {
            assert!(text.parse::<Condition>().unwrap_err().starts_with("expected FIELD=TEXT"), "{text}");
        }
    }
}
