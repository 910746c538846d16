//! A dead letter: a record that was not taken, and what is told of it.

use std::fmt;

use anyhow::{Context, anyhow, bail};
use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    publish::{
        kafka::Original,
        letter::{HEADERS, OFFSET, PARTITION, REASON, TIMESTAMP, TOPIC, WATERMARK},
    },
    time::Timestamp,
};

/// What all headers begin with that Weir adds to a letter.
const PREFIX: &str = "weir.";

/// A place in a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spot {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}@{}", self.topic, self.partition, self.offset)
    }
}

/// A dead letter or a late event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Where the letter stands; none where only a file has it.
    pub(super) spot: Option<Spot>,
    /// When it was written.
    pub(super) at: Option<Timestamp>,
    /// Where the record stood that was not taken.
    pub(super) origin: Spot,
    /// The other headers that Weir gave it, without [`PREFIX`]: `reason`, `view`, `target`, ...
    pub(super) about: Vec<(String, String)>,
    /// The record.
    pub(super) record: Original,
}

impl Letter {
    /// The letter that a record of a topic of letters is; an error says what it lacks.
    pub(super) fn read(
        spot: Spot,
        at: Option<Timestamp>,
        headers: Vec<(String, Vec<u8>)>,
        key: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> anyhow::Result<Self> {
        let (told, mut own): (Vec<_>, Vec<_>) =
            headers.into_iter().partition(|(name, _)| name.starts_with(PREFIX));
        let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
        let mut told: Vec<(String, String)> = told.into_iter().map(text).collect();
        let mut take = |wanted: &str| {
            let found = told.iter().position(|(name, _)| name == wanted)?;
            Some(told.remove(found).1)
        };
        let topic = take(TOPIC).ok_or_else(|| anyhow!("it has no header {TOPIC}"))?;
        let number = |name, text: Option<String>| {
            let text = text.ok_or_else(|| anyhow!("it has no header {name}"))?;
            text.parse::<i64>().with_context(|| format!("its header {name} is {text:?}, expected a number"))
        };
        let partition = i32::try_from(number(PARTITION, take(PARTITION))?)?;
        let offset = number(OFFSET, take(OFFSET))?;
        let timestamp = take(TIMESTAMP).map(|text| number(TIMESTAMP, Some(text))).transpose()?;
        if let Some(json) = take(HEADERS) {
            own.extend(own_headers(&json).with_context(|| format!("its header {HEADERS} is {json}"))?);
        }
        let origin = Spot { topic: topic.clone(), partition, offset };
        let about = told.into_iter().map(|(name, value)| (name.replacen(PREFIX, "", 1), value)).collect();
        let record = Original { topic, key, value, headers: own, timestamp: timestamp.map(Timestamp) };
        Ok(Self { spot: Some(spot), at, origin, about, record })
    }

    /// What a header that Weir gave it says, named without the prefix.
    pub(super) fn about(&self, name: &str) -> Option<&str> {
        self.about.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn reason(&self) -> &str {
        self.about(REASON.strip_prefix(PREFIX).unwrap_or(REASON)).unwrap_or_default()
    }

    /// Whether it is an event that came too late for a view.
    pub(super) fn is_late(&self) -> bool {
        self.about(WATERMARK.strip_prefix(PREFIX).unwrap_or(WATERMARK)).is_some()
    }

    /// The record that it is of: letters are written at least once, and a record may be late for several views.
    pub(super) fn identity(&self) -> u128 {
        let Spot { topic, partition, offset } = &self.origin;
        xxh3_128(format!("{partition} {offset} {topic}").as_bytes())
    }

    /// A line with where it stands, when and why it was written, then the beginning of the value.
    pub(super) fn line(&self) -> String {
        const SHOWN: usize = 200;
        let spot = self.spot.as_ref().map_or_else(|| "of a file".to_owned(), ToString::to_string);
        let at = self.at.map(|at| at.to_string()).unwrap_or_default();
        let value = String::from_utf8_lossy(&self.record.value);
        let mut shown: String =
            value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if value.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        let late = if self.is_late() { "late: " } else { "" };
        let why = match (self.reason(), self.about("view")) {
            ("", Some(view)) => format!("{late}view {view}"),
            (reason, _) => format!("{late}{reason}"),
        };
        format!("{spot}  {at}  {}  {why}\n    {shown}\n", self.origin)
    }

    /// As a line of JSON that [`Letter::of_json`] takes back.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        let (value, value_base64) = text_or_base64(self.record.value.clone());
        let (key, key_base64) = self.record.key.clone().map_or((None, None), text_or_base64);
        let header = |(name, value): &(String, Vec<u8>)| {
            let (value, value_base64) = text_or_base64(value.clone());
            FileHeader { name: name.clone(), value, value_base64 }
        };
        let file = FileLetter {
            letter: self.spot.clone(),
            written_at: self.at.map(|at| at.0),
            topic: self.origin.topic.clone(),
            partition: self.origin.partition,
            offset: self.origin.offset,
            timestamp: self.record.timestamp.map(|at| at.0),
            about: self.about.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect(),
            headers: self.record.headers.iter().map(header).collect(),
            key,
            key_base64,
            value,
            value_base64,
        };
        Ok(serde_json::to_string(&file)?)
    }

    /// The letter of a line of JSON.
    pub(super) fn of_json(line: &[u8]) -> anyhow::Result<Self> {
        let file: FileLetter =
            serde_json::from_slice(line).context("it is no letter as --list --format json shows it")?;
        let header = |header: FileHeader| {
            let value = bytes("value", header.value, header.value_base64)?;
            Ok((header.name, value.unwrap_or_default()))
        };
        let text = |(name, value): (String, Json)| match value {
            Json::String(text) => (name, text),
            other => (name, other.to_string()),
        };
        let record = Original {
            topic: file.topic.clone(),
            key: bytes("key", file.key, file.key_base64)?,
            value: bytes("value", file.value, file.value_base64)?.context("it has no value")?,
            headers: file.headers.into_iter().map(header).collect::<anyhow::Result<_>>()?,
            timestamp: file.timestamp.map(Timestamp),
        };
        Ok(Self {
            spot: file.letter,
            at: file.written_at.map(Timestamp),
            origin: Spot { topic: file.topic, partition: file.partition, offset: file.offset },
            about: file.about.into_iter().map(text).collect(),
            record,
        })
    }
}

/// A letter in a file. Of a text and its base64 one is there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLetter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    letter: Option<Spot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written_at: Option<i64>,
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(default)]
    about: Map<String, Json>,
    #[serde(default)]
    headers: Vec<FileHeader>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHeader {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

fn text_or_base64(bytes: Vec<u8>) -> (Option<String>, Option<String>) {
    match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode_to_string(error.as_bytes()))),
    }
}

