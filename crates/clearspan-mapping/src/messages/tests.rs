use clearspan_model::Side;
use serde_json::{Value, json};

use super::*;
use crate::json::parse;

fn read(list: &Value, side: Side) -> Vec<Value> {
    let source = list.to_string();
    let mut out = Vec::new();
    assert!(Reader::new(side).read_list(&parse(&source).unwrap(), &mut out), "{list}");
    out.iter().map(|text| serde_json::from_str(text.as_str()).unwrap()).collect()
}

fn check(list: Value, expected: Value) {
    assert_eq!(Value::Array(read(&list, Side::Input)), expected, "{list}");
}

/// Every shape of one and the same tool round becomes the same messages.
#[test]
fn a_tool_round_of_every_provider_is_the_same() {
    let expected = json!([
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "tool_calls": [{ "id": "c1", "name": "get", "arguments": { "city": "Paris" } }] },
        { "role": "tool", "content": "21 C", "tool_call_id": "c1" },
    ]);
    // OpenAI chat.
    check(
        json!([
            { "role": "user", "content": "Weather?" },
            { "role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "get", "arguments": "{\"city\": \"Paris\"}" } },
            ] },
            { "role": "tool", "tool_call_id": "c1", "content": "21 C" },
        ]),
        expected.clone(),
    );
    // GenAI conventions.
    check(
        json!([
            { "role": "user", "parts": [{ "type": "text", "content": "Weather?" }] },
            { "role": "assistant", "name": null, "parts": [{ "type": "tool_call", "id": "c1", "name": "get", "arguments": { "city": "Paris" } }] },
            { "role": "user", "parts": [{ "type": "tool_call_response", "id": "c1", "response": "21 C" }] },
        ]),
        expected.clone(),
    );
    // Anthropic.
    check(
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "Weather?" }] },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "c1", "name": "get", "input": { "city": "Paris" } }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c1", "content": [{ "type": "text", "text": "21 C" }] }] },
        ]),
        expected.clone(),
    );
    // Bedrock Converse.
    check(
        json!([
            { "role": "user", "content": [{ "text": "Weather?" }] },
            { "role": "assistant", "content": [{ "toolUse": { "toolUseId": "c1", "name": "get", "input": { "city": "Paris" } } }] },
            { "role": "user", "content": [{ "toolResult": { "toolUseId": "c1", "status": "success", "content": [{ "text": "21 C" }] } }] },
        ]),
        expected.clone(),
    );
    // LangChain.
    let lc = |class: &str, kwargs: Value| json!({ "lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", class], "kwargs": kwargs });
    check(
        json!([[
            lc("HumanMessage", json!({ "content": "Weather?", "type": "human", "id": "x" })),
            lc(
                "AIMessage",
                json!({ "content": "", "type": "ai", "tool_calls": [{ "name": "get", "args": { "city": "Paris" }, "id": "c1", "type": "tool_call" }],
                "response_metadata": { "finish_reason": "tool_calls" }, "usage_metadata": { "input_tokens": 1 } })
            ),
            lc(
                "ToolMessage",
                json!({ "content": "21 C", "type": "tool", "tool_call_id": "c1", "status": "success" })
            ),
        ]]),
        expected.clone(),
    );
    // Vercel AI SDK.
    check(
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "Weather?" }] },
            { "role": "assistant", "content": [{ "type": "tool-call", "toolCallId": "c1", "toolName": "get", "input": { "city": "Paris" } }] },
            { "role": "tool", "content": [{ "type": "tool-result", "toolCallId": "c1", "toolName": "get", "output": { "type": "text", "value": "21 C" } }] },
        ]),
        expected.clone(),
    );
    // OpenAI Responses.
    check(
        json!([
            { "role": "user", "content": "Weather?" },
            { "type": "function_call", "call_id": "c1", "name": "get", "arguments": "{\"city\":\"Paris\"}" },
            { "type": "function_call_output", "call_id": "c1", "output": "21 C" },
        ]),
        expected.clone(),
    );
    // Genkit.
    check(
        json!([
            { "role": "user", "content": [{ "text": "Weather?" }] },
            { "role": "model", "content": [{ "toolRequest": { "name": "get", "ref": "c1", "input": { "city": "Paris" } } }] },
            { "role": "tool", "content": [{ "toolResponse": { "name": "get", "ref": "c1", "output": "21 C" } }] },
        ]),
        expected,
    );
}

