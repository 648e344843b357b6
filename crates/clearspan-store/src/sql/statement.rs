//! Which statements may run: one at a time, and only those that read.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{explain, limits, refused};
use crate::Result;

const ALLOWED: &str = "only SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES and SHOW COLUMNS are allowed here";

/// A statement that may run.
pub(super) enum Parsed {
    /// For the planner.
    Query(Statement),
    /// `SHOW TABLES`.
    Tables,
    /// `DESCRIBE table`, `SHOW COLUMNS FROM table`.
    Columns(String),
}

pub(super) fn parse(text: &str) -> Result<Parsed> {
    let tokens = limits::tokenize(text)?;
    if let Some(parsed) = question_about_tables(&tokens) {
        return Ok(parsed);
    }
    let readable = |err| explain::readable(err, text);
    let mut statements = DFParserBuilder::new(tokens)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(readable)?;
    let Some(statement) = statements.pop_front() else {
        return Err(refused(format!("the statement is empty; {ALLOWED}"), None));
    };
    if !statements.is_empty() {
        return Err(refused("there is more than one statement; send one at a time", None));
    }
    match &statement {
        Statement::Explain(explained) => {
            let plain = explained.to_string().to_ascii_uppercase();
            let words: Vec<&str> = plain.split_whitespace().take(2).collect();
            if matches!(words.as_slice(), [_, "ANALYZE" | "VERBOSE" | "FORMAT"])
                || plain.starts_with("EXPLAIN (")
            {
                return Err(refused("only EXPLAIN without options is allowed here", None));
            }
            only_query(&explained.statement)?;
        }
        other => only_query(other)?,
    }
    Ok(Parsed::Query(statement))
}

fn only_query(statement: &Statement) -> Result<()> {
    if let Statement::Statement(sql) = statement
        && matches!(**sql, Sql::Query(_))
    {
        return Ok(());
    }
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    Err(refused(format!("{verb} is refused: {ALLOWED}"), None))
}

/// `SHOW` and `DESCRIBE`, which are answered from the declarations of the columns: the planner would look for an
/// information schema, and there is none.
fn question_about_tables(tokens: &[TokenWithSpan]) -> Option<Parsed> {
    let solid = tokens.iter().map(|token| &token.token);
    let solid = solid.filter(|token| !matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF));
    let words: Option<Vec<String>> = solid
        .take(5)
        .map(|token| match token {
            Token::Word(word) => Some(word.value.clone()),
            _ => None,
        })
        .collect();
    let words = words?;
    let keys: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["show", "tables"] => Some(Parsed::Tables),
        ["show", "columns", "from" | "in", _]
        | ["describe" | "desc", _]
        | ["describe" | "desc", "table", _] => words.last().map(|name| Parsed::Columns(name.clone())),
        _ => None,
    }
}

/// Nothing in the plan may change anything, wherever it stands.
pub(super) fn check_plan(plan: &LogicalPlan) -> Result<()> {
    let mut has_values = false;
    let found = plan.apply_with_subqueries(|node| {
        has_values |= matches!(node, LogicalPlan::Values(_));
        Ok(TreeNodeRecursion::Continue)
    });
    if found.is_err() || has_values {
        // In a plan they look like a table that nobody has scoped.
        return Err(refused("VALUES is not offered; write SELECT … UNION ALL SELECT …", None));
    }
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options
        .verify_plan(plan)
        .map_err(|_| refused(format!("the statement changes something; {ALLOWED}"), None))
}
