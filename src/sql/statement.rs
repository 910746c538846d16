//! A file's statements, each parsed for itself, so that one syntax error does not hide the next.

use std::rc::Rc;

use sqlparser::{
    ast::Statement,
    dialect::GenericDialect,
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer},
};

use super::{
    error::{Diagnostics, Place, SqlFile},
    nesting, recognize,
};

/// A statement and where it stands.
pub(super) struct Parsed {
    pub(super) statement: Statement,
    pub(super) place: Place,
}

/// The statements of a file, and the names that statements which do not parse would have created:
/// what refers to those is not to blame.
#[derive(Default)]
pub(super) struct Statements {
    pub(super) parsed: Vec<Parsed>,
    pub(super) broken: Vec<String>,
}

/// Parses a file.
pub(super) fn parse(file: &Rc<SqlFile>, errors: &mut Diagnostics, into: &mut Statements) {
    let tokens = match Tokenizer::new(&GenericDialect {}, file.text.trim_start_matches('\u{feff}'))
        .tokenize_with_location()
    {
        Ok(tokens) => tokens,
        Err(error) => {
            let span = Span::new(error.location, error.location);
            errors.error(&Place { file: Rc::clone(file), span }, lowercase_first(&error.message));
            return;
        }
    };
    for mut tokens in split(tokens) {
        let Some(first) = tokens.iter().find(|token| is_solid(token)) else { continue };
        let place = Place { file: Rc::clone(file), span: first.span };
        free_column_names(&mut tokens);
        let created = created_name(&tokens);
        if let Some(span) = nesting::too_deep(&tokens) {
            let message = format!(
                "this nests too deeply; expected at most {} operators in an expression (IN (...) joins many ORs)",
                nesting::DEEPEST
            );
            errors.error(&place.with_span(span), message);
            into.broken.extend(created);
            continue;
        }
        match parse_one(tokens) {
            Ok(statement) => into.parsed.push(Parsed { statement, place }),
            Err((message, span)) => {
                errors.error(&place.with_span(span), message);
                into.broken.extend(created);
            }
        }
    }
}

/// Cuts at semicolons.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut statements = vec![Vec::new()];
    for token in tokens {
        if token.token == Token::SemiColon {
            statements.push(Vec::new());
        } else if let Some(statement) = statements.last_mut() {
            statement.push(token);
        }
    }
    statements
}

fn is_solid(token: &TokenWithSpan) -> bool {
    !matches!(token.token, Token::Whitespace(_) | Token::EOF)
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods are those of a parser of one lifetime, and any is asked for"
)]
fn parse_one(mut tokens: Vec<TokenWithSpan>) -> Result<Statement, (String, Span)> {
    let input = recognize::rewrite(&mut tokens);
    let mut statement = parse_whole(tokens, |parser| parser.parse_statement())?;
    if let Some(input) = input {
        recognize::put_input(&mut statement, *parse_whole(input, |parser| parser.parse_query())?);
    }
    Ok(statement)
}

