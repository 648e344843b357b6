//! A support agent with tools that does what it should: nothing fails, and it costs next to nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Turn, simple_tool};
use crate::demo::chat::{Call, GPT_4O_MINI, Message, ToolDef};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Origin, Trace, ms};

#[derive(Debug, Deserialize)]
struct Content {
    system: String,
    ask: String,
    turns: Vec<Turn>,
    /// What each tool answers.
    results: BTreeMap<String, Value>,
}

fn tools() -> Vec<ToolDef> {
    vec![
        ToolDef::new(
            "lookup_customer",
            "Find a customer by e-mail address.",
            &[("email", "string", "Address")],
        ),
        ToolDef::new(
            "list_charges",
            "Charges of an invoice, newest first.",
            &[("invoice", "string", "Invoice number"), ("last_days", "integer", "How far back to look")],
        ),
        ToolDef::new(
            "search_policy",
            "Search the support policy.",
            &[("query", "string", "What to look for")],
        ),
        ToolDef::new(
            "create_refund",
            "Refund a charge, at most 200 USD.",
            &[("charge", "string", "Charge id"), ("amount", "string", "Decimal amount")],
        ),
    ]
}

pub(crate) fn build(rng: &Rng) -> Trace {
    let content: Content =
        serde_json::from_str(include_str!("../content/support.json")).expect("a unit test reads this file");
    let origin = Origin::new("support-bot", "1.42.0", "production");
    let mut trace = Trace::new(Dialect::Traceloop, origin, rng.fork("support"));
    let labels = Labels {
        user: Some("joana.ferreira".into()),
        thread: Some("ticket-88120".into()),
        tags: vec!["billing"],
        metadata: vec![("channel", json!("email")), ("plan", json!("team"))],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "support-agent",
        input: Some(json!(content.ask)),
        output: content.turns.last().map(|turn| json!(turn.say)),
    };
    let root = trace.root(&step, &labels);
    let step = Step { kind: StepKind::Agent, name: "refund_agent", input: None, output: None };
    let agent = trace.step(Some(root), &step, ms(3));

    let tools = tools();
    let mut history = vec![Message::system(&content.system), Message::user(&content.ask)];
    let mut at = ms(4);
    for (idx, turn) in content.turns.iter().enumerate() {
        let reply = turn.message(&mut trace);
        let call = Call {
            tools: &tools,
            temperature: Some(0.0),
            max_tokens: Some(600),
            cached_share: if idx > 1 { 0.4 } else { 0.0 },
            ..Call::new(GPT_4O_MINI, &history, &reply)
        };
        let said = trace.chat(agent, at, None, &call);
        history.push(reply.clone());
        at = said;
        for call in &reply.tool_calls {
            let result = &content.results[&call.name];
            let took = trace.rng.between(40, 700);
            at = at.max(simple_tool(&mut trace, agent, said + ms(1), took, call, result));
            history.push(Message::tool(&call.id, result));
        }
        at += ms(2);
    }
    trace.end(agent, at);
    trace.end(root, at + ms(2));
    trace
}
