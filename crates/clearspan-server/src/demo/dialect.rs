//! The same work as three families of instrumentation describe it.
//!
//! A story says *what* happens (an agent thinks, a tool runs, a model answers) and calls the methods here; the
//! modules below write the attributes as the family's own libraries do.

mod genai;
mod openinference;
mod traceloop;

use serde_json::Value;

use super::chat::{Call, Document, Model, Usage, tokens_of};
use super::trace::{Failure, Micros, SpanIdx, Trace, ms};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenTelemetry's GenAI semantic conventions, from Python.
    GenAi,
    /// The same from JavaScript, whose exporter speaks JSON.
    GenAiJs,
    /// Arize's OpenInference.
    OpenInference,
    /// OpenLLMetry, flattened prompts.
    Traceloop,
}

/// What a step without a model of its own is to its library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepKind {
    /// The root.
    Workflow,
    Agent,
    Chain,
    Guardrail,
}

/// Who asked, and what is known about it; goes on the root.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels<'a> {
    pub(super) user: Option<String>,
    pub(super) thread: Option<String>,
    pub(super) tags: Vec<&'a str>,
    pub(super) metadata: Vec<(&'static str, Value)>,
}

/// A step that may hold others.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) kind: StepKind,
    pub(super) name: &'a str,
    pub(super) input: Option<Value>,
    pub(super) output: Option<Value>,
}

/// A tool call as it ran.
#[derive(Debug)]
pub(super) struct ToolRun<'a> {
    pub(super) name: &'a str,
    pub(super) call_id: Option<&'a str>,
    pub(super) arguments: &'a Value,
    /// `None` when it failed.
    pub(super) result: Option<&'a Value>,
}

#[derive(Debug)]
pub(super) struct Retrieval<'a> {
    pub(super) name: &'a str,
    pub(super) query: &'a str,
    pub(super) documents: &'a [Document],
}

/// When things happened in a model call.
#[derive(Debug, Clone, Copy)]
struct CallTimes {
    start: Micros,
    first_token: Micros,
    end: Micros,
}

impl Dialect {
    pub(super) fn language(self) -> &'static str {
        if self == Self::GenAiJs { "nodejs" } else { "python" }
    }

    /// Name and version of the instrumentation scope.
    pub(super) fn scope(self) -> (&'static str, &'static str) {
        match self {
            Self::GenAi => ("opentelemetry.instrumentation.genai", "1.3b0"),
            Self::GenAiJs => ("gen_ai", "1.0.4"),
            Self::OpenInference => ("openinference.instrumentation.langchain", "0.1.80"),
            Self::Traceloop => ("opentelemetry.instrumentation.openai.v1", "0.40.14"),
        }
    }
}

