use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::merge::Versions;
use crate::{Cost, JsonText, ProjectId, Resource, RunId, Sources, SpanId, TraceId, UnixNanos, WorkspaceId};

/// What identifies a run. Span ids are unique per trace only, so the trace is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// The trace.
    pub trace_id: TraceId,
    /// The run.
    pub run_id: RunId,
}

/// A run as far as it is known.
///
/// The same type is the *patch* that a protocol delivers and the run that the store keeps: every field
/// may be missing, and [`Run::merge`] joins two of them. Merging is commutative, associative and
/// idempotent, so the order of arrival never matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What identifies it.
    pub key: RunKey,
    /// How strong and how new each field is; decides conflicts.
    pub versions: Versions,
    /// When the server first heard of it.
    pub received_at: UnixNanos,

    /// The run above; `None` for a root (or not known yet).
    pub parent_run_id: Option<RunId>,
    /// The OTLP span id, when it came as a span.
    pub span_id: Option<SpanId>,
    /// LangSmith's sortable path, where a client sent it.
    pub dotted_order: Option<String>,

    /// The name that a person sees.
    pub name: Option<String>,
    /// What kind of work it is.
    pub run_type: Option<RunType>,
    /// How it ended. Use [`Run::effective_status`] to read it.
    pub status: Option<Status>,
    /// Why it failed: message, then stack trace.
    pub error: Option<String>,
    /// The class of the failure, for example `RateLimitError` or `429`.
    pub error_type: Option<String>,

    /// When the work began.
    pub start_time: Option<UnixNanos>,
    /// When the work ended.
    pub end_time: Option<UnixNanos>,
    /// When the first token of the answer arrived.
    pub first_token_time: Option<UnixNanos>,

    /// What went in.
    pub inputs: Payload,
    /// What came out.
    pub outputs: Payload,
    /// Messages that arrived one by one (log records); used where a payload has no messages.
    pub fragments: Vec<Fragment>,
    /// Parameters of the model call, a JSON object.
    pub invocation_params: Option<JsonText>,

    /// The model that answered, as the client named it.
    pub model: Option<String>,
    /// Who served the model, for example `openai`.
    pub provider: Option<String>,
    /// Tokens used by this run itself.
    pub usage: Option<Usage>,
    /// What this run cost by itself.
    pub cost: Option<Cost>,

    /// The conversation that this run says it belongs to.
    pub thread_id: Option<String>,
    /// The person on whose behalf it ran.
    pub user_id: Option<String>,
    /// Labels: a set, kept sorted.
    pub tags: Vec<String>,
    /// What the user attached, by key; values are JSON.
    pub metadata: BTreeMap<String, JsonText>,
    /// What arrived and no rule consumed, by key; values are JSON.
    pub attributes: BTreeMap<String, JsonText>,
    /// Attributes of the process that sent it, by key; values are JSON.
    pub resource: Resource,
    /// Things that happened inside it, sorted by time.
    pub events: Vec<RunEvent>,
    /// Other spans that it points at.
    pub links: Vec<Link>,

    /// `service.name`.
    pub service: Option<String>,
    /// `service.version`.
    pub release: Option<String>,
    /// `deployment.environment.name`.
    pub environment: Option<String>,
    /// The dialect of instrumentation that decided the mapping, for example `openinference`.
    pub dialect: Option<String>,
    /// The instrumentation scope's name.
    pub scope_name: Option<String>,
    /// The instrumentation scope's version.
    pub scope_version: Option<String>,
    /// What the mapping had to repair: a set, kept sorted.
    pub issues: Vec<MapIssue>,
    /// Which attribute filled which field.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub sources: Sources,
}

impl Run {
    /// A run of which nothing but its key is known.
    pub fn new(key: RunKey, received_at: UnixNanos) -> Self {
        Self {
            key,
            versions: Versions::default(),
            received_at,
            parent_run_id: None,
            span_id: None,
            dotted_order: None,
            name: None,
            run_type: None,
            status: None,
            error: None,
            error_type: None,
            start_time: None,
            end_time: None,
            first_token_time: None,
            inputs: Payload::default(),
            outputs: Payload::default(),
            fragments: Vec::new(),
            invocation_params: None,
            model: None,
            provider: None,
            usage: None,
            cost: None,
            thread_id: None,
            user_id: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            attributes: BTreeMap::new(),
            resource: Resource::default(),
            events: Vec::new(),
            links: Vec::new(),
            service: None,
            release: None,
            environment: None,
            dialect: None,
            scope_name: None,
            scope_version: None,
            issues: Vec::new(),
            sources: Sources::default(),
        }
    }

    /// How the run stands: what was said, else success once it ended, else pending.
    pub fn effective_status(&self) -> Status {
        let implied = match (&self.error, self.end_time) {
            (Some(_), _) => Status::Error,
            (None, Some(_)) => Status::Success,
            (None, None) => Status::Pending,
        };
        self.status.map_or(implied, |said| said.max(implied))
    }

    /// The type, `chain` where nothing says otherwise.
    pub fn effective_type(&self) -> RunType {
        self.run_type.unwrap_or(RunType::Chain)
    }

    /// Takes out what was said, as opposed to what happened: names, times, tokens, cost and errors stay.
    pub fn remove_payload(&mut self) {
        (self.inputs, self.outputs) = (Payload::default(), Payload::default());
        self.invocation_params = None;
        self.fragments.clear();
        self.attributes.clear();
        self.events.clear();
    }

