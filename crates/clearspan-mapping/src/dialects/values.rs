//! Words and forms that several dialects share.

use std::borrow::Cow;

use clearspan_model::{RunType, UnixNanos};

use crate::json::parse;

/// The provider in one spelling. None for frameworks that put their own name there.
pub(crate) fn normalise_provider(name: &str) -> Option<Cow<'_, str>> {
    let lower = name.to_ascii_lowercase();
    Some(Cow::Borrowed(match lower.as_str() {
        "langchain" | "autogen" | "crewai" | "strands-agents" | "agent_framework" | "spring_ai"
        | "az.ai.agents" | "none" | "" => {
            return None;
        }
        "openai" | "openai.chat" | "openai.responses" | "openai.completion" | "openai.embedding" => "openai",
        "anthropic" | "anthropic.messages" => "anthropic",
        "gcp.gemini"
        | "gcp.gen_ai"
        | "gcp.vertex_ai"
        | "gcp.vertex.agent"
        | "gemini"
        | "vertex_ai"
        | "vertexai"
        | "google"
        | "google_genai"
        | "google.generative-ai"
        | "google_vertexai" => "google",
        "azure" | "azure.ai.inference" | "az.ai.inference" | "azure.ai.openai" | "az.ai.openai"
        | "azure_openai" => "azure",
        "aws.bedrock" | "aws_bedrock" | "amazon_bedrock" | "bedrock" | "aws" | "amazon-bedrock" => "bedrock",
        "mistral_ai" | "mistralai" | "mistral" => "mistral",
        "x_ai" | "xai" => "xai",
        _ => return Some(if lower == name { Cow::Borrowed(name) } else { Cow::Owned(lower) }),
    }))
}

/// LangSmith's own names.
pub(crate) fn langsmith_kind(word: &str) -> Option<RunType> {
    word.parse().ok()
}

/// `openinference.span.kind`.
pub(super) fn openinference_kind(word: &str) -> Option<RunType> {
    Some(match word {
        "llm" => RunType::Llm,
        "embedding" => RunType::Embedding,
        "retriever" | "reranker" => RunType::Retriever,
        "tool" => RunType::Tool,
        "prompt" => RunType::Prompt,
        "chain" | "agent" | "guardrail" | "evaluator" | "decision" | "unknown" => RunType::Chain,
        _ => return None,
    })
}

/// `langfuse.observation.type`.
pub(super) fn langfuse_type(word: &str) -> Option<RunType> {
    Some(match word {
        "generation" => RunType::Llm,
        "embedding" => RunType::Embedding,
        "tool" => RunType::Tool,
        "retriever" => RunType::Retriever,
        "agent" | "chain" | "span" | "event" | "guardrail" | "evaluator" => RunType::Chain,
        _ => return None,
    })
}

/// `gen_ai.operation.name`, with the words that LangSmith's and MLflow's exporters put there.
pub(super) fn genai_operation(word: &str) -> Option<RunType> {
    Some(match word {
        "chat" | "completion" | "text_completion" | "generate_content" | "llm" => RunType::Llm,
        // LiteLLM names the function that was called.
        "acompletion" | "atext_completion" | "responses" | "aresponses" | "messages"
        | "anthropic_messages" | "image_generation" | "aimage_generation" => RunType::Llm,
        "embeddings" | "embedding" | "embed" | "aembedding" => RunType::Embedding,
        "execute_tool" | "tool" | "tool.execute" => RunType::Tool,
        "retrieval" | "search_memory" | "retriever" | "rerank" => RunType::Retriever,
        "prompt" => RunType::Prompt,
        "parser" => RunType::Parser,
        _ if CHAINS.iter().any(|chain| word.contains(chain)) => RunType::Chain,
        // A word of nobody's list says less than what else the span has: a model with tokens, a tool's name.
        _ => return None,
    })
}

/// What the names of operations have in them that hold others, and may repeat their usage.
const CHAINS: &[&str] = &[
    "agent", "chain", "crew", "graph", "handoff", "memory", "plan", "session", "step", "task", "team",
    "turn", "workflow",
];

/// `ai.operationId` of the Vercel AI SDK (in lower case).
pub(super) fn vercel_operation(word: &str) -> Option<RunType> {
    Some(match word {
        "ai.toolcall" => RunType::Tool,
        _ if word.starts_with("ai.rerank") => RunType::Retriever,
        _ if word.ends_with(".doembed") => RunType::Embedding,
        _ if word.ends_with(".dogenerate") || word.ends_with(".dostream") => RunType::Llm,
        _ => RunType::Chain,
    })
}

/// `traceloop.span.kind`.
pub(super) fn traceloop_kind(word: &str) -> Option<RunType> {
    Some(match word {
        "tool" => RunType::Tool,
        "workflow" | "task" | "agent" | "handoff" | "unknown" | "session" => RunType::Chain,
        _ => return None,
    })
}

/// `llm.request.type` and its relatives.
pub(super) fn request_type(word: &str) -> Option<RunType> {
    Some(match word {
        "embedding" | "embeddings" => RunType::Embedding,
        "rerank" => RunType::Retriever,
        _ => RunType::Llm,
    })
}

/// The words of MLflow, Genkit, Laminar, AgentOps, AG2 and Mastra.
pub(super) fn framework_kind(word: &str) -> Option<RunType> {
    Some(match word {
        "chat_model" | "llm" | "model" => RunType::Llm,
        "tool" | "mcp_tool_call" | "tool_call" => RunType::Tool,
        "retriever" | "reranker" => RunType::Retriever,
        "embedding" | "embedder" => RunType::Embedding,
        "parser" => RunType::Parser,
        "" => return None,
        _ => RunType::Chain,
    })
}

/// `spring.ai.kind`. What was done in a vector store is told by `db.*`.
pub(super) fn spring_kind(word: &str) -> Option<RunType> {
    Some(match word {
        "tool_call" => RunType::Tool,
        "chat_client" | "advisor" => RunType::Chain,
        _ => return None,
    })
}

/// `braintrust.span_attributes`: JSON with a type.
pub(super) fn braintrust_type(word: &str) -> Option<RunType> {
    framework_kind(parse(word).ok()?.get("type")?.as_simple()?)
}

/// `mcp.method.name`.
pub(super) fn mcp_method(word: &str) -> Option<RunType> {
    Some(if word == "tools/call" { RunType::Tool } else { RunType::Chain })
}

/// An ISO 8601 time, possibly in quotes. A time without an offset is UTC.
pub(crate) fn read_timestamp(text: &str) -> Option<UnixNanos> {
    let text = text.trim().trim_matches('"');
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, offset) = split_offset(clock)?;
    let mut clock = clock.splitn(3, ':');
    let (hour, minute): (i64, i64) = (clock.next()?.parse().ok()?, clock.next()?.parse().ok()?);
    let second = clock.next().unwrap_or("0");
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let second: i64 = second.parse().ok()?;
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !valid || !(1970..2262).contains(&year) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    if days_from_civil(year, month, day) >= days_from_civil(next_year, next_month, 1) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset * 60;
    Some(UnixNanos::from_nanos(seconds * 1_000_000_000 + nanos))
}

/// Splits `12:30:00+01:00` into the clock and its offset in minutes.
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = clock.find(['+', '-']) else { return Some((clock, 0)) };
    let (clock, offset) = clock.split_at(at);
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().unwrap_or(0);
    if minutes >= 24 * 60 {
        return None;
    }
    Some((clock, if offset.starts_with('-') { -minutes } else { minutes }))
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of them.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
