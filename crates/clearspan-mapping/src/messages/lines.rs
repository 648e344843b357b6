//! Conversations as lines, each turn after its role: `system: brief`, `user: Hi`.

use clearspan_model::{JsonText, Side};

use super::Message;
use crate::json::Text;

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool"];

/// Reads text whose first line names a role. Lines that name none go on with the turn before.
pub(crate) fn read_role_lines(text: &str) -> Option<Vec<JsonText>> {
    let mut turns: Vec<(&str, String)> = Vec::new();
    for line in text.split('\n') {
        match (role_of(line), turns.last_mut()) {
            (Some((role, said)), _) => turns.push((role, said.to_owned())),
            (None, Some((_, said))) => {
                said.push('\n');
                said.push_str(line);
            }
            (None, None) => return None,
        }
    }
    let mut messages = Vec::with_capacity(turns.len());
    for (role, said) in turns {
        Message::of_text(role, Text::Plain(&said)).finish(Side::Input, &mut messages);
    }
    Some(messages)
}

fn role_of(line: &str) -> Option<(&'static str, &str)> {
    let (word, said) = line.split_once(':')?;
    let role = ROLES.iter().find(|role| **role == word)?;
    Some((role, said.strip_prefix(' ').unwrap_or(said)))
}
