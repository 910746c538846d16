//! Records that are no text: Avro, and whatever stands in the frame of a schema registry.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use super::{
    Decoder,
    avro::{Notes, Plan},
    utf8,
};
use crate::{
    avro::Schema,
    event::{
        RawBatch, Rejection,
        frame::{self, Framed, SchemaId},
    },
    sql::{AvroWriter, Format, Table},
    time::Timestamp,
    value::Value,
};

/// What is known of the schemas that the values of a batch name.
#[derive(Debug, Default)]
pub struct Writers(HashMap<SchemaId, Result<Arc<Schema>, String>>);

/// How records of a table are read that are neither text nor JSON.
#[derive(Debug)]
pub(super) enum Binary<'a> {
    /// There are none.
    Never,
    /// What has the frame of a registry is JSON behind it, whatever its schema says.
    FramedJson,
    /// All are Avro of one schema.
    Avro(Plan<'a>),
    /// What has a registry's frame is Avro behind it.
    FramedAvro(Plans<'a>),
}

/// What the schemas are to a table that a batch's values were written by.
#[derive(Debug)]
pub(super) struct Plans<'a> {
    writers: &'a Writers,
    /// By their schemas; of those that cannot be had, why. Most often there is one.
    known: Vec<(SchemaId, Result<Plan<'a>, String>)>,
    is_of: fn(SchemaId) -> bool,
}

impl Writers {
    /// No schemas.
    pub fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<Writers> = std::sync::LazyLock::new(Writers::default);
        &NONE
    }

    /// Notes a schema, or why there is none.
    pub fn insert(&mut self, id: SchemaId, schema: Result<Arc<Schema>, String>) {
        self.0.insert(id, schema);
    }

    fn plan<'a>(&'a self, id: SchemaId, table: &Table) -> Result<Plan<'a>, String> {
        match self.0.get(&id) {
            Some(Ok(schema)) => Ok(Plan::new(schema, table)),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(format!("schema {id} was not looked up: there is no schema registry here")),
        }
    }
}

/// The schemas that a batch's values name, where its table needs a registry to know them.
pub(crate) fn needed(raw: &RawBatch, table: &Table) -> Vec<SchemaId> {
    let Format::Avro(writer) = &table.format else { return Vec::new() };
    let Some(is_of) = ids_of(writer) else { return Vec::new() };
    let mut ids = frame::schemas(raw);
    ids.retain(|id| is_of(*id));
    ids
}

/// Which ids the registry gives that a table's values were written by.
fn ids_of(writer: &AvroWriter) -> Option<fn(SchemaId) -> bool> {
    match writer {
        AvroWriter::Schema(_) => None,
        AvroWriter::Confluent => Some(|id| matches!(id, SchemaId::Number(_))),
        AvroWriter::Glue => Some(|id| matches!(id, SchemaId::Uuid(_))),
    }
}

impl<'a> Binary<'a> {
    pub(super) fn of(table: &'a Table, writers: &'a Writers) -> Self {
        match &table.format {
            Format::Text(_) => Self::Never,
            Format::Json => Self::FramedJson,
            Format::Avro(AvroWriter::Schema(schema)) => Self::Avro(Plan::new(schema, table)),
            Format::Avro(writer @ (AvroWriter::Confluent | AvroWriter::Glue)) => {
                let is_of = ids_of(writer).unwrap_or(|_| false);
                Self::FramedAvro(Plans { writers, known: Vec::new(), is_of })
            }
        }
    }

    /// Whether a value is to be read by this.
    #[inline]
    pub(super) fn reads(&self, value: &[u8]) -> bool {
        match self {
            Self::Never => false,
            Self::Avro(_) => true,
            Self::FramedJson | Self::FramedAvro(_) => frame::is_framed(value),
        }
    }
}

impl<'a> Plans<'a> {
    /// What a schema is to a table.
    fn of(&mut self, id: SchemaId, table: &Table) -> Result<&Plan<'a>, String> {
        if !(self.is_of)(id) {
            return Err(format!("in the frame of another registry (schema {id})"));
        }
        let known = self.known.iter().position(|(known, _)| *known == id);
        let index = known.unwrap_or(self.known.len());
        if known.is_none() {
            self.known.push((id, self.writers.plan(id, table)));
        }
        match self.known.get(index) {
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
        if let Binary::Avro(plan) = &self.binary {
            if value.is_empty() {
                return Err(Rejection::without_time("empty value (tombstone)".to_owned()));
            }
            let notes = Notes { problems: &mut self.problems, chosen: &mut self.chosen };
            plan.fill(value, row, notes).map_err(Rejection::without_time)?;
            return self.check(sent, row);
        }
        let framed = Framed::read(value).map_err(Rejection::without_time)?;
        if framed.is_compressed {
            return self.inflated(framed, sent, row);
        }
        self.framed(framed, sent, row)
    }

    /// As [`Self::read_binary`], of what stands in a frame.
    fn framed(
        &mut self,
        framed: Framed<'a>,
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        let Binary::FramedAvro(plans) = &mut self.binary else {
            return self.row(utf8(framed.payload)?, sent, row);
        };
        let plan = plans.of(framed.schema, self.table).map_err(Rejection::without_time)?;
        let notes = Notes { problems: &mut self.problems, chosen: &mut self.chosen };
        let filled = plan.fill(framed.payload, row, notes).map_err(Rejection::without_time);
        filled.and_then(|()| self.check(sent, row)).map_err(|rejection| named(rejection, framed.schema))
    }

    /// As [`Self::framed`], of what is compressed. Its row owns its texts.
    fn inflated(
        &self,
        framed: Framed<'_>,
        sent: Option<Timestamp>,
        row: &mut [Value<'a>],
    ) -> Result<Timestamp, Rejection> {
        let payload = framed.inflate().map_err(Rejection::without_time)?;
        let mut borrowing = vec![Value::Null; row.len()];
        let writers = match &self.binary {
            Binary::FramedAvro(plans) => plans.writers,
            _ => Writers::none(),
        };
        let mut decoder = Decoder::with_writers(self.table, writers, self.now);
        decoder.begin();
        let framed = Framed { payload: &payload, is_compressed: false, ..framed };
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
