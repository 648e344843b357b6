//! The traces that are sent: agents with growing prompts, small service traces, and one very large tree.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};
use serde_json::json;

use crate::rng::Rng;
use crate::words::Words;

/// Stands for the start of a trace; every send rewrites it. An improbable number, so that the encoded bytes of a
/// time are found by searching for them.
pub(crate) const MARKER_NANOS: u64 = 0x1700_0000_0000_0000;

const MODELS: [(&str, &str); 5] = [
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4o"),
    ("anthropic", "claude-3-5-sonnet-20241022"),
    ("openai", "o3-mini"),
    ("google", "gemini-1.5-pro"),
];

fn attribute(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub(crate) fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn int(key: impl Into<String>, value: usize) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn double(key: impl Into<String>, value: f64) -> KeyValue {
    attribute(key, Value::DoubleValue(value))
}

/// Where a span stands in its trace, and when.
struct Place {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent: Option<[u8; 8]>,
    start: u64,
    end: u64,
}

fn span(name: impl Into<String>, place: &Place, attributes: Vec<KeyValue>, failed: bool) -> Span {
    let status = if failed {
        Status { code: StatusCode::Error as i32, message: "tool timed out".into() }
    } else {
        Status::default()
    };
    Span {
        trace_id: place.trace_id.to_vec(),
        span_id: place.span_id.to_vec(),
        parent_span_id: place.parent.map_or_else(Vec::new, |parent| parent.to_vec()),
        name: name.into(),
        kind: 1,
        start_time_unix_nano: place.start,
        end_time_unix_nano: place.end,
        attributes,
        status: Some(status),
        ..Span::default()
    }
}

/// How an agent's library writes a model call.
#[derive(Clone, Copy)]
enum Dialect {
    Flattened,
    OpenInference,
    GenAi,
}

struct Conversation {
    history: Vec<(&'static str, String)>,
    thread: String,
    user: String,
    dialect: Dialect,
}

/// A root chain, then turns of one model call (whose prompt holds the whole history) and one tool call.
pub(crate) fn agent(rng: &mut Rng, words: &Words, trace_id: [u8; 16], turns: Option<u64>) -> Vec<Span> {
    let turns = turns.unwrap_or_else(|| 3 + rng.below(5));
    let root = rng.span_id();
    let mut at = MARKER_NANOS;
    let (thread, user) = (format!("thread-{}", rng.below(5000)), format!("user-{}", rng.below(800)));
    let system = words.text(&mut Rng::new(rng.below(40)), 1500);
    let ask = words.text(rng, 200);
    let history = vec![("system", system), ("user", ask.clone())];
    let dialect =
        [Dialect::Flattened, Dialect::Flattened, Dialect::OpenInference, Dialect::GenAi][rng.index(4)];
    let mut talk = Conversation { history, thread, user, dialect };
    let mut spans = Vec::new();
    for turn in 0..turns {
        spans.push(model_call(rng, words, &mut talk, trace_id, root, at));
        at = spans.last().map_or(at, |span| span.end_time_unix_nano);
        if turn + 1 < turns {
            spans.push(tool_call(rng, words, &mut talk, trace_id, root, at));
            at = spans.last().map_or(at, |span| span.end_time_unix_nano);
        }
    }
    let answer = talk.history.last().map(|(_, text)| text.clone()).unwrap_or_default();
    let attributes = vec![
        text("traceloop.span.kind", "workflow"),
        text("traceloop.entity.name", "support_agent"),
        text("traceloop.entity.input", json!({"question": ask}).to_string()),
        text("traceloop.entity.output", answer),
        text("traceloop.association.properties.user_id", talk.user),
        text("traceloop.association.properties.session_id", talk.thread),
        text("app.feature", ["chat", "search", "summary"][rng.index(3)]),
    ];
    let place = Place { trace_id, span_id: root, parent: None, start: MARKER_NANOS, end: at };
    spans.push(span("support_agent.workflow", &place, attributes, false));
    spans
}

fn model_call(
    rng: &mut Rng,
    words: &Words,
    talk: &mut Conversation,
    trace_id: [u8; 16],
    root: [u8; 8],
    start: u64,
) -> Span {
    let (provider, model) = MODELS[rng.index(MODELS.len())];
    let bytes = 150 + rng.index(700);
    let reply = words.text(rng, bytes);
    let input_tokens = talk.history.iter().map(|(_, text)| text.len()).sum::<usize>() / 4;
    let call = ModelCall { provider, model, reply: &reply, input_tokens, output_tokens: reply.len() / 4 };
    let attributes = match talk.dialect {
        Dialect::Flattened => flattened(talk, &call),
        Dialect::OpenInference => openinference(talk, &call),
        Dialect::GenAi => genai(talk, &call),
    };
    let end = start + 200_000_000 + rng.below(3_000_000_000);
    let place = Place { trace_id, span_id: rng.span_id(), parent: Some(root), start, end };
    talk.history.push(("assistant", reply));
    span(format!("chat {model}"), &place, attributes, false)
}

struct ModelCall<'a> {
    provider: &'a str,
    model: &'a str,
    reply: &'a str,
    input_tokens: usize,
    output_tokens: usize,
}

fn flattened(talk: &Conversation, call: &ModelCall<'_>) -> Vec<KeyValue> {
    let mut out = vec![
        text("gen_ai.system", call.provider),
        text("gen_ai.request.model", call.model),
        text("gen_ai.response.model", call.model),
        text("llm.request.type", "chat"),
        double("gen_ai.request.temperature", 0.7),
        int("gen_ai.request.max_tokens", 1024),
    ];
    for (idx, (role, said)) in talk.history.iter().enumerate() {
        out.push(text(format!("gen_ai.prompt.{idx}.role"), *role));
        out.push(text(format!("gen_ai.prompt.{idx}.content"), said));
    }
    out.extend([
        text("gen_ai.completion.0.role", "assistant"),
        text("gen_ai.completion.0.content", call.reply),
        int("gen_ai.usage.input_tokens", call.input_tokens),
        int("gen_ai.usage.output_tokens", call.output_tokens),
        int("llm.usage.total_tokens", call.input_tokens + call.output_tokens),
        text("traceloop.association.properties.session_id", &talk.thread),
    ]);
    out
}

fn openinference(talk: &Conversation, call: &ModelCall<'_>) -> Vec<KeyValue> {
    let mut out = vec![
        text("openinference.span.kind", "LLM"),
        text("llm.model_name", call.model),
        text("llm.system", call.provider),
    ];
    for (idx, (role, said)) in talk.history.iter().enumerate() {
        out.push(text(format!("llm.input_messages.{idx}.message.role"), *role));
        out.push(text(format!("llm.input_messages.{idx}.message.content"), said));
    }
    out.extend([
        text("llm.output_messages.0.message.role", "assistant"),
        text("llm.output_messages.0.message.content", call.reply),
        int("llm.token_count.prompt", call.input_tokens),
        int("llm.token_count.completion", call.output_tokens),
        int("llm.token_count.total", call.input_tokens + call.output_tokens),
        text("session.id", &talk.thread),
        text("user.id", &talk.user),
    ]);
    out
}

fn genai(talk: &Conversation, call: &ModelCall<'_>) -> Vec<KeyValue> {
    let messages: Vec<_> = talk
        .history
        .iter()
        .map(|(role, said)| json!({"role": role, "parts": [{"type": "text", "content": said}]}))
        .collect();
    let part = json!({"type": "text", "content": call.reply});
    let reply = json!([{"role": "assistant", "parts": [part], "finish_reason": "stop"}]);
    vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", call.provider),
        text("gen_ai.request.model", call.model),
        text("gen_ai.input.messages", serde_json::Value::Array(messages).to_string()),
        text("gen_ai.output.messages", reply.to_string()),
        int("gen_ai.usage.input_tokens", call.input_tokens),
        int("gen_ai.usage.output_tokens", call.output_tokens),
        text("gen_ai.conversation.id", &talk.thread),
    ]
}

