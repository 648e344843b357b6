//! What happened: each module tells the story of one kind of trace, and leaves its words to `content/`.

pub(super) mod background;
pub(super) mod contract;
pub(super) mod invoice;
pub(super) mod rag;
pub(super) mod showcase;
pub(super) mod support;
pub(super) mod thread;
pub(super) mod trip;

use serde_json::Value;

use super::chat::{Call, Message, ToolCall};
use super::dialect::ToolRun;
use super::trace::{Micros, SpanIdx, Trace, ms};

/// Something a model says and the tools that it calls by saying it.
#[derive(Debug, serde::Deserialize)]
struct Turn {
    say: String,
    /// Names and arguments.
    #[serde(default)]
    tools: Vec<(String, Value)>,
}

impl Turn {
    /// The message, with fresh ids for the calls.
    fn message(&self, trace: &mut Trace) -> Message {
        let calls = self
            .tools
            .iter()
            .map(|(name, arguments)| ToolCall {
                id: format!("call_{}", trace.rng.token(20)),
                name: name.clone(),
                arguments: arguments.clone(),
            })
            .collect();
        Message::assistant(&self.say).calling(calls)
    }
}

/// Runs a tool that has nothing inside and does not fail; returns when it ended.
fn simple_tool(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    took_ms: u64,
    call: &ToolCall,
    result: &Value,
) -> Micros {
    let run = ToolRun {
        name: &call.name,
        call_id: Some(&call.id),
        arguments: &call.arguments,
        result: Some(result),
    };
    let span = trace.tool(parent, start, &run);
    trace.end(span, start + ms(took_ms));
    start + ms(took_ms)
}

/// One question to a model that answers without tools; returns when it ended.
fn ask(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    name: &str,
    model: super::chat::Model,
    history: &[Message],
    reply: &str,
) -> Micros {
    let reply = Message::assistant(reply);
    let call = Call { streaming: false, temperature: Some(0.0), ..Call::new(model, history, &reply) };
    trace.chat(parent, start, Some(name), &call)
}
