//! Which dialect a span speaks, for people; and the types that follow from names. Neither decides alone
//! how an attribute is read.

use clearspan_model::RunType;

/// First segments of keys, the most telling first.
const KEYS: &[(&str, &str)] = &[
    ("langsmith.", "langsmith"),
    ("openinference.", "openinference"),
    ("langfuse.", "langfuse"),
    ("mlflow.", "mlflow"),
    ("ai.", "vercel"),
    ("genkit:", "genkit"),
    ("mastra.", "mastra"),
    ("lmnr.", "laminar"),
    ("agentops.", "agentops"),
    ("braintrust.", "braintrust"),
    ("ag2.", "ag2"),
    ("haystack.", "haystack"),
    ("pydantic_ai.", "pydantic-ai"),
    ("traceloop.", "traceloop"),
    ("crewai.", "crewai"),
    ("gcp.vertex.agent.", "google-adk"),
    ("agent_framework.", "agent-framework"),
    ("spring.ai.", "spring-ai"),
    ("fastmcp.", "mcp"),
    ("mcp.", "mcp"),
];

/// Beginnings of scope names, for spans whose keys are those of the conventions.
const SCOPES: &[(&str, &str)] = &[
    ("langsmith", "langsmith"),
    ("openinference.", "openinference"),
    ("@arizeai/", "openinference"),
    ("langfuse", "langfuse"),
    ("pydantic-ai", "pydantic-ai"),
    ("logfire", "logfire"),
    ("strands", "strands"),
    ("com.anthropic.claude_code", "claude-code"),
    ("com.anthropic", "anthropic"),
    ("gcp.vertex.agent", "google-adk"),
    ("autogen", "autogen"),
    ("openlit", "openlit"),
    ("traceloop", "traceloop"),
    ("@traceloop/", "traceloop"),
    ("llamaindex", "llama-index"),
    ("mlflow", "mlflow"),
    ("gen_ai", "vercel"),
    ("ai", "vercel"),
    ("ag2", "ag2"),
    ("litellm", "litellm"),
    ("agent_framework", "agent-framework"),
    ("semantic_kernel", "semantic-kernel"),
];

/// What is left when neither says more.
const WEAK_KEYS: &[(&str, &str)] =
    &[("logfire.", "logfire"), ("gen_ai.", "genai"), ("llm.", "llm"), ("db.", "db")];

/// How much one key, or several, tell about the dialect: places in [`KEYS`] and [`WEAK_KEYS`], the lowest of which wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    strong: u8,
    weak: u8,
}

impl Telling {
    /// What tells nothing.
    pub(crate) const NOTHING: Self = Self { strong: u8::MAX, weak: u8::MAX };

    /// What a key tells.
    pub(crate) fn of(key: &str) -> Self {
        let head = head(key);
        let place_in = |table: &[(&str, &str)]| {
            // Four bytes at once tell most keys apart.
            let is_start = |start: &str| {
                (self::head(start) ^ head) & head_mask(start.len()) == 0 && key.starts_with(start)
            };
            let place = table.iter().position(|(start, _)| is_start(start));
            place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
        };
        Self { strong: place_in(KEYS), weak: place_in(WEAK_KEYS) }
    }

    /// What two tell together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { strong: self.strong.min(other.strong), weak: self.weak.min(other.weak) }
    }
}

/// The short, stable name of the dialect, from what all keys of a span tell.
pub(crate) fn label_of(keys: Telling, scope: &str) -> Option<&'static str> {
    let label_at =
        |table: &[(&str, &'static str)], place: u8| table.get(usize::from(place)).map(|(_, label)| *label);
    label_at(KEYS, keys.strong)
        .or_else(|| SCOPES.iter().find(|(start, _)| matches_scope(scope, start)).map(|(_, label)| *label))
        .or_else(|| label_at(WEAK_KEYS, keys.weak))
}

/// The first four bytes.
#[inline]
fn head(text: &str) -> u32 {
    match text.as_bytes() {
        [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        short => short.iter().rev().fold(0, |head, byte| head << 8 | u32::from(*byte)),
    }
}

/// Which bits of a head belong to a text of this length.
#[inline]
fn head_mask(len: usize) -> u32 {
    if len >= 4 { u32::MAX } else { (1 << (8 * len)) - 1 }
}

/// A short name has to be the whole scope.
fn matches_scope(scope: &str, start: &str) -> bool {
    if start.len() <= 6 { scope == start } else { scope.starts_with(start) }
}

/// The type that a span's name tells, for senders that tell it nowhere else.
pub(crate) fn implied_type(name: &str, scope: &str) -> Option<RunType> {
    match name {
        // Google ADK 1.x gives nothing else to those that fail.
        "call_llm" if scope == "gcp.vertex.agent" => Some(RunType::Llm),
        _ if scope == "gcp.vertex.agent" && name.starts_with("execute_tool ") => Some(RunType::Tool),
        "running tool" => Some(RunType::Tool),
        "execute_event_loop_cycle" | "running tools" | "agent run" => Some(RunType::Chain),
        _ => None,
    }
}