fn tool_call(
    rng: &mut Rng,
    words: &Words,
    talk: &mut Conversation,
    trace_id: [u8; 16],
    root: [u8; 8],
    start: u64,
) -> Span {
    let bytes = 300 + rng.index(1500);
    let result = words.text(rng, bytes);
    let query = words.text(rng, 60);
    let failed = rng.below(40) == 0;
    let name = ["web_search", "sql_query", "vector_search", "calculator"][rng.index(4)];
    let attributes = vec![
        text("traceloop.span.kind", "tool"),
        text("traceloop.entity.name", name),
        text("traceloop.entity.input", json!({ "query": query }).to_string()),
        text("traceloop.entity.output", &result),
        text("gen_ai.tool.name", name),
    ];
    let end = start + 10_000_000 + rng.below(800_000_000);
    let place = Place { trace_id, span_id: rng.span_id(), parent: Some(root), start, end };
    talk.history.push(("tool", result));
    span(name, &place, attributes, failed)
}

/// A generic service trace: eight spans of about 700 bytes, no prompts.
pub(crate) fn small(rng: &mut Rng, words: &Words, trace_id: [u8; 16]) -> Vec<Span> {
    let root = rng.span_id();
    (0..8u64)
        .zip(["GET /items", "db.query", "cache.get", "render"].into_iter().cycle())
        .map(|(idx, name)| {
            let attributes = vec![
                text("http.request.method", "POST"),
                text("url.path", format!("/api/v1/items/{}", rng.below(10_000))),
                int("http.response.status_code", 200),
                text("server.address", "svc.internal"),
                text("db.query.text", words.text(rng, 200)),
                text("net.peer.name", format!("host-{}", rng.below(50))),
                double("custom.score", rng.unit()),
            ];
            let start = MARKER_NANOS + idx * 1_000_000;
            let end = start + 900_000 + rng.below(9_000_000);
            let (span_id, parent) = if idx == 0 { (root, None) } else { (rng.span_id(), Some(root)) };
            span(name, &Place { trace_id, span_id, parent, start, end }, attributes, false)
        })
        .collect()
}

