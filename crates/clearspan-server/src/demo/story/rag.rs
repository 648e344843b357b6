//! Questions about a coffee machine, answered from its manual: embed, retrieve, rerank, answer with citations.

use serde::Deserialize;
use serde_json::json;

use crate::demo::chat::{CLAUDE_SONNET, Call, Document, EMBEDDING_SMALL, GPT_4O_MINI, Message, Model};
use crate::demo::dialect::{Dialect, Labels, Rerank, Retrieval, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Origin, Trace, ms, text};

#[derive(Debug, Deserialize)]
struct Content {
    system: String,
    documents: Vec<Passage>,
    questions: Vec<Question>,
}

#[derive(Debug, Deserialize)]
struct Passage {
    id: String,
    title: String,
    page: u32,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Question {
    ask: String,
    reply: String,
    /// The passages that a search finds, best first.
    relevant: Vec<usize>,
}

impl Content {
    fn load() -> Self {
        serde_json::from_str(include_str!("../content/manual.json")).expect("a unit test reads this file")
    }
}

/// The texts of the manual, for whoever wants to embed them.
pub(crate) fn passages() -> Vec<String> {
    Content::load().documents.into_iter().map(|passage| passage.text).collect()
}

/// One of the questions; `idx` may be any number.
pub(crate) fn build(rng: &Rng, idx: usize) -> Trace {
    let content = Content::load();
    let question = &content.questions[idx % content.questions.len()];
    let origin = Origin::new("manual-qa", "2.4.0", "production");
    let mut trace = Trace::new(Dialect::OpenInference, origin, rng.fork(&format!("rag {idx}")));
    let labels = Labels {
        user: Some(format!("usr_{}", 31_100 + idx * 7)),
        thread: None,
        tags: vec!["rag", "aurora-x1"],
        metadata: vec![("index", json!("manual-2026-10")), ("locale", json!("en-GB"))],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "manual-qa",
        input: Some(json!(question.ask)),
        output: Some(json!(question.reply)),
    };
    let root = trace.root(&step, &labels);

    let found = search_results(&content, question, &mut trace.rng);
    let chosen: Vec<_> = found.iter().take(3).cloned().collect();
    let retrieve = trace.chain(root, "retrieve_context", ms(2));
    let at = trace.embed(retrieve, ms(3), EMBEDDING_SMALL, &[&question.ask]);
    let took = trace.rng.between(18, 70);
    let retrieval = Retrieval { name: "VectorIndexRetriever", query: &question.ask, documents: &found };
    let at = trace.retrieve(retrieve, at + ms(1), took, &retrieval);
    let rerank = Rerank { model: "rerank-v3.5", query: &question.ask, before: &found, after: &chosen };
    let at = trace.rerank(retrieve, at + ms(1), &rerank);
    trace.end(retrieve, at + ms(1));

    let context: Vec<_> =
        chosen.iter().enumerate().map(|(idx, document)| format!("[{}] {}", idx + 1, document.text)).collect();
    let history = [
        Message::system(&content.system),
        Message::user(format!("Passages:\n{}\n\nQuestion: {}", context.join("\n"), question.ask)),
    ];
    let reply = Message::assistant(&question.reply);
    let model: Model = if idx.is_multiple_of(3) { CLAUDE_SONNET } else { GPT_4O_MINI };
    let call = Call {
        temperature: Some(0.1),
        max_tokens: Some(800),
        cached_share: if idx == 0 { 0.18 } else { 0.0 },
        ..Call::new(model, &history, &reply)
    };
    let answer = trace.chain(root, "answer", at + ms(2));
    trace.set(
        answer,
        [
            text("llm.prompt_template.template", "Passages:\n{context}\n\nQuestion: {question}"),
            text("llm.prompt_template.version", "v6"),
        ],
    );
    let end = trace.chat(answer, at + ms(3), None, &call);
    trace.end(answer, end + ms(1));
    trace.end(root, end + ms(2));
    trace
}

fn search_results(content: &Content, question: &Question, rng: &mut Rng) -> Vec<Document> {
    let mut score = 0.86;
    question
        .relevant
        .iter()
        .map(|idx| {
            let passage = &content.documents[*idx];
            score -= 0.02 + rng.unit() * 0.09;
            Document {
                id: passage.id.clone(),
                text: passage.text.clone(),
                score: (score * 10_000.0_f64).round() / 10_000.0,
                metadata: json!({"title": passage.title, "page": passage.page, "source": "aurora-x1.pdf"}),
            }
        })
        .collect()
}
