//! `window_funnel`: how far a chain of steps got, in order, within a span.
//!
//! The definition is that of ClickHouse's `windowFunnel` in its default mode. Events are taken in order
//! of their time, the steps of one time in order of their number: so steps at the same time count as
//! taken one after the other, and so do several steps of one event. A chain begins with the first
//! step; what follows may lie up to the span, inclusive, behind it; other steps in between do not
//! matter. The longest chain counts.

use std::mem;

use super::state::State;
use crate::{
    codec::{CodecError, Reader, put_varint, put_zigzag},
    sql::MOST_STEPS,
    time::{Millis, Timestamp},
    value::Value,
};

/// When which steps were taken (a bit each), in order of time. Which event took a step does not
/// matter, so there is one entry a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Funnel(Vec<(Timestamp, u32)>);

impl Funnel {
    fn take(&mut self, at: Timestamp, steps: u32) {
        // Nearly always it is the latest.
        let index = match self.0.last() {
            Some((last, _)) if *last >= at => self.0.partition_point(|(known, _)| *known < at),
            _ => self.0.len(),
        };
        match self.0.get_mut(index) {
            Some((known, taken)) if *known == at => *taken |= steps,
            _ => self.0.insert(index, (at, steps)),
        }
    }

    /// How many steps the longest chain has.
    fn longest(&self, span: Millis) -> usize {
        // For each step the latest start of a chain that got so far: it has the most time left.
        let mut starts = [None; MOST_STEPS];
        for (at, steps) in &self.0 {
            let mut before = Some(*at);
            for (step, start) in starts.iter_mut().enumerate() {
                if steps >> step & 1 == 1 && before.is_some_and(|before| *at <= before + span) {
                    *start = before;
                }
                before = *start;
            }
        }
        starts.iter().take_while(|start| start.is_some()).count()
    }
}

impl State for Funnel {
    type How = Millis;

    fn update(&mut self, _: Millis, at: Timestamp, value: &Value<'_>) {
        if let Value::Int(steps) = value
            && let Ok(steps) = u32::try_from(*steps)
            && steps != 0
        {
            self.take(at, steps);
        }
    }

    fn merge(&mut self, _: Millis, other: &Self) {
        let (Some((last, _)), Some((first, _))) = (self.0.last(), other.0.first()) else {
            self.0.extend_from_slice(&other.0);
            return;
        };
        if last < first {
            self.0.extend_from_slice(&other.0);
            return;
        }
        let mut merged = Self(Vec::with_capacity(self.0.len() + other.0.len()));
        let mut others = other.0.iter().peekable();
        for (at, steps) in mem::take(&mut self.0) {
            while let Some((earlier, steps)) = others.next_if(|(other, _)| *other <= at) {
                merged.take(*earlier, *steps);
            }
            merged.take(at, steps);
        }
        others.for_each(|(at, steps)| merged.take(*at, *steps));
        *self = merged;
    }

    fn finish(&self, span: Millis) -> Value<'static> {
        i64::try_from(self.longest(span)).map_or(Value::Null, Value::Int)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        let mut before = 0_i64;
        for (Timestamp(at), steps) in &self.0 {
            put_zigzag(out, at.wrapping_sub(before));
            put_varint(out, u64::from(*steps));
            before = *at;
        }
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut funnel = Self::default();
        let mut at = 0_i64;
        for _ in 0..from.count("the number of times")? {
            at = at.wrapping_add(from.zigzag("a time")?);
            let steps = from.varint("steps")?;
            let steps = u32::try_from(steps).map_err(|_| CodecError::Unexpected {
                found: format!("steps {steps:x}"),
                expected: "a bit for each of at most 32 steps",
            })?;
            funnel.take(Timestamp(at), steps);
        }
        Ok(funnel)
    }
}
