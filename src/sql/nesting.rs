//! How deep a statement's expressions nest, told from its tokens.
//!
//! The parser bounds parentheses, but `a + b + c + ...` it nests to the left, one level an operator,
//! and whatever walks such a tree (its own code too) needs stack for each level. So long chains are
//! refused before they become trees.

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Span, Token, TokenWithSpan},
};

/// The deepest nesting that is accepted.
pub(super) const DEEPEST: usize = 200;

/// What stands between two parentheses, or outside of all.
#[derive(Default)]
struct Level {
    /// The operators since the last comma or clause.
    operators: usize,
    /// The depth of the deepest operand among these.
    operand: usize,
    /// The deepest before that comma or clause.
    before: usize,
    /// The UNIONs, which nest to the left too.
    unions: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.unions + self.before.max(self.operators + self.operand)
    }

    fn next_item(&mut self) {
        let before = self.before.max(self.operators + self.operand);
        *self = Self { before, unions: self.unions, ..Self::default() };
    }
}

/// Where the nesting first gets deeper than [`DEEPEST`].
pub(super) fn too_deep(tokens: &[TokenWithSpan]) -> Option<Span> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for token in tokens {
        match &token.token {
            Token::LParen => outer.push(std::mem::take(&mut level)),
            Token::RParen => {
                let inner = level.depth() + 1;
                level = outer.pop().unwrap_or_default();
                level.operand = level.operand.max(inner);
            }
            Token::Comma => level.next_item(),
            Token::Word(word) if word.keyword == Keyword::UNION => {
                level.next_item();
                level.unions += 1;
            }
            Token::Word(word) if begins_clause(word.keyword) => level.next_item(),
            Token::Word(word) if word.quote_style.is_none() && is_operator(word.keyword) => {
                level.operators += 1;
            }
            Token::Word(_) | Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) => {}
            // Signs, dots and what else there is: more than the operators, never fewer.
            _ => level.operators += 1,
        }
        if level.depth() > DEEPEST {
            return Some(token.span);
        }
    }
    None
}

const fn begins_clause(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::GROUP | Keyword::HAVING)
}

const fn is_operator(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::AND
            | Keyword::OR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::BETWEEN
            | Keyword::DIV
            | Keyword::CASE
            | Keyword::COLLATE
            | Keyword::AT
    )
}
