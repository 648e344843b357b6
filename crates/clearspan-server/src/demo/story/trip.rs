//! The featured trace: a trip planner whose currency tool fails, is retried, and makes the agent escalate to an
//! expensive model with an ever longer history. The answer then misses a field, and the run fails at its very end.

mod agents;
mod tools;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Turn, ask};
use crate::demo::chat::{CLAUDE_SONNET, Call, EMBEDDING_LARGE, GPT_5_MINI, Message};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Failure, Micros, Origin, SpanIdx, Trace, int, ms};

#[derive(Debug, Deserialize)]
struct Page {
    url: String,
    title: String,
    text: String,
}

/// The words of the story, `content/trip.json`.
#[derive(Debug, Deserialize)]
struct Content {
    request: String,
    systems: BTreeMap<String, String>,
    guardrail: Guardrail,
    plan: String,
    research: BTreeMap<String, Vec<Turn>>,
    budget: Vec<Turn>,
    itinerary: String,
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
struct Guardrail {
    system: String,
    reply: String,
}

impl Content {
    fn load() -> Self {
        serde_json::from_str(include_str!("../content/trip.json")).expect("a unit test reads this file")
    }

    fn system(&self, name: &str) -> Message {
        Message::system(&self.systems[name])
    }
}

const VALIDATION_STACK: &str = r#"Traceback (most recent call last):
  File "/app/northwind/planner/run.py", line 88, in run
    itinerary = await guardrail_output(draft)
  File "/app/northwind/guardrails/output.py", line 41, in guardrail_output
    return validate_itinerary(json.loads(block))
  File "/app/northwind/guardrails/schema.py", line 27, in validate_itinerary
    return Itinerary.model_validate(payload)
pydantic_core._pydantic_core.ValidationError: 1 validation error for Itinerary
total_eur
  Input should be a valid number [type=float_type, input_value=None, input_type=NoneType]"#;

pub(crate) fn build(rng: &Rng) -> Trace {
    let content = Content::load();
    let origin = Origin::new("trip-planner", "2026.11.3", "production");
    let mut trace = Trace::new(Dialect::GenAi, origin, rng.fork("trip"));
    let labels = Labels {
        user: Some("usr_20418".into()),
        thread: Some("thr_7Hq2LmZ".into()),
        tags: vec!["travel", "agents", "autumn-campaign"],
        metadata: vec![
            ("plan", json!("pro")),
            ("prompt_version", json!("budget-agent v14")),
            ("party_size", json!(2)),
        ],
    };
    let input = Some(json!({"messages": [{"role": "user", "content": content.request}]}));
    let step = Step { kind: StepKind::Workflow, name: "trip-planner", input, output: None };
    let root = trace.root(&step, &labels);

    let at = check_input(&mut trace, root, ms(4), &content);
    let at = plan(&mut trace, root, at + ms(3), &content);
    let at = index_documents(&mut trace, root, at + ms(3), &content);
    let (at, notes) = agents::research(&mut trace, root, at + ms(4), &content);
    let (at, verdict) = agents::check_budget(&mut trace, root, at + ms(5), &content, &notes);
    let at = compose(&mut trace, root, at + ms(4), &content, &format!("{notes}\n\n{verdict}"));
    let at = check_output(&mut trace, root, at + ms(2), &content);
    let failure = Failure { kind: "AgentError", message: "run failed in guardrail.output", stack: None };
    trace.fail(root, at + ms(4), failure);
    trace
}

fn check_input(trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content) -> Micros {
    let step = Step {
        kind: StepKind::Guardrail,
        name: "guardrail.input",
        input: Some(json!(content.request)),
        output: Some(json!({"allowed": true})),
    };
    let span = trace.step(Some(root), &step, start);
    let history = [Message::system(&content.guardrail.system), Message::user(&content.request)];
    let end = ask(trace, span, start + ms(3), "classify", GPT_5_MINI, &history, &content.guardrail.reply);
    trace.end(span, end + ms(2));
    end + ms(2)
}

fn plan(trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content) -> Micros {
    let span = trace.chain(root, "plan", start);
    let history = [content.system("planner"), Message::user(&content.request)];
    let reply = Message::assistant(&content.plan);
    let call = Call {
        temperature: Some(0.2),
        max_tokens: Some(4_096),
        cached_share: 0.35,
        ..Call::new(CLAUDE_SONNET, &history, &reply)
    };
    let end = trace.chat(span, start + ms(2), None, &call);
    trace.end(span, end + ms(1));
    end + ms(1)
}

/// Splits the travel guides into passages and embeds them eight at a time.
fn index_documents(trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content) -> Micros {
    let span = trace.chain(root, "index_documents", start);
    let passages: Vec<_> = content.pages.iter().flat_map(|page| page.text.split("\n\n")).collect();
    trace.set(span, [int("langsmith.metadata.passages", passages.len() as u64)]);
    let mut batch_start = start + ms(2);
    let mut end = batch_start;
    for batch in passages.chunks(passages.len().div_ceil(2)) {
        let batch_span = trace.chain(span, "index_batch", batch_start);
        let mut batch_end = batch_start;
        for (idx, passage) in (0u64..).zip(batch) {
            let at = batch_start + ms(1 + idx % 8 * 6 + idx / 8 * 40);
            batch_end = batch_end.max(trace.embed(batch_span, at, EMBEDDING_LARGE, &[passage]));
        }
        trace.end(batch_span, batch_end + ms(2));
        end = batch_end + ms(2);
        batch_start += (end - batch_start) / 3;
    }
    trace.end(span, end + ms(3));
    end + ms(3)
}

fn compose(trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content, notes: &str) -> Micros {
    let step = Step { kind: StepKind::Agent, name: "compose_itinerary", input: None, output: None };
    let span = trace.step(Some(root), &step, start);
    let history = [
        content.system("compose_itinerary"),
        Message::user(format!("{}\n\n# Notes of the researchers\n\n{notes}", content.request)),
    ];
    let reply = Message::assistant(&content.itinerary);
    let call = Call {
        temperature: Some(0.4),
        max_tokens: Some(8_192),
        ..Call::new(CLAUDE_SONNET, &history, &reply)
    };
    let end = trace.chat(span, start + ms(1), None, &call);
    trace.output(span, &json!(content.itinerary));
    trace.end(span, end + ms(2));
    end + ms(2)
}

/// The draft has no `total_eur`, because the currency tool never answered: this is where the run breaks.
fn check_output(trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content) -> Micros {
    let step = Step {
        kind: StepKind::Guardrail,
        name: "guardrail.output",
        input: Some(json!(content.itinerary)),
        output: None,
    };
    let span = trace.step(Some(root), &step, start);
    let draft = json!({
        "days": 10,
        "bookings": ["Ryokan Momijiya", "Chichu 10:15", "AY 1740"],
        "total_eur": null,
        "assumptions": ["rate from cache"],
    });
    let step = Step { kind: StepKind::Chain, name: "validate_itinerary", input: Some(draft), output: None };
    let validate = trace.step(Some(span), &step, start + ms(1));
    let failure = Failure {
        kind: "ValidationError",
        message: "1 validation error for Itinerary: total_eur — input should be a valid number (type=float_type)",
        stack: Some(VALIDATION_STACK),
    };
    trace.fail(validate, start + ms(39), failure);
    let failure =
        Failure { kind: "GuardrailFailed", message: "output rejected by schema Itinerary@v7", stack: None };
    trace.fail(span, start + ms(41), failure);
    start + ms(41)
}
