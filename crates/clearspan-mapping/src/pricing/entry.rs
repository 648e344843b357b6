//! The records of the price list.

use std::collections::BTreeMap;

use clearspan_model::{Decimal, UnixNanos};
use serde::Deserialize;

/// What one model costs from one date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceEntry {
    /// The id that a priced run names, for example `openai/gpt-4o-mini`.
    pub id: String,
    /// Who serves the model; `None` for everybody.
    pub provider: Option<String>,
    /// The names of the model. Case, date suffixes and provider prefixes of the run's model need not agree.
    pub models: Vec<String>,
    /// The first moment at which it holds; `None` for always.
    pub from: Option<UnixNanos>,
    /// The part of each day in which it holds; `None` for all of it.
    pub hours: Option<Hours>,
    /// The prices.
    pub rates: Rates,
    /// Other prices for larger prompts, by rising threshold.
    pub tiers: Vec<Tier>,
}

/// Prices in US dollars per million tokens, unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Tokens in.
    pub input: Option<Decimal>,
    /// Tokens out.
    pub output: Option<Decimal>,
    /// Parts of the input with a price of their own, by the keys of `Usage::input_details`.
    pub input_details: BTreeMap<String, Decimal>,
    /// Parts of the output with a price of their own, by the keys of `Usage::output_details`.
    pub output_details: BTreeMap<String, Decimal>,
    /// Dollars for each call, whatever its tokens.
    pub per_request: Option<Decimal>,
    /// Dollars for each search unit of a reranker (`Usage::input_details["search_units"]`, else one a call).
    pub per_search: Option<Decimal>,
}

/// Prices for prompts above a size. They hold for all tokens of the call, not only for those above.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Holds when the call has more input tokens than this.
    pub above: u64,
    /// The prices that differ.
    pub rates: Rates,
}

/// A part of each day, in minutes after midnight UTC; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute.
    pub start: u16,
    /// The minute after the last; before `start` when midnight lies between.
    pub end: u16,
}

impl Hours {
    fn contains(self, at: UnixNanos) -> bool {
        const NANOS_A_MINUTE: i64 = 60_000_000_000;
        let minute = at.as_nanos().div_euclid(NANOS_A_MINUTE).rem_euclid(24 * 60);
        let (start, end) = (i64::from(self.start), i64::from(self.end));
        if end < start { minute >= start || minute < end } else { (start..end).contains(&minute) }
    }
}

impl PriceEntry {
    /// True when the entry holds at that time.
    pub fn holds_at(&self, at: UnixNanos) -> bool {
        self.from.is_none_or(|from| from <= at) && self.hours.is_none_or(|hours| hours.contains(at))
    }
}
