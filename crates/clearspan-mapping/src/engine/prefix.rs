//! What each target does with a family of attributes below one prefix.

use std::borrow::Cow;
use std::rc::Rc;

use clearspan_model::{JsonText, Name, Side};

use super::apply::is_silent;
use super::draft::messages_name;
use super::{Attributes, Draft, To};
use crate::json::{Json, Text};
use crate::messages::{Reader, unflatten};

impl Draft {
    /// Gives the family at this place to one target.
    pub(super) fn apply_family(
        &mut self,
        attributes: &mut Attributes<'_>,
        at: usize,
        prefix: &'static str,
        to: To,
    ) {
        let shape = Rc::clone(&attributes.shape);
        self.apply_members(attributes, prefix, shape.family(at), to);
    }

    fn apply_members(
        &mut self,
        attributes: &mut Attributes<'_>,
        prefix: &'static str,
        family: &[usize],
        to: To,
    ) {
        match to {
            To::MetadataKeys(except) => self.take_metadata_keys(attributes, prefix, family, except),
            To::MetadataGroup(name) => {
                let tree = tree(attributes, prefix, family);
                let text = JsonText::from_trusted(tree.to_text());
                if self.put_metadata(Cow::Borrowed(name), text) {
                    mark_all(attributes, family);
                }
            }
            To::Implies(strength, run_type) => {
                self.offer_type(strength, run_type);
            }
            To::FlatMessages(side) => self.take_flat_messages(attributes, prefix, family, side),
            To::FlatMessagesOr(side, key)
                if self.is_model_call()
                    || attributes.find(key).is_none_or(|idx| attributes.items[idx].raw().is_blank()) =>
            {
                self.take_flat_messages(attributes, prefix, family, side);
            }
            To::Tree(side, name) => {
                let tree = tree(attributes, prefix, family);
                if self.take_member(side, name, &tree) {
                    mark_all(attributes, family);
                }
            }
            To::ParamTree(name) => {
                let tree = tree(attributes, prefix, family);
                if self.param(name, &tree) {
                    mark_all(attributes, family);
                }
            }
            _ => {}
        }
    }

    fn take_flat_messages(
        &mut self,
        attributes: &mut Attributes<'_>,
        prefix: &str,
        family: &[usize],
        side: Side,
    ) {
        let messages = attributes
            .seen_flattened(side, prefix, family)
            .unwrap_or_else(|| Reader::flattened(side).read_flattened(&tree(attributes, prefix, family)));
        let known = &mut self.payload(side).messages;
        if known.is_empty() && !messages.is_empty() {
            *known = messages;
            self.note(messages_name(side));
            mark_all(attributes, family);
        } else if known.iter().all(is_silent) && !messages.iter().all(is_silent) {
            // LiteLLM tells an answer of calls alone as a message without parts, and the call here.
            *known = messages;
            self.note_overwritten(messages_name(side));
            mark_all(attributes, family);
        } else if *known == messages {
            // Two dialects tell the same messages; one copy is enough.
            mark_all(attributes, family);
        }
    }

    fn take_metadata_keys(
        &mut self,
        attributes: &mut Attributes<'_>,
        prefix: &str,
        family: &[usize],
        except: &[&str],
    ) {
        for idx in family {
            let item = &attributes.items[*idx];
            let Some(name) =
                item.key.strip_prefix(prefix).filter(|name| !name.is_empty() && !except.contains(name))
            else {
                continue;
            };
            let value = JsonText::from_trusted(item.json().to_text());
            self.source = Name::Owned(format!("{}{}", self.origin, item.key));
            if self.put_metadata(Cow::Borrowed(name), value) {
                attributes.mark_used(*idx);
            }
        }
    }
}

/// The tree that a family of attributes was. Text that is JSON is read where a schema or metadata stands.
fn tree<'a>(attributes: &'a Attributes<'_>, prefix: &str, family: &[usize]) -> Json<'a> {
    let mut entries = Vec::with_capacity(family.len());
    for idx in family {
        let item = &attributes.items[*idx];
        if let Some(path) = item.key.strip_prefix(prefix) {
            let is_json =
                ["metadata", "json_schema", "parameters", "vector"].iter().any(|name| path.ends_with(name));
            entries.push((path, if is_json { item.json() } else { item.raw() }));
        }
    }
    unwrap_items(unflatten(entries))
}

/// OpenInference wraps each entry of a list: `0.document.content`, `0.tool.json_schema`, `0.embedding.text`.
fn unwrap_items(json: Json<'_>) -> Json<'_> {
    let Json::Array(items) = json else { return json };
    Json::Array(items.into_iter().map(unwrap_item).collect())
}

fn unwrap_item(item: Json<'_>) -> Json<'_> {
    match item {
        Json::Object(mut members) if members.len() == 1 => {
            let is_wrapper = |name: Text<'_>| matches!(name.simple(), "tool" | "embedding" | "json_schema");
            match members.pop() {
                Some((name, inner @ Json::Object(_))) if name.simple() == "document" => rename_content(inner),
                Some((name, inner @ Json::Object(_))) if is_wrapper(name) => unwrap_item(inner),
                other => Json::Object(other.into_iter().collect()),
            }
        }
        other => other,
    }
}

/// Documents are stored with the member names of LangChain.
fn rename_content(document: Json<'_>) -> Json<'_> {
    let Json::Object(mut members) = document else { return document };
    for (name, _) in &mut members {
        if name.simple() == "content" {
            *name = Text::Clean("page_content");
        }
    }
    Json::Object(members)
}

fn mark_all(attributes: &mut Attributes<'_>, family: &[usize]) {
    for idx in family {
        attributes.mark_used(*idx);
    }
}
