//! `first` and `last` by event time.

use std::cmp::Ordering;

use super::state::State;
use crate::{
    codec::{CodecError, Reader, put_value, put_zigzag},
    time::Timestamp,
    value::Value,
};

/// The value of the earliest ([`Ordering::Less`]) or the latest ([`Ordering::Greater`]) event; of
/// several at that time the smallest or the largest.
#[derive(Clone, Debug, Default)]
pub(super) struct ByTime {
    at: Timestamp,
    /// NULL if there was no event.
    value: Value<'static>,
}

impl ByTime {
    fn take(&mut self, wanted: Ordering, at: Timestamp, value: &Value<'_>) {
        let ordering = at.cmp(&self.at).then_with(|| value.compare(&self.value).unwrap_or(Ordering::Equal));
        if self.value.is_null() || ordering == wanted {
            self.at = at;
            assign(&mut self.value, value);
        }
    }
}

impl State for ByTime {
    type How = Ordering;

    fn update(&mut self, wanted: Ordering, at: Timestamp, value: &Value<'_>) {
        self.take(wanted, at, value);
    }

    fn merge(&mut self, wanted: Ordering, other: &Self) {
        if !other.value.is_null() {
            self.take(wanted, other.at, &other.value);
        }
    }

    fn finish(&self, _: Ordering) -> Value<'static> {
        self.value.clone()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_value(out, &self.value);
        if !self.value.is_null() {
            put_zigzag(out, self.at.0);
        }
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let value = from.value()?.into_owned();
        let at = if value.is_null() { 0 } else { from.zigzag("an event's time")? };
        Ok(Self { at: Timestamp(at), value })
    }
}

/// Makes `to` a copy of `from`. The last value changes with nearly every event, so the room of the
/// text before is used again.
fn assign(to: &mut Value<'static>, from: &Value<'_>) {
    match (to, from) {
        (Value::Text(to), Value::Text(from)) | (Value::Json(to), Value::Json(from)) => {
            let to = to.to_mut();
            to.clear();
            to.push_str(from);
        }
        (to, from) => *to = from.borrowed().into_owned(),
    }
}
