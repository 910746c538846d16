//! Query parameters: each is taken by someone, or refused.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::{sql::parse_timestamp, time::Timestamp};

/// The most rows that a page may have.
pub(super) const MOST_ROWS: usize = 10_000;

/// The parameters of a request, in its order.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes a query: `a=1&b=x%20y+z`.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            let decoded = percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned);
            decoded.map_err(|_| Problem::malformed_query(format!("{text:?} is not UTF-8 once decoded")))
        };
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        };
        parts.map(pair).collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter that may be given once.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(at) = self.0.iter().position(|(known, _)| known == name) else { return Ok(None) };
        let (_, value) = self.0.remove(at);
        if self.0.iter().any(|(known, _)| known == name) {
            return Err(Problem::malformed_query(format!("{name} is given twice")));
        }
        Ok(Some(value))
    }

    /// How many rows a page may have.
    pub(super) fn limit(&mut self) -> Result<Option<usize>, Problem> {
        let limit = self.take("limit")?;
        let expected = format!("a whole number from 1 to {MOST_ROWS}");
        limit.map(|text| read("limit", &text, &expected, |n| (1..=MOST_ROWS).contains(n))).transpose()
    }

    /// A moment: epoch milliseconds or ISO 8601.
    pub(super) fn moment(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let moment = moment(&text).ok_or_else(|| mismatch(name, &text, MOMENT))?;
        Ok(Some(moment))
    }

    /// Takes out all that are left.
    pub(super) fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0)
    }

    /// Refuses what is left: it was meant to do something.
    pub(super) fn none(&self, expected: &str) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(Problem::malformed_query(format!("unknown parameter {name:?}; expected {expected}")))
            }
        }
    }
}

/// The parts of `a,b`.
pub(super) fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// What a moment may be.
pub(super) const MOMENT: &str = "epoch milliseconds or ISO 8601, such as 2026-01-31T12:00:00Z";

/// Epoch milliseconds or ISO 8601.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp).or_else(|| parse_timestamp(text))
}

fn read<T: FromStr>(
    name: &str,
    text: &str,
    expected: &str,
    is_fit: impl Fn(&T) -> bool,
) -> Result<T, Problem> {
    text.parse().ok().filter(is_fit).ok_or_else(|| mismatch(name, text, expected))
}

/// The problem of a parameter whose value is none of those expected.
pub(super) fn mismatch(name: &str, found: &str, expected: &str) -> Problem {
    Problem::malformed_query(format!("{name}: found {found:?}; expected {expected}"))
}