impl Trace {
    /// The root with its labels. Call it first: some dialects repeat the labels on every span.
    pub(super) fn root(&mut self, step: &Step<'_>, labels: &Labels<'_>) -> SpanIdx {
        self.inherited = match self.dialect {
            Dialect::Traceloop => traceloop::inherited(step.name, labels),
            Dialect::GenAi | Dialect::GenAiJs | Dialect::OpenInference => Vec::new(),
        };
        let root = self.step(None, step, 0);
        let attributes = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::labels(labels),
            Dialect::OpenInference => openinference::labels(labels),
            Dialect::Traceloop => Vec::new(),
        };
        self.set(root, attributes);
        root
    }

    /// Opens a step; the caller ends it.
    pub(super) fn step(&mut self, parent: Option<SpanIdx>, step: &Step<'_>, start: Micros) -> SpanIdx {
        let (name, attributes) = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::step(step),
            Dialect::OpenInference => openinference::step(step),
            Dialect::Traceloop => traceloop::step(step),
        };
        let span = self.span(parent, name, start);
        self.set(span, attributes);
        span
    }

    /// Opens a chain without input or output.
    pub(super) fn chain(&mut self, parent: SpanIdx, name: &str, start: Micros) -> SpanIdx {
        let step = Step { kind: StepKind::Chain, name, input: None, output: None };
        self.step(Some(parent), &step, start)
    }

    /// Says what a step gave back, when that is known at its end only.
    pub(super) fn output(&mut self, span: SpanIdx, output: &Value) {
        let attribute = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::output(output),
            Dialect::OpenInference => openinference::output(output),
            Dialect::Traceloop => traceloop::output(output),
        };
        self.set(span, attribute);
    }

    /// A model call from start to end; returns when it ended.
    pub(super) fn chat(
        &mut self,
        parent: SpanIdx,
        start: Micros,
        name: Option<&str>,
        call: &Call<'_>,
    ) -> Micros {
        let usage = call.usage();
        let times = self.times(start, call, usage);
        let response_id = format!("resp_{}", self.rng.token(24));
        let span = self.chat_request(parent, start, name, call);
        let response = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::chat_response(call, usage, times, &response_id),
            Dialect::OpenInference => openinference::chat_response(call, usage),
            Dialect::Traceloop => traceloop::chat_response(call, usage, &response_id),
        };
        self.set(span, response);
        let first_token_event = match self.dialect {
            // These have an attribute for it.
            Dialect::GenAi | Dialect::GenAiJs => None,
            Dialect::OpenInference => Some("First Token Stream Event"),
            Dialect::Traceloop => Some("llm.content.completion.chunk"),
        };
        if let (true, Some(name)) = (call.streaming, first_token_event) {
            self.event(span, times.first_token, name, Vec::new());
        }
        self.end(span, times.end);
        times.end
    }

    /// A model call that was refused: no answer, no tokens.
    pub(super) fn failed_chat(
        &mut self,
        parent: SpanIdx,
        start: Micros,
        took_ms: u64,
        call: &Call<'_>,
        failure: Failure<'_>,
    ) -> SpanIdx {
        let span = self.chat_request(parent, start, None, call);
        self.fail(span, start + ms(took_ms), failure);
        span
    }

    fn chat_request(
        &mut self,
        parent: SpanIdx,
        start: Micros,
        name: Option<&str>,
        call: &Call<'_>,
    ) -> SpanIdx {
        let (span_name, request) = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::chat_request(call),
            Dialect::OpenInference => openinference::chat_request(call),
            Dialect::Traceloop => traceloop::chat_request(call),
        };
        let span = self.span(Some(parent), name.map_or(span_name, str::to_owned), start);
        self.outgoing(span);
        self.set(span, request);
        span
    }

    /// Reading costs time per token in, writing per token out.
    fn times(&mut self, start: Micros, call: &Call<'_>, usage: Usage) -> CallTimes {
        let fresh = usage.input - usage.cached;
        let wait = 240 + fresh / 70 + usage.cached / 900 + self.rng.between(0, 400);
        let think = usage.reasoning as f64 * call.model.ms_per_token;
        let write = (usage.output - usage.reasoning) as f64 * call.model.ms_per_token;
        let pace = 0.85 + self.rng.unit() * 0.4;
        let first_token = start + ms(wait + (think * pace) as u64);
        CallTimes { start, first_token, end: first_token + ms((write * pace) as u64) }
    }

    /// Opens a tool call; the caller ends or fails it.
    pub(super) fn tool(&mut self, parent: SpanIdx, start: Micros, run: &ToolRun<'_>) -> SpanIdx {
        let (name, attributes) = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::tool(run),
            Dialect::OpenInference => openinference::tool(run),
            Dialect::Traceloop => traceloop::tool(run),
        };
        let span = self.span(Some(parent), name, start);
        self.set(span, attributes);
        span
    }

    /// A search; returns when it ended.
    pub(super) fn retrieve(
        &mut self,
        parent: SpanIdx,
        start: Micros,
        took_ms: u64,
        retrieval: &Retrieval<'_>,
    ) -> Micros {
        let attributes = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::retrieval(retrieval),
            // OpenLLMetry has no attributes for documents of its own; its users add OpenInference's.
            Dialect::OpenInference | Dialect::Traceloop => openinference::retrieval(retrieval),
        };
        let span = self.span(Some(parent), retrieval.name, start);
        self.set(span, attributes);
        self.end(span, start + ms(took_ms));
        start + ms(took_ms)
    }

    /// A second, better ordering of what a search found; returns when it ended.
    pub(super) fn rerank(&mut self, parent: SpanIdx, start: Micros, args: &Rerank<'_>) -> Micros {
        let span = self.span(Some(parent), "rerank", start);
        self.set(span, openinference::rerank(args));
        let end = start + ms(self.rng.between(90, 260));
        self.end(span, end);
        end
    }

    /// An embedding call for some texts; returns when it ended.
    pub(super) fn embed(&mut self, parent: SpanIdx, start: Micros, model: Model, texts: &[&str]) -> Micros {
        let tokens = texts.iter().map(|t| tokens_of(t)).sum();
        let (name, attributes) = match self.dialect {
            Dialect::GenAi | Dialect::GenAiJs => genai::embedding(model, texts, tokens),
            Dialect::OpenInference => openinference::embedding(model, texts, tokens),
            Dialect::Traceloop => traceloop::embedding(model, texts, tokens),
        };
        let span = self.span(Some(parent), name, start);
        self.outgoing(span);
        self.set(span, attributes);
        let end = start + ms(self.rng.between(24, 60) + texts.len() as u64 * 2);
        self.end(span, end);
        end
    }
}

/// What a reranker was given and chose.
#[derive(Debug)]
pub(super) struct Rerank<'a> {
    pub(super) model: &'a str,
    pub(super) query: &'a str,
    pub(super) before: &'a [Document],
    pub(super) after: &'a [Document],
}
