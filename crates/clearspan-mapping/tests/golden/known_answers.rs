//! The captured programs talked to a deterministic mock of the model providers. `known-answers.json` holds
//! what that mock must have answered to the prompts in the captures, computed by the mock's own rules: the
//! text or the tool calls, and the token counts where the capture holds all that went into them. So this
//! test does not compare the mapping with its own earlier output.

use std::collections::HashMap;

use clearspan_model::{Run, RunType, Side, Status};
use serde::Deserialize;
use serde_json::Value;

use super::case::cases;

/// Model calls with content that the mock did not make: written by hand, or with their texts withheld.
const UNKNOWN: usize = 19;

#[derive(Deserialize)]
struct KnownAnswer {
    case: String,
    run: String,
    model: Option<String>,
    prompt: Option<String>,
    answer: Option<String>,
    calls: Option<Value>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[test]
fn model_calls_show_what_the_mock_answered() {
    let text = std::fs::read_to_string(crate::golden_folder().join("../known-answers.json")).unwrap();
    let known: Vec<KnownAnswer> = serde_json::from_str(&text).unwrap();
    let mut runs: HashMap<(String, String), Run> = HashMap::new();
    for case in cases() {
        for (_, run) in case.runs() {
            runs.insert((case.name.clone(), run.key.run_id.to_string()), run);
        }
    }
    for known in &known {
        let run = &runs[&(known.case.clone(), known.run.clone())];
        check(known, run);
    }
    let with_content = runs.values().filter(|run| {
        run.run_type == Some(RunType::Llm)
            && run.effective_status() != Status::Error
            && !run.messages(Side::Input).is_empty()
            && !run.messages(Side::Output).is_empty()
    });
    assert_eq!(with_content.count(), known.len() + UNKNOWN);
}

fn check(known: &KnownAnswer, run: &Run) {
    let at = format!("{} {}", known.case, known.run);
    assert_eq!(run.run_type, Some(RunType::Llm), "{at}");
    assert_eq!(run.model, known.model, "{at}");
    let answer: Value = run.messages(Side::Output)[0].to_value();
    assert_eq!(answer["role"], "assistant", "{at}");
    if let Some(text) = &known.answer {
        assert_eq!(text_of(&answer["content"]), *text, "{at}");
    }
    if let Some(calls) = &known.calls {
        let told = answer["tool_calls"].as_array().unwrap();
        let told: Vec<Value> = told.iter().map(without_id).collect();
        assert_eq!(Value::Array(told), *calls, "{at}");
    }
    if let Some(prompt) = &known.prompt {
        let messages = run.messages(Side::Input);
        let last =
            messages.iter().map(clearspan_model::JsonText::to_value).rfind(|m| m["role"] == "user").unwrap();
        let said: String = text_of(&last["content"]).trim().chars().take(200).collect();
        assert_eq!(said, *prompt, "{at}");
    }
    let usage = run.usage.clone().unwrap_or_default();
    if known.input_tokens.is_some() {
        assert_eq!(usage.input_tokens, known.input_tokens, "{at}");
    }
    if known.output_tokens.is_some() {
        assert_eq!(usage.output_tokens, known.output_tokens, "{at}");
    }
}

fn without_id(call: &Value) -> Value {
    let arguments = call.get("arguments").cloned().unwrap_or(Value::Null);
    serde_json::json!({ "name": call["name"], "arguments": arguments })
}

/// The text of content; reasoning and media are not part of what the mock said.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part["type"] == "text");
            texts.map(|part| part["text"].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