/// One trace of `count` spans: steps of an agent, each with a model call and eight tool calls.
pub(crate) fn tree(rng: &mut Rng, words: &Words, trace_id: [u8; 16], count: usize) -> Vec<Span> {
    const IN_A_STEP: usize = 10;
    let root = rng.span_id();
    let history = vec![("system", words.text(rng, 400)), ("user", words.text(rng, 120))];
    let mut talk = Conversation {
        history,
        thread: "thread-tree".into(),
        user: "user-tree".into(),
        dialect: Dialect::GenAi,
    };
    let mut spans = Vec::with_capacity(count);
    let mut at = MARKER_NANOS;
    while spans.len() + 1 < count {
        let step = rng.span_id();
        let start = at;
        let inside = (IN_A_STEP - 1).min(count.saturating_sub(spans.len() + 2));
        for idx in 0..inside {
            // The history stays short: this profile measures the tree, not the prompts.
            talk.history.truncate(2);
            let span = if idx == 0 {
                model_call(rng, words, &mut talk, trace_id, step, at)
            } else {
                tool_call(rng, words, &mut talk, trace_id, step, at)
            };
            at = span.end_time_unix_nano;
            spans.push(span);
        }
        let place = Place { trace_id, span_id: step, parent: Some(root), start, end: at + 1_000_000 };
        spans.push(span("step", &place, vec![text("langsmith.span.kind", "chain")], false));
        at += 1_000_000;
    }
    let attributes =
        vec![text("traceloop.span.kind", "workflow"), text("traceloop.entity.name", "large_agent")];
    let place = Place { trace_id, span_id: root, parent: None, start: MARKER_NANOS, end: at };
    spans.push(span("large_agent.workflow", &place, attributes, false));
    spans
}
