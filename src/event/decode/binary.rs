//! Records that are no text: Avro, Protobuf, and whatever stands in the frame of a schema registry.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use super::{Decoder, avro, notes::Notes, protobuf, utf8};
use crate::{
    event::{
        RawBatch, Rejection,
        frame::{self, SchemaId},
    },
    sql::{Format, Table, Writer},
    time::Timestamp,
    value::Value,
};

/// A schema that values were written by.
#[derive(Clone, Debug)]
pub enum Written {
    /// Avro.
    Avro(Arc<crate::avro::Schema>),
    /// Protobuf.
    Protobuf(Arc<crate::protobuf::Schema>),
}

/// What is known of the schemas that the values of a batch name.
#[derive(Debug, Default)]
pub struct Writers(HashMap<SchemaId, Result<Written, String>>);

/// How records of a table are read that are neither text nor JSON.
#[derive(Debug)]
pub(super) enum Binary<'a> {
    /// There are none.
    Never,
    /// What has the frame of a registry is JSON behind it, whatever its schema says.
    FramedJson,
    /// All are Avro of one schema.
    Avro(avro::Plan<'a>),
    /// All are Protobuf of one schema.
    Protobuf(protobuf::Plan<'a>),
    /// What has a registry's frame is behind it what the registry says.
    Framed(Plans<'a>),
}

/// What the schemas are to a table that a batch's values were written by.
#[derive(Debug)]
pub(super) struct Plans<'a> {
    writers: &'a Writers,
    /// By their schemas; of those that cannot be had, why. Most often there is one.
    known: Vec<(SchemaId, Result<Plan<'a>, String>)>,
    framed: Framed,
}

/// What the frames of a table's values are, and what stands in them.
#[derive(Clone, Copy, Debug)]
struct Framed {
    is_of: fn(SchemaId) -> bool,
    encoding: Encoding,
}

/// What a schema is to a table.
#[derive(Debug)]
enum Plan<'a> {
    Avro(avro::Plan<'a>),
    Protobuf(protobuf::Plans<'a>),
}

/// What the values of a table are behind their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Avro,
    Protobuf,
}

impl Writers {
    /// No schemas.
    pub fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<Writers> = std::sync::LazyLock::new(Writers::default);
        &NONE
    }

    /// Notes a schema, or why there is none.
    pub fn insert(&mut self, id: SchemaId, schema: Result<Written, String>) {
        self.0.insert(id, schema);
    }

    fn plan<'a>(&'a self, id: SchemaId, encoding: Encoding, table: &Table) -> Result<Plan<'a>, String> {
        match (self.0.get(&id), encoding) {
            (Some(Ok(Written::Avro(schema))), Encoding::Avro) => {
                Ok(Plan::Avro(avro::Plan::new(schema, table)))
            }
            (Some(Ok(Written::Protobuf(schema))), Encoding::Protobuf) => {
                Ok(Plan::Protobuf(protobuf::Plans::new(schema)))
            }
            (Some(Ok(Written::Avro(_))), _) => Err(format!("schema {id} is AVRO; expected PROTOBUF")),
            (Some(Ok(Written::Protobuf(_))), _) => Err(format!("schema {id} is PROTOBUF; expected AVRO")),
            (Some(Err(reason)), _) => Err(reason.clone()),
            (None, _) => Err(format!("schema {id} was not looked up: there is no schema registry here")),
        }
    }
}

/// The schemas that a batch's values name, where its table needs a registry to know them.
pub(crate) fn needed(raw: &RawBatch, table: &Table) -> Vec<SchemaId> {
    let Some(framed) = framed(&table.format) else { return Vec::new() };
    let mut ids = frame::schemas(raw);
    ids.retain(|id| (framed.is_of)(*id));
    ids
}

/// Which ids the registry gives that a table's values were written by, and what they are; none where there is no
/// registry.
fn framed(format: &Format) -> Option<Framed> {
    fn ids<S>(writer: &Writer<S>) -> Option<fn(SchemaId) -> bool> {
        match writer {
            Writer::Schema(_) => None,
            Writer::Confluent => Some(|id| matches!(id, SchemaId::Number(_))),
            Writer::Glue => Some(|id| matches!(id, SchemaId::Uuid(_))),
        }
    }
    match format {
        Format::Json | Format::Text(_) => None,
        Format::Avro(writer) => Some(Framed { is_of: ids(writer)?, encoding: Encoding::Avro }),
        Format::Protobuf(writer) => Some(Framed { is_of: ids(writer)?, encoding: Encoding::Protobuf }),
    }
}

