//! Records to rows: the JSON object of each record to a value for each column of its table.
//!
//! One pass over the object's bytes. Producers write their fields in one order, so the k-th field of
//! the last record is tried as the k-th of this one before columns are searched by name. UTF-8 is
//! checked once for the whole batch where that is possible. Texts are borrowed unless they are escaped.
//!
//! | column | takes |
//! | --- | --- |
//! | `TEXT` | a JSON string; numbers and booleans are not made texts |
//! | `BIGINT` | an integer; `5.0` and `5e0` too, as far as a float is exact (2^53) |
//! | `DOUBLE` | any number that a float can hold |
//! | `BOOLEAN` | `true`, `false` |
//! | `TIMESTAMP` | see [`moment`] |
//! | `JSON` | any value, as the text that it was sent as |
//!
//! Every declared column is checked, whoever needs it. Of a field that stands twice the last counts,
//! as in `serde_json` and in browsers. Fields that are no column are skipped but have to be JSON.
//! Records of plain text go through [`text`] instead, those of Avro through [`avro`], those of Protobuf through
//! [`protobuf`], and what stands in the frame of a schema registry through [`binary`].

mod ahead;
mod avro;
mod binary;
mod bytes;
mod column;
mod fault;
mod json_text;
pub(crate) mod moment;
mod notes;
mod protobuf;
mod text;

use std::ops::Range;

pub(crate) use column::{Problem, convert};
pub(crate) use text::{Matcher, value as hole_value};

pub(crate) use binary::needed;
pub use binary::{Writers, Written};
pub use fault::Fault;

use self::binary::Binary;
use super::{
    Batch, RawBatch, RawRecord, Record, Rejection,
    json::{Cursor, Raw, Syntax, unescape},
};
use crate::{
    sql::{Format, Table},
    time::Timestamp,
    value::{Type, Value},
};

/// The earliest event time: the beginning of the year 1. Windows of what lies before would not fit
/// 64 bits of milliseconds.
const EARLIEST: Timestamp = Timestamp(-62_135_596_800_000);

/// Decodes a batch against the table of its topic. `now` bounds how far ahead an event may be. Values that only a
/// schema registry can tell the schema of are rejected: see [`decode_by`].
pub fn decode<'a>(raw: &'a RawBatch, table: &'a Table, now: Timestamp) -> Batch<'a> {
    decode_by(raw, table, Writers::none(), now)
}

/// As [`decode`], with the schemas that the values name.
pub fn decode_by<'a>(raw: &'a RawBatch, table: &'a Table, writers: &'a Writers, now: Timestamp) -> Batch<'a> {
    let width = table.columns.len();
    let mut batch = Batch::new(&raw.topic, raw.partition, width, raw.records.len());
    batch.source = Some(raw);
    let mut decoder = Decoder::with_writers(table, writers, now);
    let whole = simdutf8::basic::from_utf8(&raw.bytes).ok();
    for record in &raw.records {
        let start = batch.values.len();
        // Not `resize`, which clones.
        batch.values.extend(std::iter::repeat_with(|| Value::Null).take(width));
        let row = batch.values.get_mut(start..).unwrap_or_default();
        let value = raw.bytes.get(record.value.clone()).unwrap_or_default();
        batch.records.push(Record {
            offset: record.offset,
            key: record.key.clone().and_then(|key| raw.bytes.get(key)),
            raw: value,
            event_time: decoder.record(record, whole, value, row).map_err(Box::new),
        });
    }
    batch
}

/// Decodes records of one table, one after the other.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    table: &'a Table,
    now: Timestamp,
    /// The fields of the last record, in its order.
    fields: Vec<Field<'a>>,
    /// What is wrong with the columns of the record at hand.
    problems: Vec<Problem>,
    /// Whether a field has to be looked at before it is taken: something is wrong with the record
    /// already, or columns have several fields to choose from.
    watches: bool,
    /// For each column the best of its fields that the record has; empty where each has only one.
    chosen: Vec<u8>,
    /// How records of plain text are read.
    matcher: Option<Matcher<'a>>,
    /// How records are read that are neither text nor JSON.
    binary: Binary<'a>,
}

/// A field as it stood in some record.
#[derive(Clone, Copy, Debug)]
struct Field<'a> {
    /// Its name with quotes and colon.
    text: &'a [u8],
    /// The column it is.
    target: Option<Target>,
}

/// The column that a field goes to.
#[derive(Clone, Copy, Debug)]
struct Target {
    index: usize,
    kind: Type,
    not_null: bool,
    /// The place of the field among those that feed the column.
    rank: u8,
}

/// The rank of a field that alone feeds its column.
const ONLY_FIELD: u8 = u8::MAX;
/// The rank behind that of every field.
const NO_FIELD: u8 = u8::MAX - 1;

