//! One conversation in four traces: each turn re-sends everything that was said before.

use clearspan_model::UnixNanos;
use serde::Deserialize;
use serde_json::json;

use crate::demo::chat::{CLAUDE_SONNET, Call, GEMINI_FLASH, GPT_5_MINI, Message};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Origin, Trace, ms};

#[derive(Debug, Deserialize)]
struct Content {
    system: String,
    turns: Vec<Exchange>,
}

#[derive(Debug, Deserialize)]
struct Exchange {
    ask: String,
    reply: String,
}

/// Minutes between the end of a turn and the moment of the demo.
const MINUTES_AGO: [i64; 4] = [31, 28, 24, 17];

/// The four traces, placed in time.
pub(crate) fn build(rng: &Rng, now: UnixNanos) -> Vec<Trace> {
    let content: Content =
        serde_json::from_str(include_str!("../content/thread.json")).expect("a unit test reads this file");
    let thread = format!("thr_{}", rng.fork("thread id").token(10));
    let mut history = vec![Message::system(&content.system)];
    let mut traces = Vec::new();
    for (idx, (exchange, minutes_ago)) in content.turns.iter().zip(MINUTES_AGO).enumerate() {
        let origin = Origin::new("hana-tutor", "5.2.0", "production");
        let mut trace = Trace::new(Dialect::OpenInference, origin, rng.fork(&format!("thread {idx}")));
        let labels = Labels {
            user: Some("lena.vogt".into()),
            thread: Some(thread.clone()),
            tags: vec!["chat", "japanese"],
            metadata: vec![("turn", json!(idx + 1)), ("locale", json!("de-DE"))],
        };
        let step = Step {
            kind: StepKind::Workflow,
            name: "language-tutor",
            input: Some(json!(exchange.ask)),
            output: Some(json!(exchange.reply)),
        };
        let root = trace.root(&step, &labels);
        history.push(Message::user(&exchange.ask));
        let moderate =
            [Message::user(format!("Is this a safe question for a language tutor?\n\n{}", exchange.ask))];
        let at = super::ask(&mut trace, root, ms(2), "moderate", GPT_5_MINI, &moderate, "safe");
        let reply = Message::assistant(&exchange.reply);
        let model = if idx == 2 { GEMINI_FLASH } else { CLAUDE_SONNET };
        let call = Call {
            temperature: Some(0.6),
            max_tokens: Some(1_024),
            cached_share: if idx == 3 { 0.7 } else { 0.0 },
            ..Call::new(model, &history, &reply)
        };
        let end = trace.chat(root, at + ms(1), None, &call);
        trace.end(root, end + ms(2));
        trace.place(UnixNanos::from_nanos(now.as_nanos() - minutes_ago * 60_000_000_000));
        history.push(reply);
        traces.push(trace);
    }
    traces
}
