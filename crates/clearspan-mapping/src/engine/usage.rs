//! Token counts: real, whole, not negative; cached and cache-writing tokens are part of the input.

use std::collections::BTreeMap;

use clearspan_model::{IssueKind, MapIssue, Name, Usage};

use super::Count;
use crate::json::Json;

/// Counts above this are no counts.
const MAX_COUNT: f64 = 1e15;

/// A count from a number, or from a number in text.
pub(crate) fn read_count(json: &Json<'_>) -> Result<u64, &'static str> {
    let number = match json {
        Json::Int(number) => return u64::try_from(*number).map_err(|_| "a token count cannot be negative"),
        Json::Float(number) => *number,
        Json::Number(digits) => digits.parse().map_err(|_| "not a number")?,
        Json::String(text) => text.simple().trim().parse().map_err(|_| "not a number")?,
        _ => return Err("not a number"),
    };
    if !number.is_finite() {
        Err("a token count must be finite")
    } else if number < 0.0 {
        Err("a token count cannot be negative")
    } else if number.fract() != 0.0 {
        Err("a token count must be whole")
    } else if number > MAX_COUNT {
        Err("a token count cannot be so large")
    } else {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and in range, as checked"
        )]
        Ok(number as u64)
    }
}

impl Count {
    /// The field that it is.
    pub(super) fn field(self) -> Name {
        match self {
            Self::Input => Name::Borrowed("usage.input_tokens"),
            Self::Output => Name::Borrowed("usage.output_tokens"),
            Self::Total => Name::Borrowed("usage.total_tokens"),
            Self::InputDetail(name) => Name::Owned(format!("usage.input_details.{name}")),
            Self::OutputDetail(name) => Name::Owned(format!("usage.output_details.{name}")),
        }
    }
}

/// Usage while it is collected.
#[derive(Debug, Default)]
pub(crate) struct UsageDraft {
    usage: Usage,
    reported: bool,
}

impl UsageDraft {
    /// Takes a count unless a stronger source told it. True when it is used or repeats what is known.
    pub(super) fn fill(&mut self, count: Count, number: u64) -> bool {
        let usage = &mut self.usage;
        let known = match count {
            Count::Input => usage.input_tokens.get_or_insert(number),
            Count::Output => usage.output_tokens.get_or_insert(number),
            Count::Total => usage.total_tokens.get_or_insert(number),
            Count::InputDetail(name) => usage.input_details.entry(name.to_owned()).or_insert(number),
            Count::OutputDetail(name) => usage.output_details.entry(name.to_owned()).or_insert(number),
        };
        self.reported = true;
        *known == number
    }

    /// Takes what is missing from a weaker source. Returns the names of the fields that were.
    pub(super) fn fill_from(&mut self, other: Usage) -> Vec<Name> {
        let mut filled = Vec::new();
        let usage = &mut self.usage;
        self.reported |= other != Usage::default();
        for (known, count, name) in [
            (&mut usage.input_tokens, other.input_tokens, Count::Input),
            (&mut usage.output_tokens, other.output_tokens, Count::Output),
            (&mut usage.total_tokens, other.total_tokens, Count::Total),
        ] {
            if known.is_none() && count.is_some() {
                *known = count;
                filled.push(name.field());
            }
        }
        for (known, details, side) in [
            (&mut usage.input_details, other.input_details, "input"),
            (&mut usage.output_details, other.output_details, "output"),
        ] {
            for (name, number) in details {
                known.entry(name).or_insert_with_key(|name| {
                    filled.push(Name::Owned(format!("usage.{side}_details.{name}")));
                    number
                });
            }
        }
        filled
    }

