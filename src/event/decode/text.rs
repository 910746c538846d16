//! Records of plain text: taken apart by their table's pattern.
//!
//! A record has to begin with what stands before the first hole. A hole takes what stands before the next
//! occurrence of the text behind it; the last takes the rest, up to the text that ends the pattern. A
//! line break at the end of the record (`\n`, `\r\n`) is no part of it. A hole that takes nothing is NULL.
//!
//! | column | takes |
//! | --- | --- |
//! | `TEXT` | anything |
//! | `BIGINT` | an integer, with leading zeros or a plus if need be; `5.0` and `5e0` too, as in JSON |
//! | `DOUBLE` | any number that a float can hold |
//! | `BOOLEAN` | `true`, `false` |
//! | `TIMESTAMP` | what a JSON text of it may be, see [`super::moment`] |
//! | `JSON` | a JSON value |

use memchr::memmem::Finder;

use super::{
    Problem,
    column::{float, whole},
    moment,
};
use crate::{
    event::{Rejection, json::Cursor},
    sql::{Table, Template},
    value::{Type, Value},
};

/// A pattern, ready to take records apart.
#[derive(Debug)]
pub(crate) struct Matcher<'t> {
    pattern: &'t Template,
    /// For each hole what finds the text behind it.
    ends: Vec<Finder<'t>>,
}

impl<'t> Matcher<'t> {
    pub(crate) fn new(pattern: &'t Template) -> Self {
        let ends = pattern.holes.iter().map(|hole| Finder::new(hole.then.as_bytes()));
        Self { pattern, ends: ends.collect() }
    }

    /// Fills a row. A hole's text that is none of its column's type is a problem, not an error.
    pub(super) fn read<'a>(
        &self,
        record: &'a str,
        table: &Table,
        row: &mut [Value<'a>],
        problems: &mut Vec<Problem>,
    ) -> Result<(), Rejection> {
        self.cut(record, |slot, at, text| {
            let (Some(column), Some(place)) = (table.columns.get(slot), row.get_mut(slot)) else { return };
            match value(column.kind, text) {
                Some(value) => *place = value,
                None => problems.push(Problem { column: slot, found: found(at, text) }),
            }
        })
        .map_err(|mismatch| Rejection::without_time(self.reason(record, &mismatch, table)))
    }

    /// What stands in the hole of a column.
    pub(crate) fn hole<'a>(&self, record: &'a str, wanted: usize) -> Option<&'a str> {
        let mut found = None;
        let fits = self.cut(record, |slot, _, text| {
            if slot == wanted {
                found = Some(text);
            }
        });
        fits.ok().and(found)
    }

    /// Gives each hole's slot, the byte where it begins and its text.
    #[inline]
    fn cut<'a>(&self, record: &'a str, mut hole: impl FnMut(usize, usize, &'a str)) -> Result<(), Mismatch> {
        let record = without_line_break(record);
        let mut rest =
            record.strip_prefix(self.pattern.lead.as_str()).ok_or(Mismatch { at: 0, hole: None })?;
        let last = self.ends.len() - usize::from(!self.ends.is_empty());
        for (number, (place, end)) in self.pattern.holes.iter().zip(&self.ends).enumerate() {
            let at = record.len() - rest.len();
            let found = if number == last {
                rest.ends_with(&place.then).then(|| rest.len() - place.then.len())
            } else {
                end.find(rest.as_bytes())
            };
            // The text behind a hole begins and ends at characters.
            let parts = found.and_then(|length| rest.split_at_checked(length));
            let (text, behind) = parts.ok_or(Mismatch { at, hole: Some(number) })?;
            hole(place.slot, at, text);
            rest = behind.get(place.then.len()..).unwrap_or_default();
        }
        Ok(())
    }

    #[cold]
    fn reason(&self, record: &str, mismatch: &Mismatch, table: &Table) -> String {
        let rest = record.get(mismatch.at..).unwrap_or_default();
        let at = mismatch.at;
        let found = if without_line_break(rest).is_empty() {
            format!("ends at byte {at}")
        } else {
            format!("found {} at byte {at}", shown(rest))
        };
        let hole = mismatch.hole.and_then(|number| self.pattern.holes.get(number));
        let expected = hole.map_or_else(
            || format!("{:?}", self.pattern.lead),
            |hole| {
                let name = table.columns.get(hole.slot).map_or("", |column| column.name.as_str());
                let is_last = mismatch.hole.is_some_and(|number| number + 1 == self.pattern.holes.len());
                let end = if is_last { " at the end" } else { "" };
                format!("{{{name}}} and then {:?}{end}", hole.then)
            },
        );
        format!("does not fit the pattern: {found}, expected {expected}")
    }
}

/// Where a record stops fitting: at which byte, and which hole cannot be filled from there; none where
/// it is the beginning that does not fit.
struct Mismatch {
    at: usize,
    hole: Option<usize>,
}

fn without_line_break(record: &str) -> &str {
    let record = record.strip_suffix('\n').unwrap_or(record);
    record.strip_suffix('\r').unwrap_or(record)
}

/// What a hole's text is as a value of a type; none where it is none.
#[inline]
pub(crate) fn value(kind: Type, text: &str) -> Option<Value<'_>> {
    if text.is_empty() {
        return Some(Value::Null);
    }
    match kind {
        Type::Text => Some(Value::text(text)),
        Type::BigInt => text.parse().ok().or_else(|| whole(text)).map(Value::Int),
        Type::Double => float(text).map(Value::Float),
        Type::Boolean => text.parse().ok().map(Value::Bool),
        Type::Timestamp => moment::from_text(text).map(Value::Time),
        Type::Json => json(text),
    }
}

fn json(text: &str) -> Option<Value<'_>> {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.value().and_then(|_| cursor.end()).ok().map(|()| Value::Json(text.into()))
}

#[cold]
fn found(at: usize, text: &str) -> String {
    format!("{} at byte {at}", shown(text))
}

/// The beginning of a text, in quotes.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    let beginning: String = text.chars().take(SHOWN).collect();
    let more = if beginning.len() < text.len() { "..." } else { "" };
    format!("{:?}{more}", beginning.as_str())
}

#[cfg(test)]
mod tests;
