//! The texts of a run that are searched, and tests on them; the same for every engine.
//!
//! [`clearspan_query::fulltext`] says what a search finds in a text. This module says which texts a run has.

use std::ops::ControlFlow;

use clearspan_model::{ErrorKind, JsonText, Run, Side};
use clearspan_query::fulltext::{Matcher, for_each_text};
use clearspan_query::{Field, Op};

use crate::error::Context;
use crate::{Result, text};

/// A text as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text<'a> {
    /// As it is.
    Plain(&'a str),
    /// JSON, which may hold many.
    Json(&'a str),
}

/// A test of texts, ready to be made many times.
#[derive(Debug, Clone)]
pub(crate) enum TextTest {
    /// A search.
    Search(Matcher),
    /// Any other test.
    Op(Op),
}

impl TextTest {
    pub(crate) fn new(op: &Op) -> Result<Self> {
        Ok(match op {
            Op::Search(search) => Self::Search(
                Matcher::new(search)
                    .map_err(|complaint| std::io::Error::other(complaint.to_string()))
                    .context(ErrorKind::InvalidInput, || "the search is not valid".into())?,
            ),
            op => Self::Op(op.clone()),
        })
    }

    /// Whether what stands at a place in a JSON text passes; see [`Field::InputAt`].
    pub(crate) fn holds_at(&self, json: &str, path: &[&str]) -> bool {
        let Some(last) = path.last() else { return false };
        // Most runs have no such key, and need not be read to their end.
        if !json.contains(last) && !json.contains('\\') {
            return false;
        }
        serde_json::from_str(json).is_ok_and(|value| self.holds_below(&value, path))
    }

    /// The same in a message, of which nothing more than that it is there may be asked.
    pub(crate) fn holds_in_message(&self, json: &str, rest: &[&str]) -> bool {
        match rest {
            [] => matches!(self, Self::Op(Op::Exists)),
            rest => self.holds_at(json, rest),
        }
    }

    fn holds_below(&self, value: &serde_json::Value, path: &[&str]) -> bool {
        use serde_json::Value;
        match (value, path) {
            (Value::Array(elements), path) => elements.iter().any(|element| self.holds_below(element, path)),
            (Value::Object(members), [key, rest @ ..]) => {
                // Keys may have dots of their own.
                members.get(*key).is_some_and(|member| self.holds_below(member, rest))
                    || (!rest.is_empty()
                        && members.get(&path.join(".")).is_some_and(|member| self.holds_below(member, &[])))
            }
            (_, [_, ..]) => false,
            (Value::String(text), []) => self.holds(Text::Plain(text)),
            (Value::Number(number), []) => self.holds(Text::Plain(&number.to_string())),
            (Value::Bool(yes), []) => self.holds(Text::Plain(if *yes { "true" } else { "false" })),
            (Value::Null | Value::Object(_), []) => matches!(self, Self::Op(Op::Exists)),
        }
    }

    /// Whether a text, or one of those that it holds, passes.
    pub(crate) fn holds(&self, text: Text<'_>) -> bool {
        match (self, text) {
            (Self::Search(matcher), Text::Plain(text)) => matcher.is_match(text),
            (Self::Search(matcher), Text::Json(json)) => matcher.is_match_in_json(json),
            (Self::Op(op), Text::Plain(text)) => text::matches(text, op),
            (Self::Op(op), Text::Json(json)) => for_each_text(json, |text| match text::matches(text, op) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
            .is_break(),
        }
    }
}

/// The keys of a place in a payload, for the field that means what stands there.
pub(crate) fn path_of(field: &Field) -> Option<Vec<&str>> {
    match field {
        Field::InputAt(path) | Field::OutputAt(path) => Some(path.split('.').collect()),
        _ => None,
    }
}

/// The messages of a payload stand under this key.
const MESSAGES: &str = "messages";

/// What is left of a path inside of each message; `None` for a path to somewhere else.
pub(crate) fn path_in_message<'p, 'f>(path: &'p [&'f str]) -> Option<&'p [&'f str]> {
    match path {
        [MESSAGES, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Whether a field is made of many texts.
fn has_many(field: &Field) -> bool {
    matches!(field, Field::Text | Field::Input | Field::Output | Field::InputAt(_) | Field::OutputAt(_))
}

/// Whether a test looks at texts, and so at every run of a trace.
pub(crate) fn looks_at_texts(field: &Field, op: &Op) -> bool {
    has_many(field) || (*field == Field::Error && matches!(op, Op::Search(_)))
}

/// Whether `test` holds for any text of a field of a run.
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(
        dead_code,
        reason = "the native engine looks at its columns; the in-memory engine does not have any"
    )
)]
pub(crate) fn any_of_run(run: &Run, field: &Field, test: &TextTest) -> bool {
    let json = |text: &JsonText| test.holds(Text::Json(text.as_str()));
    let plain = |text: &String| test.holds(Text::Plain(text));
    let side = |side: Side| {
        let payload = if side == Side::Input { &run.inputs } else { &run.outputs };
        let fragments = run.fragments.iter().filter(|fragment| fragment.side == side);
        payload.messages.iter().chain(&payload.rest).chain(fragments.map(|f| &f.message)).any(json)
    };
    let at = |side: Side, path: &[&str]| {
        let payload = if side == Side::Input { &run.inputs } else { &run.outputs };
        let fragments =
            run.fragments.iter().filter(|fragment| fragment.side == side).map(|fragment| &fragment.message);
        let in_messages = path_in_message(path).is_some_and(|rest| {
            payload
                .messages
                .iter()
                .chain(fragments)
                .any(|message| test.holds_in_message(message.as_str(), rest))
        });
        in_messages || payload.rest.as_ref().is_some_and(|rest| test.holds_at(rest.as_str(), path))
    };
    match field {
        Field::InputAt(path) => at(Side::Input, &path.split('.').collect::<Vec<_>>()),
        Field::OutputAt(path) => at(Side::Output, &path.split('.').collect::<Vec<_>>()),
        Field::Input => side(Side::Input),
        Field::Output => side(Side::Output),
        Field::Error => run.error.iter().any(plain),
        Field::Text => {
            run.name.iter().chain(&run.error).chain(&run.error_type).chain(&run.tags).any(plain)
                || run.metadata.values().any(json)
                || side(Side::Input)
                || side(Side::Output)
        }
        _ => false,
    }
}
