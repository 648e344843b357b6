//! Tokens times prices.

use std::collections::BTreeMap;

use clearspan_model::{Cost, CostSource, Decimal, RunType, Side, UnpricedReason, Usage};

use super::{PriceEntry, Rates};

/// A trillionth of a dollar: finer than any price of a single token.
const PLACES: u32 = 12;

/// Cuts a figure to what is stored; ties go to the even neighbour so that sums do not drift.
pub(super) fn rounded(money: Decimal) -> Decimal {
    money.round_dp_with_strategy(PLACES, rust_decimal::RoundingStrategy::MidpointNearestEven).normalize()
}

/// What each part of a call costs. Every part is rounded by itself, so that they sum exactly.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    input: Option<Decimal>,
    output: Option<Decimal>,
    /// Flat fees, which belong to no side.
    fees: Option<Decimal>,
    /// The parts that have a price of their own, the fees among them.
    details: BTreeMap<String, Decimal>,
}

impl Amounts {
    /// Fails when some tokens have no price: a part must not pass for the whole.
    pub(super) fn of(entry: &PriceEntry, usage: &Usage, run_type: RunType) -> Result<Self, UnpricedReason> {
        let tokens = Tokens::of(usage, run_type).ok_or(UnpricedReason::NoUsage)?;
        let rates = InForce::of(entry, tokens.input);
        let mut amounts = Self::default();
        amounts.add_fees(&rates, usage, run_type);
        let input = amounts.side(Side::Input, tokens.input, &rates, usage);
        let output = amounts.side(Side::Output, tokens.output, &rates, usage);
        match (run_type, input, output) {
            (RunType::Llm, input, output) => (amounts.input, amounts.output) = (input?, output?),
            // Vectors are no tokens: lists have no price for them, and clients count them as they like.
            (RunType::Embedding, input, output) => {
                (amounts.input, amounts.output) = (input?, output.ok().flatten())
            }
            (_, input, output) => {
                (amounts.input, amounts.output) = (input.ok().flatten(), output.ok().flatten());
            }
        }
        let is_priced = amounts.input.is_some() || amounts.output.is_some() || amounts.fees.is_some();
        is_priced.then_some(amounts).ok_or(UnpricedReason::UnknownModel)
    }

    pub(super) fn into_cost(self, source: CostSource) -> Cost {
        let Self { input, output, fees, details } = self;
        let total = [input, output, fees].into_iter().flatten().fold(Decimal::ZERO, Decimal::saturating_add);
        Cost { input, output, total: Some(total.normalize()), details, source }
    }

    /// Parts with a price of their own at that price, the rest at the base price.
    fn side(
        &mut self,
        side: Side,
        tokens: Option<u64>,
        rates: &InForce<'_>,
        usage: &Usage,
    ) -> Result<Option<Decimal>, UnpricedReason> {
        let details = match side {
            Side::Input => &usage.input_details,
            Side::Output => &usage.output_details,
        };
        let mut sum = Decimal::ZERO;
        let mut rest = tokens.unwrap_or(0);
        let mut parts = Vec::new();
        for (key, count) in details {
            let Some(rate) = rates.detail(side, key) else { continue };
            let count = count.saturating_sub(counted_elsewhere(key, details));
            let amount = times(count, rate);
            rest = rest.saturating_sub(count);
            sum = sum.saturating_add(amount);
            parts.push((format!("{side}.{key}"), amount));
        }
        match rates.base(side) {
            Some(rate) => sum = sum.saturating_add(times(rest, rate)),
            None if rest > 0 => return Err(UnpricedReason::UnknownModel),
            None if parts.is_empty() => return Ok(None),
            None => {}
        }
        self.details.extend(parts);
        Ok(tokens.map(|_| sum.normalize()))
    }

    fn add_fees(&mut self, rates: &InForce<'_>, usage: &Usage, run_type: RunType) {
        let is_search = run_type == RunType::Retriever;
        let searches = usage.input_details.get("search_units").copied().unwrap_or(1);
        let fees = [
            ("request", rates.pick(|rates| rates.per_request)),
            (
                "search",
                rates.pick(|rates| rates.per_search).filter(|_| is_search).map(|fee| of_each(searches, fee)),
            ),
        ];
        for (key, fee) in fees {
            let Some(fee) = fee.map(rounded) else { continue };
            self.fees = Some(self.fees.unwrap_or(Decimal::ZERO).saturating_add(fee));
            self.details.insert(key.to_owned(), fee);
        }
    }
}

/// The tokens of each side, as far as the counts that were sent tell them.
struct Tokens {
    input: Option<u64>,
    output: Option<u64>,
}

impl Tokens {
    /// `None` when only a total is known and it has two sides: they differ in price.
    fn of(usage: &Usage, run_type: RunType) -> Option<Self> {
        let parts = |details: &BTreeMap<String, u64>| {
            let count = |(key, count): (&String, &u64)| count.saturating_sub(counted_elsewhere(key, details));
            (!details.is_empty()).then(|| details.iter().map(count).fold(0, u64::saturating_add))
        };
        let mut input = usage.input_tokens.or_else(|| parts(&usage.input_details));
        let mut output = usage.output_tokens.or_else(|| parts(&usage.output_details));
        match (input, output, usage.total_tokens) {
            (None, None, Some(total)) if run_type != RunType::Llm => input = Some(total),
            (None, None, _) => return None,
            (None, Some(known), Some(total)) => input = Some(total.saturating_sub(known)),
            (Some(known), None, Some(total)) if run_type == RunType::Llm => {
                output = Some(total.saturating_sub(known));
            }
            _ => {}
        }
        Some(Self { input, output })
    }
}

/// How many tokens of a detail its sub-kinds count too: they are charged there.
fn counted_elsewhere(key: &str, details: &BTreeMap<String, u64>) -> u64 {
    if key != "cache_write" {
        return 0;
    }
    ["cache_write_5m", "cache_write_1h"]
        .into_iter()
        .filter_map(|key| details.get(key))
        .fold(0, |sum, count| sum.saturating_add(*count))
}

/// The rates of an entry for a prompt of some size.
struct InForce<'a> {
    base: &'a Rates,
    tier: Option<&'a Rates>,
}

impl<'a> InForce<'a> {
    fn of(entry: &'a PriceEntry, input: Option<u64>) -> Self {
        let size = input.unwrap_or(0);
        let tier = entry.tiers.iter().filter(|tier| size > tier.above).max_by_key(|tier| tier.above);
        Self { base: &entry.rates, tier: tier.map(|tier| &tier.rates) }
    }

    fn pick(&self, figure: impl Fn(&Rates) -> Option<Decimal>) -> Option<Decimal> {
        self.tier.and_then(&figure).or_else(|| figure(self.base))
    }

    fn base(&self, side: Side) -> Option<Decimal> {
        self.pick(|rates| match side {
            Side::Input => rates.input,
            Side::Output => rates.output,
        })
    }

    fn detail(&self, side: Side, key: &str) -> Option<Decimal> {
        let own = |key: &str| {
            self.pick(|rates| match side {
                Side::Input => rates.input_details.get(key).copied(),
                Side::Output => rates.output_details.get(key).copied(),
            })
        };
        own(key).or_else(|| key.starts_with("cache_write_").then(|| own("cache_write")).flatten())
    }
}

/// Tokens at a price per million.
fn times(tokens: u64, rate: Decimal) -> Decimal {
    rounded(of_each(tokens, rate) / Decimal::from(1_000_000))
}

fn of_each(count: u64, price: Decimal) -> Decimal {
    Decimal::from(count).checked_mul(price).unwrap_or(Decimal::MAX)
}
