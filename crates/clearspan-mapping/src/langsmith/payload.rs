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
    match (has_half_pairs(raw), JsonText::parse(raw)) {
        (false, Ok(text)) => text,
        (true, Ok(text)) => parse(raw).map_or(text, |json| JsonText::from_trusted(json.to_text())),
        (_, Err(_)) => match parse(raw) {
            Ok(json) => JsonText::from_trusted(json.to_text()),
            Err(_) => JsonText::from_string(raw),
        },
    }
}

/// Whether an escaped surrogate stands alone, which no Unicode text can say.
fn has_half_pairs(raw: &str) -> bool {
    if !raw.contains("\\ud") && !raw.contains("\\uD") {
        return false;
    }
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        match escaped_unit(bytes, at) {
            Some(0xD800..=0xDBFF) => {
                if !matches!(escaped_unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) {
                    return true;
                }
                at += 12;
            }
            Some(0xDC00..=0xDFFF) => return true,
            _ => at += 2,
        }
    }
    false
}

/// The unit that `\uXXXX` stands for.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_halves_of_pairs_are_written_anew() {
        for whole in [
            r#"{"a":"\ud83e\udd80 \uD83E\uDD80","n":1.50E+2}"#,
            r#"{"a":"\\ud83e","b":"\\\ud83e\udd80"}"#,
            r#"{"a":"\u00e9\/\n"}"#,
        ] {
            assert_eq!(as_sent(whole).as_str(), whole);
        }
        for half in
            [r#""\ud83e""#, r#""\udd80""#, r#""\ud83e\n""#, r#""\ud83e\ud83e\udd80""#, r#""x\udd80\ud83e""#]
        {
            let text = as_sent(half);
            assert_ne!(text.as_str(), half);
            assert!(serde_json::from_str::<String>(text.as_str()).is_ok(), "{half}: {}", text.as_str());
        }
    }
}
