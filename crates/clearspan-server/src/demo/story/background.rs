//! An ordinary day: small traces of several applications, most of them fine, so that lists, histograms and
//! percentiles have something to show.

use clearspan_model::UnixNanos;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Turn, simple_tool};
use crate::demo::chat::{
    CLAUDE_SONNET, Call, GEMINI_FLASH, GPT_4O_MINI, GPT_5, GPT_5_MINI, MISTRAL_LARGE, Message, Model, ToolDef,
};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind, ToolRun};
use crate::demo::rng::Rng;
use crate::demo::trace::{Failure, Micros, Origin, SpanIdx, Trace, ms};

/// The newest background trace ends before the stories begin.
const NEWEST_SECONDS_AGO: f64 = 420.0;
const DAY_SECONDS: f64 = 86_400.0;

#[derive(Debug, Deserialize)]
struct App {
    name: String,
    service: String,
    release: String,
    dialect: String,
    models: Vec<String>,
    tags: Vec<String>,
    system: String,
    chats: Vec<Chat>,
}

#[derive(Debug, Deserialize)]
struct Chat {
    ask: String,
    /// Name, arguments, result.
    tool: (String, Value, Value),
    reply: String,
}

/// What becomes of a background trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Success,
    /// The tool fails, and the model answers without it.
    Recovered,
    /// The tool fails, and the run with it.
    ToolFails,
    /// The model's provider refuses.
    ModelFails,
}

/// How many traces each application gets. The trip planner needs twenty successful ones in production: fewer
/// give no baseline to compare the featured trace with.
const COUNTS: [(&str, usize); 6] = [
    ("trip-planner", 26),
    ("support-triage", 14),
    ("sql-copilot", 9),
    ("code-review", 7),
    ("invoice-extract", 8),
    ("weekly-digest", 2),
];

/// The traces, placed in time over the last day.
pub(crate) fn build(rng: &Rng, now: UnixNanos) -> Vec<Trace> {
    let apps = load();
    let mut rng = rng.fork("background");
    let mut traces = Vec::new();
    for (name, count) in COUNTS {
        let app = apps.iter().find(|app| app.name == name).expect("a unit test checks the names");
        for idx in 0..count {
            let fate = fate(name, idx);
            let mut trace = one(app, &rng.fork(&format!("{name} {idx}")), idx, fate);
            // More of them lately than in the night before.
            let age = NEWEST_SECONDS_AGO + (DAY_SECONDS - NEWEST_SECONDS_AGO) * rng.unit().powf(1.5);
            trace.place(UnixNanos::from_nanos(now.as_nanos() - (age * 1e9) as i64));
            traces.push(trace);
        }
    }
    traces
}

fn load() -> Vec<App> {
    serde_json::from_str(include_str!("../content/background.json")).expect("a unit test reads this file")
}

fn fate(app: &str, idx: usize) -> Fate {
    match (app, idx) {
        ("trip-planner", 7) | ("sql-copilot", 4) => Fate::ToolFails,
        ("trip-planner", 19) | ("support-triage", 5) | ("code-review", 2) => Fate::ModelFails,
        ("trip-planner", 12) | ("support-triage", 9) | ("invoice-extract", 3) => Fate::Recovered,
        _ => Fate::Success,
    }
}

fn dialect(name: &str) -> Dialect {
    match name {
        "genai" => Dialect::GenAi,
        "genai-js" => Dialect::GenAiJs,
        "openinference" => Dialect::OpenInference,
        "traceloop" => Dialect::Traceloop,
        other => unreachable!("a unit test checks the dialects, and {other} is none"),
    }
}

fn model(name: &str) -> Model {
    [GPT_5, GPT_5_MINI, GPT_4O_MINI, CLAUDE_SONNET, GEMINI_FLASH, MISTRAL_LARGE]
        .into_iter()
        .find(|model| model.name == name)
        .expect("a unit test checks the models")
}

