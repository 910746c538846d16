//! The shape in which Lambda sends nearly every record, scanned without looking at each field's name:
//! `{"topic":"t","partition":0,"offset":1,"timestamp":2,"timestampType":"CREATE_TIME","key":"...",
//! "value":"...","headers":[...]}`, without white space, where key and headers may be missing.

use std::ops::Range;

use super::assemble::Assembler;
use crate::{
    event::json::{Cursor, Kind, lanes},
    time::Timestamp,
};

/// What the last record began with. Records of one partition all begin with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    /// From the brace to the colon before the offset.
    prefix: &'a [u8],
    /// The batch it means.
    batch: usize,
}

/// Takes a record of the plain shape; nothing where it is of another.
pub(super) fn record<'a>(
    cursor: &mut Cursor<'a>,
    known: &mut Known<'a>,
    batches: &mut Assembler,
) -> Option<()> {
    if known.prefix.is_empty() || !cursor.eat_all(known.prefix) {
        *known = prefix(cursor, batches)?;
    }
    let offset = integer(cursor)?;
    let timestamp = if cursor.eat_all(br#","timestamp":"#) { integer(cursor)? } else { return None };
    let known_type = cursor.eat_all(br#","timestampType":"CREATE_TIME""#)
        || cursor.eat_all(br#","timestampType":"LOG_APPEND_TIME""#);
    if !known_type {
        return None;
    }
    let key = if cursor.eat_all(br#","key":""#) { Some(base64(cursor)?) } else { None };
    let value = if cursor.eat_all(br#","value":""#) { base64(cursor)? } else { return None };
    let mut sent = None;
    if cursor.eat_all(br#","headers":["#) && !cursor.eat(b']') {
        let start = cursor.at() - 1;
        headers(cursor)?;
        sent = Some(start..cursor.at());
    }
    if !cursor.eat(b'}') {
        return None;
    }
    let timestamp = (timestamp > 0).then_some(Timestamp(timestamp));
    let key = key.map(|key| cursor.slice(key));
    let headers = sent.map(|span| cursor.slice(span));
    batches.push_plain(known.batch, (offset, timestamp), key, cursor.slice(value), headers)
}

/// The topic and the partition.
fn prefix<'a>(cursor: &mut Cursor<'a>, batches: &mut Assembler) -> Option<Known<'a>> {
    let start = cursor.at();
    if !cursor.eat_all(br#"{"topic":"#) {
        return None;
    }
    let (topic, escaped) = cursor.string().ok()?;
    if escaped || !cursor.eat_all(br#","partition":"#) {
        return None;
    }
    let partition = i32::try_from(integer(cursor)?).ok()?;
    if !cursor.eat_all(br#","offset":"#) {
        return None;
    }
    let topic = simdutf8::basic::from_utf8(cursor.slice(topic)).ok()?;
    Some(Known { prefix: cursor.slice(start..cursor.at()), batch: batches.index(topic, partition) })
}

/// Goes behind the closing bracket of a list of headers, each of one name and some bytes.
fn headers(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        if !cursor.eat(b'{') {
            return None;
        }
        cursor.string().ok()?;
        if !cursor.eat_all(b":[") {
            return None;
        }
        cursor.advance(lanes::integers(cursor.rest())?);
        if cursor.eat_all(b"}]") {
            return Some(());
        }
        if !cursor.eat_all(b"},") {
            return None;
        }
    }
}

#[inline]
fn integer(cursor: &mut Cursor<'_>) -> Option<i64> {
    match cursor.number().ok()? {
        Kind::Integer(integer) => Some(integer),
        _ => None,
    }
}

/// What stands before the next quote. If that one is escaped, the backslash before it is no base64.
fn base64(cursor: &mut Cursor<'_>) -> Option<Range<usize>> {
    let start = cursor.at();
    let length = memchr::memchr(b'"', cursor.rest())?;
    cursor.advance(length + 1);
    Some(start..start + length)
}
