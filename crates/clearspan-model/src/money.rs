use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a run cost by itself, in US dollars, without its children. Never a float.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cost {
    /// The input side, cached input included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Decimal>,
    /// The output side, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Decimal>,
    /// Everything. `None` means unknown, which is not zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Decimal>,
    /// The parts by token detail, for example `input.cache_read` or `output.reasoning`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Decimal>,
    /// How the figures came about.
    pub source: CostSource,
}

/// Where a cost came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CostSource {
    /// This run has nothing to price: no usage and no model call.
    #[default]
    None,
    /// Something should have a price but none could be given; the reason says why.
    Unpriced {
        /// Why there is no figure.
        reason: UnpricedReason,
    },
    /// Tokens times a price of the price table.
    Priced {
        /// The id of the price entry, for example `openai/gpt-4o-mini@2024-07-18`.
        price_id: String,
    },
    /// The client said what it cost.
    Reported,
}

/// Why a run that used a model has no cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnpricedReason {
    /// The client sent no model name.
    NoModel,
    /// The price table does not know the model.
    UnknownModel,
    /// The client sent no token counts.
    NoUsage,
    /// The model is known, but was not on sale at the run's start time.
    NoPriceAtTime,
}

impl UnpricedReason {
    /// The stable name, in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoModel => "no_model",
            Self::UnknownModel => "unknown_model",
            Self::NoUsage => "no_usage",
            Self::NoPriceAtTime => "no_price_at_time",
        }
    }
}