fn one(app: &App, rng: &Rng, idx: usize, fate: Fate) -> Trace {
    // A steady share of traffic comes from elsewhere than production.
    let environment = match (app.name.as_str(), idx % 6) {
        ("trip-planner", _) | (_, 0 | 2 | 3 | 5) => "production",
        (_, 1) => "staging",
        _ => "development",
    };
    let origin = Origin::new(&app.service, &app.release, environment);
    let mut trace = Trace::new(dialect(&app.dialect), origin, rng.clone());
    let chat = &app.chats[idx % app.chats.len()];
    let labels = Labels {
        user: Some(format!("usr_{}", 20_400 + trace.rng.between(0, 19))),
        thread: trace.rng.chance(0.5).then(|| format!("thr_{}", trace.rng.token(8))),
        tags: app.tags.iter().map(String::as_str).collect(),
        metadata: vec![("plan", json!(trace.rng.pick(&["free", "pro", "team"])))],
    };
    let failed = matches!(fate, Fate::ToolFails | Fate::ModelFails);
    let output = (!failed).then(|| json!(chat.reply));
    let step = Step { kind: StepKind::Workflow, name: &app.name, input: Some(json!(chat.ask)), output };
    let root = trace.root(&step, &labels);
    let model = model(&app.models[idx % app.models.len()]);
    let end = converse(&mut trace, root, app, chat, model, fate);
    if !failed {
        trace.end(root, end + ms(2));
    }
    trace
}

/// Ask, call the tool, answer; returns when it ended. A fatal failure ends the root as well.
fn converse(trace: &mut Trace, root: SpanIdx, app: &App, chat: &Chat, model: Model, fate: Fate) -> Micros {
    let (tool, arguments, result) = &chat.tool;
    let offered = [ToolDef {
        name: tool.clone(),
        description: "Looks up what the answer needs.",
        parameters: parameters(arguments),
    }];
    let mut history = vec![Message::system(&app.system), Message::user(&chat.ask)];
    let turn = Turn { say: String::new(), tools: vec![(tool.clone(), arguments.clone())] };
    let calling = turn.message(trace);
    let call = Call {
        tools: &offered,
        temperature: Some(0.2),
        max_tokens: Some(1_500),
        ..Call::new(model, &history, &calling)
    };
    if fate == Fate::ModelFails {
        let took = trace.rng.between(200, 30_000);
        let failure = model_failure(took);
        trace.failed_chat(root, ms(3), took, &call, failure);
        trace.fail(root, ms(5 + took), Failure { stack: None, ..failure });
        return ms(5 + took);
    }
    let at = trace.chat(root, ms(3), None, &call);
    let tool_call = &calling.tool_calls[0];
    history.push(calling.clone());
    let took = trace.rng.between(30, 1_900);
    let mut end = at + ms(1 + took);
    if fate == Fate::Success {
        end = simple_tool(trace, root, at + ms(1), took, tool_call, result);
        history.push(Message::tool(&tool_call.id, result));
    } else {
        let run = ToolRun { name: tool, call_id: Some(&tool_call.id), arguments, result: None };
        let span = trace.tool(root, at + ms(1), &run);
        let failure = Failure {
            kind: "HTTPStatusError",
            message: "502 Bad Gateway from tools.northwind.example",
            stack: None,
        };
        trace.fail(span, end, failure);
        if fate == Fate::ToolFails {
            let message = format!("{tool} failed: 502 Bad Gateway");
            trace.fail(root, end + ms(3), Failure { kind: "ToolError", message: &message, stack: None });
            return end + ms(3);
        }
        history.push(Message::tool(&tool_call.id, &json!({"error": "502 Bad Gateway"})));
    }
    let reply = Message::assistant(&chat.reply);
    let cached_share = if trace.rng.chance(0.4) { 0.3 } else { 0.0 };
    let call = Call {
        tools: &offered,
        temperature: Some(0.2),
        max_tokens: Some(1_500),
        cached_share,
        ..Call::new(model, &history, &reply)
    };
    trace.chat(root, end + ms(2), None, &call)
}

/// A schema that the arguments of the call fit.
fn parameters(arguments: &Value) -> Value {
    let properties: serde_json::Map<_, _> = arguments
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            (name.clone(), json!({"type": if value.is_number() { "number" } else { "string" }}))
        })
        .collect();
    json!({"type": "object", "properties": properties})
}

/// Slow refusals are timeouts, quick ones rate limits.
fn model_failure(took_ms: u64) -> Failure<'static> {
    if took_ms > 12_000 {
        Failure { kind: "APITimeoutError", message: "request timed out", stack: None }
    } else {
        Failure { kind: "RateLimitError", message: "429: too many requests, retry after 6 s", stack: None }
    }
}
