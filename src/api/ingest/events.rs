//! The events of a request: found in its body, checked against their tables, made messages.

use serde::Serialize;

use super::{MAX_EVENT, MAX_EVENTS, Problem, stamp::Stamp};
use crate::{
    event::{self, Addressed, Fault, Refusal, Validator},
    publish::Message,
    sql::{Catalog, Format, Table},
};

/// Whose events they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Address<'c> {
    /// All of one table.
    Table(&'c Table),
    /// Each names its table; those that name none are of this one, if there is one.
    Each(Option<&'c Table>),
}

/// What an event was refused for.
#[derive(Debug, Serialize)]
pub(super) struct Rejected {
    index: usize,
    reason: String,
    #[serde(rename = "errors", skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
}

/// The events of a request.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Those that fit their tables, in their order.
    pub(super) messages: Vec<Message>,
    /// Their ids.
    pub(super) ids: Vec<Option<String>>,
    /// The others.
    pub(super) rejected: Vec<Rejected>,
}

impl Events {
    /// Checks what a body holds.
    pub(super) fn read(
        catalog: &Catalog,
        address: Address<'_>,
        body: &[u8],
        stamp: &mut Stamp,
    ) -> Result<Self, Problem> {
        let found = split(address, body)?;
        if found.len() > MAX_EVENTS {
            let detail = format!("a request has at most {MAX_EVENTS} events, this one has {}", found.len());
            return Err(Problem::too_large(detail));
        }
        let mut events = Self {
            messages: Vec::with_capacity(found.len()),
            ids: Vec::with_capacity(found.len()),
            ..Self::default()
        };
        let mut desk = Desk { catalog, address, stamp, validators: Vec::new() };
        for (index, event) in found.into_iter().enumerate() {
            match desk.take(event) {
                Ok((message, id)) => {
                    events.messages.push(message);
                    events.ids.push(id);
                }
                Err(Refusal { reason, faults }) => events.rejected.push(Rejected { index, reason, faults }),
            }
        }
        Ok(events)
    }
}

/// Where events are checked, each by its table's validator.
struct Desk<'c, 's, 'e> {
    catalog: &'c Catalog,
    address: Address<'c>,
    stamp: &'s mut Stamp,
    validators: Vec<(&'e Table, Validator<'e>)>,
}

impl<'c: 'e, 'e> Desk<'c, '_, 'e> {
    fn take(&mut self, event: &'e [u8]) -> Result<(Message, Option<String>), Refusal> {
        if event.len() > MAX_EVENT {
            let reason = format!("an event has at most {MAX_EVENT} bytes, this one has {}", event.len());
            return Err(Refusal { reason, faults: Vec::new() });
        }
        let (table, event) = self.place(event)?;
        let stamp = &mut *self.stamp;
        let at = self.validators.iter().position(|(known, _)| std::ptr::eq(*known, table));
        let at = at.unwrap_or_else(|| {
            self.validators.push((table, Validator::new(table, stamp.at)));
            self.validators.len() - 1
        });
        let Some((_, validator)) = self.validators.get_mut(at) else { return Err(no_address("")) };
        let taken = validator.take(event, &mut || stamp.fresh())?;
        let payload = taken.record.into_owned();
        let message =
            Message { topic: table.topic.clone(), key: taken.valid.key, payload, headers: Vec::new() };
        Ok((message, taken.id))
    }

    /// The table of an event, and the event without its name.
    fn place(&self, event: &'e [u8]) -> Result<(&'c Table, &'e [u8]), Refusal> {
        let default = match self.address {
            Address::Table(table) => return Ok((table, event)),
            Address::Each(default) => default,
        };
        match (Addressed::read(event), default) {
            (Some(Addressed { table, event }), _) => {
                self.catalog.table(&table).map(|table| (table, event)).ok_or_else(|| self.unknown(&table))
            }
            (None, Some(table)) => Ok((table, event)),
            (None, None) => Err(no_address(&String::from_utf8_lossy(event))),
        }
    }

    fn unknown(&self, name: &str) -> Refusal {
        let names: Vec<&str> = self.catalog.tables.iter().map(|table| table.name.as_str()).collect();
        let expected = format!("one of {}", names.join(", "));
        let reason = format!("there is no table {name:?}; expected {expected}");
        let fault = Fault {
            path: "/table".to_owned(),
            kind: "string",
            found: format!("the text {name:?}"),
            expected,
        };
        Refusal { reason, faults: vec![fault] }
    }
}

fn no_address(event: &str) -> Refusal {
    let expected = r#"{"table": "...", "event": {...}}"#;
    let found: String = event.chars().take(60).collect();
    let kind = if event.starts_with('{') { "object" } else { "text" };
    let reason = format!("the event names no table: expected {expected} and nothing else");
    Refusal {
        reason,
        faults: vec![Fault { path: String::new(), kind, found, expected: expected.to_owned() }],
    }
}

/// The events of a body: one object, an array of them, or one a line.
fn split<'b>(address: Address<'_>, body: &'b [u8]) -> Result<Vec<&'b [u8]>, Problem> {
    let body = body.trim_ascii();
    let is_text = matches!(address, Address::Table(table) if matches!(table.format, Format::Text(_)));
    match body.first() {
        None => Err(Problem::malformed_body("the body is empty")),
        Some(b'[') => match event::elements(body) {
            Ok(events) => Ok(events),
            // Plain text may begin with a bracket too.
            Err(_) if is_text => Ok(event::lines(body).collect()),
            Err(error) => Err(Problem::malformed_body(format!("the body is no JSON array: {error}"))),
        },
        // An object may itself have line breaks, so lines are what remains when it is not one.
        Some(_) if event::is_json(body) => Ok(vec![body]),
        Some(_) => Ok(event::lines(body).collect()),
    }
}