#[test]
fn media_of_every_provider() {
    let image = json!([{ "role": "user", "content": [{ "type": "image", "data": "AA==", "mime_type": "image/png" }] }]);
    for part in [
        json!({ "type": "blob", "modality": "image", "mime_type": "image/png", "content": "AA==" }),
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } }),
        json!({ "type": "image", "source_type": "base64", "mime_type": "image/png", "data": "AA==" }),
        json!({ "type": "file", "mediaType": "image/png", "data": "AA==" }),
        json!({ "type": "binary", "media_type": "image/png", "content": "AA==" }),
        json!({ "inlineData": { "mimeType": "image/png", "data": "AA==" } }),
        json!({ "image": { "format": "png", "source": { "bytes": "AA==" } } }),
    ] {
        check(json!([{ "role": "user", "content": [part] }]), image.clone());
    }
    let link = json!([{ "role": "user", "content": [{ "type": "image", "url": "https://x/a.png" }] }]);
    for part in [
        json!({ "type": "image_url", "image_url": { "url": "https://x/a.png" } }),
        json!({ "type": "input_image", "image_url": "https://x/a.png" }),
        json!({ "type": "image-url", "url": "https://x/a.png" }),
        json!({ "type": "uri", "modality": "image", "uri": "https://x/a.png" }),
        json!({ "type": "image", "image": { "image": { "url": "https://x/a.png" } } }),
    ] {
        check(json!([{ "role": "user", "content": [part] }]), link.clone());
    }
    check(
        json!([{ "role": "user", "content": [{ "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } }] }]),
        json!([{ "role": "user", "content": [{ "type": "audio", "data": "AA==", "mime_type": "audio/wav" }] }]),
    );
    check(
        json!([{ "role": "user", "content": [
            { "type": "audio", "audio": { "audio": { "url": "s3://b/a.wav", "mime_type": "audio/wav", "transcript": "hi" } } },
        ] }]),
        json!([{ "role": "user", "content": [
            { "type": "audio", "url": "s3://b/a.wav", "mime_type": "audio/wav", "transcript": "hi" },
        ] }]),
    );
}

#[test]
fn reasoning_of_every_provider() {
    let expected = json!([{ "role": "assistant", "content": [
        { "type": "reasoning", "text": "Hm" }, { "type": "text", "text": "Yes" },
    ] }]);
    for message in [
        json!({ "role": "assistant", "parts": [{ "type": "reasoning", "content": "Hm" }, { "type": "text", "content": "Yes" }] }),
        json!({ "role": "assistant", "content": [{ "type": "thinking", "thinking": "Hm" }, { "type": "text", "text": "Yes" }] }),
        json!({ "role": "assistant", "content": "Yes", "reasoning_content": "Hm" }),
        json!({ "role": "model", "parts": [{ "text": "Hm", "thought": true }, { "text": "Yes" }] }),
        json!({ "role": "assistant", "content": [{ "reasoningContent": { "reasoningText": { "text": "Hm" } } }, { "text": "Yes" }] }),
    ] {
        check(json!([message]), expected.clone());
    }
    check(
        json!([
            { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "Hm" }] },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Yes", "annotations": [] }] },
        ]),
        expected,
    );
}

/// The store keeps equal messages once, so what is said again must be the same text.
#[test]
fn an_answer_that_becomes_history_differs_by_its_finish_reason_only() {
    let answer = json!([{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "Ho\u{e9}\n", "refusal": null } }]);
    let history = json!([{ "role": "assistant", "content": [{ "type": "text", "text": "Ho\u{e9}\n" }], "finish_reason": "stop" }]);
    let mut said = Vec::new();
    let mut repeated = Vec::new();
    Reader::new(Side::Output).read_list(&parse(&answer.to_string()).unwrap(), &mut said);
    let escaped = history.to_string().replace('\u{e9}', "\\u00e9");
    Reader::new(Side::Input).read_list(&parse(&escaped).unwrap(), &mut repeated);
    assert_eq!(
        said[0].as_str(),
        "{\"role\":\"assistant\",\"content\":\"Ho\u{e9}\\n\",\"finish_reason\":\"stop\"}"
    );
    assert_eq!(repeated[0].as_str(), "{\"role\":\"assistant\",\"content\":\"Ho\u{e9}\\n\"}");
}

#[test]
fn whole_payloads_are_split() {
    let split = |json: Value, side, is_model_call| {
        let source = json.to_string();
        let payload = read_payload(&parse(&source).unwrap(), side, is_model_call);
        let messages: Vec<Value> = payload.messages.iter().map(JsonText::to_value).collect();
        (json!(messages), payload.rest.map_or(Value::Null, |rest| rest.to_value()))
    };
    assert_eq!(
        split(
            json!({ "model": "m", "system": "Be brief", "messages": [{ "role": "user", "content": "hi" }] }),
            Side::Input,
            true
        ),
        (
            json!([{ "role": "system", "content": "Be brief" }, { "role": "user", "content": "hi" }]),
            json!({ "model": "m" })
        )
    );
    assert_eq!(
        split(
            json!({ "id": "r", "choices": [{ "message": { "role": "assistant", "content": "ho" }, "finish_reason": "stop" }] }),
            Side::Output,
            true
        ),
        (json!([{ "role": "assistant", "content": "ho", "finish_reason": "stop" }]), json!({ "id": "r" }))
    );
    assert_eq!(
        split(
            json!({ "id": "m", "type": "message", "role": "assistant", "content": [{ "type": "text", "text": "ho" }], "stop_reason": "end_turn" }),
            Side::Output,
            true
        ),
        (
            json!([{ "role": "assistant", "content": "ho", "finish_reason": "end_turn" }]),
            json!({ "id": "m" })
        )
    );
    assert_eq!(
        split(json!("hi"), Side::Input, true),
        (json!([{ "role": "user", "content": "hi" }]), Value::Null)
    );
    assert_eq!(split(json!("hi"), Side::Input, false), (json!([]), json!("hi")));
    assert_eq!(split(json!({ "input": "hi" }), Side::Input, false), (json!([]), json!({ "input": "hi" })));
    assert_eq!(
        split(json!({ "state": 1, "messages": [{ "type": "human", "content": "hi" }] }), Side::Input, false),
        (json!([{ "role": "user", "content": "hi" }]), json!({ "state": 1 }))
    );
    assert_eq!(split(json!([1, 2]), Side::Output, true), (json!([]), json!([1, 2])));
}

#[test]
fn flattened_trees_survive_strange_paths() {
    let entries = [("10.a", 10), ("2.a", 2), ("2.b.x", 3), ("2.b", 4), ("", 5), ("4294967295.a", 6)];
    let tree = unflatten(entries.iter().map(|(path, number)| (*path, Json::Int(*number))).collect());
    assert_eq!(tree.to_text(), r#"{"":5,"10":{"a":10},"2":{"a":2,"b":{"":4,"x":3}},"4294967295":{"a":6}}"#);
    let many: Vec<_> = (0..20_000).rev().map(|idx| format!("{idx}.content")).collect();
    let tree = unflatten(many.iter().map(|path| (path.as_str(), Json::Null)).collect());
    assert_eq!(tree.items().map(<[_]>::len), Some(20_000));
}

/// AutoGen's results of functions stand beside a message that says nothing; smolagents leaves out the number of its one
/// message; OpenLLMetry tells thoughts, with the finish reason, as a message before the answer.
#[test]
fn flattened_oddities() {
    let read = |side, entries: Vec<(&str, Json<'_>)>| {
        let messages = Reader::flattened(side).read_flattened(&unflatten(entries));
        json!(messages.iter().map(JsonText::to_value).collect::<Vec<_>>())
    };
    let result = r#"{"name": "get_weather", "content": "21 C", "call_id": "c1", "is_error": true}"#;
    assert_eq!(
        read(
            Side::Input,
            vec![("0.message.role", Json::text("function")), ("0.function.0", Json::text(result))]
        ),
        json!([{ "role": "tool", "content": "21 C", "tool_call_id": "c1", "is_error": true }])
    );
    assert_eq!(
        read(
            Side::Output,
            vec![
                ("tool_calls.0.tool_call.function.name", Json::text("get")),
                ("tool_calls.0.tool_call.function.arguments", Json::text("{\"a\":1}")),
            ]
        ),
        json!([{ "role": "assistant", "tool_calls": [{ "name": "get", "arguments": { "a": 1 } }] }])
    );
    assert_eq!(
        read(
            Side::Output,
            vec![
                ("0.role", Json::text("thinking")),
                ("0.content", Json::text("Hm")),
                ("0.finish_reason", Json::text("end_turn")),
                ("1.role", Json::text("assistant")),
                ("1.content", Json::text("Yes")),
            ]
        ),
        json!([{ "role": "assistant", "finish_reason": "end_turn", "content": [
            { "type": "reasoning", "text": "Hm" }, { "type": "text", "text": "Yes" },
        ] }])
    );
}

#[test]
fn roles_have_many_names() {
    for (role, expected) in [
        ("human", "user"),
        ("MessageRole.USER", "user"),
        ("tool-call", "assistant"),
        ("tool-response", "tool"),
        ("function", "tool"),
        ("critic", "critic"),
    ] {
        check(
            json!([{ "role": role, "content": "hello" }]),
            json!([{ "role": expected, "content": "hello" }]),
        );
    }
}
