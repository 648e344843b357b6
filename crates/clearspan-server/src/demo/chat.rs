//! What models say to each other, before any dialect writes it down: messages, tool calls, model calls, and
//! token counts that fit the length of the text.

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// A picture in a message.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) mime_type: &'static str,
    pub(super) base64: String,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) role: Role,
    pub(super) text: String,
    pub(super) reasoning: Option<String>,
    pub(super) image: Option<Image>,
    pub(super) tool_calls: Vec<ToolCall>,
    /// Which call a tool message answers.
    pub(super) tool_call_id: Option<String>,
}

impl Message {
    fn new(role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { role, text, reasoning: None, image: None, tool_calls: Vec::new(), tool_call_id: None }
    }

    pub(super) fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    pub(super) fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    pub(super) fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    pub(super) fn tool(tool_call_id: impl Into<String>, result: &Value) -> Self {
        let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        Self { tool_call_id: Some(tool_call_id.into()), ..Self::new(Role::Tool, text) }
    }

    pub(super) fn calling(self, tool_calls: Vec<ToolCall>) -> Self {
        Self { tool_calls, ..self }
    }

    pub(super) fn thinking(self, reasoning: impl Into<String>) -> Self {
        Self { reasoning: Some(reasoning.into()), ..self }
    }

    pub(super) fn showing(self, image: Image) -> Self {
        Self { image: Some(image), ..self }
    }

    /// Why the model stopped after saying this.
    pub(super) fn finish_reason(&self) -> &'static str {
        if self.tool_calls.is_empty() { "stop" } else { "tool_calls" }
    }

    fn tokens(&self) -> u64 {
        let calls: u64 = self
            .tool_calls
            .iter()
            .map(|c| 12 + tokens_of(&c.name) + tokens_of(&c.arguments.to_string()))
            .sum();
        let image = if self.image.is_some() { 255 } else { 0 };
        // Four tokens a message for its frame, which is what the providers' own counters say.
        4 + tokens_of(&self.text) + calls + image
    }
}

/// About how many tokens a tokenizer would make of `text`: four letters of English, or one character of Japanese.
pub(super) fn tokens_of(text: &str) -> u64 {
    let quarters: u64 = text
        .chars()
        .map(|c| match u32::from(c) {
            0..0x80 => 1,
            0x80..0x2000 => 2,
            0x2000..0x1_0000 => 4,
            _ => 8,
        })
        .sum();
    quarters.div_ceil(4)
}

/// A tool that a model is offered.
#[derive(Debug, Clone)]
pub(super) struct ToolDef {
    pub(super) name: String,
    pub(super) description: &'static str,
    pub(super) parameters: Value,
}

