//! Names of the GenAI conventions that were replaced but are still sent.

use crate::engine::Count::{Input, InputDetail, Output, OutputDetail};
use crate::engine::To::{Param, Tokens};
use crate::engine::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row("gen_ai.usage.prompt_tokens", &[Tokens(Input)]),
    row("gen_ai.usage.completion_tokens", &[Tokens(Output)]),
    row("gen_ai.usage.cache_read_input_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.cached_input_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.cached_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.details.cache_read_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.details.cache_read_input_tokens", &[Tokens(InputDetail("cache_read"))]),
    row("gen_ai.usage.cache_creation_input_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("gen_ai.usage.cache_write_input_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("gen_ai.usage.details.cache_write_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("gen_ai.usage.details.cache_creation_input_tokens", &[Tokens(InputDetail("cache_write"))]),
    row("gen_ai.usage.details.input_audio_tokens", &[Tokens(InputDetail("audio"))]),
    row("gen_ai.usage.reasoning_tokens", &[Tokens(OutputDetail("reasoning"))]),
    row("gen_ai.usage.details.reasoning_tokens", &[Tokens(OutputDetail("reasoning"))]),
    row("gen_ai.usage.details.audio_tokens", &[Tokens(OutputDetail("audio"))]),
    row("gen_ai.usage.details.accepted_prediction_tokens", &[Tokens(OutputDetail("accepted_prediction"))]),
    row("gen_ai.usage.details.rejected_prediction_tokens", &[Tokens(OutputDetail("rejected_prediction"))]),
    row("gen_ai.openai.request.seed", &[Param("seed")]),
    row("gen_ai.openai.request.service_tier", &[Param("service_tier")]),
    row("gen_ai.openai.request.response_format", &[Param("response_format")]),
];
