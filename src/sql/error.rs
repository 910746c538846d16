//! What is wrong with a catalog's SQL, and where.

use std::{
    fmt,
    ops::{Deref, Range},
    rc::Rc,
};

use sqlparser::{
    ast::Spanned,
    tokenizer::{Location, Span},
};

/// One file of SQL.
#[derive(Clone, Debug)]
pub struct SqlFile {
    /// Its name, as errors say it.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// One thing that is wrong: where, what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct SqlError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
    /// How many characters are meant.
    width: usize,
    /// The line's text.
    source_line: String,
}

impl SqlError {
    /// How many characters are meant, from the column on, on this line.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The error with the line it is about and a caret under the place:
    ///
    /// ```text
    /// ctr.sql:3:8: unknown column "clik"; expected one of ...
    ///   |
    /// 3 | SELECT clik
    ///   |        ^^^^
    /// ```
    pub fn render(&self) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the caret stands where the text does.
        let before = self.source_line.chars().take(self.column.saturating_sub(1));
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(self.width);
        format!("{self}\n{margin} |\n{number} | {}\n{margin} | {indent}{carets}", self.source_line)
    }
}

/// Everything that is wrong, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlErrors(Vec<SqlError>);

impl SqlErrors {
    /// All errors, rendered with their source lines.
    pub fn render(&self) -> String {
        self.0.iter().map(SqlError::render).collect::<Vec<_>>().join("\n\n")
    }
}

impl Deref for SqlErrors {
    type Target = [SqlError];
    fn deref(&self) -> &[SqlError] {
        &self.0
    }
}

impl std::error::Error for SqlErrors {}

impl fmt::Display for SqlErrors {
    /// One error a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// A place in a file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: Rc<SqlFile>,
    pub(super) span: Span,
}

impl Place {
    /// The place as errors name it.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.file.name, self.span.start.line)
    }

    /// The same file, at another node; this place where the parser kept no place for it.
    pub(super) fn at(&self, node: &impl Spanned) -> Self {
        self.with_span(node.span())
    }

    pub(super) fn with_span(&self, span: Span) -> Self {
        let span = if span.start.line == 0 { self.span } else { span };
        Self { file: Rc::clone(&self.file), span }
    }
}

impl Place {
    /// The place of a part of the text literal that stands here: of the whole where the literal
    /// holds quotes or line breaks.
    pub(super) fn within(&self, text: &str, part: Range<usize>) -> Self {
        let Location { line, column } = self.span.start;
        let source = self.file.text.lines().nth(index(line) - 1).unwrap_or_default();
        // Behind the quote.
        let literal: String = source.chars().skip(index(column)).collect();
        let (Some(before), Some(meant)) = (text.get(..part.start), text.get(part)) else {
            return self.clone();
        };
        if !literal.starts_with(text) {
            return self.clone();
        }
        let count = |text: &str| text.chars().count() as u64;
        let start = Location::new(line, column + 1 + count(before));
        self.with_span(Span::new(start, Location::new(line, start.column + count(meant))))
    }
}

/// Collects errors.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(Vec<SqlError>);

impl Diagnostics {
    /// Notes an error.
    pub(super) fn error(&mut self, place: &Place, message: impl Into<String>) {
        let Span { start, end } = place.span;
        let lines = place.file.text.lines().count().max(1);
        // What is missing at the end of a file is missing behind its last line.
        let is_behind = index(start.line) > lines;
        let line = index(start.line).min(lines);
        let source_line = place.file.text.lines().nth(line - 1).unwrap_or_default().to_owned();
        let column = if is_behind { source_line.chars().count() + 1 } else { index(start.column) };
        let rest = source_line.chars().count().saturating_sub(column - 1).max(1);
        let width = if end.line == start.line { width(start, end).min(rest) } else { rest };
        self.0.push(SqlError {
            file: place.file.name.clone(),
            line,
            column,
            message: message.into(),
            width,
            source_line,
        });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value`, unless there were errors.
    pub(super) fn finish<T>(self, files: &[Rc<SqlFile>], value: T) -> Result<T, SqlErrors> {
        if self.0.is_empty() {
            return Ok(value);
        }
        let mut errors = self.0;
        let order = |name: &str| files.iter().position(|file| file.name == name);
        errors.sort_by_key(|error| (order(&error.file), error.line, error.column));
        // A UNION's branches may meet the same mistake twice.
        errors.dedup();
        Err(SqlErrors(errors))
    }
}

/// A 1-based number of the parser's; its 0 means that it does not know.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

fn width(start: Location, end: Location) -> usize {
    usize::try_from(end.column.saturating_sub(start.column)).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_rendered_with_its_line_and_a_caret() {
        let text = "-- views\n\tSELECT clik FROM t";
        let file = Rc::new(SqlFile { name: "ctr.sql".into(), text: text.into() });
        let span = Span::new(Location::new(2, 9), Location::new(2, 13));
        let mut diagnostics = Diagnostics::default();
        diagnostics.error(&Place { file: Rc::clone(&file), span }, "unknown column \"clik\"");
        let errors = diagnostics.finish(&[file], ()).unwrap_err();
        assert_eq!(errors.to_string(), "ctr.sql:2:9: unknown column \"clik\"");
        assert_eq!(
            errors.render(),
            "ctr.sql:2:9: unknown column \"clik\"\n  |\n2 | \tSELECT clik FROM t\n  | \t       ^^^^"
        );
    }
}