    /// The parts that another telling of the same usage has: its sums are those that are known, or would be with
    /// cached tokens among them.
    pub(super) fn parts_of(&self, mut other: Usage) -> Option<Usage> {
        let detail = |name: &str| other.input_details.get(name).copied().unwrap_or(0);
        let cached = detail("cache_read").saturating_add(detail("cache_write"));
        let (input, known) = (other.input_tokens?, self.usage.input_tokens?);
        let is_same = (input == known || input.saturating_add(cached) == known)
            && other.output_tokens? == self.usage.output_tokens?;
        for details in [&mut other.input_details, &mut other.output_details] {
            details.retain(|_, count| *count > 0);
        }
        let (input_details, output_details) = (other.input_details, other.output_details);
        is_same.then(|| Usage { input_details, output_details, ..Usage::default() })
    }

    /// Whether a count is known, by its name below `usage`.
    pub(super) fn knows(&self, name: &str) -> bool {
        match name.split_once('.') {
            Some(("input_details", detail)) => self.usage.input_details.contains_key(detail),
            Some(("output_details", detail)) => self.usage.output_details.contains_key(detail),
            _ => match name {
                "input_tokens" => self.usage.input_tokens.is_some(),
                "output_tokens" => self.usage.output_tokens.is_some(),
                _ => self.usage.total_tokens.is_some(),
            },
        }
    }

    /// Sets a count, by its name below `usage`.
    pub(super) fn put(&mut self, name: &str, number: u64) {
        self.reported = true;
        let usage = &mut self.usage;
        match name.split_once('.') {
            Some(("input_details", detail)) => {
                usage.input_details.insert(detail.to_owned(), number);
            }
            Some(("output_details", detail)) => {
                usage.output_details.insert(detail.to_owned(), number);
            }
            _ => match name {
                "input_tokens" => usage.input_tokens = Some(number),
                "output_tokens" => usage.output_tokens = Some(number),
                _ => usage.total_tokens = Some(number),
            },
        }
    }

    /// True when another source tells the same of both sides, so that its details fit.
    pub(super) fn agrees(&self, other: &Usage) -> bool {
        let known = &self.usage;
        known.input_tokens.is_some()
            && (known.input_tokens, known.output_tokens) == (other.input_tokens, other.output_tokens)
    }

    pub(super) fn is_reported(&self) -> bool {
        self.reported
    }

    /// The usage, in one meaning whoever reported it.
    pub(super) fn finish(self, is_gemini: bool, issues: &mut Vec<MapIssue>) -> Option<Usage> {
        let mut usage = self.usage;
        if !self.reported {
            return None;
        }
        sum_cache_writes(&mut usage);
        include_cached(&mut usage, issues);
        if is_gemini {
            include_thoughts(&mut usage, issues);
        }
        if usage.total_tokens.is_none()
            && let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens)
        {
            usage.total_tokens = input.checked_add(output);
        }
        Some(usage)
    }
}

/// `cache_write` is the whole of its two kinds; LangChain leaves it at zero when it tells the kinds.
fn sum_cache_writes(usage: &mut Usage) {
    let kinds = ["cache_write_5m", "cache_write_1h"].map(|kind| usage.input_details.get(kind).copied());
    if kinds.iter().all(Option::is_none) {
        return;
    }
    let sum = kinds.into_iter().flatten().fold(0, u64::saturating_add);
    let whole = usage.input_details.entry("cache_write".to_owned()).or_insert(sum);
    *whole = sum.max(*whole);
}

/// Anthropic's own counts leave cached tokens out of the input. They are told by details that exceed it, or by a total
/// that has both.
fn include_cached(usage: &mut Usage, issues: &mut Vec<MapIssue>) {
    let detail = |name: &str| usage.input_details.get(name).copied().unwrap_or(0);
    let cached = detail("cache_read").saturating_add(detail("cache_write"));
    let output = usage.output_tokens.unwrap_or(0);
    let is_beside = |input: u64| {
        let both = input.checked_add(cached).and_then(|sum| sum.checked_add(output));
        cached > input || cached > 0 && usage.total_tokens == both
    };
    let Some(input) = usage.input_tokens.filter(|input| is_beside(*input)) else { return };
    let whole = input.saturating_add(cached);
    // A total that did not count them either has to follow.
    if let Some(total) = usage.total_tokens
        && total == input.saturating_add(output)
    {
        usage.total_tokens = Some(total.saturating_add(cached));
    }
    usage.input_tokens = Some(whole);
    issues.push(MapIssue {
        kind: IssueKind::Repaired,
        field: "usage.input_tokens".to_owned(),
        message: format!("the reported {input} input tokens left out {cached} cached ones; they were added"),
    });
}

