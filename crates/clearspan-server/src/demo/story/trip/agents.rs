//! The agents of the trip: each thinks, calls tools in parallel, reads the results, and sends everything again.

use serde_json::{Value, json};

use super::tools::{self, Outcome};
use super::{Content, Turn};
use crate::demo::chat::{CLAUDE_OPUS, CLAUDE_SONNET, Call, GPT_5_MINI, Message, Model, ToolDef};
use crate::demo::dialect::{Step, StepKind};
use crate::demo::trace::{Micros, SpanIdx, Trace, ms, text};

const RESEARCHERS: [(&str, &str); 3] = [
    ("research_flights", "Find return flights from Lisbon for two adults, 14–23 November."),
    (
        "research_hotels",
        "Find five nights in Kyoto, two in a ryokan with onsen, one on Naoshima; vegetarian dinners.",
    ),
    (
        "research_activities",
        "Collect museums, gardens and food by neighbourhood, with opening days and reservations.",
    ),
];

/// Three researchers side by side; returns when the last one ended, and what they found.
pub(super) fn research(
    trace: &mut Trace,
    root: SpanIdx,
    start: Micros,
    content: &Content,
) -> (Micros, String) {
    let mut end = start;
    let mut notes = Vec::new();
    for (idx, (name, task)) in (0u64..).zip(RESEARCHERS) {
        let turns = &content.research[name];
        let agent = Agent { name, task: task.to_owned(), turns, models: &[GPT_5_MINI], caches: true };
        let (agent_end, note) = agent.run(trace, root, start + ms(idx * 420), content);
        end = end.max(agent_end);
        notes.push(note);
    }
    (end, notes.join("\n\n"))
}

/// The agent that spends the money: no prompt cache, and the expensive model from the fourth turn.
pub(super) fn check_budget(
    trace: &mut Trace,
    root: SpanIdx,
    start: Micros,
    content: &Content,
    notes: &str,
) -> (Micros, String) {
    let agent = Agent {
        name: "budget_check",
        task: format!("Prove that the trip stays below €6,200.\n\n{notes}"),
        turns: &content.budget,
        models: &[CLAUDE_SONNET, CLAUDE_SONNET, CLAUDE_SONNET, CLAUDE_OPUS],
        caches: false,
    };
    agent.run(trace, root, start, content)
}

struct Agent<'a> {
    name: &'a str,
    task: String,
    turns: &'a [Turn],
    /// The model of each turn; the last one stays.
    models: &'a [Model],
    caches: bool,
}

impl Agent<'_> {
    /// Runs to the end; returns when that was, and the last answer.
    fn run(&self, trace: &mut Trace, root: SpanIdx, start: Micros, content: &Content) -> (Micros, String) {
        let step =
            Step { kind: StepKind::Agent, name: self.name, input: Some(json!(self.task)), output: None };
        let span = trace.step(Some(root), &step, start);
        let mut history = vec![content.system(self.name), Message::user(&self.task)];
        let offered = tools::offered(self.name);
        let mut at = start + ms(2);
        for (idx, turn) in self.turns.iter().enumerate() {
            let model = self.models[idx.min(self.models.len() - 1)];
            at = self.turn(
                trace,
                span,
                at,
                &TurnArgs { turn, model, idx, offered: &offered, content },
                &mut history,
            );
        }
        let answer = history.last().map(|message| message.text.clone()).unwrap_or_default();
        trace.output(span, &json!(answer));
        trace.end(span, at + ms(1));
        (at + ms(1), answer)
    }

    /// One turn: the model speaks, its tools run, their results join the history.
    fn turn(
        &self,
        trace: &mut Trace,
        agent: SpanIdx,
        start: Micros,
        args: &TurnArgs<'_>,
        history: &mut Vec<Message>,
    ) -> Micros {
        let TurnArgs { turn, model, idx, offered, content } = args;
        let step = trace.chain(agent, "step", start);
        let reply = turn.message(trace);
        let cached_share = match (self.caches, idx) {
            (true, 1..) => 0.55 + trace.rng.unit() * 0.3,
            (false, 1..) if trace.rng.chance(0.3) => 0.05,
            _ => 0.0,
        };
        let call = Call {
            tools: offered,
            temperature: Some(0.3),
            max_tokens: Some(4_096),
            cached_share,
            ..Call::new(*model, history, &reply)
        };
        let mut end = trace.chat(step, start + ms(1), None, &call);
        let tools_start = end + ms(1);
        history.push(reply.clone());
        for (idx, call) in (0u64..).zip(&reply.tool_calls) {
            let outcome = tools::run(trace, step, tools_start + ms(idx * 3), call, content);
            history.push(Message::tool(&call.id, &outcome.result));
            end = end.max(outcome.end);
            if outcome.failed {
                end = escalate(trace, step, end + ms(1), &outcome);
            }
        }
        trace.end(step, end + ms(1));
        end + ms(3)
    }
}

struct TurnArgs<'a> {
    turn: &'a Turn,
    model: Model,
    idx: usize,
    offered: &'a [ToolDef],
    content: &'a Content,
}

/// The router's answer to a failed tool: a better model for the rest of the agent's life.
fn escalate(trace: &mut Trace, parent: SpanIdx, start: Micros, outcome: &Outcome) -> Micros {
    let step = Step {
        kind: StepKind::Chain,
        name: "escalate",
        input: Some(outcome.result.clone()),
        output: Some(json!({"model": CLAUDE_OPUS.name, "reason": "tool failure in a budget-critical step"})),
    };
    let span = trace.step(Some(parent), &step, start);
    trace.set(
        span,
        [
            text("langsmith.metadata.from_model", CLAUDE_SONNET.name),
            text("langsmith.metadata.to_model", CLAUDE_OPUS.name),
        ],
    );
    trace.end(span, start + ms(6));
    start + ms(6)
}

/// The result as a tool message would show a failure.
pub(super) fn failure_result(name: &str, cause: &str, attempts: u64) -> Value {
    json!({
        "error": "ToolError",
        "message": format!("{name} failed after {attempts} attempts"),
        "cause": cause,
        "attempts": attempts,
    })
}
