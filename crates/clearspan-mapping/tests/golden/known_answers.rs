//! The captured programs talked to a deterministic mock of the model providers. `known-answers.json` holds
//! what that mock must have answered to the prompts in the captures, computed by the mock's own rules, or read from the
//! captured spans where the capture lacks what the rules need: the text or the tool calls, and the token counts (none
//! where the provider reported none). `unknown-answers.tsv` names every other model call of the captures and says why
//! there is no answer to compare. So this test does not compare the mapping with its own earlier output.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{Run, RunType, Side};
use serde::Deserialize;
use serde_json::Value;

use super::case::cases;

/// Cases of this name are written after documentation: no mock answered them.
const FROM_DOCS: &str = "/from_docs";

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
    let read = |name: &str| std::fs::read_to_string(crate::golden_folder().join("..").join(name)).unwrap();
    let known: Vec<KnownAnswer> = serde_json::from_str(&read("known-answers.json")).unwrap();
    let mut calls: BTreeMap<(String, String), Run> = BTreeMap::new();
    for case in cases().iter().filter(|case| !case.name.ends_with(FROM_DOCS)) {
        let runs = case.runs().into_iter().filter(|(_, run)| run.run_type == Some(RunType::Llm));
        calls.extend(runs.map(|(_, run)| ((case.name.clone(), run.key.run_id.to_string()), run)));
    }
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for known in &known {
        let key = (known.case.clone(), known.run.clone());
        check(known, &calls[&key]);
        assert!(told.insert(key), "told twice: {} {}", known.case, known.run);
    }
    for line in read("unknown-answers.tsv").lines() {
        let [case, run, reason] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(!reason.is_empty(), "{line}");
        assert!(told.insert((case.to_owned(), run.to_owned())), "told twice: {line}");
    }
    let calls: BTreeSet<(String, String)> = calls.into_keys().collect();
    let differs: Vec<_> = calls.symmetric_difference(&told).collect();
    assert!(differs.is_empty(), "neither known nor excused, or no model call: {differs:#?}");
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
    assert_eq!(usage.input_tokens, known.input_tokens, "{at}");
    assert_eq!(usage.output_tokens, known.output_tokens, "{at}");
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
