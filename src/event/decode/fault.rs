//! What is wrong with a record, column by column, for who sent it.

use serde::Serialize;

use super::{Decoder, EARLIEST, Problem, column::expected};
use crate::{
    sql::Column,
    time::Timestamp,
    value::{Type, Value},
};

/// What is wrong with one field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the event; empty for the event itself.
    pub path: String,
    /// The JSON type of what was found: `string`, `number`, `boolean`, `null`, `array`, `object`; or
    /// `missing`, or `text` for what is no JSON.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Decoder<'_> {
    /// Drops what is wrong with a column if that is only that it is null; whether nothing else is.
    pub(crate) fn forgive_null(&mut self, slot: usize) -> bool {
        self.problems.retain(|problem| problem.column != slot || problem.found != "null");
        !self.problems.iter().any(|problem| problem.column == slot)
    }

    /// What is wrong with the columns of the record that was read last.
    pub(crate) fn faults(&self, row: &[Value<'_>]) -> Vec<Fault> {
        let wrong = self.problems.iter().filter_map(|problem| {
            let column = self.table.columns.get(problem.column)?;
            Some(self.fault(problem.column, column, kind_of(problem), problem.found.clone()))
        });
        let has_problem = |slot| self.problems.iter().any(|problem| problem.column == slot);
        let columns = self.table.columns.iter().zip(row).enumerate();
        let missing = columns.filter(|(slot, (column, value))| {
            let is_needed = column.not_null || *slot == self.table.event_time;
            is_needed && value.is_null() && !has_problem(*slot)
        });
        let missing = missing.map(|(slot, (column, _))| {
            let kind = if column.not_null { "missing" } else { "null" };
            self.fault(
                slot,
                column,
                kind,
                if column.not_null { "nothing" } else { "nothing or null" }.to_owned(),
            )
        });
        wrong.chain(missing).chain(self.absurd(row)).collect()
    }

    fn fault(&self, slot: usize, column: &Column, kind: &'static str, found: String) -> Fault {
        let null = if column.not_null { " NOT NULL" } else { "" };
        let role = if slot == self.table.event_time { ", the event time" } else { "" };
        let expected = format!("{}{null}{role}", expected(column.kind));
        Fault { path: pointer(column), kind, found, expected }
    }

    /// An event time that is too early or too far ahead.
    fn absurd(&self, row: &[Value<'_>]) -> Option<Fault> {
        let slot = self.table.event_time;
        let time = match row.get(slot)? {
            Value::Time(time) => *time,
            Value::Int(millis) => Timestamp(*millis),
            _ => return None,
        };
        let (from, to) = (EARLIEST, self.bound(None));
        let column = self.table.columns.get(slot).filter(|_| !(from..=to).contains(&time))?;
        let kind = if column.kind == Type::BigInt { "number" } else { "timestamp" };
        let expected = format!("an event time from {from} to {to}");
        Some(Fault { path: pointer(column), kind, found: time.to_string(), expected })
    }
}

/// The path of the field that feeds a column: the first, where several may.
fn pointer(column: &Column) -> String {
    let field = column.fields.first().unwrap_or(&column.name);
    format!("/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// The JSON type of what a problem found.
fn kind_of(problem: &Problem) -> &'static str {
    let kinds = [
        ("the text", "string"),
        ("the number", "number"),
        ("true", "boolean"),
        ("false", "boolean"),
        ("null", "null"),
        ("an array", "array"),
        ("an object", "object"),
    ];
    kinds.iter().find(|(found, _)| problem.found.starts_with(found)).map_or("text", |(_, kind)| kind)
}