    /// The messages of one side: those of the payload, else the fragments in order.
    pub fn messages(&self, side: Side) -> Vec<JsonText> {
        let payload = match side {
            Side::Input => &self.inputs,
            Side::Output => &self.outputs,
        };
        if !payload.messages.is_empty() {
            return payload.messages.clone();
        }
        self.fragments.iter().filter(|f| f.side == side).map(|f| f.message.clone()).collect()
    }

    /// Bytes of the texts of its payloads and attributes.
    pub fn text_bytes(&self) -> usize {
        let attributes = self.attributes.values().map(|value| value.as_str().len()).sum::<usize>();
        self.inputs.text_bytes() + self.outputs.text_bytes() + attributes
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident: $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name, in snake case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// Reads the stable name, in any case.
        impl std::str::FromStr for $name {
            type Err = $crate::run::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::run::UnknownName> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|v| v.as_str().eq_ignore_ascii_case(text.trim()))
                    .ok_or($crate::run::UnknownName::new($what))
            }
        }
    };
}
pub(crate) use names;

/// A name that is not one of a closed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}", self.what)
    }
}

impl std::error::Error for UnknownName {}

names! {
    /// What kind of work a run is. The seven types of LangSmith.
    RunType: "run type (llm, chain, tool, retriever, embedding, prompt, parser)" {
        /// A call of a language model.
        Llm = "llm",
        /// A step that holds other steps: chains, agents, workflows.
        Chain = "chain",
        /// A call of a tool or function.
        Tool = "tool",
        /// A search for documents, and reranking.
        Retriever = "retriever",
        /// Texts to vectors.
        Embedding = "embedding",
        /// A prompt template filled in.
        Prompt = "prompt",
        /// An output parser.
        Parser = "parser",
    }
}

names! {
    /// How a run stands. Ordered: a stronger word is never taken back.
    Status: "status (pending, success, error)" {
        /// It has begun and not ended.
        Pending = "pending",
        /// It ended without an error.
        Success = "success",
        /// It failed.
        Error = "error",
    }
}

names! {
    /// Input or output.
    Side: "side (input, output)" {
        /// What went in.
        Input = "input",
        /// What came out.
        Output = "output",
    }
}

/// One side of a run: its messages, and everything else.
///
/// A message is the JSON text of an object with `role`, and optionally `content` (text, or a list of
/// parts), `name`, `tool_calls` (`[{"id", "name", "arguments"}]`), `tool_call_id` and `finish_reason`.
/// Parts are `{"type": "text" | "reasoning", "text"}`, `{"type": "image" | "audio" | "video" | "file",
/// "url" | "data", "mime_type"}`, `{"type": "tool_result", "tool_call_id", "content"}`, or whatever the client sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Payload {
    /// The messages, in order, each the text of a normalised message object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<JsonText>,
    /// What is not a message: any JSON value (documents are `{"documents": [...]}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<JsonText>,
}

impl Payload {
    /// Bytes of its texts.
    pub fn text_bytes(&self) -> usize {
        self.messages.iter().chain(&self.rest).map(|text| text.as_str().len()).sum()
    }

    /// True when there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.rest.is_none()
    }
}

/// One message that arrived apart from its run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fragment {
    /// Input or output.
    pub side: Side,
    /// When it was said; orders the fragments.
    pub time: UnixNanos,
    /// Its place among fragments of one time, where the client numbers them.
    pub index: u32,
    /// The message, as in [`Payload::messages`].
    pub message: JsonText,
}

/// Tokens that a run used. Unknown is not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens in, cached and cache-writing ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens out, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What the client reported, else the sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// Parts of the input: `cache_read`, `cache_write`, `cache_write_5m`, `cache_write_1h`, `audio`, `image`, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_details: BTreeMap<String, u64>,
    /// Parts of the output: `reasoning`, `audio`, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output_details: BTreeMap<String, u64>,
}

impl Usage {
    /// Tokens in that the provider had in its cache.
    pub fn cache_read_tokens(&self) -> Option<u64> {
        self.input_details.get("cache_read").copied()
    }

    /// Tokens out that the model thought.
    pub fn reasoning_tokens(&self) -> Option<u64> {
        self.output_details.get("reasoning").copied()
    }
}

/// Something that happened inside a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunEvent {
    /// When.
    pub time: UnixNanos,
    /// What, for example `exception`.
    pub name: String,
    /// Its attributes; values are JSON.
    pub attributes: BTreeMap<String, JsonText>,
}

/// A pointer to another span.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The other trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Its attributes; values are JSON.
    pub attributes: BTreeMap<String, JsonText>,
}

/// Something that the mapping repaired or could not use. The raw value stays under `attributes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MapIssue {
    /// What kind of trouble.
    pub kind: IssueKind,
    /// The attribute or field concerned.
    pub field: String,
    /// One sentence for a person.
    pub message: String,
}

names! {
    /// What kind of trouble the mapping met.
    IssueKind: "issue kind" {
        /// A value was changed so that it could be used.
        Repaired = "repaired",
        /// Two sources disagree; the stronger one was taken.
        Conflict = "conflict",
        /// A value could not be used; it is kept raw.
        Unusable = "unusable",
        /// A limit was met; what is beyond it was left out and counted.
        Truncated = "truncated",
        /// Text was not valid Unicode; what could not be read is U+FFFD now.
        Sanitized = "sanitized",
        /// There was little room on the disk, so what was said was not kept.
        Shed = "shed",
    }
}