/// Gemini's own counts leave thoughts out of the output, and only its total has them. What a total has beside both sides is
/// thoughts, unless they are told and are another number.
fn include_thoughts(usage: &mut Usage, issues: &mut Vec<MapIssue>) {
    let (Some(input), Some(output), Some(total)) =
        (usage.input_tokens, usage.output_tokens, usage.total_tokens)
    else {
        return;
    };
    let told = usage.output_details.get("reasoning").copied();
    let thoughts = total.saturating_sub(input).saturating_sub(output);
    if thoughts == 0 || told.is_some_and(|told| told != thoughts) {
        return;
    }
    usage.output_tokens = Some(output + thoughts);
    usage.output_details.insert("reasoning".to_owned(), thoughts);
    issues.push(MapIssue {
        kind: IssueKind::Repaired,
        field: "usage.output_tokens".to_owned(),
        message: format!(
            "the reported {output} output tokens left out {thoughts} of thoughts that the total has; they were added"
        ),
    });
}

const INPUT: &[&str] = &[
    "input_tokens",
    "prompt_tokens",
    "input",
    "inputTokens",
    "promptTokens",
    "prompt",
    "prompt_token_count",
    "promptTokenCount",
    "total_input_tokens",
];
const OUTPUT: &[&str] = &[
    "output_tokens",
    "completion_tokens",
    "output",
    "outputTokens",
    "completionTokens",
    "completion",
    "candidates_token_count",
    "candidatesTokenCount",
    "total_output_tokens",
];
const TOTAL: &[&str] =
    &["total_tokens", "tokens", "total", "totalTokens", "total_token_count", "totalTokenCount"];
const INPUT_DETAILS: &[&str] = &[
    "input_token_details",
    "input_tokens_details",
    "prompt_tokens_details",
    "inputTokenDetails",
    "promptTokensDetails",
    "cache_creation",
];
const OUTPUT_DETAILS: &[&str] =
    &["output_token_details", "output_tokens_details", "completion_tokens_details", "outputTokenDetails"];

/// Reads the usage object of any provider or SDK. None when there is no count in it.
pub(crate) fn usage_from_json(json: &Json<'_>) -> Option<Usage> {
    let mut usage = Usage::default();
    let first = |names: &[&str]| json.first(names).and_then(|json| read_count(json).ok());
    usage.input_tokens = first(INPUT);
    usage.output_tokens = first(OUTPUT);
    usage.total_tokens = first(TOTAL);
    for (name, value) in json.members()? {
        let name = name.simple();
        if INPUT_DETAILS.contains(&name) {
            read_details(value, &mut usage.input_details, input_detail);
        } else if OUTPUT_DETAILS.contains(&name) {
            read_details(value, &mut usage.output_details, output_detail);
        } else if let Ok(number) = read_count(value) {
            if let Some(detail) = flat_input_detail(name) {
                usage.input_details.entry(detail.to_owned()).or_insert(number);
            } else if let Some(detail) = flat_output_detail(name) {
                usage.output_details.entry(detail.to_owned()).or_insert(number);
            }
        }
    }
    (usage != Usage::default()).then_some(usage)
}

/// Numbers of a usage object that stand where counts do and are none, with the reason.
pub(super) fn unusable_counts(json: &Json<'_>) -> Vec<(String, &'static str)> {
    let mut unusable = Vec::new();
    let mut look = |name: String, value: &Json<'_>| {
        if matches!(value, Json::Int(_) | Json::Float(_) | Json::Number(_))
            && let Err(why) = read_count(value)
        {
            unusable.push((name, why));
        }
    };
    for (key, value) in json.members().unwrap_or_default() {
        let key = key.simple();
        if INPUT_DETAILS.contains(&key) || OUTPUT_DETAILS.contains(&key) {
            let name_of = if INPUT_DETAILS.contains(&key) { input_detail } else { output_detail };
            for (part, value) in value.members().unwrap_or_default() {
                if name_of(part.simple()).is_some() {
                    look(format!("{key}.{}", part.simple()), value);
                }
            }
        } else if [INPUT, OUTPUT, TOTAL].iter().any(|names| names.contains(&key))
            || flat_input_detail(key).is_some()
            || flat_output_detail(key).is_some()
        {
            look(key.to_owned(), value);
        }
    }
    unusable
}

