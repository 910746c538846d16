//! `WITH (name = value, ...)`.

use sqlparser::ast::{CreateTableOptions, Expr, Ident, SqlOption, Value, ValueWithSpan};

use super::{
    duration,
    error::{Diagnostics, Place},
    names::{self, Match},
};
use crate::time::Millis;

/// The options of one statement, each to be taken once.
pub(super) struct WithOptions {
    /// The statement's place.
    place: Place,
    values: Vec<(&'static str, Ident, Expr)>,
}

impl WithOptions {
    /// Checks the names against the known ones.
    pub(super) fn read(
        options: &CreateTableOptions,
        known: &[&'static str],
        place: &Place,
        errors: &mut Diagnostics,
    ) -> Self {
        let mut all = Self { place: place.clone(), values: Vec::new() };
        let list = match options {
            CreateTableOptions::None => &[][..],
            CreateTableOptions::With(list) => list,
            CreateTableOptions::Options(list)
            | CreateTableOptions::Plain(list)
            | CreateTableOptions::TableProperties(list) => {
                errors
                    .error(place, format!("options are written WITH (...); known are {}", known.join(", ")));
                list
            }
        };
        for option in list {
            all.add(option, known, errors);
        }
        all
    }

    fn add(&mut self, option: &SqlOption, known: &[&'static str], errors: &mut Diagnostics) {
        let SqlOption::KeyValue { key, value } = option else {
            let message = format!("expected an option such as topic = '...'; known are {}", known.join(", "));
            return errors.error(&self.place.at(option), message);
        };
        let place = self.place.with_span(key.span);
        let name = match names::find(key, known.iter().copied()) {
            Match::One(index) => known.get(index).copied().unwrap_or_default(),
            Match::Several | Match::None => {
                return errors.error(&place, names::unknown("option", &key.value, known.iter().copied()));
            }
        };
        if self.values.iter().any(|(other, ..)| *other == name) {
            return errors.error(&place, format!("option \"{name}\" is given twice"));
        }
        self.values.push((name, key.clone(), value.clone()));
    }

    fn take(&mut self, name: &str) -> Option<(Ident, Expr)> {
        let index = self.values.iter().position(|(other, ..)| *other == name)?;
        let (_, key, value) = self.values.swap_remove(index);
        Some((key, value))
    }

    /// A name or a text: `key = 'user_id'` or `key = user_id`.
    pub(super) fn text(&mut self, name: &str, errors: &mut Diagnostics) -> Option<(String, Place)> {
        let (key, value) = self.take(name)?;
        let place = self.value_place(&key, &value);
        let text = match value {
            Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => text,
            Expr::Identifier(ident) => ident.value,
            other => {
                errors.error(
                    &place,
                    format!("option \"{name}\" is {other}; expected a text such as {name} = 'abc'"),
                );
                return None;
            }
        };
        if text.trim().is_empty() {
            errors
                .error(&place, format!("option \"{name}\" is empty; expected a text such as {name} = 'abc'"));
            return None;
        }
        Some((text, place))
    }

    /// Whether something is wanted: `alert = true`.
    pub(super) fn flag(&mut self, name: &str, errors: &mut Diagnostics) -> bool {
        let Some((key, value)) = self.take(name) else { return false };
        if let Expr::Value(ValueWithSpan { value: Value::Boolean(is_wanted), .. }) = value {
            return is_wanted;
        }
        let place = self.value_place(&key, &value);
        errors.error(&place, format!("option \"{name}\" is {value}; expected true or false"));
        false
    }

    /// A span of time that is not negative.
    pub(super) fn span(&mut self, name: &str, default: Millis, errors: &mut Diagnostics) -> Millis {
        let Some((key, value)) = self.take(name) else { return default };
        let place = self.value_place(&key, &value);
        match duration::of_expr(&value) {
            Some(span) if span >= Millis(0) => return span,
            Some(span) => {
                errors.error(&place, format!("option \"{name}\" is {span}; expected no negative span"));
            }
            None => {
                errors
                    .error(&place, format!("option \"{name}\" is {value}; expected {}", duration::EXPECTED));
            }
        }
        default
    }

    fn value_place(&self, key: &Ident, value: &Expr) -> Place {
        self.place.with_span(key.span).at(value)
    }
}
