//! Adds what only the list of `litellm` knows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::record::{Model, Part, Price, Provider, Providers};
use super::{genai, source};

type Fields = BTreeMap<String, Box<RawValue>>;

/// Our id for a provider of the list; resellers that few use and subscriptions are left out.
fn our_id(provider: &str) -> Option<&str> {
    if provider.starts_with("vertex_ai") {
        return Some("google");
    }
    Some(match provider {
        "openai" | "text-completion-openai" => "openai",
        "azure" | "azure_ai" | "azure_text" => "azure",
        "bedrock" | "bedrock_converse" | "bedrock_mantle" => "bedrock",
        "gemini" => "google",
        "mistral" | "codestral" => "mistral",
        "cohere" | "cohere_chat" => "cohere",
        "together_ai" => "together",
        "fireworks_ai" | "fireworks_ai-embedding-models" => "fireworks",
        "lambda_ai" => "lambda",
        "moonshot" => "moonshotai",
        "meta_llama" => "meta",
        "amazon_nova" => "amazon",
        "jina_ai" => "jina",
        "nvidia_nim" => "nvidia",
        "ai21" | "anthropic" | "anyscale" | "baseten" | "cerebras" | "cloudflare" | "dashscope"
        | "databricks" | "deepinfra" | "deepseek" | "friendliai" | "gigachat" | "groq" | "hyperbolic"
        | "minimax" | "nebius" | "novita" | "nscale" | "oci" | "ovhcloud" | "perplexity" | "replicate"
        | "sagemaker" | "sambanova" | "scaleway" | "snowflake" | "volcengine" | "voyage" | "wandb"
        | "watsonx" | "xai" | "zai" => provider,
        _ => return None,
    })
}

const MODES: [&str; 10] = [
    "audio_speech",
    "audio_transcription",
    "chat",
    "completion",
    "embedding",
    "image_generation",
    "moderation",
    "realtime",
    "rerank",
    "responses",
];

pub(super) fn add_missing(providers: &mut Providers, list: &BTreeMap<String, Fields>) -> Result<()> {
    for (name, fields) in list {
        let field = |key: &str| fields.get(key).and_then(|raw| string(raw));
        let Some((listed, provider)) = field("litellm_provider").and_then(|p| Some((p, our_id(p)?))) else {
            continue;
        };
        let mode = field("mode").unwrap_or("chat");
        let Some(name) = own_name(provider, listed, name).filter(|_| MODES.contains(&mode)) else { continue };
        let Some(price) = price(fields, mode).with_context(|| format!("model {name}"))? else { continue };
        add(providers.entry(provider.to_owned()).or_default(), provider, &name, price);
    }
    Ok(())
}

/// What the first list matches and prices alike becomes one more name of its model; what it names itself stays as
/// it is there; the rest is a model of its own.
fn add(target: &mut Provider, provider: &str, name: &str, price: Price) {
    if target.models.iter().any(|model| model.id == name || model.aliases.contains(name)) {
        return;
    }
    if let Some(model) = target.models.iter_mut().find(|model| genai::matches(&model.clause, name)) {
        // It may know of a price that is no longer or not yet in force here.
        let is_same = model.prices.iter().any(|known| {
            (known.rates.input, known.rates.output.unwrap_or_default())
                == (price.rates.input, price.rates.output.unwrap_or_default())
        });
        if is_same {
            model.aliases.insert(name.to_owned());
            return;
        }
    }
    let clause = serde_json::Value::Null;
    let mut model = Model { id: name.to_owned(), aliases: BTreeSet::new(), prices: vec![price], clause };
    model.add_alias(provider, name);
    let others: BTreeSet<&String> = target.models.iter().flat_map(|model| &model.aliases).collect();
    model
        .aliases
        .retain(|alias| !others.contains(alias) && !target.models.iter().any(|model| model.id == *alias));
    target.sources.insert(source::LITELLM);
    target.models.push(model);
}

/// The name without the list's prefix for its provider; `None` for what is no model name.
fn own_name(provider: &str, listed: &str, name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let prefix = name.split_once('/').map(|(prefix, _)| prefix);
    let is_prefix = |prefix: &str| prefix == listed || our_id(prefix) == Some(provider);
    let own = match prefix {
        Some(prefix) if is_prefix(prefix) => name.split_once('/').map(|(_, rest)| rest)?,
        _ => &name,
    };
    let own = own.strip_prefix("accounts/fireworks/models/").unwrap_or(own);
    // Bedrock's regions and commitments, and size classes instead of names.
    let is_place = provider == "bedrock" && own.contains('/');
    let is_class = own.starts_with("together-ai-") || own.starts_with("fireworks-ai-");
    (!is_place && !is_class && !own.is_empty()).then(|| own.to_owned())
}

