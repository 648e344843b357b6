//! Requests as agents send them: each model call tells the whole conversation again.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::json;

const START: u64 = 1_795_000_000_000_000_000;
const WORDS: [&str; 24] = [
    "the", "answer", "is", "in", "a", "table", "of", "invoices", "that", "was", "sent", "last", "week", "by",
    "our", "partner", "and", "holds", "twelve", "rows", "with", "prices", "in euros", "each",
];

/// SplitMix64: the same on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a length")
    }

    fn text(&mut self, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 16);
        while out.len() < bytes {
            out.push_str(WORDS[self.below(WORDS.len())]);
            out.push(if self.below(14) == 0 { '\n' } else { ' ' });
        }
        out
    }
}

fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn int(key: &str, value: usize) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).expect("a small number")))
}

fn attribute(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A request of at least so many spans.
pub(crate) fn body(seed: u64, count: usize) -> Vec<u8> {
    let mut rng = Rng(seed + 1);
    let mut spans = Vec::new();
    while spans.len() < count {
        agent(&mut rng, &mut spans);
    }
    let resource = Resource {
        attributes: vec![
            text("service.name", "support-bot"),
            text("service.version", "1.4.2"),
            text("deployment.environment", "production"),
            text("telemetry.sdk.language", "python"),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "opentelemetry.instrumentation.openai".to_owned(),
        version: "0.47.0".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// Three to seven turns of a model call and a tool call, below one root.
fn agent(rng: &mut Rng, spans: &mut Vec<Span>) {
    let trace_id = [rng.next() | 1, rng.next()].map(u64::to_be_bytes).concat();
    let root = (rng.next() | 1).to_be_bytes().to_vec();
    let dialect = rng.below(4);
    let ask = rng.text(200);
    let mut history = vec![("system", Rng(rng.next() % 40).text(1_500)), ("user", ask.clone())];
    let mut push = |rng: &mut Rng, name: &str, parent: &[u8], id: Vec<u8>, attributes| {
        let start_time_unix_nano = START + rng.next() % 1_000_000_000;
        spans.push(Span {
            trace_id: trace_id.clone(),
            span_id: id,
            parent_span_id: parent.to_vec(),
            name: name.to_owned(),
            kind: 1,
            start_time_unix_nano,
            end_time_unix_nano: start_time_unix_nano + rng.next() % 3_000_000_000,
            attributes,
            ..Span::default()
        });
    };
    for _ in 0..3 + rng.below(5) {
        let reply = {
            let bytes = 150 + rng.below(700);
            rng.text(bytes)
        };
        let id = (rng.next() | 1).to_be_bytes().to_vec();
        push(rng, "chat gpt-4o", &root, id, model_call(dialect, &history, &reply));
        let result = {
            let bytes = 300 + rng.below(1_500);
            rng.text(bytes)
        };
        let id = (rng.next() | 1).to_be_bytes().to_vec();
        let query = rng.text(60);
        push(rng, "web_search", &root, id, tool_call(&query, &result));
        history.push(("assistant", reply));
        history.push(("tool", result));
    }
    let attributes = vec![
        text("traceloop.span.kind", "workflow"),
        text("traceloop.entity.name", "support_agent"),
        text("traceloop.entity.input", json!({ "question": ask }).to_string()),
        text("traceloop.entity.output", history.last().expect("there are turns").1.clone()),
        text("traceloop.association.properties.session_id", "thread-7"),
    ];
    let id = root.clone();
    push(rng, "support_agent.workflow", &[], id, attributes);
}

fn tool_call(query: &str, result: &str) -> Vec<KeyValue> {
    vec![
        text("traceloop.span.kind", "tool"),
        text("traceloop.entity.name", "web_search"),
        text("traceloop.entity.input", json!({ "query": query }).to_string()),
        text("traceloop.entity.output", result),
        text("gen_ai.tool.name", "web_search"),
    ]
}

/// Half of the agents flatten their messages as OpenLLMetry does, the others as OpenInference or in JSON.
fn model_call(dialect: usize, history: &[(&str, String)], reply: &str) -> Vec<KeyValue> {
    let tokens = history.iter().map(|(_, said)| said.len()).sum::<usize>() / 4;
    let flat = |prefix: &str, role: &str, content: &str| {
        history
            .iter()
            .enumerate()
            .flat_map(|(idx, (who, said))| {
                [
                    text(format!("{prefix}.{idx}.{role}"), *who),
                    text(format!("{prefix}.{idx}.{content}"), said),
                ]
            })
            .collect::<Vec<_>>()
    };
    let mut out = vec![text("gen_ai.request.model", "gpt-4o"), text("gen_ai.system", "openai")];
    match dialect {
        0 | 1 => {
            out.push(text("llm.request.type", "chat"));
            out.extend(flat("gen_ai.prompt", "role", "content"));
            out.push(text("gen_ai.completion.0.role", "assistant"));
            out.push(text("gen_ai.completion.0.content", reply));
            out.push(int("gen_ai.usage.input_tokens", tokens));
            out.push(int("gen_ai.usage.output_tokens", reply.len() / 4));
        }
        2 => {
            out.push(text("openinference.span.kind", "LLM"));
            out.extend(flat("llm.input_messages", "message.role", "message.content"));
            out.push(text("llm.output_messages.0.message.role", "assistant"));
            out.push(text("llm.output_messages.0.message.content", reply));
            out.push(int("llm.token_count.prompt", tokens));
            out.push(int("llm.token_count.completion", reply.len() / 4));
        }
        _ => {
            let message =
                |role: &str, said: &str| json!({"role": role, "parts": [{"type": "text", "content": said}]});
            let messages: Vec<_> = history.iter().map(|(role, said)| message(role, said)).collect();
            out.push(text("gen_ai.operation.name", "chat"));
            out.push(text("gen_ai.input.messages", serde_json::Value::Array(messages).to_string()));
            out.push(text("gen_ai.output.messages", json!([message("assistant", reply)]).to_string()));
            out.push(int("gen_ai.usage.input_tokens", tokens));
            out.push(int("gen_ai.usage.output_tokens", reply.len() / 4));
            out.push(text("gen_ai.conversation.id", "thread-7"));
        }
    }
    out
}
