//! Reads the price lists that the binary carries.
//!
//! The format: one file a provider, `{"provider", "sources", "models": [{"id", "match", "prices": [{"from",
//! "hours", "rates", "tiers"}]}]}`. Of several prices of a model the last that holds counts.

use std::sync::Arc;

use clearspan_model::UnixNanos;
use serde::Deserialize;

use super::files::FILES;
use super::index::Index;
use super::{Hours, PriceEntry, Rates, Tier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    provider: String,
    /// For people only: the packages that the prices were taken from.
    #[expect(dead_code, reason = "named so that unknown fields can be refused")]
    sources: Vec<String>,
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    id: String,
    #[serde(default, rename = "match")]
    aliases: Vec<String>,
    prices: Vec<Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    from: Option<String>,
    hours: Option<String>,
    rates: Rates,
    #[serde(default)]
    tiers: Vec<Tier>,
}

pub(super) fn load() -> Arc<Index> {
    let lists = FILES.iter().map(|text| serde_json::from_str(text).expect("a committed price list is valid"));
    Arc::new(Index::new(lists.flat_map(entries).collect()))
}

fn entries(list: List) -> impl Iterator<Item = PriceEntry> {
    let List { provider, models, .. } = list;
    models.into_iter().flat_map(move |Model { id, mut aliases, prices }| {
        aliases.push(id.clone());
        let provider = provider.clone();
        prices.into_iter().map(move |Price { from, hours, rates, tiers }| {
            let since = from.as_ref().map(|date| format!("@{date}")).unwrap_or_default();
            PriceEntry {
                id: format!("{provider}/{id}{since}"),
                provider: Some(provider.clone()),
                models: aliases.clone(),
                from: from.map(|date| midnight(&date).expect("a committed price list has valid dates")),
                hours: hours
                    .map(|hours| parse_hours(&hours).expect("a committed price list has valid hours")),
                rates,
                tiers,
            }
        })
    })
}

/// The beginning of `2025-06-10` in UTC.
fn midnight(date: &str) -> Option<UnixNanos> {
    let mut numbers = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    // Howard Hinnant's days_from_civil: years begin in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    days.checked_mul(86_400_000_000_000).map(UnixNanos::from_nanos)
}

/// `00:30-16:30`, in UTC.
fn parse_hours(text: &str) -> Option<Hours> {
    let minutes = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
    };
    let (start, end) = text.split_once('-')?;
    Some(Hours { start: minutes(start)?, end: minutes(end)? })
}

#[cfg(test)]
mod tests;