impl<'a> Binary<'a> {
    pub(super) fn of(table: &'a Table, writers: &'a Writers) -> Self {
        if let Some(framed) = framed(&table.format) {
            return Self::Framed(Plans { writers, known: Vec::new(), framed });
        }
        match &table.format {
            Format::Avro(Writer::Schema(schema)) => Self::Avro(avro::Plan::new(schema, table)),
            Format::Protobuf(Writer::Schema(record)) => Self::Protobuf(protobuf::Plan::of(record, table)),
            Format::Json => Self::FramedJson,
            _ => Self::Never,
        }
    }

    /// Whether a value is to be read by this.
    #[inline]
    pub(super) fn reads(&self, value: &[u8]) -> bool {
        match self {
            Self::Never => false,
            Self::Avro(_) | Self::Protobuf(_) => true,
            Self::FramedJson | Self::Framed(_) => frame::is_framed(value),
        }
    }
}

impl<'a> Plans<'a> {
    /// What a schema is to a table.
    fn of(&mut self, id: SchemaId, table: &Table) -> Result<&mut Plan<'a>, String> {
        if !(self.framed.is_of)(id) {
            return Err(format!("in the frame of another registry (schema {id})"));
        }
        let known = self.known.iter().position(|(known, _)| *known == id);
        let index = known.unwrap_or(self.known.len());
        if known.is_none() {
            self.known.push((id, self.writers.plan(id, self.framed.encoding, table)));
        }
        match self.known.get_mut(index) {
            Some((_, Ok(plan))) => Ok(plan),
            Some((_, Err(reason))) => Err(reason.clone()),
            None => Err(String::new()),
        }
    }
}

impl<'a> Decoder<'a> {
    /// Fills `row`, which has to be all NULL, and gives its event time.
    #[inline(never)]
    pub(super) fn read_binary(
        &mut self,
        value: &'a [u8],
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        self.begin();
        let notes = Notes { problems: &mut self.problems, chosen: &mut self.chosen };
        let filled = match &self.binary {
            Binary::Avro(_) | Binary::Protobuf(_) if value.is_empty() => {
                Some(Err("empty value (tombstone)".to_owned()))
            }
            Binary::Avro(plan) => Some(plan.fill(value, row, notes)),
            Binary::Protobuf(plan) => Some(plan.fill(value, row, notes)),
            _ => None,
        };
        if let Some(filled) = filled {
            filled.map_err(Rejection::without_time)?;
            return self.check(sent, row);
        }
        let framed = frame::Framed::read(value).map_err(Rejection::without_time)?;
        if framed.is_compressed {
            return self.inflated(framed, sent, row);
        }
        self.framed(framed, sent, row)
    }

    /// As [`Self::read_binary`], of what stands in a frame.
    fn framed(
        &mut self,
        framed: frame::Framed<'a>,
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        let Binary::Framed(plans) = &mut self.binary else {
            return self.row(utf8(framed.payload)?, sent, row);
        };
        let plan = plans.of(framed.schema, self.table).map_err(Rejection::without_time)?;
        let notes = Notes { problems: &mut self.problems, chosen: &mut self.chosen };
        let filled = match plan {
            Plan::Avro(plan) => plan.fill(framed.payload, row, notes),
            Plan::Protobuf(plans) => plans
                .of(framed.schema, framed.payload, self.table)
                .and_then(|(plan, value)| plan.fill(value, row, notes)),
        };
        let filled = filled.map_err(Rejection::without_time);
        filled.and_then(|()| self.check(sent, row)).map_err(|rejection| named(rejection, framed.schema))
    }

    /// As [`Self::framed`], of what is compressed. Its row owns its texts.
    fn inflated(
        &self,
        framed: frame::Framed<'_>,
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        let payload = framed.inflate().map_err(Rejection::without_time)?;
        let mut borrowing = vec![Value::Null; row.len()];
        let writers = match &self.binary {
            Binary::Framed(plans) => plans.writers,
            _ => Writers::none(),
        };
        let mut decoder = Decoder::with_writers(self.table, writers, self.now);
        decoder.begin();
        let framed = frame::Framed { payload: &payload, is_compressed: false, ..framed };
        let time = decoder.framed(framed, sent, &mut borrowing)?;
        for (place, value) in row.iter_mut().zip(borrowing) {
            *place = value.into_owned();
        }
        Ok(time)
    }
}

#[cold]
fn named(mut rejection: Rejection, schema: SchemaId) -> Rejection {
    // Writing to a String cannot fail.
    let _ = write!(rejection.reason, " (schema {schema})");
    rejection
}

#[cfg(test)]
mod tests;