fn string(raw: &RawValue) -> Option<&str> {
    serde_json::from_str(raw.get()).ok()
}

/// `None` when the list has no price by token or call, or says zero: there that means "not known" as often as "free".
fn price(fields: &Fields, mode: &str) -> Result<Option<Price>> {
    let mut price = Price::default();
    for (field, raw) in fields {
        let Some((part, above)) = part(field, mode) else { continue };
        let Some(figure) = figure(raw)? else { continue };
        let is_detail = matches!(part, Part::InputDetail(_) | Part::OutputDetail(_));
        if is_detail && figure.is_zero() {
            continue;
        }
        let figure = if matches!(part, Part::Request | Part::Search) { figure } else { per_million(figure) };
        match above {
            None => price.rates.set(part, figure),
            Some(above) => price.set_above(above, part, figure),
        }
    }
    add_ranges(&mut price, fields)?;
    if price.rates.output_details.get("reasoning") == price.rates.output.as_ref() {
        price.rates.output_details.remove("reasoning");
    }
    let figures = [price.rates.input, price.rates.output, price.rates.per_request, price.rates.per_search];
    Ok(figures.into_iter().flatten().any(|figure| !figure.is_zero()).then_some(price))
}

/// Floats that a program computed, such as 2.0000000000000002e-07, become what was meant.
fn per_million(figure: Decimal) -> Decimal {
    (figure * Decimal::from(1_000_000)).round_dp(9)
}

fn figure(raw: &RawValue) -> Result<Option<Decimal>> {
    let text = raw.get();
    if text == "null" || text.starts_with(['"', '{', '[']) {
        return Ok(None);
    }
    let figure = if text.contains(['e', 'E']) { Decimal::from_scientific(text) } else { text.parse() };
    figure.map(Some).with_context(|| format!("not a price: {text}"))
}

/// What a field prices, and above which number of tokens.
fn part(field: &str, mode: &str) -> Option<(Part, Option<u64>)> {
    let (base, above) = match field.strip_suffix("k_tokens").and_then(|head| head.rsplit_once("_above_")) {
        Some((base, thousands)) => (base, Some(thousands.parse::<u64>().ok()? * 1_000)),
        None => (field, None),
    };
    let part = match base {
        "input_cost_per_token" => Part::Input,
        "output_cost_per_token" => Part::Output,
        "cache_read_input_token_cost" => Part::InputDetail("cache_read"),
        "cache_creation_input_token_cost" => Part::InputDetail("cache_write"),
        "cache_creation_input_token_cost_above_1hr" => Part::InputDetail("cache_write_1h"),
        "input_cost_per_audio_token" => Part::InputDetail("audio"),
        "input_cost_per_image_token" => Part::InputDetail("image"),
        "input_cost_per_video_token" => Part::InputDetail("video"),
        "output_cost_per_audio_token" => Part::OutputDetail("audio"),
        "output_cost_per_image_token" => Part::OutputDetail("image"),
        "output_cost_per_video_token" => Part::OutputDetail("video"),
        "output_cost_per_reasoning_token" => Part::OutputDetail("reasoning"),
        "input_cost_per_request" => Part::Request,
        "input_cost_per_query" if mode == "rerank" => Part::Search,
        _ => return None,
    };
    Some((part, above))
}

/// Some models give their prices by ranges of the prompt's size only.
fn add_ranges(price: &mut Price, fields: &Fields) -> Result<()> {
    #[derive(Deserialize)]
    struct Range {
        #[serde(default)]
        range: Vec<f64>,
        #[serde(flatten)]
        fields: BTreeMap<String, serde_json::Value>,
    }
    let Some(raw) = fields.get("tiered_pricing") else { return Ok(()) };
    let ranges: Vec<Range> = serde_json::from_str(raw.get()).context("unexpected form of tiered_pricing")?;
    for Range { range, fields } in ranges {
        let Some(start) = range.first() else { continue };
        for (field, value) in fields {
            let Some((part, None)) = part(&field, "chat") else { continue };
            let text = RawValue::from_string(value.to_string())?;
            let Some(figure) = figure(&text)?.map(per_million) else { continue };
            if *start == 0.0 {
                price.rates.set(part, figure);
            } else {
                price.set_above(*start as u64, part, figure);
            }
        }
    }
    Ok(())
}
