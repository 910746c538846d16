//! Messages as lines of files.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value as Json};

use super::Outputs;
use crate::{
    publish::{Message, PublishError, Publisher},
    sql::{Catalog, Format, Table},
};

/// The topic whose messages go to [`Outputs::late`].
pub(super) const LATE: &str = "late";
/// The topic whose messages go to [`Outputs::dead`].
pub(super) const DEAD: &str = "dead";

/// Writes messages as lines.
pub(super) struct LinePublisher {
    outputs: Mutex<Outputs>,
    /// The topics whose records are plain text.
    text_topics: Vec<String>,
}

impl LinePublisher {
    pub(super) fn new(outputs: Outputs, catalog: &Catalog) -> Self {
        let is_text = |table: &&Table| matches!(table.format, Format::Text(_));
        let text_topics = catalog.tables.iter().filter(is_text).map(|table| table.topic.clone());
        Self { outputs: Mutex::new(outputs), text_topics: text_topics.collect() }
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.rows.flush()?;
        outputs.late.flush()?;
        outputs.dead.flush()
    }
}

impl Publisher for LinePublisher {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        for message in messages {
            self.write(&mut outputs, &message).map_err(|error| PublishError {
                action: "write the results of",
                topic: message.topic.clone(),
                source: error.into(),
            })?;
        }
        Ok(())
    }
}

impl LinePublisher {
    fn write(&self, outputs: &mut Outputs, message: &Message) -> io::Result<()> {
        match (message.topic.as_str(), message.headers.first()) {
            // Results have no origin.
            (LATE, Some(("weir.topic", origin))) => {
                let line = if self.text_topics.contains(origin) {
                    late_text(message).into_bytes()
                } else {
                    late_line(message)
                };
                outputs.late.write_all(&line)?;
                outputs.late.write_all(b"\n")
            }
            (DEAD, Some(("weir.topic", _))) => {
                outputs.dead.write_all(Json::Object(dead_letter(message)).to_string().as_bytes())?;
                outputs.dead.write_all(b"\n")
            }
            _ => {
                outputs.rows.write_all(&message.payload)?;
                outputs.rows.write_all(b"\n")
            }
        }
    }
}

fn header<'m>(message: &'m Message, name: &str) -> &'m str {
    let found = message.headers.iter().find(|(header, _)| *header == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// The whole event, byte for byte, with the view before and the watermark behind its own fields.
fn late_line(message: &Message) -> Vec<u8> {
    let view = Json::from(header(message, "weir.view")).to_string();
    let watermark = header(message, "weir.watermark");
    let event = message.payload.trim_ascii();
    let fields = event.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or(event);
    let mut line = format!("{{\"view\":{view},").into_bytes();
    // A late event has an event time at least, so it has fields; lines have no line breaks.
    line.extend_from_slice(fields);
    line.extend_from_slice(format!(",\"watermark\":{watermark}}}").as_bytes());
    line
}

/// The whole event as a text, between the view and the watermark.
fn late_text(message: &Message) -> String {
    let mut line = Map::new();
    line.insert("view".into(), header(message, "weir.view").into());
    line.insert("text".into(), String::from_utf8_lossy(&message.payload).into());
    let watermark: Option<i64> = header(message, "weir.watermark").parse().ok();
    line.insert("watermark".into(), watermark.into());
    Json::Object(line).to_string()
}

/// A dead letter: topic, partition, offset, reason, value.
pub(super) fn dead_letter(message: &Message) -> Map<String, Json> {
    let mut line = Map::new();
    line.insert("topic".into(), header(message, "weir.topic").into());
    for name in ["partition", "offset"] {
        let number: Option<i64> = header(message, &format!("weir.{name}")).parse().ok();
        line.insert(name.into(), number.into());
    }
    line.insert("reason".into(), header(message, "weir.reason").into());
    line.insert("value".into(), String::from_utf8_lossy(&message.payload).into());
    line
}