fn bytes(name: &str, text: Option<String>, base64: Option<String>) -> anyhow::Result<Option<Vec<u8>>> {
    match (text, base64) {
        (Some(_), Some(_)) => bail!("it has {name} and {name}_base64; expected one of them"),
        (None, Some(base64)) => {
            let decoded = STANDARD.decode_to_vec(&base64);
            Ok(Some(decoded.map_err(|_| anyhow!("its {name}_base64 is broken base64"))?))
        }
        (text, None) => Ok(text.map(String::into_bytes)),
    }
}

/// The record's own headers, as an event source gives them: a name and the signed bytes of the value.
pub(super) fn own_headers(json: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let list: Vec<Map<String, Json>> = serde_json::from_str(json)?;
    let value = |value: Json| match value {
        Json::Null => Ok(Vec::new()),
        Json::Array(bytes) => bytes.iter().map(byte).collect(),
        other => Err(anyhow!("found {other}, expected a list of bytes")),
    };
    list.into_iter().flatten().map(|(name, json)| Ok((name, value(json)?))).collect()
}

/// A byte, signed or not.
fn byte(json: &Json) -> anyhow::Result<u8> {
    let number = json.as_i64().filter(|number| (-128..256).contains(number));
    let number = number.ok_or_else(|| anyhow!("found {json}, expected a byte"))?;
    Ok(u8::try_from(number & 0xff)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn letter() -> Letter {
        let spot = Spot { topic: "weir.dead_letters".into(), partition: 0, offset: 7 };
        let headers = [
            ("weir.topic", "clicks"),
            ("weir.partition", "2"),
            ("weir.offset", "41"),
            ("weir.timestamp", "1700000000123"),
            ("weir.headers", r#"[{"trace":[97,-1]},{"empty":[]}]"#),
            ("weir.reason", "n: found \"x\", expected a BIGINT"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
        Letter::read(spot, Some(Timestamp(1_700_000_001_000)), headers, Some(vec![0xff]), b"{}\n".to_vec())
            .unwrap()
    }

    #[test]
    fn a_letter_holds_its_record_as_it_was() {
        let letter = letter();
        let headers = vec![("trace".to_owned(), vec![b'a', 0xff]), ("empty".to_owned(), Vec::new())];
        assert_eq!(
            letter.record,
            Original {
                topic: "clicks".into(),
                key: Some(vec![0xff]),
                value: b"{}\n".to_vec(),
                headers,
                timestamp: Some(Timestamp(1_700_000_000_123)),
            }
        );
        assert_eq!((letter.origin.to_string().as_str(), letter.is_late()), ("clicks-2@41", false));
        insta::assert_snapshot!(letter.line(), @r#"
        weir.dead_letters-0@7  2023-11-14T22:13:21.000Z  clicks-2@41  n: found "x", expected a BIGINT
            {} 
        "#);
    }

    #[test]
    fn a_file_gives_back_what_was_shown() {
        let letter = letter();
        let json = letter.json().unwrap();
        assert!(json.contains(r#""key_base64":"/w==","value":"{}\n""#), "{json}");
        assert_eq!(Letter::of_json(json.as_bytes()).unwrap(), letter);
    }

    #[test]
    fn what_is_no_letter_says_what_it_lacks() {
        let spot = || Spot { topic: "t".into(), partition: 0, offset: 0 };
        let read = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
            format!("{:#}", Letter::read(spot(), None, headers.collect(), None, Vec::new()).unwrap_err())
        };
        assert_eq!(read(&[]), "it has no header weir.topic");
        let error = read(&[("weir.topic", "a"), ("weir.partition", "x")]);
        assert!(error.starts_with("its header weir.partition is \"x\", expected a number"), "{error}");
        let error =
            format!("{:#}", Letter::of_json(b"{\"topic\":\"a\",\"partition\":0,\"offset\":1}").unwrap_err());
        assert_eq!(error, "it has no value");
        let error = format!("{:#}", Letter::of_json(b"{\"topic\":\"a\",\"offste\":1}").unwrap_err());
        assert!(error.contains("unknown field `offste`"), "{error}");
    }
}
