//! `inputs` and `outputs`: what they say is read, and how they were sent is kept.

use clearspan_model::{IssueKind, JsonText, Payload, Run, Side};

use super::document::Members;
use super::extra::generations;
use super::{INPUTS, OUTPUTS};
use crate::engine::Draft;
use crate::json::{Json, parse};

const SIDES: [(Side, &str, &str, &str); 2] =
    [(Side::Input, "inputs", "run:inputs", INPUTS), (Side::Output, "outputs", "run:outputs", OUTPUTS)];

pub(super) fn map(draft: &mut Draft, members: &Members<'_>) {
    for (side, name, source, _) in SIDES {
        let Some(raw) = members.raw(name) else { continue };
        draft.set_source(source);
        match parse(raw) {
            Ok(json) if json.is_blank() => {}
            Ok(json) => {
                draft.offer_payload(side, &json);
                if side == Side::Output {
                    name_model(draft, &json);
                }
            }
            Err(_) if JsonText::parse(raw).is_ok() => {
                draft.issue(
                    IssueKind::Truncated,
                    name,
                    "it is too large or too deep to look for messages in it",
                );
            }
            Err(why) => draft.issue(IssueKind::Unusable, name, format!("it is no JSON: {why}")),
        }
    }
}

/// LangChain tells with each answer which model gave it.
fn name_model(draft: &mut Draft, outputs: &Json<'_>) {
    let of_message = generations(outputs).into_iter().find_map(|generation| {
        let message = generation.get("message")?;
        message.get("kwargs").unwrap_or(message).get("response_metadata")?.first(&["model_name", "model"])
    });
    let of_call = || outputs.get("llm_output")?.first(&["model_name", "model"]);
    if let Some(model) = of_message.or_else(of_call).and_then(Json::as_text).filter(|model| !model.is_empty())
    {
        draft.offer_raw_model(&model.decode());
    }
}

/// Both sides as they were sent.
#[derive(Debug)]
pub(super) struct Sent<'a>([Option<&'a str>; 2]);

impl<'a> Sent<'a> {
    pub(super) fn of(members: &Members<'a>) -> Self {
        Self(SIDES.map(|(_, name, ..)| {
            members.raw(name).filter(|raw| !matches!(*raw, "{}" | "[]" | "\"\"") && !is_blank(raw))
        }))
    }

    /// Lets the run give back what was sent.
    pub(super) fn keep(self, run: &mut Run) {
        for (raw, (side, _, _, attribute)) in self.0.into_iter().zip(SIDES) {
            let Some(raw) = raw else { continue };
            let payload = match side {
                Side::Input => &mut run.inputs,
                Side::Output => &mut run.outputs,
            };
            let is_whole = payload.messages.is_empty();
            if is_whole && payload.rest.as_ref().is_some_and(|rest| rest.as_str() == raw) {
                continue;
            }
            let text = as_sent(raw);
            if is_whole && !is_rebuilt(payload) {
                payload.rest = Some(text);
            } else {
                run.attributes.insert(attribute.to_owned(), text);
            }
        }
    }
}

/// `{ }` with any space in it.
fn is_blank(raw: &str) -> bool {
    raw.len() < 64 && parse(raw).is_ok_and(|json| json.is_blank())
}

/// A list of documents that was found is told in its own way.
fn is_rebuilt(payload: &Payload) -> bool {
    payload.rest.as_ref().is_some_and(|rest| rest.as_str().starts_with("{\"documents\":"))
}

/// The text byte for byte, where it is JSON that everyone can read: no `NaN` and no halves of surrogate pairs.
fn as_sent(raw: &str) -> JsonText {
    let has_surrogates = raw.contains("\\ud") || raw.contains("\\uD");
    match (has_surrogates, JsonText::parse(raw)) {
        (false, Ok(text)) => text,
        (true, Ok(text)) => parse(raw).map_or(text, |json| JsonText::from_trusted(json.to_text())),
        (_, Err(_)) => match parse(raw) {
            Ok(json) => JsonText::from_trusted(json.to_text()),
            Err(_) => JsonText::from_string(raw),
        },
    }
}