/// The column of a table that a field goes to.
fn target(table: &Table, field: &str) -> Option<Target> {
    table.columns.iter().enumerate().find_map(|(index, column)| {
        let rank = column.fields.iter().position(|known| known == field)?;
        let rank = if column.fields.len() == 1 { ONLY_FIELD } else { u8::try_from(rank).unwrap_or(NO_FIELD) };
        Some(Target { index, kind: column.kind, not_null: column.not_null, rank })
    })
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(table: &'a Table, now: Timestamp) -> Self {
        Self::with_writers(table, Writers::none(), now)
    }

    fn with_writers(table: &'a Table, writers: &'a Writers, now: Timestamp) -> Self {
        let matcher = match &table.format {
            Format::Text(pattern) => Some(Matcher::new(pattern)),
            Format::Json | Format::Avro(_) | Format::Protobuf(_) => None,
        };
        Self { matcher, binary: Binary::of(table, writers), ..Self::of_json(table, now) }
    }

    /// A decoder of JSON objects, whatever the table's records are.
    pub(crate) fn of_json(table: &'a Table, now: Timestamp) -> Self {
        let chooses = table.columns.iter().any(|column| column.fields.len() > 1);
        let chosen = if chooses { vec![NO_FIELD; table.columns.len()] } else { Vec::new() };
        Self {
            table,
            now,
            fields: Vec::new(),
            problems: Vec::new(),
            watches: chooses,
            chosen,
            matcher: None,
            binary: Binary::Never,
        }
    }

    fn record(
        &mut self,
        record: &RawRecord,
        whole: Option<&'a str>,
        value: &'a [u8],
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        if let Some(damage) = &record.damage {
            return Err(Rejection::without_time(damage.clone()));
        }
        if self.binary.reads(value) {
            return self.read_binary(value, record.timestamp, row);
        }
        // A slice of valid UTF-8 that begins and ends at characters is valid UTF-8.
        let text = match whole.and_then(|whole| whole.get(record.value.clone())) {
            Some(text) => text,
            None => utf8(value)?,
        };
        self.row(text, record.timestamp, row)
    }

    /// Fills `row`, which has to be all NULL, and gives its event time.
    pub(crate) fn row(
        &mut self,
        text: &'a str,
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        self.fill(text, row)?;
        self.check(sent, row)
    }

    /// Fills `row`, which has to be all NULL. What is wrong with single columns is left to [`Self::check`].
    pub(crate) fn fill(&mut self, text: &'a str, row: &mut [Value<'a>]) -> Result<(), Rejection> {
        if text.is_empty() {
            return Err(Rejection::without_time("empty value (tombstone)".to_owned()));
        }
        self.begin();
        match &self.matcher {
            None => self
                .object(text, row)
                .map_err(|error| Rejection::without_time(format!("not a JSON object: {error}"))),
            Some(matcher) => matcher.read(text, self.table, row, &mut self.problems),
        }
    }

    /// Forgets the last record.
    #[inline]
    fn begin(&mut self) {
        self.problems.clear();
        self.watches = !self.chosen.is_empty();
        if self.watches {
            // Not where it is empty: to set no bytes at a dangling address was measured at 100 ns.
            self.chosen.fill(NO_FIELD);
        }
    }

    fn object(&mut self, text: &'a str, row: &mut [Value<'a>]) -> Result<(), Syntax> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip_space();
        cursor.expect(b'{', "an object")?;
        cursor.skip_space();
        if cursor.eat(b'}') {
            return cursor.end();
        }
        for index in 0.. {
            let target = self.field(&mut cursor, text, index)?;
            self.value(&mut cursor, text, target, row)?;
            cursor.skip_space();
            if !cursor.eat(b',') {
                break;
            }
            cursor.skip_space();
        }
        cursor.expect(b'}', "`,` or `}`")?;
        cursor.end()
    }

    /// The column that the `index`th field is, if it is one.
    #[inline]
    fn field(
        &mut self,
        cursor: &mut Cursor<'a>,
        text: &'a str,
        index: usize,
    ) -> Result<Option<Target>, Syntax> {
        match self.fields.get(index) {
            Some(field) if cursor.eat_all(field.text) => Ok(field.target),
            _ => self.unexpected_field(cursor, text, index),
        }
    }

    fn unexpected_field(
        &mut self,
        cursor: &mut Cursor<'a>,
        text: &'a str,
        index: usize,
    ) -> Result<Option<Target>, Syntax> {
        let start = cursor.at();
        let raw = cursor.name()?;
        let name = unescape(part(text, raw.span.clone()), raw.is_escaped());
        let target = name.and_then(|name| target(self.table, &name));
        let field = Field { text: cursor.slice(start..cursor.at()), target };
        match self.fields.get_mut(index) {
            Some(place) => *place = field,
            None if index < MAX_FIELDS => self.fields.push(field),
            None => {}
        }
        Ok(target)
    }

    /// Takes a field's value into the row.
    #[inline]
    fn value(
        &mut self,
        cursor: &mut Cursor<'a>,
        text: &'a str,
        target: Option<Target>,
        row: &mut [Value<'a>],
    ) -> Result<(), Syntax> {
        let Some(target) = target else { return cursor.value().map(|_| ()) };
        if self.watches && !self.prefers(cursor, target) {
            return cursor.value().map(|_| ());
        }
        let Some(place) = row.get_mut(target.index) else { return Ok(()) };
        if column::take_plain(cursor, text, target.kind, place).is_none() {
            *place = self.converted(text, &cursor.value()?, target);
        }
        Ok(())
    }

    /// Whether a field goes before what its column has so far.
    fn prefers(&mut self, cursor: &Cursor<'_>, target: Target) -> bool {
        if target.rank != ONLY_FIELD
            && let Some(chosen) = self.chosen.get_mut(target.index)
        {
            let mut ahead = cursor.clone();
            ahead.skip_space();
            // A null leaves the choice to the other fields.
            if *chosen < target.rank || ahead.peek() == Some(b'n') {
                return false;
            }
            *chosen = target.rank;
        }
        if !self.problems.is_empty() {
            // A field that stands twice: what was wrong with the first one does not count.
            self.problems.retain(|problem| problem.column != target.index);
        }
        true
    }

    fn converted(&mut self, text: &'a str, raw: &Raw, target: Target) -> Value<'a> {
        let value = match convert(text, raw, target.kind) {
            Ok(Value::Null) if target.not_null => Err("null".to_owned()),
            converted => converted,
        };
        value.unwrap_or_else(|found| {
            self.problems.push(Problem { column: target.index, found });
            self.watches = true;
            Value::Null
        })
    }

    /// Whether the row fits the table; if so, its event time.
    #[inline]
    pub(crate) fn check(
        &mut self,
        sent: Option<Timestamp>,
        row: &[Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        let complete =
            row.iter().zip(&self.table.columns).all(|(value, column)| !(column.not_null && value.is_null()));
        let time = match row.get(self.table.event_time) {
            Some(Value::Time(time)) => Some(*time),
            Some(Value::Int(millis)) => Some(Timestamp(*millis)),
            _ => None,
        };
        match time {
            Some(time)
                if complete && self.problems.is_empty() && (EARLIEST..=self.bound(sent)).contains(&time) =>
            {
                Ok(time)
            }
            _ => Err(self.rejection(time, sent, row)),
        }
    }
}

impl Decoder<'_> {
    /// The latest event time that a record may have.
    fn bound(&self, sent: Option<Timestamp>) -> Timestamp {
        sent.map_or(self.now, |sent| sent.min(self.now)) + self.table.max_ahead
    }

    #[cold]
    fn rejection(&self, time: Option<Timestamp>, sent: Option<Timestamp>, row: &[Value<'_>]) -> Rejection {
        let absurd = time.filter(|time| !(EARLIEST..=self.bound(sent)).contains(time));
        let event_time = if absurd.is_some() { None } else { time };
        let reason = match (self.problems.first(), absurd) {
            (Some(problem), _) => problem.reason(self.table),
            (None, Some(time)) if time < EARLIEST => {
                format!("event time {} lies before {EARLIEST}", time.0)
            }
            (None, Some(time)) => ahead::reason(time, self.bound(sent), self.table.max_ahead),
            (None, None) => self.missing(row),
        };
        Rejection { reason, event_time }
    }

    /// The first column that must not be NULL and is.
    fn missing(&self, row: &[Value<'_>]) -> String {
        let columns = self.table.columns.iter().zip(row).enumerate();
        let mut needed =
            columns.filter(|(index, (column, _))| column.not_null || *index == self.table.event_time);
        let Some((index, (column, _))) = needed.find(|(_, (_, value))| value.is_null()) else {
            return "no event time: the table's event-time column is neither TIMESTAMP nor BIGINT".to_owned();
        };
        let missing = if column.not_null { "missing" } else { "missing or null" };
        let null = if column.not_null { " NOT NULL" } else { "" };
        let role = if index == self.table.event_time { ", the event time" } else { "" };
        let fields = if column.is_fed_by_its_name() {
            String::new()
        } else {
            format!(" (field {})", column.fields.join(" or "))
        };
        format!("column \"{}\"{fields}: {missing}, expected {}{null}{role}", column.name, column.kind)
    }
}

/// How many fields of a record are remembered.
const MAX_FIELDS: usize = 256;

/// A part of a text; empty where it does not begin and end at characters.
fn part(text: &str, span: Range<usize>) -> &str {
    text.get(span).unwrap_or_default()
}

/// A value as a text, or where it stops being UTF-8.
pub(crate) fn utf8(value: &[u8]) -> Result<&str, Rejection> {
    simdutf8::compat::from_utf8(value)
        .map_err(|error| Rejection::without_time(format!("invalid UTF-8 at byte {}", error.valid_up_to())))
}

impl Raw {
    fn is_escaped(&self) -> bool {
        matches!(self.kind, super::json::Kind::Text { escaped: true })
    }
}

#[cfg(test)]
mod tests;
