//! One trace for each thing that is easy to get wrong: a picture with reasoning, a model without a price, a batch
//! of embeddings.

use base64::Engine;
use serde_json::json;

use super::rag;
use crate::demo::chat::{Call, EMBEDDING_LARGE, GPT_5, IN_HOUSE, Image, Message};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Origin, Trace, ms};

/// A streamed answer about a picture, after some thinking.
pub(crate) fn picture(rng: &Rng) -> Trace {
    const ANSWER: &str = "This is the **floating torii of Itsukushima** at dusk 🌅: the red gate stands in the water, the sun is low on the right.\n\nFor your album I suggest:\n\n- *title* Gate in the evening tide\n- *tags* `torii`, `sea`, `dusk`\n- *place* Miyajima, Hiroshima Prefecture (34.2958° N, 132.3199° E)";
    const REASONING: &str = "**Looking at the picture**\n\nA red gate with two pillars and a double lintel, standing in water. Sun near the horizon on the right, so either morning or evening. The colours are warm, and the shadow on the water points to the left.\n\n**Which gate?**\n\nItsukushima's gate stands in the sea and faces the open water; Hakone's stands in a lake with trees around it. There are no trees here. Itsukushima is the better guess, and I should say that it is dusk, because visitors photograph it at high tide in the evening.";
    let origin = Origin::new("photo-album", "4.8.1", "production");
    let mut trace = Trace::new(Dialect::GenAi, origin, rng.fork("picture"));
    let labels = Labels {
        user: Some("usr_20418".into()),
        thread: None,
        tags: vec!["vision", "reasoning"],
        metadata: vec![("file", json!("IMG_4402.png")), ("width", json!(96)), ("height", json!(64))],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "describe-photo",
        input: Some(json!("Where was this taken? Suggest a title and tags.")),
        output: Some(json!(ANSWER)),
    };
    let root = trace.root(&step, &labels);
    let image = Image {
        mime_type: "image/png",
        base64: base64::engine::general_purpose::STANDARD.encode(include_bytes!("../content/torii.png")),
    };
    let history = [
        Message::system("You describe photographs for a personal album. Be concrete; say when you guess."),
        Message::user("Where was this taken? Suggest a title and tags.").showing(image),
    ];
    let reply = Message::assistant(ANSWER).thinking(REASONING);
    let call = Call { max_tokens: Some(4_000), reasoning_tokens: 704, ..Call::new(GPT_5, &history, &reply) };
    let end = trace.chat(root, ms(3), None, &call);
    trace.end(root, end + ms(2));
    trace
}

/// A model that a company trained and serves itself: no price list knows it.
pub(crate) fn unpriced(rng: &Rng) -> Trace {
    const ASK: &str =
        "Classify: \"The parcel says delivered but my neighbour has never seen it. Third time this year!!\"";
    const ANSWER: &str = "category: delivery_not_received\nsentiment: angry (0.93)\nrepeat_contact: yes\nsuggested_macro: DLV-07";
    let origin = Origin::new("ticket-router", "0.12.0", "staging");
    let mut trace = Trace::new(Dialect::Traceloop, origin, rng.fork("unpriced"));
    let labels = Labels {
        user: None,
        thread: None,
        tags: vec!["self-hosted"],
        metadata: vec![("gpu", json!("L40S")), ("adapter", json!("support-lora-7"))],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "ticket-router",
        input: Some(json!(ASK)),
        output: Some(json!(ANSWER)),
    };
    let root = trace.root(&step, &labels);
    let history =
        [Message::system("Answer with category, sentiment, repeat_contact and macro."), Message::user(ASK)];
    let reply = Message::assistant(ANSWER);
    let call = Call { temperature: Some(0.0), ..Call::new(IN_HOUSE, &history, &reply) };
    let end = trace.chat(root, ms(2), None, &call);
    trace.end(root, end + ms(1));
    trace
}

/// The nightly job that embeds the manual.
pub(crate) fn embeddings(rng: &Rng) -> Trace {
    let origin = Origin::new("manual-indexer", "2.4.0", "production");
    let mut trace = Trace::new(Dialect::OpenInference, origin, rng.fork("embeddings"));
    let labels = Labels {
        tags: vec!["cron", "rag"],
        metadata: vec![("index", json!("manual-2026-11"))],
        ..Labels::default()
    };
    let passages = rag::passages();
    let passages: Vec<_> = passages.iter().map(String::as_str).collect();
    let step = Step {
        kind: StepKind::Workflow,
        name: "index-manual",
        input: Some(json!({"file": "aurora-x1.pdf", "passages": passages.len()})),
        output: Some(json!({"upserted": passages.len()})),
    };
    let root = trace.root(&step, &labels);
    let mut at = ms(30);
    for batch in passages.chunks(4) {
        at = trace.embed(root, at, EMBEDDING_LARGE, batch) + ms(4);
    }
    let upsert = trace.chain(root, "upsert pgvector", at);
    trace.end(upsert, at + ms(52));
    trace.end(root, at + ms(55));
    trace
}