fn parse_whole<T>(
    tokens: Vec<TokenWithSpan>,
    parse: impl Fn(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, (String, Span)> {
    let end = tokens.iter().rfind(|token| is_solid(token)).map_or(Span::empty(), |token| token.span);
    let widths: Vec<Span> = tokens.iter().map(|token| token.span).collect();
    let mut parser = Parser::new(&GenericDialect {}).with_tokens_with_locations(tokens);
    let parsed = parse(&mut parser).map_err(|error| located(&error, &widths, end))?;
    let next = parser.next_token();
    if next.token == Token::EOF {
        return Ok(parsed);
    }
    Err((format!("expected the end of the statement (`;`), found {}", next.token), next.span))
}

/// The parser says where in its message: `Expected: x, found: y at Line: 1, Column: 2`.
fn located(error: &ParserError, spans: &[Span], end: Span) -> (String, Span) {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "this is nested too deeply",
    };
    let (message, at) = match text.rsplit_once(" at Line: ") {
        Some((message, at)) => (message, location(at)),
        None => (text, None),
    };
    let span = match at {
        Some(at) => spans.iter().find(|span| span.start == at).copied().unwrap_or(Span::new(at, at)),
        None => end,
    };
    let message =
        message.replace("found: EOF", "found the end of the statement").replace("Expected: ", "expected ");
    (lowercase_first(&message.replace("found: ", "found ")), span)
}

fn location(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location::new(line.trim().parse().ok()?, column.trim().parse().ok()?))
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Words that end a list where the parser meets them behind a comma, though nothing that could end
/// there begins with them: behind a comma they are columns.
const ENDING: [Keyword; 8] = [
    Keyword::VIEW,
    Keyword::VALUES,
    Keyword::END,
    Keyword::OFFSET,
    Keyword::ANALYZE,
    Keyword::EXPLAIN,
    Keyword::CLUSTER,
    Keyword::RETURNING,
];

/// Takes the keyword out of words that can only be columns where they stand: `key` in
/// `(key TEXT, ...)`, which is not the start of a constraint; `view` in `SELECT ts, view`; `interval`
/// with nothing behind it.
fn free_column_names(tokens: &mut [TokenWithSpan]) {
    let is_table = starts_with(tokens, Keyword::TABLE);
    let solid: Vec<usize> =
        tokens.iter().enumerate().filter(|(_, token)| is_solid(token)).map(|(index, _)| index).collect();
    let at = |index: Option<&usize>| index.and_then(|index| tokens.get(*index)).map(|token| &token.token);
    let mut depth = 0;
    let mut columns = Vec::new();
    for (place, index) in solid.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| at(solid.get(before)));
        let behind = at(solid.get(place + 1));
        match at(Some(index)) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth -= 1,
            Some(Token::Word(word)) if word.quote_style.is_none() => {
                let is_definition = is_table
                    && depth == 1
                    && matches!(before, Some(Token::LParen | Token::Comma))
                    && behind.is_some_and(is_type);
                let is_item = before == Some(&Token::Comma) && ENDING.contains(&word.keyword);
                let is_bare_interval = word.keyword == Keyword::INTERVAL
                    && !matches!(
                        behind,
                        Some(Token::SingleQuotedString(_) | Token::Number(..) | Token::Minus)
                    );
                if is_definition || is_item || is_bare_interval {
                    columns.push(*index);
                }
            }
            _ => {}
        }
    }
    for index in columns {
        if let Some(TokenWithSpan { token: Token::Word(word), .. }) = tokens.get_mut(index) {
            word.keyword = Keyword::NoKeyword;
        }
    }
}

fn is_type(token: &Token) -> bool {
    const TYPES: [&str; 22] = [
        "TEXT",
        "VARCHAR",
        "STRING",
        "CHAR",
        "CHARACTER",
        "BIGINT",
        "INT",
        "INTEGER",
        "SMALLINT",
        "INT8",
        "INT4",
        "DOUBLE",
        "FLOAT",
        "REAL",
        "FLOAT8",
        "BOOLEAN",
        "BOOL",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TIMESTAMP_LTZ",
        "JSON",
        "JSONB",
    ];
    match token {
        Token::Word(word) => TYPES.iter().any(|name| word.value.eq_ignore_ascii_case(name)),
        _ => false,
    }
}

fn starts_with(tokens: &[TokenWithSpan], what: Keyword) -> bool {
    created(tokens).is_some_and(|(kind, _)| kind == what)
}

/// The name that a `CREATE ... TABLE|VIEW name` would create.
fn created_name(tokens: &[TokenWithSpan]) -> Option<String> {
    created(tokens).map(|(_, name)| name)
}

fn created(tokens: &[TokenWithSpan]) -> Option<(Keyword, String)> {
    let mut words = tokens.iter().filter_map(|token| match &token.token {
        Token::Word(word) => Some(word),
        _ => None,
    });
    if words.next()?.keyword != Keyword::CREATE {
        return None;
    }
    let kind = words
        .by_ref()
        .map(|word| word.keyword)
        .take(4)
        .find(|keyword| matches!(keyword, Keyword::TABLE | Keyword::VIEW))?;
    let name = words.find(|word| !matches!(word.keyword, Keyword::IF | Keyword::NOT | Keyword::EXISTS))?;
    Some((kind, name.value.clone()))
}