impl ToolDef {
    /// A tool whose parameters are all required: `(name, type, description)`.
    pub(super) fn new(
        name: &str,
        description: &'static str,
        parameters: &[(&'static str, &'static str, &'static str)],
    ) -> Self {
        let properties: serde_json::Map<_, _> = parameters
            .iter()
            .map(|(name, kind, description)| {
                ((*name).to_owned(), json!({"type": kind, "description": description}))
            })
            .collect();
        let required: Vec<_> = parameters.iter().map(|(name, ..)| *name).collect();
        let parameters = json!({"type": "object", "properties": properties, "required": required});
        Self { name: name.to_owned(), description, parameters }
    }
}

/// Who serves a model; each dialect spells it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    OpenAi,
    Anthropic,
    Google,
    Mistral,
    /// A server of one's own, whose models no price list knows.
    Vllm,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    pub(super) provider: Provider,
    pub(super) name: &'static str,
    /// The dated name that the provider answers with.
    pub(super) response_name: &'static str,
    /// Milliseconds for a token of the answer.
    pub(super) ms_per_token: f64,
}

pub(super) const GPT_5: Model = Model {
    provider: Provider::OpenAi,
    name: "gpt-5",
    response_name: "gpt-5-2025-08-07",
    ms_per_token: 11.0,
};
pub(super) const GPT_5_MINI: Model = Model {
    provider: Provider::OpenAi,
    name: "gpt-5-mini",
    response_name: "gpt-5-mini-2025-08-07",
    ms_per_token: 6.0,
};
pub(super) const GPT_4O_MINI: Model = Model {
    provider: Provider::OpenAi,
    name: "gpt-4o-mini",
    response_name: "gpt-4o-mini-2024-07-18",
    ms_per_token: 8.0,
};
pub(super) const CLAUDE_SONNET: Model = Model {
    provider: Provider::Anthropic,
    name: "claude-sonnet-4-5",
    response_name: "claude-sonnet-4-5-20250929",
    ms_per_token: 12.0,
};
pub(super) const CLAUDE_OPUS: Model = Model {
    provider: Provider::Anthropic,
    name: "claude-opus-4-1",
    response_name: "claude-opus-4-1-20250805",
    ms_per_token: 17.0,
};
pub(super) const GEMINI_FLASH: Model = Model {
    provider: Provider::Google,
    name: "gemini-2.5-flash",
    response_name: "gemini-2.5-flash",
    ms_per_token: 4.5,
};
pub(super) const MISTRAL_LARGE: Model = Model {
    provider: Provider::Mistral,
    name: "mistral-large-latest",
    response_name: "mistral-large-latest",
    ms_per_token: 13.0,
};
pub(super) const IN_HOUSE: Model = Model {
    provider: Provider::Vllm,
    name: "northwind-support-8b-v3",
    response_name: "northwind-support-8b-v3",
    ms_per_token: 7.0,
};
pub(super) const EMBEDDING_LARGE: Model = Model {
    provider: Provider::OpenAi,
    name: "text-embedding-3-large",
    response_name: "text-embedding-3-large",
    ms_per_token: 0.0,
};
pub(super) const EMBEDDING_SMALL: Model = Model {
    provider: Provider::OpenAi,
    name: "text-embedding-3-small",
    response_name: "text-embedding-3-small",
    ms_per_token: 0.0,
};

/// One call of a chat model.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) model: Model,
    pub(super) history: &'a [Message],
    pub(super) reply: &'a Message,
    pub(super) tools: &'a [ToolDef],
    pub(super) temperature: Option<f64>,
    pub(super) max_tokens: Option<u64>,
    pub(super) streaming: bool,
    /// How much of the input came from the provider's prompt cache, from 0 to 1.
    pub(super) cached_share: f64,
    /// True when the rest of the input was written to the cache.
    pub(super) writes_cache: bool,
    pub(super) reasoning_tokens: u64,
}

impl<'a> Call<'a> {
    /// A streamed call without tools, cache or reasoning.
    pub(super) fn new(model: Model, history: &'a [Message], reply: &'a Message) -> Self {
        Self {
            model,
            history,
            reply,
            tools: &[],
            temperature: None,
            max_tokens: None,
            streaming: true,
            cached_share: 0.0,
            writes_cache: false,
            reasoning_tokens: 0,
        }
    }

    pub(super) fn usage(&self) -> Usage {
        let tools: u64 = self
            .tools
            .iter()
            .map(|t| 8 + tokens_of(t.description) + tokens_of(&t.parameters.to_string()))
            .sum();
        let input = tools + self.history.iter().map(Message::tokens).sum::<u64>();
        let cached = (input as f64 * self.cached_share) as u64;
        Usage {
            input,
            output: self.reply.tokens() + self.reasoning_tokens,
            cached,
            cache_write: if self.writes_cache { input - cached } else { 0 },
            reasoning: self.reasoning_tokens,
        }
    }
}

/// Tokens as today's providers count them: cached and written ones are part of the input, reasoning of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    pub(super) reasoning: u64,
}

/// A passage that a search found.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) score: f64,
    pub(super) metadata: Value,
}
