//! The form of the price files; `clearspan_mapping::pricing::builtin` reads it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

/// All providers, by the id that `clearspan_mapping::pricing::provider` gives them.
pub(super) type Providers = BTreeMap<String, Provider>;

#[derive(Default)]
pub(super) struct Provider {
    pub(super) sources: BTreeSet<&'static str>,
    pub(super) models: Vec<Model>,
}

#[derive(Serialize)]
pub(super) struct Model {
    pub(super) id: String,
    #[serde(rename = "match", skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) aliases: BTreeSet<String>,
    pub(super) prices: Vec<Price>,
    /// How the source itself matches names.
    #[serde(skip)]
    pub(super) clause: serde_json::Value,
}

#[derive(Default, Serialize)]
pub(super) struct Price {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hours: Option<String>,
    pub(super) rates: Rates,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tiers: Vec<Tier>,
}

#[derive(Default, PartialEq, Serialize)]
pub(super) struct Rates {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<Decimal>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) input_details: BTreeMap<&'static str, Decimal>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) output_details: BTreeMap<&'static str, Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) per_request: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) per_search: Option<Decimal>,
}

#[derive(Serialize)]
pub(super) struct Tier {
    pub(super) above: u64,
    pub(super) rates: Rates,
}

/// What a price is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    Input,
    Output,
    InputDetail(&'static str),
    OutputDetail(&'static str),
    Request,
    Search,
}

impl Rates {
    pub(super) fn set(&mut self, part: Part, price: Decimal) {
        let price = price.normalize();
        match part {
            Part::Input => self.input = Some(price),
            Part::Output => self.output = Some(price),
            Part::InputDetail(key) => {
                self.input_details.insert(key, price);
            }
            Part::OutputDetail(key) => {
                self.output_details.insert(key, price);
            }
            Part::Request => self.per_request = Some(price),
            Part::Search => self.per_search = Some(price),
        }
    }
}

impl Price {
    /// Zero is a price too.
    pub(super) fn free() -> Self {
        let rates = Rates { input: Some(Decimal::ZERO), output: Some(Decimal::ZERO), ..Rates::default() };
        Self { rates, ..Self::default() }
    }

    /// Sets a price for prompts above a size.
    pub(super) fn set_above(&mut self, above: u64, part: Part, price: Decimal) {
        let position = self.tiers.partition_point(|tier| tier.above < above);
        if self.tiers.get(position).is_none_or(|tier| tier.above != above) {
            self.tiers.insert(position, Tier { above, rates: Rates::default() });
        }
        self.tiers[position].rates.set(part, price);
    }
}

impl Model {
    /// Bedrock's names begin with the maker; clients often leave it out.
    pub(super) fn add_alias(&mut self, provider: &str, name: &str) {
        let name = name.trim().to_ascii_lowercase();
        let name = name.trim_end_matches(['-', '@', ':', '.']);
        let without_vendor =
            name.rsplit_once('.').filter(|(_, rest)| provider == "bedrock" && !starts_with_digit(rest));
        let regional = name.strip_prefix("regional.").filter(|_| provider == "bedrock");
        for alias in [Some(name), without_vendor.map(|(_, rest)| rest), regional].into_iter().flatten() {
            // A price in another region has its own name; without the region it would be ambiguous.
            let is_short_for_global = name.starts_with("global.") && alias != name;
            if alias != self.id && !is_short_for_global {
                self.aliases.insert(alias.to_owned());
            }
        }
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}
