//! What the parser does not know of `MATCH_RECOGNIZE` as Flink has it, told in words that it knows.
//!
//! `WITHIN span` before DEFINE becomes the first definition, of a variable that nobody can name. A subquery
//! before `MATCH_RECOGNIZE` is cut out, parsed for itself, and put back.

use sqlparser::{
    ast::{Ident, Query, SetExpr, Statement, TableFactor},
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan, Word},
};

use super::names;

/// The name of the table that stands for the subquery, and of the variable that has WITHIN's span:
/// neither can be written without quotes.
const INPUT: &str = "(the subquery)";
const WITHIN: &str = "(within)";

/// Rewrites a statement's tokens; gives the tokens of the subquery if there was one.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) -> Option<Vec<TokenWithSpan>> {
    let at = tokens.iter().position(|token| is_word(token, "MATCH_RECOGNIZE"))?;
    move_within(tokens, at);
    cut_input(tokens, at)
}

/// Whether a name is that of the variable that has WITHIN's span.
pub(super) fn is_within(name: &Ident) -> bool {
    name.value == WITHIN && name.quote_style.is_none()
}

/// Puts the subquery back.
pub(super) fn put_input(statement: &mut Statement, input: Query) {
    let Statement::CreateView(create) = statement else { return };
    let SetExpr::Select(select) = create.query.body.as_mut() else { return };
    let Some(from) = select.from.first_mut() else { return };
    let TableFactor::MatchRecognize { table, .. } = &mut from.relation else { return };
    let TableFactor::Table { name, alias, .. } = table.as_mut() else { return };
    if names::single(name).is_some_and(|name| name.value == INPUT) {
        let alias = alias.take();
        **table = TableFactor::Derived { lateral: false, subquery: Box::new(input), alias, sample: None };
    }
}

fn is_word(token: &TokenWithSpan, text: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

fn is_solid(token: &TokenWithSpan) -> bool {
    !matches!(token.token, Token::Whitespace(_))
}

fn word(value: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.to_owned(), quote_style: None, keyword })
}

/// `WITHIN span DEFINE x AS ...` to `DEFINE (within) AS span, x AS ...`.
fn move_within(tokens: &mut Vec<TokenWithSpan>, from: usize) {
    let (mut depth, mut within, mut define) = (0, None, None);
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => break,
            Token::RParen => depth -= 1,
            _ if depth != 1 || define.is_some() => {}
            _ if within.is_none() && is_word(token, "WITHIN") => within = Some(index),
            _ if is_word(token, "DEFINE") => define = Some(index),
            _ => {}
        }
    }
    let Some(within) = within else { return };
    if let Some(token) = define.and_then(|index| tokens.get_mut(index)) {
        token.token = Token::Comma;
    }
    let Some(span) = tokens.get(within).map(|token| token.span) else { return };
    let told = [word("DEFINE", Keyword::DEFINE), word(WITHIN, Keyword::NoKeyword), word("AS", Keyword::AS)];
    tokens.splice(within..=within, told.map(|token| TokenWithSpan { token, span }));
}

/// `(SELECT ...) [AS] x MATCH_RECOGNIZE` to `(the subquery) [AS] x MATCH_RECOGNIZE`.
fn cut_input(tokens: &mut Vec<TokenWithSpan>, at: usize) -> Option<Vec<TokenWithSpan>> {
    let before = tokens.iter().enumerate().take(at).rev().filter(|(_, token)| is_solid(token));
    // An alias and its AS may stand between.
    let (end, _) = before.take(3).find(|(_, token)| token.token == Token::RParen)?;
    let mut depth = 0;
    let start = tokens.iter().enumerate().take(end + 1).rev().find_map(|(index, token)| {
        depth += i32::from(token.token == Token::RParen) - i32::from(token.token == Token::LParen);
        (depth == 0).then_some(index)
    })?;
    let span = tokens.get(start)?.span;
    let named = TokenWithSpan { token: word(INPUT, Keyword::NoKeyword), span };
    let mut input: Vec<_> = tokens.splice(start..=end, [named]).skip(1).collect();
    input.pop();
    Some(input)
}
