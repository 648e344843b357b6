//! What keeps a statement from being larger or deeper than the planner can bear.
//!
//! The parser bounds how deep parentheses nest. Chains (`1 + 1 + …`, `a OR b OR …`, `FROM a, b, …`) become trees as deep as
//! they are long without nesting anything, and planning, running and dropping a tree all recurse. So chains are counted
//! before anything is built; the threads that plan have stacks for [`MAX_CHAIN`] ([`crate::pool`]).

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::refused;
use crate::Result;

/// Bytes of a statement.
const MAX_BYTES: usize = 1 << 20;
/// Words, numbers and signs of a statement.
const MAX_TOKENS: usize = 50_000;
/// Operators, casts, subscripts, joins and set operations together.
const MAX_CHAIN: usize = 500;
/// What a subscript of a subscript counts: the planner finds the type of each from the first on, again and again.
const SUBSCRIPT_OF_SUBSCRIPT: usize = 10;

/// The tokens of a statement that is small enough.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    if text.len() > MAX_BYTES {
        let message = format!("the statement has {} bytes; {MAX_BYTES} are allowed", text.len());
        return Err(refused(message, None));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().map_err(|err| {
        refused(format!("the statement cannot be read: {}", err.message), Some(place(text, err.location)))
    })?;
    let solid = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    if solid.count() > MAX_TOKENS {
        return Err(refused(format!("the statement has more than {MAX_TOKENS} words and signs"), None));
    }
    if chain_length(&tokens) > MAX_CHAIN {
        let message = format!(
            "the statement has more than {MAX_CHAIN} operators, joins and subscripts; use IN (…) or a smaller statement"
        );
        return Err(refused(message, None));
    }
    Ok(tokens)
}

/// How many tokens make a tree deeper without being enclosed in anything.
fn chain_length(tokens: &[TokenWithSpan]) -> usize {
    let mut was_subscript = false;
    // For each open parenthesis, whether a list of tables is being read: its commas are joins.
    let mut reads_tables = vec![false];
    let mut length = 0;
    for token in tokens {
        if token.token == Token::LBracket && was_subscript {
            length += SUBSCRIPT_OF_SUBSCRIPT - 1;
        }
        was_subscript = token.token == Token::RBracket;
        let here = reads_tables.last_mut().expect("the outermost level is never left");
        match &token.token {
            Token::LParen => {
                reads_tables.push(false);
                continue;
            }
            Token::RParen => {
                if reads_tables.len() > 1 {
                    reads_tables.pop();
                }
                continue;
            }
            Token::Word(word) => {
                match word.keyword {
                    Keyword::FROM => *here = true,
                    Keyword::SELECT
                    | Keyword::WHERE
                    | Keyword::GROUP
                    | Keyword::HAVING
                    | Keyword::ORDER
                    | Keyword::LIMIT => *here = false,
                    _ => {}
                }
                length += usize::from(CHAINING.contains(&word.keyword));
            }
            Token::Comma => length += usize::from(*here),
            Token::Whitespace(_)
            | Token::Period
            | Token::SemiColon
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::RBracket
            | Token::EOF => {}
            _ => length += 1,
        }
    }
    length
}

const CHAINING: &[Keyword] = &[
    Keyword::AND,
    Keyword::OR,
    Keyword::XOR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::SIMILAR,
    Keyword::BETWEEN,
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::JOIN,
    Keyword::COLLATE,
    Keyword::AT,
    Keyword::WITH,
    Keyword::CASE,
];

/// The bytes of a text at a line and column that count from one.
pub(super) fn place(text: &str, location: Location) -> Range<usize> {
    let line_number = usize::try_from(location.line).unwrap_or(1).max(1);
    let column = usize::try_from(location.column).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line_number - 1).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let offset = line.char_indices().nth(column - 1).map_or(line.trim_end().len(), |(at, _)| at);
    let start = (before + offset).min(text.len());
    let width = text.get(start..).map_or(0, |rest| {
        let word: usize =
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
        word.max(rest.chars().next().map_or(0, char::len_utf8))
    });
    start..start + width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_counted_and_lists_are_not() {
        let length = |text: &str| {
            chain_length(&Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().unwrap())
        };
        assert_eq!(length("select a, b, c from runs where a in (1, 2, 3)"), 0);
        assert_eq!(length("select 1+1+1"), 2);
        assert_eq!(length("select * from a, b, (select x, y from c, d) where x or y"), 5);
        assert_eq!(length("select * from a join b using (x) union select x::int"), 4);
        assert_eq!(length("select a['x'], a['y'], a['z'][0]"), 3 + SUBSCRIPT_OF_SUBSCRIPT);
        assert_eq!(length("))))select 1"), 0);
    }

    #[test]
    fn places_are_bytes() {
        let text = "sélect\n  ☃ frm";
        let at = |line, column| text.get(place(text, Location { line, column }));
        assert_eq!(at(2, 5), Some("frm"));
        assert_eq!(at(1, 1), Some("sélect"));
        assert_eq!(place(text, Location { line: 9, column: 9 }), text.len()..text.len());
    }
}
