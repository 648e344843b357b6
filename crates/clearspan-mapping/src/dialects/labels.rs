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

/// The short, stable name of the dialect.
pub(crate) fn label_of<'a>(keys: impl Iterator<Item = &'a str> + Clone, scope: &str) -> Option<&'static str> {
    let by_key = |table: &[(&'static str, &'static str)]| {
        let mut best = table.len();
        // Keys come in families: a head that no start has is that of many keys in a row.
        let mut boring = None;
        for key in keys.clone() {
            let head = head(key);
            if boring == Some(head) {
                continue;
            }
            let mut is_near = false;
            // Four bytes at once tell most keys apart.
            let mut is_start = |start: &str| {
                let has_head = (self::head(start) ^ head) & head_mask(start.len()) == 0;
                is_near |= has_head;
                has_head && key.starts_with(start)
            };
            let found = table.iter().take(best).position(|(start, _)| is_start(start));
            best = found.unwrap_or(best);
            boring = (!is_near).then_some(head);
        }
        table.get(best).map(|(_, label)| *label)
    };
    by_key(KEYS)
        .or_else(|| SCOPES.iter().find(|(start, _)| matches_scope(scope, start)).map(|(_, label)| *label))
        .or_else(|| by_key(WEAK_KEYS))
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
pub(crate) fn implied_type(name: &str) -> Option<RunType> {
    match name {
        "running tool" => Some(RunType::Tool),
        "execute_event_loop_cycle" | "running tools" | "agent run" => Some(RunType::Chain),
        _ => None,
    }
}