/// Reads the members of a details object whose names are known.
pub(super) fn read_details(
    json: &Json<'_>,
    details: &mut BTreeMap<String, u64>,
    name_of: fn(&str) -> Option<&'static str>,
) {
    for (name, value) in json.members().unwrap_or_default() {
        if let (Some(name), Ok(number)) = (name_of(name.simple()), read_count(value)) {
            details.entry(name.to_owned()).or_insert(number);
        }
    }
}

/// The stored name of a part of the input.
pub(super) fn input_detail(name: &str) -> Option<&'static str> {
    Some(match name {
        "cache_read"
        | "cached_tokens"
        | "cached"
        | "cacheReadTokens"
        | "cacheRead"
        | "cache_read_input_tokens"
        | "cache_read_tokens" => "cache_read",
        "cache_creation"
        | "cache_write"
        | "cacheWriteTokens"
        | "cacheWrite"
        | "cache_write_tokens"
        | "cache_creation_tokens"
        | "cache_creation_input_tokens" => "cache_write",
        "ephemeral_5m_input_tokens" | "cache_write_5m" => "cache_write_5m",
        // LangSmith's JavaScript SDK writes `1hr`.
        "ephemeral_1h_input_tokens" | "ephemeral_1hr_input_tokens" | "cache_write_1h" => "cache_write_1h",
        "audio" | "audio_tokens" => "audio",
        "image" | "image_tokens" => "image",
        "video" | "video_tokens" => "video",
        "text" | "text_tokens" => "text",
        _ => return None,
    })
}

/// The stored name of a part of the output.
pub(super) fn output_detail(name: &str) -> Option<&'static str> {
    Some(match name {
        "reasoning" | "reasoning_tokens" | "reasoningTokens" => "reasoning",
        "audio" | "audio_tokens" => "audio",
        "image" | "image_tokens" => "image",
        "text" | "text_tokens" | "textTokens" => "text",
        "accepted_prediction_tokens" => "accepted_prediction",
        "rejected_prediction_tokens" => "rejected_prediction",
        _ => return None,
    })
}

/// Parts of the input beside the counts: Anthropic, Bedrock, Gemini, Langfuse.
fn flat_input_detail(name: &str) -> Option<&'static str> {
    Some(match name {
        "cache_read_input_tokens"
        | "input_cached_tokens"
        | "input_cache_read"
        | "cacheReadInputTokens"
        | "cached_content_token_count"
        | "cachedContentTokenCount"
        | "cachedInputTokens"
        | "cached_input_tokens"
        | "prompt_cached_tokens"
        | "cache_read"
        | "cached_tokens" => "cache_read",
        "cache_creation_input_tokens"
        | "cacheWriteInputTokens"
        | "cache_write_input_tokens"
        | "input_cache_creation"
        | "input_cache_write"
        | "cache_write" => "cache_write",
        "input_audio_tokens" | "prompt_audio_tokens" | "input_audio" => "audio",
        _ => return None,
    })
}

/// Parts of the output beside the counts.
fn flat_output_detail(name: &str) -> Option<&'static str> {
    Some(match name {
        "output_reasoning_tokens"
        | "output_reasoning"
        | "reasoning_tokens"
        | "reasoningTokens"
        | "thoughts_token_count"
        | "thoughtsTokenCount"
        | "completion_reasoning_tokens" => "reasoning",
        "output_audio_tokens" | "completion_audio_tokens" | "output_audio" => "audio",
        _ => return None,
    })
}
