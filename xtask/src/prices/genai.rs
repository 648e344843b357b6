//! Takes over the list of `genai-prices`.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde_json::Value;

use super::record::{Model, Part, Price, Providers};
use super::source;

/// Lists of subscriptions, and resellers whose provider name no client sends.
const LEFT_OUT: [&str; 4] = ["cursor", "github-copilot", "openai-decisions", "quicksilverpro"];

pub(super) fn providers(list: &[Value]) -> Result<Providers> {
    let mut providers = Providers::new();
    for provider in list {
        let id = text(provider, "id")?;
        if LEFT_OUT.contains(&id) || id.starts_with("huggingface_") {
            continue;
        }
        let id = our_id(id);
        let target = providers.entry(id.to_owned()).or_default();
        target.sources.insert(source::GENAI);
        let mut taken = BTreeSet::new();
        for model in provider["models"].as_array().context("a provider without models")? {
            let model = self::model(id, model, &mut taken).with_context(|| format!("provider {id}"))?;
            target.models.push(model);
        }
    }
    Ok(providers)
}

fn our_id(id: &str) -> &str {
    match id {
        "aws" => "bedrock",
        "x-ai" => "xai",
        "voyageai" => "voyage",
        other => other,
    }
}

fn model(provider: &str, model: &Value, taken: &mut BTreeSet<String>) -> Result<Model> {
    let id = text(model, "id")?;
    let mut record = Model {
        id: id.to_owned(),
        aliases: BTreeSet::new(),
        prices: match model["prices"].as_object() {
            Some(fields) if fields.len() == 1 && is_free(provider, id) => vec![Price::free()],
            _ => prices(&model["prices"]).with_context(|| format!("model {id}"))?,
        },
        clause: model["match"].clone(),
    };
    record.add_alias(provider, id);
    let mut names = Vec::new();
    literals(&model["match"], &mut names);
    for name in names {
        record.add_alias(provider, name);
    }
    // The source takes the first model that matches a name.
    record.aliases.retain(|alias| taken.insert(alias.clone()));
    taken.insert(id.to_owned());
    Ok(record)
}

/// A price without any figure is "free" for these, and "not known" for others.
fn is_free(provider: &str, id: &str) -> bool {
    id.ends_with(":free") || ["google", "openai"].contains(&provider)
}

/// The names that a clause tells whole, or how they begin.
fn literals<'a>(clause: &'a Value, names: &mut Vec<&'a str>) {
    for key in ["equals", "starts_with", "contains", "ends_with"] {
        names.extend(clause[key].as_str());
    }
    for key in ["or_", "and_"] {
        clause[key].as_array().into_iter().flatten().for_each(|clause| literals(clause, names));
    }
}

/// True when the source would match that name.
pub(super) fn matches(clause: &Value, name: &str) -> bool {
    let word = |key: &str| clause[key].as_str().map(str::to_ascii_lowercase);
    let any_of = |key: &str| clause[key].as_array();
    if let Some(regex) = clause["regex"].as_str() {
        // Either "a date follows", which the lookup handles itself, or "no speech model".
        return regex.contains("(?!") && !name.contains("-tts");
    }
    word("equals").is_some_and(|word| name == word)
        || word("starts_with").is_some_and(|word| name.starts_with(&word))
        || word("ends_with").is_some_and(|word| name.ends_with(&word))
        || word("contains").is_some_and(|word| name.contains(&word))
        || any_of("or_").is_some_and(|clauses| clauses.iter().any(|clause| matches(clause, name)))
        || any_of("and_").is_some_and(|clauses| clauses.iter().all(|clause| matches(clause, name)))
}

fn prices(prices: &Value) -> Result<Vec<Price>> {
    let Some(conditional) = prices.as_array() else {
        return Ok(price(prices)?.into_iter().collect());
    };
    let mut list = Vec::new();
    for entry in conditional {
        let Some(mut price) = price(&entry["prices"])? else { continue };
        let constraint = &entry["constraint"];
        price.from = constraint["start_date"].as_str().map(str::to_owned);
        if let (Some(start), Some(end)) = (constraint["start_time"].as_str(), constraint["end_time"].as_str())
        {
            price.hours = Some(format!("{start}-{end}"));
        }
        list.push(price);
    }
    Ok(list)
}

/// `None` when nothing in it is priced by token or call.
fn price(prices: &Value) -> Result<Option<Price>> {
    let mut price = Price::default();
    let fields = prices.as_object().context("a price that is no object")?;
    let mut any = false;
    for (field, value) in fields {
        let Some(part) = part(field) else { continue };
        any = true;
        let unit = if part == Part::Request { Decimal::ONE_THOUSAND } else { Decimal::ONE };
        price.rates.set(part, decimal(value.get("base").unwrap_or(value))? / unit);
        for tier in value["tiers"].as_array().into_iter().flatten() {
            let above = tier["start"].as_u64().context("a tier without a start")?;
            price.set_above(above, part, decimal(&tier["price"])? / unit);
        }
    }
    Ok(any.then_some(price))
}

fn part(field: &str) -> Option<Part> {
    Some(match field {
        "input_mtok" => Part::Input,
        "output_mtok" => Part::Output,
        "cache_read_mtok" => Part::InputDetail("cache_read"),
        "cache_write_mtok" => Part::InputDetail("cache_write"),
        "cache_write_1h_mtok" => Part::InputDetail("cache_write_1h"),
        "input_audio_mtok" => Part::InputDetail("audio"),
        "input_image_mtok" => Part::InputDetail("image"),
        "input_video_mtok" => Part::InputDetail("video"),
        "output_audio_mtok" => Part::OutputDetail("audio"),
        "output_image_mtok" => Part::OutputDetail("image"),
        "output_video_mtok" => Part::OutputDetail("video"),
        "output_reasoning_mtok" => Part::OutputDetail("reasoning"),
        "requests_kcount" => Part::Request,
        _ => return None,
    })
}

fn decimal(value: &Value) -> Result<Decimal> {
    let text = value.as_str().context("a price that is no text")?;
    text.parse().with_context(|| format!("not a price: \"{text}\""))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("a record without \"{key}\""))
}
