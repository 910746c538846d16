//! The file that says what `weir poll` does: mappings from topics to functions, in TOML.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{FilterError, Filters, PollerConfig, Retry, StartingPosition};
use crate::{publish::kafka::KafkaSettings, sql::duration, time::Timestamp};

/// The most records of a batch that Lambda takes.
const MOST_BATCH: usize = 10_000;
/// The longest batch window that Lambda takes.
const LONGEST_WINDOW: Duration = Duration::from_mins(5);

/// What `weir poll` is told.
#[derive(Clone, Debug)]
pub struct PollFile {
    /// How to reach the brokers.
    pub kafka: KafkaSettings,
    /// Where Lambda's Invoke API is.
    pub endpoint: String,
    /// Which topics go to which functions.
    pub mappings: Vec<PollerConfig>,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum PollFileError {
    /// It is no TOML, or has something that is not known.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// It has no mapping.
    #[error("expected at least one [[mapping]]")]
    Empty,
    /// A value cannot be used.
    #[error("mapping {number} ({function}): {name}: expected {expected}, found {found}")]
    Value {
        /// Which mapping, from 1.
        number: usize,
        /// Its function.
        function: String,
        /// The setting.
        name: &'static str,
        /// What was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A filter cannot be read.
    #[error("mapping {number} ({function})")]
    Filter {
        /// Which mapping, from 1.
        number: usize,
        /// Its function.
        function: String,
        /// What is wrong with it.
        #[source]
        source: FilterError,
    },
    /// Two mappings would share their offsets.
    #[error("mappings {first} and {second} have the same group, {group}: give one of them another")]
    Group {
        /// The one.
        first: usize,
        /// The other.
        second: usize,
        /// The group.
        group: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    kafka: BTreeMap<String, Property>,
    lambda: Lambda,
    #[serde(default)]
    mapping: Vec<Mapping>,
}

/// A property of librdkafka: text, however it is written.
#[derive(Deserialize)]
#[serde(try_from = "toml::Value")]
struct Property(String);

impl TryFrom<toml::Value> for Property {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        match value {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Integer(number) => Ok(Self(number.to_string())),
            toml::Value::Boolean(flag) => Ok(Self(flag.to_string())),
            _ => Err("expected a text, a number, true or false"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lambda {
    endpoint: String,
}

/// One mapping, named as AWS names its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    function: String,
    topics: Vec<String>,
    group: Option<String>,
    #[serde(default)]
    starting_position: Position,
    starting_position_timestamp: Option<String>,
    batch_size: Option<usize>,
    batch_window: Option<String>,
    maximum_retry_attempts: Option<i64>,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    on_failure_topic: Option<String>,
    #[serde(default = "yes")]
    report_batch_item_failures: bool,
    event_source_arn: Option<String>,
    #[serde(default)]
    filters: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Position {
    #[default]
    TrimHorizon,
    Latest,
    AtTimestamp,
}

fn yes() -> bool {
    true
}

impl PollFile {
    /// Reads the file's text. What `environment` says of Kafka goes before it: passwords need not stand in a file.
    pub fn parse(text: &str, environment: &KafkaSettings) -> Result<Self, PollFileError> {
        let file: File = toml::from_str(text)?;
        let mut kafka = KafkaSettings::default();
        for (property, Property(value)) in file.kafka {
            kafka = kafka.with(property, value);
        }
        let mappings = file.mapping.into_iter().enumerate();
        let mappings: Vec<_> =
            mappings.map(|(index, mapping)| mapping.config(index + 1)).collect::<Result<_, _>>()?;
        if mappings.is_empty() {
            return Err(PollFileError::Empty);
        }
        groups_differ(&mappings)?;
        Ok(Self { kafka: kafka.overlaid_with(environment), endpoint: file.lambda.endpoint, mappings })
    }
}

fn groups_differ(mappings: &[PollerConfig]) -> Result<(), PollFileError> {
    let mut known = BTreeMap::new();
    for (number, mapping) in (1..).zip(mappings) {
        if let Some(first) = known.insert(&mapping.group, number) {
            return Err(PollFileError::Group { first, second: number, group: mapping.group.clone() });
        }
    }
    Ok(())
}

impl Mapping {
    fn config(self, number: usize) -> Result<PollerConfig, PollFileError> {
        let function = self.function.clone();
        let wrong = |name, expected: &str, found: String| PollFileError::Value {
            number,
            function: function.clone(),
            name,
            expected: expected.to_owned(),
            found,
        };
        let defaults = PollerConfig::new(&self.function, &self.topics);
        if self.topics.is_empty() {
            return Err(wrong("topics", "at least one topic", "[]".to_owned()));
        }
        let batch_size = self.batch_size.unwrap_or(defaults.batch_size);
        if !(1..=MOST_BATCH).contains(&batch_size) {
            return Err(wrong("batch_size", "1 to 10000", batch_size.to_string()));
        }
        let batch_window = match &self.batch_window {
            None => defaults.batch_window,
            Some(text) => {
                window(text).ok_or_else(|| wrong("batch_window", "0 seconds to 300 seconds", text.clone()))?
            }
        };
        let max_retries = match self.maximum_retry_attempts {
            None | Some(-1) => None,
            Some(most) => Some(u32::try_from(most).map_err(|_| {
                wrong("maximum_retry_attempts", "-1 (for ever), 0 or more", most.to_string())
            })?),
        };
        let start = match (self.starting_position, self.starting_position_timestamp) {
            (Position::TrimHorizon, None) => StartingPosition::TrimHorizon,
            (Position::Latest, None) => StartingPosition::Latest,
            (Position::AtTimestamp, Some(text)) => {
                StartingPosition::At(Timestamp::from_rfc3339(&text).ok_or_else(|| {
                    wrong("starting_position_timestamp", "a time such as 2026-01-31T12:00:00Z", text)
                })?)
            }
            (Position::AtTimestamp, None) => {
                let expected = "starting_position_timestamp beside AT_TIMESTAMP";
                return Err(wrong("starting_position", expected, "none".to_owned()));
            }
            (_, Some(text)) => {
                let expected = "it only beside starting_position = \"AT_TIMESTAMP\"";
                return Err(wrong("starting_position_timestamp", expected, text));
            }
        };
        let filters = Filters::parse(&self.filters).map_err(|source| PollFileError::Filter {
            number,
            function: function.clone(),
            source,
        })?;
        let retry = Retry {
            max_retries,
            bisect: self.bisect_batch_on_function_error,
            on_failure: self.on_failure_topic,
            ..Retry::default()
        };
        Ok(PollerConfig {
            group: self.group.unwrap_or(self.function),
            start,
            batch_size,
            batch_window,
            retry,
            filters,
            report_batch_item_failures: self.report_batch_item_failures,
            event_source_arn: self.event_source_arn,
            ..defaults
        })
    }
}

fn window(text: &str) -> Option<Duration> {
    let millis = u64::try_from(duration::parse(text)?.0).ok()?;
    Some(Duration::from_millis(millis)).filter(|window| *window <= LONGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
[kafka]
"bootstrap.servers" = "localhost:9092"
"fetch.wait.max.ms" = 10
"sasl.password" = "of the file"
[lambda]
endpoint = "http://localhost:9001"
[[mapping]]
function = "window"
topics = ["clicks", "impressions"]
starting_position = "AT_TIMESTAMP"
starting_position_timestamp = "2026-01-01T00:00:00Z"
batch_size = 100
batch_window = "1.5 seconds"
maximum_retry_attempts = 3
bisect_batch_on_function_error = true
on_failure_topic = "failed"
filters = ['{"value":{"type":["click"]}}']
[[mapping]]
function = "notify"
topics = ["alerts"]
"#;

    fn parse(text: &str) -> Result<PollFile, PollFileError> {
        PollFile::parse(text, &KafkaSettings::default().with("sasl.password", "of the environment"))
    }

    #[test]
    fn a_file_says_it_all() {
        let file = parse(SOUND).unwrap();
        assert_eq!(file.endpoint, "http://localhost:9001");
        let mut expected = KafkaSettings::plain("localhost:9092").with("fetch.wait.max.ms", "10");
        expected = expected.with("sasl.password", "of the environment");
        assert!(file.kafka == expected, "{:?}", file.kafka);
        let [window, notify] = &file.mappings[..] else { panic!("{:?}", file.mappings) };
        assert_eq!(window.start, StartingPosition::At(Timestamp(1_767_225_600_000)));
        assert_eq!((window.batch_size, window.batch_window), (100, Duration::from_millis(1500)));
        assert_eq!((window.retry.max_retries, window.retry.bisect), (Some(3), true));
        assert_eq!(window.retry.on_failure.as_deref(), Some("failed"));
        assert!(!window.filters.pass(Some(b"{}")));
        assert_eq!((notify.group.as_str(), notify.start), ("notify", StartingPosition::TrimHorizon));
        assert_eq!((notify.retry.max_retries, notify.report_batch_item_failures), (None, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, expected) in [
            (
                "batch_size = 100",
                "batch_size = 0",
                "mapping 1 (window): batch_size: expected 1 to 10000, found 0",
            ),
            (
                "1.5 seconds",
                "6 minutes",
                "mapping 1 (window): batch_window: expected 0 seconds to 300 seconds, found 6 minutes",
            ),
            (
                "AT_TIMESTAMP",
                "LATEST",
                "mapping 1 (window): starting_position_timestamp: expected it only beside",
            ),
            (
                "2026-01-01T00:00:00Z",
                "yesterday",
                "mapping 1 (window): starting_position_timestamp: expected a time such as",
            ),
            (
                "attempts = 3",
                "attempts = -2",
                "mapping 1 (window): maximum_retry_attempts: expected -1 (for ever), 0 or more",
            ),
            ("[\"alerts\"]", "[]", "mapping 2 (notify): topics: expected at least one topic, found []"),
            ("\"notify\"", "\"window\"", "mappings 1 and 2 have the same group, window"),
            ("[\"click\"]", "1", "mapping 1 (window): filter 1: at value.type: expected an object of fields"),
        ] {
            assert!(SOUND.contains(from), "{from}");
            let error = crate::error::causes(&parse(&SOUND.replace(from, to)).unwrap_err());
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(matches!(parse("[lambda]\nendpoint = ''").unwrap_err(), PollFileError::Empty));
        let error = parse(&SOUND.replace("batch_size", "batchsize")).unwrap_err().to_string();
        assert!(error.contains("line 13") && error.contains("unknown field `batchsize`"), "{error}");
    }
}
